//! The results file: one HDF5 file, written by all ranks together.

use std::fs;
use std::path::{Path, PathBuf};

use hdf5::dataset::FillTime;
use hdf5::types::VarLenUnicode;
use hdf5::{File, H5Type};

use super::collective::{self, write_rows};
use super::slabs::ToSlabs;
use super::{RunRecord, xdmf};
use crate::error::{Error, Result};
use crate::fields::ElementFields;
use crate::la::Vector;
use crate::mesh::LocalMesh;
use crate::parallel::{Blocks, Comm, Global};

/// What a run found, as one rank holds it.
pub struct Results<'a> {
    /// The mesh.
    pub mesh: &'a LocalMesh,
    /// u at the nodes.
    pub u: &'a Vector,
    /// Derived fields of the own elements.
    pub fields: &'a [ElementFields],
    /// What to store about the run.
    pub record: &'a RunRecord,
}

/// A results file that is being prepared; under its final name it is always
/// complete.
pub struct ResultsFile {
    path: PathBuf,
    partial: PathBuf,
}

impl ResultsFile {
    /// Checks before the work starts that the file can be written there at the
    /// end, and is not the mesh. **Collective.**
    ///
    /// # Errors
    /// [`Error::OutputIsInput`], [`Error::Write`]; the same on every rank.
    pub fn new(comm: &Comm, path: &Path, input: Option<&Path>) -> Result<Self> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let file = Self { path: path.into(), partial: partial.into() };
        comm.agree(if comm.is_root() { file.probe(input) } else { Ok(()) })?;
        Ok(file)
    }

    fn probe(&self, input: Option<&Path>) -> Result<()> {
        let same = |a: &Path, b: &Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
        if input.is_some_and(|input| same(input, &self.path)) {
            return Err(Error::OutputIsInput { path: self.path.clone() });
        }
        if self.path.is_dir() {
            return Err(self.failed("it is a folder"));
        }
        fs::File::create(&self.partial).and_then(|_| fs::remove_file(&self.partial)).map_err(|e| self.failed(e))
    }

    /// Where the XDMF description goes.
    pub fn xdmf_path(&self) -> PathBuf {
        self.path.with_extension("xdmf")
    }

    /// Writes all datasets in the numbering of the input, then gives the file
    /// its name. Says whether every transfer was collective. **Collective.**
    ///
    /// # Errors
    /// [`Error::Write`], the same on every rank; the file under the final name,
    /// if there was one, is untouched.
    pub fn write(&self, comm: &Comm, results: &Results) -> Result<bool> {
        let written = self.write_partial(comm, results);
        let finished = match (&written, comm.is_root()) {
            (Ok(_), true) => self.finish(results.mesh),
            (Err(_), true) => {
                // The write has failed already; what is left of it only takes space.
                let _ = fs::remove_file(&self.partial);
                Ok(())
            }
            _ => Ok(()),
        };
        let collective = written?;
        comm.agree(finished)?;
        Ok(collective)
    }

    fn finish(&self, mesh: &LocalMesh) -> Result<()> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let text = xdmf::describe(&name, mesh.total_nodes, mesh.total_elements, index_bytes(mesh));
        fs::rename(&self.partial, &self.path).map_err(|e| self.failed(e))?;
        let xdmf = self.xdmf_path();
        fs::write(&xdmf, text).map_err(|e| Error::Write { path: xdmf, cause: e.to_string() })
    }

    fn write_partial(&self, comm: &Comm, results: &Results) -> Result<bool> {
        let file = comm.agree(collective::create(comm, &self.partial).map_err(|e| self.failed(e)))?;
        let writer = Writer { comm, file: &file, results };
        // HDF5's calls are collective: all ranks fail alike, or agree here.
        let written = comm.agree(writer.write().map_err(|e| self.failed(e)));
        let closed = comm.agree(file.close().map_err(|e| self.failed(e)));
        let collective = written?;
        closed?;
        Ok(collective)
    }

    fn failed(&self, cause: impl ToString) -> Error {
        Error::Write { path: self.path.clone(), cause: cause.to_string() }
    }
}

