//! Distributed sparse matrices.

mod builder;
mod compact_rows;
mod csr;
mod slice_products;
mod sliced_ellpack;
mod slices;

pub(crate) use builder::{ChunkedRows, local_rows};
pub(crate) use compact_rows::CompactRows;
pub(crate) use csr::{Csr, bytes, entries};
pub use csr::{DistributedCsr, SplitCsr};
pub(crate) use sliced_ellpack::SlicedEllpack;
