//! Distributed sparse matrices.

mod builder;
mod compact_rows;
mod csr;
mod sliced_ellpack;

pub(crate) use builder::{ChunkedRows, local_rows};
pub(crate) use compact_rows::CompactRows;
pub(crate) use csr::{Csr, bytes, entries};
pub use csr::{DistributedCsr, SplitCsr};
pub(crate) use sliced_ellpack::SlicedEllpack;
