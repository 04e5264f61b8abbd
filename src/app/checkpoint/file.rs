//! One checkpoint file: HDF5, its vectors in the numbering of the mesh, so that
//! any number of ranks can read it.
//!
//! ```text
//! x, low, r, p (N)    the vectors of CG, 0 at nodes of no element
//! residual_history    ||r|| at the start and after each iteration
//! header              attribute: the rest, as TOML
//! header_checksum     attribute (u64)
//! checksum            attribute (u64): of the datasets
//! ```

use std::fs;
use std::path::Path;

use hdf5::File;
use hdf5::types::{FloatSize, TypeDescriptor, VarLenUnicode};
use xxhash_rust::xxh3::xxh3_64;

use crate::app::checkpoint::CheckpointKey;
use crate::app::checkpoint::header::{Difference, FORMAT, Header};
use crate::app::checkpoint::node_slabs::NodeSlabs;
use crate::error::{Error, Result};
use crate::io::file::{atomic_hdf5, path};
use crate::io::hdf5::{Part, read_rows, with_file, write_part};
use crate::la::Vector;
use crate::la::cg::CgState;
use crate::mesh::checksum;
use crate::parallel::{Comm, GlobalIndex, SpanKind, fault_injection};

const VECTORS: [&str; 4] = ["x", "low", "r", "p"];
/// Bytes of a checkpoint for each node.
pub(crate) const BYTES_PER_NODE: usize = VECTORS.len() * size_of::<f64>();
const HISTORY: &str = "residual_history";
const HEADER: &str = "header";
const HEADER_CHECKSUM: &str = "header_checksum";
const CHECKSUM: &str = "checksum";

/// Writes a state under the temporary name of `path` and flushes it to the disk. **Collective.**
///
/// # Errors
/// A file that cannot be written, which is removed; the same on every rank.
pub(crate) fn write(comm: &Comm, path: &Path, key: &CheckpointKey, state: &CgState) -> Result<()> {
    let header = toml::to_string(&Header::new(comm, key, state)).map_err(|e| path::write_error(path, e));
    let header = comm.agree(header)?;
    let slabs = key.slabs(comm);
    let nodes = slabs.blocks().total();
    let bytes = (VECTORS.len() as u64 * nodes + state.history.len() as u64) * 8 + header.len() as u64;
    atomic_hdf5::write(comm, path, bytes, |file| fill(comm, file, slabs, &header, state), || ())?;
    let partial = path::partial(path);
    let flushed = comm.span(SpanKind::Flush, 0, || atomic_hdf5::flush(&partial));
    let flushed = comm.agree(flushed.map_err(|e| path::write_error(path, e)));
    flushed.inspect_err(|_| drop(fs::remove_file(&partial)))
}

fn fill(comm: &Comm, file: &File, slabs: &NodeSlabs, header: &str, state: &CgState) -> hdf5::Result<()> {
    let mut sum = 0_u64;
    for ((k, name), vector) in (0..).zip(VECTORS).zip([&state.x, &state.low, &state.r, &state.p]) {
        let values = slabs.send(comm, vector);
        sum = sum.wrapping_add(slabs.checksum(comm, k, &values));
        let part =
            Part { total: slabs.blocks().total(), rows: slabs.blocks().range(comm.rank()), is_compressed: false };
        write_part(comm, file, name, part, 1, &values, None)?;
        fault_injection::point(comm, format_args!("saving-{name}"));
    }
    let history = if comm.is_root() { &state.history[..] } else { &[] };
    sum = sum.wrapping_add(history_checksum(history));
    let part = Part { total: state.history.len() as u64, rows: 0..history.len() as u64, is_compressed: false };
    write_part(comm, file, HISTORY, part, 1, history, None)?;
    let text: VarLenUnicode = header.parse().map_err(|_| hdf5::Error::from("text with a NUL"))?;
    file.new_attr::<VarLenUnicode>().create(HEADER)?.write_scalar(&text)?;
    file.new_attr::<u64>().create(HEADER_CHECKSUM)?.write_scalar(&xxh3_64(header.as_bytes()))?;
    file.new_attr::<u64>().create(CHECKSUM)?.write_scalar(&comm.sum(sum))
}

/// Reads the state of a checkpoint, or what differs where it belongs to another solve.
/// **Collective.**
///
/// # Errors
/// A file that cannot be opened, or that is damaged; the same on every rank.
pub(crate) fn read(comm: &Comm, path: &Path, key: &CheckpointKey) -> Result<Stored> {
    let damaged = |cause: String| damaged(path, &cause);
    with_file(comm, path, damaged, |file| Reader { comm, path, file }.read(key))
}

