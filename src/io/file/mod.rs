//! Paths, locks and atomic writes of files.

mod atomic;
pub(crate) mod atomic_hdf5;
mod lock;
pub(crate) mod open;
pub(crate) mod path;

pub(crate) use atomic::{AtomicFile, write_atomic};
pub(crate) use atomic_hdf5::finish;
pub use atomic_hdf5::survive_size_limits;
pub(crate) use lock::Lock;
pub(crate) use path::{
    canonical, check_room, open_error, partial, probe, refuse_input, refuse_other_ending, refuse_other_than_hdf5,
    resolve_symlink, write_error,
};
