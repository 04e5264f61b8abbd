//! Direct solvers for small systems and blocks.

pub(crate) mod cholesky;
mod skyline;

pub use skyline::SkylineCholesky;