/// Reads the number of refinements of the solve of a checkpoint. **Collective.**
///
/// # Errors
/// A file that cannot be opened, or that is damaged; the same on every rank.
pub(crate) fn refinements(comm: &Comm, path: &Path) -> Result<u32> {
    let damaged = |cause: String| damaged(path, &cause);
    let header = with_file(comm, path, damaged, |file| comm.agree(Reader { comm, path, file }.header()))?;
    header.refinements().ok_or_else(|| damaged("it has no case".to_owned()))
}

/// State of a checkpoint, or what differs where it belongs to another solve.
pub(crate) type Stored = std::result::Result<CgState, Difference>;

/// Reader of one checkpoint file.
struct Reader<'a> {
    comm: &'a Comm,
    path: &'a Path,
    file: &'a File,
}

impl Reader<'_> {
    fn read(&self, key: &CheckpointKey) -> Result<Stored> {
        let comm = self.comm;
        let header = comm.agree(self.header())?;
        if let Some(difference) = header.difference(comm, key) {
            return Ok(Err(difference));
        }
        let slabs = key.slabs(comm);
        let rows = slabs.blocks().range(comm.rank());
        let mut sum = 0_u64;
        let mut vectors = Vec::new();
        for (k, name) in (0..).zip(VECTORS) {
            let values = comm.agree(self.numbers(name, Some(slabs.blocks().total()), |_| rows.clone()))?;
            sum = sum.wrapping_add(slabs.checksum(comm, k, &values));
            vectors.push(slabs.fetch(comm, &values));
        }
        let history = comm.agree(self.numbers(HISTORY, None, |length| 0..length))?;
        sum = sum.wrapping_add(if comm.is_root() { history_checksum(&history) } else { 0 });
        let expected = comm.agree(self.number(CHECKSUM))?;
        if comm.sum(sum) != expected || history.is_empty() {
            return Err(self.damaged("its checksum is another one"));
        }
        let [x, low, r, p] = <[Vector; 4]>::try_from(vectors).unwrap_or_else(|_| unreachable!("one for each name"));
        let Header { recurrence, repairs, switches, refusal, .. } = header;
        Ok(Ok(CgState { x, low, r, p, recurrence, replacements: repairs, switches, refusal, history }))
    }

    fn header(&self) -> Result<Header> {
        let text = self.file.attr(HEADER).and_then(|attribute| attribute.read_scalar::<VarLenUnicode>());
        let text = text.map_err(|_| self.damaged("it has no header"))?;
        if self.number(HEADER_CHECKSUM)? != xxh3_64(text.as_bytes()) {
            return Err(self.damaged("the checksum of its header is another one"));
        }
        let header: Header = toml::from_str(&text).map_err(|e| self.damaged(e.message()))?;
        if header.format != FORMAT {
            return Err(self.damaged(&format!("its format is {}, this program reads {FORMAT}", header.format)));
        }
        Ok(header)
    }

    /// Reads rows of a dataset of f64 of this length.
    fn numbers(&self, name: &str, length: Option<u64>, rows: impl Fn(u64) -> std::ops::Range<u64>) -> Result<Vec<f64>> {
        let dataset = self.file.dataset(name).map_err(|_| self.damaged(&format!("it has no dataset '{name}'")))?;
        let is_f64 =
            dataset.dtype().and_then(|t| t.to_descriptor()).is_ok_and(|t| t == TypeDescriptor::Float(FloatSize::U8));
        let shape = dataset.shape();
        let stored = shape.first().map_or(0, |&n| n as u64);
        if !is_f64 || shape.len() != 1 || length.is_some_and(|length| length != stored) {
            return Err(self.damaged(&format!("its dataset '{name}' has another type or shape {shape:?}")));
        }
        let held = dataset.storage_size();
        if held != 8 * stored {
            return Err(self.damaged(&format!("its dataset '{name}' claims {} bytes and has {held}", 8 * stored)));
        }
        read_rows::<f64>(self.comm, &dataset, rows(stored)).map_err(|e| self.damaged(&e.to_string()))
    }

    fn number(&self, name: &str) -> Result<u64> {
        let read = self.file.attr(name).and_then(|attribute| attribute.read_scalar());
        read.map_err(|_| self.damaged(&format!("it has no number '{name}'")))
    }

    fn damaged(&self, cause: &str) -> Error {
        damaged(self.path, cause)
    }
}

/// Returns the error of a file that is no complete checkpoint.
fn damaged(path: &Path, cause: &str) -> Error {
    Error::input(format!("{} is damaged, or no checkpoint of quad8-mpi: {cause}", path.display()))
}

fn history_checksum(history: &[f64]) -> u64 {
    // Indices beyond those of the nodes.
    checksum(GlobalIndex::MAX / 2, history.iter().map(|value| [value.to_bits()]))
}
