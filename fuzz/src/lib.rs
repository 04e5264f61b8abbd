//! Reading of one input by each reader. The fuzz targets call these functions, and the checks of
//! `tests/mpi/inputs.rs` with the inputs of `corpus/`.

pub mod case;
mod changed;
pub mod checkpoint;
pub mod expression;
pub mod files;
pub mod gmsh;
pub mod hdf5;
pub mod npz;
pub mod partition;
pub mod record;
pub mod results;
pub mod xlsx;
