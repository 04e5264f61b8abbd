//! Memory, waits for a core, environment, standard streams, calls of METIS, and the parsing and
//! formatting of numbers.

pub mod allocator;
pub(crate) mod arguments;
mod core_wait;
mod digits;
mod memory;
pub(crate) mod messages;
mod metis;
mod near;
pub(crate) mod numbers;

pub(crate) use allocator::prefetch;
pub use allocator::{HugePages, set_variable_if_unset};
pub(crate) use core_wait::core_wait;
pub(crate) use digits::{group, plural, rounded, show_point, signed, significant};
pub(crate) use memory::available_memory;
pub use messages::print_error;
pub(crate) use messages::{print, print_info, print_stderr, wait_for_reader};
pub(crate) use metis::run_metis;
pub(crate) use near::{did_you_mean, nearest};
