//! `quad8-mpi partition`: stores a partition, so that METIS runs once for a scaling study.

mod args;

pub use args::PartitionArgs;

use std::path::Path;
use std::rc::Rc;

use crate::app::case::find_case;
use crate::error::{ExitCode, Result};
use crate::io::PartitionFile;
use crate::io::console::{Console, edge_cut};
use crate::io::file::resolve_symlink;
use crate::io::mesh::MeshSource;
use crate::mesh::MeshSlab;
use crate::mesh::partition::{Partition, PartitionOptions};
use crate::parallel::Comm;
use crate::system::plural;

/// Partitions a mesh and stores the part of each element. **Collective.**
///
/// # Errors
/// A mesh that cannot be read or partitioned, or a file that cannot be written; the same on every
/// rank.
pub fn partition(comm: &Rc<Comm>, args: &PartitionArgs) -> Result<ExitCode> {
    let console = Console::new(comm.is_root() && !args.quiet);
    let source = find_case(comm, args.mesh.as_deref(), &args.channel, None)?.mesh;
    let output = resolve_symlink(&args.output);
    let file = PartitionFile::new(comm, &output, source.path())?;
    let slab = source.read(comm)?;
    let weights = match (&args.weights, source.path()) {
        (None, _) => None,
        (Some(name), path) => {
            let path = path.map_or_else(|| source.name().into(), ToOwned::to_owned);
            Some(crate::io::mesh::read_weights(comm, &path, name, &slab)?)
        }
    };
    let parts = args.parts as usize;
    let split = PartitionOptions { parts, partitioner: args.partitioner, seed: args.seed, weights: weights.as_deref() };
    let partition = crate::mesh::partition::partition(comm, &slab, &split)?;
    file.write(comm, &slab, &split, &partition)?;
    let loads = loads(comm, &slab, &split, &partition);
    console.split(&source, [slab.elements.total(), slab.nodes.total()], &loads, partition.edge_cut, &output);
    Ok(ExitCode::Success)
}

/// Returns the weight of each part. **Collective.**
fn loads(comm: &Comm, slab: &MeshSlab, split: &PartitionOptions, partition: &Partition) -> Vec<u64> {
    let mut loads = vec![0; split.parts];
    for i in 0..slab.connectivity.len() {
        loads[partition.parts[i] as usize] += split.weights.map_or(1, |w| u64::from(w[i]));
    }
    comm.sum_all(&loads)
}

impl Console {
    /// Prints a stored partition: elements and nodes of the mesh, and the weights of the parts.
    fn split(&self, source: &MeshSource, [elements, nodes]: [u64; 2], loads: &[u64], cut: Option<u64>, file: &Path) {
        self.line("mesh", &format!("{}: {}, {}", source.name(), plural(elements, "element"), plural(nodes, "node")));
        let fullest = loads.iter().max().copied().unwrap_or(0) as f64;
        let imbalance = fullest * loads.len() as f64 / loads.iter().sum::<u64>() as f64;
        let text = format!("{}, {}imbalance {imbalance:.3}", plural(loads.len() as u64, "part"), edge_cut(cut));
        self.line("partition", &text);
        self.line("files", &format!("{} (for --partition)", file.display()));
    }
}
