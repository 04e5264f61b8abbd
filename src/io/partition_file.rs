//! Partition files: an HDF5 file with the part of every element in the numbering of the mesh file.
//! The attributes are optional, so that other programs can write such a file with one dataset.
//!
//! ```text
//! part (E)                  part of each element, an integer
//! parts                     attribute (u64): number of parts
//! edge_cut                  attribute (u64): pairs of neighbouring elements in different parts
//! seed                      attribute (i64): seed of the partitioner
//! elements, nodes, connectivity_checksum
//!                           attributes (u64): the mesh
//! part_checksum             attribute (u64): of the dataset
//! ```

use std::path::Path;

use hdf5::File;
use hdf5::types::TypeDescriptor::{Integer, Unsigned};
use hdf5::types::{IntSize, VarLenUnicode};

use crate::error::{Error, Result};
use crate::io::file::{Lock, atomic_hdf5, probe, refuse_input, refuse_other_than_hdf5};
use crate::io::hdf5::{read_rows, with_file, write_rows};
use crate::mesh::partition::{Partition, PartitionOptions};
use crate::mesh::{MeshIdentity, MeshSlab, checksum};
use crate::parallel::{BlockDistribution, Comm, GlobalIndex};

const PARTS: &str = "parts";
const EDGE_CUT: &str = "edge_cut";
const SEED: &str = "seed";
const ELEMENTS: &str = "elements";
const NODES: &str = "nodes";
const CONNECTIVITY: &str = "connectivity_checksum";
const CHECKSUM: &str = "part_checksum";
/// Dataset with the part of each element.
const PART: &str = "part";

/// Output of a partition; its name always belongs to a complete file.
pub struct PartitionFile<'a> {
    path: &'a Path,
    /// On rank 0.
    _lock: Option<Lock>,
}

impl<'a> PartitionFile<'a> {
    /// Checks before the partitioning that the file can be written and is not the mesh, and locks
    /// it. **Collective.**
    ///
    /// # Errors
    /// The file is the mesh, is locked by another run, or cannot be written; the same on every
    /// rank.
    pub fn new(comm: &Comm, path: &'a Path, mesh: Option<&Path>) -> Result<Self> {
        let lock = || {
            refuse_input(path, mesh)?;
            refuse_other_than_hdf5(path)?;
            let lock = Lock::new(path)?;
            probe(path)?;
            Ok(Some(lock))
        };
        let lock = comm.agree(if comm.is_root() { lock() } else { Ok(None) })?;
        Ok(Self { path, _lock: lock })
    }

    /// Writes a partition of the mesh in `slab`. **Collective.**
    ///
    /// # Errors
    /// The file cannot be written; the same on every rank.
    pub fn write(&self, comm: &Comm, slab: &MeshSlab, options: &PartitionOptions, partition: &Partition) -> Result<()> {
        let checksum = parts_checksum(comm, slab.elements, &partition.parts);
        let mut attributes = vec![(PARTS, options.parts as u64), (CHECKSUM, checksum)];
        attributes.extend(partition.edge_cut.map(|cut| (EDGE_CUT, cut)));
        let mesh = MeshIdentity::of(comm, slab);
        let parts: Vec<i32> = partition.parts.iter().map(|&p| p as i32).collect();
        let fill = |file: &File| {
            write_attributes(file, &attributes, options.seed, mesh)?;
            let dataset = file.new_dataset::<i32>().shape(mesh.elements as usize).create(PART)?;
            write_rows(comm, &dataset, slab.elements.range(comm.rank()), &parts)
        };
        atomic_hdf5::write(comm, self.path, size_of::<i32>() as u64 * mesh.elements, fill, || ())?;
        comm.agree(if comm.is_root() { atomic_hdf5::finish(self.path) } else { Ok(()) })
    }
}

fn write_attributes(file: &File, attributes: &[(&str, u64)], seed: i32, mesh: MeshIdentity) -> hdf5::Result<()> {
    let of_mesh = [(ELEMENTS, mesh.elements), (NODES, mesh.nodes), (CONNECTIVITY, mesh.connectivity)];
    for (name, value) in attributes.iter().chain(&of_mesh) {
        file.new_attr::<u64>().create(*name)?.write_scalar(value)?;
    }
    file.new_attr::<i64>().create(SEED)?.write_scalar(&i64::from(seed))?;
    let program = format!("quad8-mpi {}", env!("CARGO_PKG_VERSION"));
    let program: VarLenUnicode = program.parse().map_err(|_| hdf5::Error::from("text with a NUL"))?;
    file.new_attr::<VarLenUnicode>().create("program")?.write_scalar(&program)
}

/// Computes the checksum of the parts of all elements. **Collective.**
fn parts_checksum(comm: &Comm, elements: BlockDistribution, parts: &[u32]) -> u64 {
    let first = elements.range(comm.rank()).start;
    comm.sum(checksum(first, parts.iter().map(|&part| [GlobalIndex::from(part)])))
}

