//! Distributed sparse matrices.

mod builder;
mod csr;
mod sliced_ellpack;

pub(crate) use builder::{ChunkedRows, local_rows};
pub(crate) use csr::{Csr, bytes, entries, multiply};
pub use csr::{DistributedCsr, SplitCsr};
pub(crate) use sliced_ellpack::SlicedEllpack;
