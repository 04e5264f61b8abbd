//! Results files: one HDF5 file, written by all ranks together, and a file for ParaView.

mod columns;
mod fields;
mod named_parts;
mod run_group;
mod vtkhdf;
mod xdmf;

use std::fs;
use std::path::{Path, PathBuf};

use hdf5::{File, H5Type};

use crate::error::{Error, Result};
use crate::io::file::{
    Lock, atomic_hdf5, canonical, check_room, finish, partial, probe, refuse_input, refuse_other_ending,
    refuse_other_than_hdf5, write_error,
};
use crate::io::hdf5::{Part, ToSlabs, write_part};
use crate::io::record::{RunRecord, is_stdout};
use crate::la::Vector;
use crate::mesh::LocalMesh;
use crate::parallel::{BlockDistribution, Comm, GlobalIndex, fault_injection, work};
use crate::post::{ElementFields, Flux, NodeFields};

/// Results of a run, as one rank holds them.
pub struct Results<'a> {
    /// Mesh of this rank.
    pub mesh: &'a LocalMesh,
    /// u at the nodes.
    pub u: &'a Vector,
    /// Derived fields of the own elements.
    pub fields: &'a [ElementFields],
    /// Derived fields of the local nodes.
    pub node_fields: &'a [NodeFields],
    /// Flux density, where it differs from the velocity.
    pub flux: Option<&'a Flux>,
    /// Estimated errors of the own elements.
    pub errors: &'a [f64],
    /// Record of the run.
    pub record: &'a RunRecord,
}

impl Results<'_> {
    /// Returns whether a field is written: a flux where there is one, a pressure where the physics
    /// has one.
    pub(crate) fn has(&self, field: &str) -> bool {
        match field {
            "flux" | "flux_node" => self.flux.is_some(),
            "pressure" | "pressure_node" => self.record.physics.has_pressure(),
            _ => true,
        }
    }
}

/// Largest number of elements whose bytes fit in 64 bits.
const COUNTABLE: u64 = u64::MAX >> 10;

/// Format of the file for ParaView.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Companion {
    /// OUT.xdmf: a description of OUT.h5.
    Xdmf,
    /// OUT.hdf: a VTKHDF file with its own data, one partition a rank.
    VtkHdf,
}

/// Output of results: an HDF5 file and a file for ParaView. Their final names always belong to
/// complete files.
pub struct ResultsFile {
    path: PathBuf,
    companion: Companion,
    /// On rank 0.
    _lock: Option<Lock>,
}

impl ResultsFile {
    /// Checks before the solve that the results, the file for ParaView and the run record can be
    /// written, under different names that no input has, and locks them. **Collective.**
    ///
    /// # Errors
    /// An output is an input or another output, has the extension of another format, is locked by
    /// another run, or cannot be written; the same on every rank.
    pub fn new(
        comm: &Comm,
        path: &Path,
        companion: Companion,
        inputs: &[&Path],
        record: Option<&Path>,
    ) -> Result<Self> {
        let mut file = Self { path: path.into(), companion, _lock: None };
        file._lock = comm.agree(if comm.is_root() { file.lock(inputs, record).map(Some) } else { Ok(None) })?;
        Ok(file)
    }

    fn lock(&self, inputs: &[&Path], record: Option<&Path>) -> Result<Lock> {
        refuse_other_ending(&self.path)?;
        let companion = self.companion_path();
        for path in [&self.path, &companion] {
            refuse_other_than_hdf5(path)?;
        }
        let outputs: Vec<&Path> = [&self.path, &companion].into_iter().map(PathBuf::as_path).chain(record).collect();
        let same = |a: &Path, b: &Path| canonical(a) == canonical(b);
        for (i, path) in outputs.iter().enumerate() {
            refuse_input(path, inputs.iter().copied())?;
            if outputs[..i].iter().any(|other| same(other, path)) {
                let path = path.display();
                return Err(Error::input(format!(
                    "{path} would be two files in one: give the results and the record other names"
                )));
            }
        }
        let lock = Lock::new(&self.path)?;
        probe(&self.path)?;
        // A record may go to something that exists, /dev/stdout for instance.
        record.filter(|path| !path.exists() && !is_stdout(path)).map_or(Ok(()), probe)?;
        Ok(lock)
    }

