//! Parallel reads and writes of HDF5 datasets.

mod check;
mod dataset;
mod hints;
pub(crate) mod parallel_file;
mod read_ahead;
mod redistribute;
mod rows;
mod transfers;
mod with_file;

pub(crate) use check::{bad_shape, check_stored, declared_bytes, read_error};
pub(crate) use dataset::{Part, attribute, unicode, write_part};
pub(crate) use parallel_file::open;
pub(crate) use read_ahead::read_ahead;
pub(crate) use redistribute::ToSlabs;
pub(crate) use rows::{read_parts, read_rows, write_rows};
pub(crate) use with_file::with_file;
