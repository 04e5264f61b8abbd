//! Parallel reads and writes of HDF5 datasets.

pub(crate) mod dataset;
pub(crate) mod open;
pub(crate) mod redistribute;
pub mod transfer;

pub use dataset::{Part, attribute, unicode, write_part};
pub use redistribute::ToSlabs;
pub use transfer::{read_rows, write_rows};