    /// Checks that the disk has room for the results of a mesh of so many elements after `levels`
    /// refinements. **Collective.**
    ///
    /// # Errors
    /// The results are larger than the free space; the same on every rank.
    pub fn check_room(&self, comm: &Comm, elements: u64, levels: u32, has_flux: bool) -> Result<()> {
        let elements = 4_u64.checked_pow(levels).and_then(|children| elements.checked_mul(children));
        let check = || match elements.filter(|&elements| elements <= COUNTABLE) {
            // A mesh has three nodes an element and those of its boundary.
            Some(elements) => {
                let flux = if has_flux { flux_bytes(3 * elements, elements, 2) } else { 0 };
                check_room(&self.path, bytes(3 * elements, elements, size_of::<i32>()) + flux)
            }
            // Refining will complain.
            None => Ok(()),
        };
        comm.agree(if comm.is_root() { check() } else { Ok(()) })
    }

    /// Returns the path of the file for ParaView.
    pub fn companion_path(&self) -> PathBuf {
        self.path.with_extension(match self.companion {
            Companion::Xdmf => "xdmf",
            // ParaView 5.11 does not know the extension .vtkhdf.
            Companion::VtkHdf => "hdf",
        })
    }

    /// Writes all datasets in the numbering of the input, then renames the files to their final
    /// names. Returns whether every transfer was collective. **Collective.**
    ///
    /// # Errors
    /// A file cannot be written; the same on every rank, and previous files are unchanged.
    pub fn write(&self, comm: &Comm, results: &Results) -> Result<bool> {
        let written = self.write_partial(comm, results);
        let finished = if written.is_ok() && comm.is_root() { self.finish(results) } else { Ok(()) };
        if comm.is_root() && (written.is_err() || finished.is_err()) {
            // The write error is reported; a failure to clean up only leaves files behind.
            let _ = fs::remove_file(partial(&self.path));
            let _ = fs::remove_file(partial(&self.companion_path()));
        }
        let collective = written?;
        comm.agree(finished)?;
        Ok(collective)
    }

    /// Flushes the files to the disk. **Collective.**
    ///
    /// # Errors
    /// An error of the operating system; the same on every rank.
    pub fn flush(&self, comm: &Comm) -> Result<()> {
        let paths = [&self.path, &self.companion_path()];
        let flush = |path: &Path| atomic_hdf5::flush(path).and_then(|()| atomic_hdf5::flush_folder(path));
        // Every host has written a part.
        comm.agree(paths.into_iter().try_for_each(|path| flush(path).map_err(|e| write_error(path, e))))
    }

    fn finish(&self, results: &Results) -> Result<()> {
        let mesh = results.mesh;
        let companion = self.companion_path();
        if self.companion == Companion::Xdmf {
            let name = self.path.file_name().unwrap_or_default().to_string_lossy();
            let text = xdmf::describe(&name, mesh.total_nodes, mesh.total_elements, index_bytes(mesh), |name| {
                results.has(name)
            });
            let write = fs::write(partial(&companion), text);
            write.map_err(|e| write_error(&companion, e))?;
        }
        finish(&self.path)?;
        finish(&companion)
    }

    fn write_partial(&self, comm: &Comm, results: &Results) -> Result<bool> {
        let mesh = results.mesh;
        let flux = |width| results.flux.map_or(0, |_| flux_bytes(mesh.total_nodes, mesh.total_elements, width));
        let tags = comm.sum(named_parts::size(mesh));
        let size = bytes(mesh.total_nodes, mesh.total_elements, index_bytes(mesh)) + tags + flux(2);
        let collective =
            self.write_file(comm, &self.path, size, results.record, |file| Writer { comm, file, results }.write())?;
        if self.companion == Companion::Xdmf {
            return Ok(collective);
        }
        let node = 9 * size_of::<f64>();
        let element = size_of::<[i64; 8]>() + size_of::<i32>() + 1 + 8 * size_of::<f64>();
        let size = mesh.total_nodes * node as u64 + mesh.total_elements * element as u64 + flux(3);
        let path = self.companion_path();
        let also = self.write_file(comm, &path, size, results.record, |file| vtkhdf::write(comm, file, results))?;
        Ok(collective && also)
    }

