//! Distributed sparse matrices.

mod builder;
mod csr;

pub use builder::local_rows;
pub use csr::{Csr, DistributedCsr, SplitCsr, entries, multiply};