/// Bytes of an index in the quad8 dataset: 4 while they suffice.
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
        self.write_record()?;
        Ok(nodes && elements)
    }

    fn write_nodes(&self) -> hdf5::Result<bool> {
        let mesh = self.results.mesh;
        let blocks = Blocks::new(mesh.total_nodes, self.comm.size());
        let used = &mesh.node_ids[..mesh.owned_nodes];
        let ids = used.iter().copied().chain(mesh.orphans.iter().map(|o| o.0)).collect();
        let values: Vec<[f64; 3]> = mesh.coordinates[..mesh.owned_nodes]
            .iter()
            .zip(self.results.u.owned())
            .map(|([x, y], u)| [*x, *y, *u])
            .chain(mesh.orphans.iter().map(|(_, [x, y])| [*x, *y, f64::NAN]))
            .collect();
        let slab = ToSlabs::new(self.comm, blocks, ids).send(self.comm, &values, f64::NAN);
        let column = |c: usize| slab.iter().map(|row| row[c]).collect::<Vec<f64>>();
        let x = self.dataset("x", blocks, 1, &column(0), "m")?;
        let y = self.dataset("y", blocks, 1, &column(1), "m")?;
        let u = self.dataset("u", blocks, 1, &column(2), "m^2/s")?;
        Ok(x && y && u)
    }

    fn write_elements(&self) -> hdf5::Result<bool> {
        let mesh = self.results.mesh;
        let blocks = Blocks::new(mesh.total_elements, self.comm.size());
        let to_slabs = ToSlabs::new(self.comm, blocks, mesh.element_ids[..mesh.own_elements].to_vec());

        let rank = self.comm.rank() as Global;
        let connectivity: Vec<[Global; 9]> = (0..mesh.own_elements)
            .map(|e| {
                let nodes = mesh.global_nodes(e);
                std::array::from_fn(|i| if i < 8 { nodes[i] } else { rank })
            })
            .collect();
        let slab = to_slabs.send(self.comm, &connectivity, 0);
        let nodes = slab.iter().flat_map(|row| &row[..8]);
        let quad8 = if index_bytes(mesh) == 4 {
            self.dataset("quad8", blocks, 8, &nodes.map(|&n| n as i32).collect::<Vec<i32>>(), "")?
        } else {
            self.dataset("quad8", blocks, 8, &nodes.map(|&n| n as i64).collect::<Vec<i64>>(), "")?
        };
        let ranks: Vec<i32> = slab.iter().map(|row| row[8] as i32).collect();
        let partition = self.dataset("partition", blocks, 1, &ranks, "")?;

        let values = self.results.fields.iter().map(|f| [f.velocity[0], f.velocity[1], f.speed, f.pressure]);
        let slab = to_slabs.send(self.comm, &values.collect::<Vec<[f64; 4]>>(), f64::NAN);
        let velocity: Vec<f64> = slab.iter().flat_map(|row| [row[0], row[1]]).collect();
        let column = |c: usize| slab.iter().map(|row| row[c]).collect::<Vec<f64>>();
        let vel = self.dataset("vel", blocks, 2, &velocity, "m/s")?;
        let speed = self.dataset("abs_vel", blocks, 1, &column(2), "m/s")?;
        let pressure = self.dataset("pressure", blocks, 1, &column(3), "Pa")?;
        Ok(quad8 && partition && vel && speed && pressure)
    }

    /// One dataset of all ranks' rows, `width` values each.
    fn dataset<T: H5Type>(
        &self,
        name: &str,
        blocks: Blocks,
        width: usize,
        values: &[T],
        unit: &str,
    ) -> hdf5::Result<bool> {
        let rows = blocks.total() as usize;
        let builder = self.file.new_dataset::<T>().fill_time(FillTime::Never);
        let dataset =
            if width == 1 { builder.shape(rows).create(name)? } else { builder.shape((rows, width)).create(name)? };
        if !unit.is_empty() {
            let unit: VarLenUnicode = unit.parse().map_err(|_| hdf5::Error::from("unit with a NUL"))?;
            dataset.new_attr::<VarLenUnicode>().create("unit")?.write_scalar(&unit)?;
        }
        write_rows(&dataset, blocks.range(self.comm.rank()), values)
    }

    /// What the run was, for whoever finds the file later.
    fn write_record(&self) -> hdf5::Result<()> {
        let record = self.results.record;
        let group = self.file.create_group("run")?;
        let text = |name: &str, value: &str| -> hdf5::Result<()> {
            let value: VarLenUnicode = value.parse().map_err(|_| hdf5::Error::from("text with a NUL"))?;
            group.new_attr::<VarLenUnicode>().create(name)?.write_scalar(&value)
        };
        let number = |name: &str, value: f64| group.new_attr::<f64>().create(name)?.write_scalar(&value);
        let count = |name: &str, value: u64| group.new_attr::<u64>().create(name)?.write_scalar(&value);
        let config = &record.solver_config;
        text("program", &format!("quad8-mpi {}", record.version))?;
        text("mesh", &record.mesh_info.source)?;
        count("refine", u64::from(record.mesh_info.refine))?;
        text("operator", &config.operator)?;
        text("preconditioner", &config.preconditioner)?;
        number("rtol", config.rtol)?;
        count("max_iterations", config.max_iterations as u64)?;
        number("gamma", config.gamma)?;
        number("p0", config.p0)?;
        number("density", config.density)?;
        count("converged", u64::from(record.converged))?;
        count("iterations", record.iterations as u64)?;
        number("relative_residual", record.solution_stats.relative_residual)?;
        count("ranks", record.parallel.ranks as u64)?;
        count("threads_per_rank", record.parallel.threads_per_rank as u64)?;
        count("hosts", record.parallel.hosts as u64)?;
        text("host", &record.parallel.first_host)?;

        let history = &record.residual_history;
        let dataset = group.new_dataset::<f64>().shape(history.len()).create("residual_history")?;
        let rows = if self.comm.is_root() { 0..history.len() as u64 } else { 0..0 };
        write_rows(&dataset, rows.clone(), &history[..rows.end as usize])?;
        Ok(())
    }
}
