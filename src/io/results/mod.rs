//! Results files: one HDF5 file, written by all ranks together, and a file for ParaView.

mod columns;
mod export;
mod fields;
mod named_parts;
mod node_values;
mod reader;
mod run_group;
mod storage;
mod vtkhdf;
mod writer;
mod xdmf;

pub(crate) use export::ExportFormat;
pub(crate) use node_values::read_node_values;
pub(crate) use reader::Array;
pub use reader::{ResultsMesh, ResultsReader};
pub use storage::Storage;
pub use writer::Writer;

use std::fs;
use std::path::{Path, PathBuf};

use hdf5::File;

use crate::error::{Error, Result};
use crate::io::file::{
    Lock, atomic_hdf5, canonical, check_room, finish, partial, probe, refuse_input, refuse_other_ending,
    refuse_other_than_hdf5, write_error,
};
use crate::io::record::{RunRecord, is_stdout};
use crate::la::Vector;
use crate::mesh::LocalMesh;
use crate::parallel::{Comm, fault_injection, work};
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
    storage: Storage,
    /// On rank 0.
    _lock: Option<Lock>,
}

impl ResultsFile {
    /// Checks before the solve that the results, the file for ParaView and the `others` (run record
    /// and timeline) can be written, under different names that no input has, and locks them.
    /// **Collective.**
    ///
    /// # Errors
    /// An output is an input or another output, has the extension of another format, is locked by
    /// another run, or cannot be written; the same on every rank.
    pub fn new(comm: &Comm, path: &Path, companion: Companion, inputs: &[&Path], others: &[&Path]) -> Result<Self> {
        let mut file = Self { path: path.into(), companion, storage: Storage::default(), _lock: None };
        file._lock = comm.agree(if comm.is_root() { file.lock(inputs, others).map(Some) } else { Ok(None) })?;
        atomic_hdf5::probe(comm, path)?;
        Ok(file)
    }

    /// Chooses what is written and how.
    #[must_use]
    pub fn with_storage(self, storage: Storage) -> Self {
        Self { storage, ..self }
    }

    fn lock(&self, inputs: &[&Path], others: &[&Path]) -> Result<Lock> {
        refuse_other_ending(&self.path)?;
        let companion = self.companion_path();
        for path in [&self.path, &companion] {
            refuse_other_than_hdf5(path)?;
        }
        let outputs = [&[&self.path, companion.as_path()][..], others].concat();
        let same = |a: &Path, b: &Path| canonical(a) == canonical(b);
        for (i, path) in outputs.iter().enumerate() {
            refuse_input(path, inputs.iter().copied())?;
            if outputs[..i].iter().any(|other| same(other, path)) {
                let path = path.display();
                return Err(Error::input(format!(
                    "{path} would be two files in one: give the results, the record and the timeline different names"
                )));
            }
        }
        let lock = Lock::new(&self.path)?;
        probe(&self.path)?;
        // They may go to something that exists, /dev/stdout for instance.
        others.iter().filter(|path| !path.exists() && !is_stdout(path)).try_for_each(|path| probe(path))?;
        Ok(lock)
    }

    /// Checks that the run computes the chosen fields, those for which `has` is true, and that the
    /// disk has room for them on a mesh of so many elements after `levels` refinements, and for so
    /// many bytes a node of other files. **Collective.**
    ///
    /// # Errors
    /// A chosen field is missing, or the files are larger than the free space; the same on every
    /// rank.
    pub(crate) fn check_room(
        &self,
        comm: &Comm,
        elements: u64,
        levels: u32,
        has: impl Fn(&str) -> bool,
        others: usize,
    ) -> Result<()> {
        self.storage.check_available(&has)?;
        let elements = 4_u64.checked_pow(levels).and_then(|children| elements.checked_mul(children));
        let check = || match elements.filter(|&elements| elements <= COUNTABLE) {
            // A mesh has three nodes an element and those of its boundary.
            Some(elements) => {
                let nodes = 3 * elements;
                let results = self.storage.bytes(nodes, elements, size_of::<i32>(), has);
                check_room(&self.path, results + nodes * others as u64)
            }
            // Refining reports the error.
            None => Ok(()),
        };
        comm.agree(if comm.is_root() { check() } else { Ok(()) })
    }

    /// Returns the path of the file for ParaView.
    pub(crate) fn companion_path(&self) -> PathBuf {
        self.path.with_extension(match self.companion {
            Companion::Xdmf => "xdmf",
            // ParaView 5.11 does not know the extension .vtkhdf.
            Companion::VtkHdf => "hdf",
        })
    }

    /// Writes all datasets in the numbering of the input, then renames the files to their final
    /// names. **Collective.**
    ///
    /// # Errors
    /// A file cannot be written; the same on every rank, and previous files are unchanged.
    pub fn write(&self, comm: &Comm, results: &Results) -> Result<()> {
        let written = self.write_partial(comm, results);
        let finished = if written.is_ok() && comm.is_root() { self.finish(results) } else { Ok(()) };
        if comm.is_root() && (written.is_err() || finished.is_err()) {
            // The write error is reported; a failure to clean up only leaves files behind.
            let _ = fs::remove_file(partial(&self.path));
            let _ = fs::remove_file(partial(&self.companion_path()));
        }
        written?;
        comm.agree(finished)
    }

    /// Flushes the files to the disk. **Collective.**
    ///
    /// # Errors
    /// An error of the operating system; the same on every rank.
    pub(crate) fn flush(&self, comm: &Comm) -> Result<()> {
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
            let real_bytes = if self.storage.is_single { 4 } else { 8 };
            let types = [index_bytes(mesh), real_bytes];
            let text = xdmf::describe(&name, mesh.total_nodes, mesh.total_elements, types, |name| {
                results.has(name) && self.storage.wants(name)
            });
            let write = fs::write(partial(&companion), text);
            write.map_err(|e| write_error(&companion, e))?;
        }
        finish(&self.path)?;
        finish(&companion)
    }

    fn write_partial(&self, comm: &Comm, results: &Results) -> Result<()> {
        let mesh = results.mesh;
        let storage = &self.storage;
        let tags = comm.sum(named_parts::size(mesh));
        let has = |name: &str| results.has(name);
        let size = storage.bytes(mesh.total_nodes, mesh.total_elements, index_bytes(mesh), has) + tags;
        let write = |file: &File| Writer { comm, file, results, storage }.write();
        self.write_file(comm, &self.path, size, results.record, write)?;
        if self.companion == Companion::Xdmf {
            return Ok(());
        }
        let node = 9 * size_of::<f64>();
        let element = size_of::<[i64; 8]>() + size_of::<i32>() + 1 + 8 * size_of::<f64>();
        let flux = results.flux.map_or(0, |_| 3 * size_of::<f64>() as u64 * (mesh.total_nodes + mesh.total_elements));
        let size = mesh.total_nodes * node as u64 + mesh.total_elements * element as u64 + flux;
        let path = self.companion_path();
        self.write_file(comm, &path, size, results.record, |file| vtkhdf::write(comm, file, results, storage))
    }

    /// Writes one of the two files, of this size (bytes). **Collective.**
    fn write_file(
        &self,
        comm: &Comm,
        path: &Path,
        size: u64,
        record: &RunRecord,
        write: impl FnOnce(&File) -> hdf5::Result<()>,
    ) -> Result<()> {
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

/// Returns the bytes of an index in the dataset quad8: 4 where they suffice, else 8.
fn index_bytes(mesh: &LocalMesh) -> usize {
    if i32::try_from(mesh.total_nodes).is_ok() { 4 } else { 8 }
}
