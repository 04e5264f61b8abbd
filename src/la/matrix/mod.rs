//! Distributed sparse matrices.

mod builder;
mod csr;

pub(crate) use builder::{ChunkedRows, local_rows};
pub(crate) use csr::{Csr, entries, multiply};
pub use csr::{DistributedCsr, SplitCsr};