    /// Writes one of the two files, of this size (bytes). **Collective.**
    fn write_file(
        &self,
        comm: &Comm,
        path: &Path,
        size: u64,
        record: &RunRecord,
        write: impl FnOnce(&File) -> hdf5::Result<bool>,
    ) -> Result<bool> {
        let size = size + (record.residual_history.len() * size_of::<f64>()) as u64;
        work::expect(size / comm.size() as u64, size, work::BYTES);
        let write = |file: &File| {
            fault_injection::point(comm, "writing");
            write(file)
        };
        atomic_hdf5::write(comm, path, size, write, || {
            let _ = fs::remove_file(partial(&self.path));
        })
    }
}

/// Returns the bytes of the datasets of a results file.
fn bytes(nodes: u64, elements: u64, index: usize) -> u64 {
    let node = 7 * size_of::<f64>();
    let element = 8 * index + size_of::<i32>() + 5 * size_of::<f64>();
    nodes * node as u64 + elements * element as u64
}

/// Returns the bytes of an index in the dataset quad8: 4 where they suffice, else 8.
fn flux_bytes(nodes: u64, elements: u64, components: usize) -> u64 {
    (components * size_of::<f64>()) as u64 * (nodes + elements)
}

/// Returns the bytes of an index in the dataset quad8: 4 where they suffice, else 8.
fn index_bytes(mesh: &LocalMesh) -> usize {
    if i32::try_from(mesh.total_nodes).is_ok() { 4 } else { 8 }
}

struct Writer<'a> {
    comm: &'a Comm,
    file: &'a File,
    results: &'a Results<'a>,
}