/// Reads the stored partition of the mesh in `slab`, one part a rank. **Collective.**
///
/// # Errors
/// The file cannot be opened, is damaged, or belongs to another mesh or another number of ranks;
/// the same on every rank.
pub fn read_partition(comm: &Comm, path: &Path, slab: &MeshSlab) -> Result<Partition> {
    with_file(comm, path, |cause| damaged(path, &cause), |file| Reader { comm, path, file, slab }.read())
}

fn damaged(path: &Path, cause: &str) -> Error {
    let path = path.display();
    Error::input(format!(
        "{path} is damaged, or no partition of quad8-mpi: {cause}; make it again with quad8-mpi partition"
    ))
}

struct Reader<'a> {
    comm: &'a Comm,
    path: &'a Path,
    file: &'a File,
    slab: &'a MeshSlab,
}

impl Reader<'_> {
    fn read(&self) -> Result<Partition> {
        let count = |name| self.comm.agree(self.count(name));
        let ranks = self.comm.size() as u64;
        let parts = count(PARTS)?.unwrap_or(ranks);
        let (edge_cut, expected) = (count(EDGE_CUT)?, count(CHECKSUM)?);
        self.check_mesh([count(ELEMENTS)?, count(NODES)?, count(CONNECTIVITY)?])?;
        let of_element = self.comm.agree(self.parts(parts))?;
        let found = parts_checksum(self.comm, self.slab.elements, &of_element);
        if expected.is_some_and(|expected| expected != found) {
            return Err(self.damaged("its checksum is another one".to_owned()));
        }
        if parts != ranks {
            let path = self.path.display();
            return Err(Error::input(format!(
                "{path} has {parts} parts and this run {ranks} ranks: start {parts} ranks, \
                 or make another one with quad8-mpi partition -n {ranks}"
            )));
        }
        Ok(Partition { parts: of_element, edge_cut })
    }

    /// Compares the mesh with what the file holds of `stored`: the numbers of elements and nodes
    /// and the checksum of the connectivity.
    fn check_mesh(&self, stored: [Option<u64>; 3]) -> Result<()> {
        let found = MeshIdentity::of(self.comm, self.slab);
        let found = [
            ("elements", found.elements),
            ("nodes", found.nodes),
            ("as checksum of its connectivity", found.connectivity),
        ];
        for (stored, (what, found)) in stored.into_iter().zip(found) {
            if let Some(stored) = stored.filter(|&stored| stored != found) {
                let path = self.path.display();
                return Err(Error::input(format!(
                    "{path} is the partition of another mesh: that one has {stored} {what}, this one {found}; \
                     make one of this mesh with quad8-mpi partition"
                )));
            }
        }
        Ok(())
    }

    /// Reads the parts of this rank's elements, each below `count`.
    fn parts(&self, count: u64) -> Result<Vec<u32>> {
        let dataset = self.file.dataset(PART).map_err(|_| self.damaged(format!("it has no dataset '{PART}'")))?;
        let (expected, shape) = (self.slab.elements.total(), dataset.shape());
        if shape != [expected as usize] {
            return Err(self.damaged(format!("its dataset '{PART}' has shape {shape:?}, expected [{expected}]")));
        }
        let rows = self.slab.elements.range(self.comm.rank());
        let read = match dataset.dtype().and_then(|t| t.to_descriptor()) {
            // The type of this program's files is read collectively. HDF5 converts the others.
            Ok(Integer(IntSize::U4)) => {
                read_rows::<i32>(self.comm, &dataset, rows).map(|parts| parts.into_iter().map(i64::from).collect())
            }
            Ok(Integer(_) | Unsigned(_)) => read_rows::<i64>(self.comm, &dataset, rows),
            Ok(other) => return Err(self.damaged(format!("its dataset '{PART}' holds {other}, expected integers"))),
            Err(e) => Err(e),
        };
        let read: Vec<i64> = read.map_err(|e| self.damaged(e.to_string()))?;
        let check = |part: i64| u32::try_from(part).ok().filter(|&p| u64::from(p) < count);
        let checked = read.into_iter().map(|part| {
            check(part).ok_or_else(|| self.damaged(format!("it assigns an element to part {part} of {count}")))
        });
        checked.collect()
    }

    /// Reads a number of the file, if it holds one of this name.
    fn count(&self, name: &str) -> Result<Option<u64>> {
        let names = self.file.attr_names().map_err(|e| self.damaged(e.to_string()))?;
        if !names.iter().any(|found| found == name) {
            return Ok(None);
        }
        let read = self.file.attr(name).and_then(|attribute| attribute.read_scalar());
        read.map(Some).map_err(|_| self.damaged(format!("its attribute '{name}' is not a number")))
    }

    fn damaged(&self, cause: String) -> Error {
        damaged(self.path, &cause)
    }
}
