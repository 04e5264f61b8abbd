//! Partition files: an HDF5 file with the part of every element in the numbering of the mesh file,
//! and the identity of the mesh.

use std::path::Path;

use hdf5::types::{IntSize, TypeDescriptor, VarLenUnicode};
use hdf5::{Attribute, File};

use crate::error::{Error, Result};
use crate::io::file::{Lock, atomic_hdf5, probe, refuse_input, refuse_other_than_hdf5};
use crate::io::hdf5::{read_rows, with_file, write_rows};
use crate::mesh::partition::{Partition, PartitionOptions};
use crate::mesh::{MeshIdentity, MeshSlab, checksum};
use crate::parallel::{BlockDistribution, Comm, GlobalIndex};

/// Attribute with the number of parts; all attributes are u64 except the seed, which is i64.
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
        let attributes = [
            (PARTS, options.parts as u64),
            (EDGE_CUT, partition.edge_cut),
            (CHECKSUM, parts_checksum(comm, slab.elements, &partition.parts)),
        ];
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
        let (parts, edge_cut, expected) = (count(PARTS)?, count(EDGE_CUT)?, count(CHECKSUM)?);
        let stored =
            MeshIdentity { elements: count(ELEMENTS)?, nodes: count(NODES)?, connectivity: count(CONNECTIVITY)? };
        self.check_mesh(stored)?;
        let of_element = self.comm.agree(self.parts(parts))?;
        if parts_checksum(self.comm, self.slab.elements, &of_element) != expected {
            return Err(self.damaged("its checksum is another one".to_owned()));
        }
        let ranks = self.comm.size() as u64;
        if parts != ranks {
            let path = self.path.display();
            return Err(Error::input(format!(
                "{path} has {parts} parts and this run {ranks} ranks: start {parts} ranks, \
                 or make another one with quad8-mpi partition -n {ranks}"
            )));
        }
        Ok(Partition { parts: of_element, edge_cut })
    }

    fn check_mesh(&self, stored: MeshIdentity) -> Result<()> {
        let found = MeshIdentity::of(self.comm, self.slab);
        for (what, stored, found) in [
            ("elements", stored.elements, found.elements),
            ("nodes", stored.nodes, found.nodes),
            ("as checksum of its connectivity", stored.connectivity, found.connectivity),
        ] {
            if stored != found {
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
        let is_i32 =
            dataset.dtype().and_then(|t| t.to_descriptor()).is_ok_and(|t| t == TypeDescriptor::Integer(IntSize::U4));
        if !is_i32 || dataset.shape() != [self.slab.elements.total() as usize] {
            return Err(self.damaged(format!("its dataset '{PART}' is not one 32-bit integer an element")));
        }
        let rows = self.slab.elements.range(self.comm.rank());
        let read = read_rows::<i32>(self.comm, &dataset, rows).map_err(|e| self.damaged(e.to_string()))?;
        let check = |part: i32| u32::try_from(part).ok().filter(|&p| u64::from(p) < count);
        let checked = read.into_iter().map(|part| {
            check(part).ok_or_else(|| self.damaged(format!("it assigns an element to part {part} of {count}")))
        });
        checked.collect()
    }

    fn count(&self, name: &str) -> Result<u64> {
        let read = self.file.attr(name).and_then(|attribute| scalar(&attribute));
        read.map_err(|_| self.damaged(format!("it has no number '{name}'")))
    }

    fn damaged(&self, cause: String) -> Error {
        damaged(self.path, &cause)
    }
}

fn scalar(attribute: &Attribute) -> hdf5::Result<u64> {
    attribute.read_scalar()
}
