//! Memory, standard streams, and the parsing and formatting of numbers.

pub mod allocator;
pub mod arguments;
mod digits;
pub mod messages;
mod near;
pub mod numbers;

pub use allocator::{HugePages, prefetch};
pub use digits::{plural, rounded, signed, significant};
pub use messages::{print, print_error, print_info, print_stderr};
pub use near::{did_you_mean, nearest};
