//! Weights of elements from a dataset.

use std::path::Path;

use hdf5::types::TypeDescriptor;

use crate::error::{Error, Result};
use crate::io::hdf5::{open, read_rows};
use crate::io::mesh::is_hdf5;
use crate::mesh::MeshSlab;
use crate::parallel::Comm;

/// Largest sum of weights: METIS adds up all weights in 32 bits.
const TOTAL: f64 = (1 << 30) as f64;
/// Mean weight where the largest sum permits it.
const MEAN: f64 = 64.0;

/// Reads the weight of each element of the slab from the dataset `name` (E) of an HDF5 file. The
/// dataset holds any positive numbers; the weights are integers in the same proportion.
/// **Collective.**
///
/// # Errors
/// The file is not HDF5, the dataset cannot be read, or a weight is not positive and finite; the
/// same on every rank.
pub fn read_weights(comm: &Comm, path: &Path, name: &str, slab: &MeshSlab) -> Result<Vec<u32>> {
    if !comm.agree(is_hdf5(path))? {
        let path = path.display();
        return Err(Error::input(format!(
            "weights are a dataset of an HDF5 mesh, and {path} is none: quad8-mpi convert {path} MESH.h5 makes one"
        )));
    }
    let missing = |cause: String| Error::input(format!("no weights '{name}' (E) in {}: {cause}", path.display()));
    let file = open(comm, path, missing)?;
    let read = comm.agree(read_rows_of(comm, &file, name, slab).map_err(missing));
    let closed = file.close().map_err(|e| missing(e.to_string()));
    let weights = read?;
    comm.agree(closed)?;
    let first = slab.elements.range(comm.rank()).start;
    let bad = weights.iter().zip(first..).find(|(w, _)| !(w.is_finite() && **w > 0.0));
    comm.agree(bad.map_or(Ok(()), |(&weight, element)| Err(bad_weight(element, weight))))?;
    // The sum of very large or very small weights may not be finite: weights are relative to the
    // largest one.
    let heaviest = comm.max(weights.iter().copied().fold(0.0, f64::max));
    let total = comm.sum(weights.iter().map(|w| w / heaviest).sum::<f64>());
    let scale = (MEAN * slab.elements.total() as f64).min(TOTAL) / total;
    Ok(weights.iter().map(|w| (w / heaviest * scale).round().max(1.0) as u32).collect())
}

fn bad_weight(element: u64, weight: f64) -> Error {
    let text = format!("element {element}: its weight is {weight}, weights must be positive and finite");
    Error::input(text).at(element, 0)
}

/// Reads this rank's rows as f64, to which HDF5 converts any number.
fn read_rows_of(comm: &Comm, file: &hdf5::File, name: &str, slab: &MeshSlab) -> std::result::Result<Vec<f64>, String> {
    let dataset = file
        .dataset(name)
        .map_err(|_| format!("there is no such dataset, but {}", file.member_names().unwrap_or_default().join(", ")))?;
    let expected = [slab.elements.total() as usize];
    if dataset.shape() != expected {
        return Err(format!("its shape is {:?}, expected {expected:?}", dataset.shape()));
    }
    match dataset.dtype().and_then(|t| t.to_descriptor()) {
        Ok(TypeDescriptor::Integer(_) | TypeDescriptor::Unsigned(_) | TypeDescriptor::Float(_)) => {}
        Ok(other) => return Err(format!("it holds {other}, expected numbers")),
        Err(e) => return Err(e.to_string()),
    }
    read_rows(comm, &dataset, slab.elements.range(comm.rank())).map_err(|e| e.to_string())
}