impl Writer<'_> {
    fn write(&self) -> hdf5::Result<bool> {
        let nodes = self.write_nodes()?;
        let elements = self.write_elements()?;
        let tags = named_parts::write(self.comm, self.file, self.results.mesh)?;
        let mesh = self.results.mesh;
        columns::write(self.file, mesh.total_nodes as usize, mesh.total_elements as usize, |name| {
            self.results.has(name)
        })?;
        run_group::write(self.comm, self.file, self.results.record)?;
        Ok(nodes && elements && tags)
    }

    fn write_nodes(&self) -> hdf5::Result<bool> {
        let mesh = self.results.mesh;
        let blocks = BlockDistribution::new(mesh.total_nodes, self.comm.size());
        let used = &mesh.node_ids[..mesh.owned_nodes];
        let ids = used.iter().copied().chain(mesh.orphans.iter().map(|o| o.0)).collect();
        let slabs = ToSlabs::new(self.comm, blocks, ids);
        // Two values of each node at a time: all at once would need more memory than the solve.
        let send = |value: &dyn Fn(usize) -> [f64; 2], orphan: &dyn Fn([f64; 2]) -> [f64; 2]| {
            let values = (0..mesh.owned_nodes).map(value).chain(mesh.orphans.iter().map(|o| orphan(o.1)));
            slabs.send(self.comm, values, f64::NAN)
        };
        let column = |slab: &[[f64; 2]], c: usize| slab.iter().map(|row| row[c]).collect::<Vec<f64>>();
        let nan = |_| [f64::NAN; 2];
        let Results { u, node_fields, .. } = self.results;

        let slab = send(&|n| mesh.coordinates[n], &|point| point);
        let x = self.dataset("x", blocks, 1, &column(&slab, 0))?;
        let y = self.dataset("y", blocks, 1, &column(&slab, 1))?;
        let slab = send(&|n| [u.owned()[n], node_fields[n].pressure], &nan);
        let u = self.dataset("u", blocks, 1, &column(&slab, 0))?;
        let pressure =
            !self.results.has("pressure_node") || self.dataset("pressure_node", blocks, 1, &column(&slab, 1))?;
        let slab = send(&|n| node_fields[n].velocity, &nan);
        let vel = self.dataset("vel_node", blocks, 2, slab.as_flattened())?;
        let slab = send(&|n| [node_fields[n].speed; 2], &nan);
        let speed = self.dataset("abs_vel_node", blocks, 1, &column(&slab, 0))?;
        let flux = self.results.flux.map(|flux| {
            let slab = send(&|n| flux.nodes[n], &nan);
            self.dataset("flux_node", blocks, 2, slab.as_flattened())
        });
        Ok(x && y && u && vel && speed && pressure && flux.unwrap_or(Ok(true))?)
    }

    fn write_elements(&self) -> hdf5::Result<bool> {
        let mesh = self.results.mesh;
        let blocks = BlockDistribution::new(mesh.total_elements, self.comm.size());
        let to_slabs = ToSlabs::new(self.comm, blocks, mesh.element_ids[..mesh.own_elements].to_vec());

        let is_collective = self.write_connectivity(blocks, &to_slabs)?;

        let fields = self.results.fields.iter().zip(self.results.errors);
        let values = fields.map(|(f, error)| [f.velocity[0], f.velocity[1], f.speed, f.pressure, *error]);
        let slab = to_slabs.send(self.comm, values, f64::NAN);
        let velocity: Vec<f64> = slab.iter().flat_map(|row| [row[0], row[1]]).collect();
        let column = |c: usize| slab.iter().map(|row| row[c]).collect::<Vec<f64>>();
        let vel = self.dataset("vel", blocks, 2, &velocity)?;
        let speed = self.dataset("abs_vel", blocks, 1, &column(2))?;
        let pressure = !self.results.has("pressure") || self.dataset("pressure", blocks, 1, &column(3))?;
        let error = self.dataset("error", blocks, 1, &column(4))?;
        let flux = self.results.flux.map(|flux| {
            let slab = to_slabs.send(self.comm, flux.elements.iter().copied(), f64::NAN);
            self.dataset("flux", blocks, 2, slab.as_flattened())
        });
        Ok(is_collective && vel && speed && pressure && error && flux.unwrap_or(Ok(true))?)
    }

    /// Writes the nodes of the elements and the rank of each. **Collective.**
    fn write_connectivity(&self, blocks: BlockDistribution, to_slabs: &ToSlabs) -> hdf5::Result<bool> {
        let mesh = self.results.mesh;
        let row = |e: usize| {
            let nodes = mesh.global_nodes(e);
            std::array::from_fn(|i| if i < 8 { nodes[i] } else { GlobalIndex::from(mesh.element_owners[e]) })
        };
        let slab: Vec<[GlobalIndex; 9]> = to_slabs.send(self.comm, (0..mesh.own_elements).map(row), 0);
        let quad8 = if index_bytes(mesh) == 4 {
            self.dataset("quad8", blocks, 8, stored_nodes(&slab, |n| n as i32).as_flattened())?
        } else {
            self.dataset("quad8", blocks, 8, stored_nodes(&slab, |n| n as i64).as_flattened())?
        };
        let ranks: Vec<i32> = slab.iter().map(|row| row[8] as i32).collect();
        let partition = self.dataset("partition", blocks, 1, &ranks)?;
        Ok(quad8 && partition)
    }

    /// Writes one dataset of all ranks' rows, `width` values each. **Collective.**
    fn dataset<T: H5Type>(
        &self,
        name: &str,
        blocks: BlockDistribution,
        width: usize,
        values: &[T],
    ) -> hdf5::Result<bool> {
        let part = Part { total: blocks.total(), rows: blocks.range(self.comm.rank()) };
        write_part(self.comm, self.file, name, part, width, values, self.results.record.names.of(name))
    }
}

/// Returns the nodes of each element as the file stores them, from rows that start with them.
fn stored_nodes<T>(rows: &[[GlobalIndex; 9]], stored: fn(GlobalIndex) -> T) -> Vec<[T; 8]> {
    rows.iter().map(|row| std::array::from_fn(|i| stored(row[i]))).collect()
}
