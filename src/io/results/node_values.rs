//! Nodal fields of a results file at the nodes of a distributed mesh.

use std::path::Path;

use hdf5::File;

use crate::error::{Error, Result};
use crate::io::hdf5::{ToSlabs, bad_shape, check_stored, read_error, read_rows, with_file};
use crate::io::results::fields::NODE_FIELDS;
use crate::mesh::LocalMesh;
use crate::parallel::{BlockDistribution, Comm};

/// Nodal field at the local nodes.
pub struct NodeValues {
    /// Name of the dataset.
    pub name: &'static str,
    /// Values of each component.
    pub components: Vec<Vec<f64>>,
}

/// Reads all nodal fields that a results file holds; each rank gets the values at its local nodes.
/// **Collective.**
///
/// # Errors
/// The file is no results file or is damaged; the same on every rank.
pub fn read_node_values(comm: &Comm, path: &Path, mesh: &LocalMesh) -> Result<Vec<NodeValues>> {
    let blocks = BlockDistribution::new(mesh.total_nodes, comm.size());
    let to_slabs = ToSlabs::new(comm, blocks, mesh.node_ids.iter().copied());
    with_file(
        comm,
        path,
        |cause| read_error(path, "/", cause),
        |file| {
            let is_there = |(name, _): &&(&'static str, usize)| file.link_exists(name);
            let mut fields = Vec::new();
            for &(name, width) in NODE_FIELDS.iter().filter(is_there) {
                let block = comm.agree(read_block(comm, path, file, name, width, blocks))?;
                let component = |c: usize| {
                    let values: Vec<f64> = block.iter().skip(c).step_by(width).copied().collect();
                    to_slabs.fetch(comm, &values)
                };
                fields.push(NodeValues { name, components: (0..width).map(component).collect() });
            }
            if fields.is_empty() { Err(no_field(path)) } else { Ok(fields) }
        },
    )
}

/// Reads this rank's rows of a dataset. **Collective.**
fn read_block(
    comm: &Comm,
    path: &Path,
    file: &File,
    name: &str,
    width: usize,
    blocks: BlockDistribution,
) -> Result<Vec<f64>> {
    let total = blocks.total() as usize;
    let expected = if width == 1 { vec![total] } else { vec![total, width] };
    let open = || {
        let dataset = file.dataset(name).map_err(|e| read_error(path, name, e))?;
        if dataset.shape() != expected {
            return Err(bad_shape(path, name, &dataset, &format!("{expected:?}")));
        }
        check_stored(path, file, &dataset, name)?;
        Ok(dataset)
    };
    let dataset = comm.agree(open())?;
    let rows = blocks.range(comm.rank());
    // With another type than that of the file a transfer is not collective.
    let read = if comm.agree(dataset.dtype().map_err(|e| read_error(path, name, e)))?.is::<f32>() {
        read_rows::<f32>(comm, &dataset, rows).map(|values| values.into_iter().map(f64::from).collect())
    } else {
        read_rows::<f64>(comm, &dataset, rows)
    };
    read.map_err(|e| read_error(path, name, e))
}

fn no_field(path: &Path) -> Error {
    let path = path.display();
    Error::input(format!("{path} holds no field at the nodes: a results file of quad8-mpi is expected (OUT.h5)"))
}
