//! Sections of a case and options of a run.

use std::collections::BTreeSet;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::error;
use crate::fem::{OperatorKind, PreconditionerKind};
use crate::io::read_partition;
use crate::io::results::{Companion, Storage};
use crate::mesh::MeshSlab;
use crate::mesh::partition::{Partition, PartitionOptions, Partitioner, partition};
use crate::parallel::virtual_ranks::MOST_VIRTUAL_RANKS;
use crate::parallel::{Comm, MOST_THREADS};
use crate::problem::{Coefficient, Conductivity};
use crate::system::numbers::{finite, positive, tolerance};

/// Material of a region; none where it is that of the domain.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegionMaterial {
    /// Conductivity k.
    pub k: Option<Conductivity>,
    /// Source f.
    pub f: Option<Coefficient>,
}

/// Constants of the default conditions and of the pressure.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Constants {
    /// Inflow speed at inlets without a condition of their own (m/s).
    #[serde(deserialize_with = "read_finite")]
    pub gamma: f64,
    /// Stagnation pressure (Pa).
    #[serde(deserialize_with = "read_finite")]
    pub p0: f64,
    /// Density (kg/m^3), more than 0.
    #[serde(deserialize_with = "read_positive")]
    pub density: f64,
}

impl Default for Constants {
    fn default() -> Self {
        Self { gamma: 2.5, p0: 101_328.828_1, density: 1.225 }
    }
}

/// Options of the solver.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Solver {
    /// Tolerance of the relative residual.
    #[serde(deserialize_with = "read_tolerance")]
    pub rtol: f64,
    /// Largest number of iterations of CG.
    pub max_iterations: usize,
    /// Preconditioner of CG.
    pub preconditioner: PreconditionerKind,
    /// Storage of the stiffness operator.
    pub operator: OperatorKind,
    /// Threads per rank.
    #[serde(deserialize_with = "read_count::<_, MOST_THREADS>", skip_serializing_if = "Option::is_none")]
    pub threads: Option<NonZeroU16>,
    /// Number of virtual ranks, with which the results have the same bits on any number of ranks.
    #[serde(deserialize_with = "read_count::<_, MOST_VIRTUAL_RANKS>", skip_serializing_if = "Option::is_none")]
    pub reproducible: Option<NonZeroU16>,
}

impl Default for Solver {
    fn default() -> Self {
        Self {
            rtol: 1e-8,
            max_iterations: 200_000,
            preconditioner: PreconditionerKind::Multigrid,
            operator: OperatorKind::Elements,
            threads: None,
            reproducible: None,
        }
    }
}

/// Output files.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Output {
    /// Results file (HDF5).
    pub results: PathBuf,
    /// Format of the file for ParaView beside it.
    pub format: OutputFormat,
    /// Run record.
    pub json: Option<PathBuf>,
    /// Datasets of the fields to write; none for all.
    pub fields: Option<Vec<String>>,
    /// Whether fields are stored in single precision.
    pub single: bool,
    /// Whether datasets are compressed.
    pub compress: bool,
}

impl Default for Output {
    fn default() -> Self {
        Self {
            results: "quad8.h5".into(),
            format: OutputFormat::Xdmf,
            json: None,
            fields: None,
            single: false,
            compress: false,
        }
    }
}

impl Output {
    /// Returns what is written and how.
    pub(crate) fn storage(&self) -> Storage {
        Storage { fields: self.fields.clone(), is_single: self.single, is_compressed: self.compress }
    }
}

/// Format of the file for ParaView.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputFormat {
    /// OUT.xdmf, a description of OUT.h5
    Xdmf,
    /// OUT.hdf, a VTKHDF file of its own with one partition a rank, for reading in parallel
    Vtkhdf,
}

impl OutputFormat {
    /// Returns the file of this format.
    pub(crate) fn companion(self) -> Companion {
        match self {
            Self::Xdmf => Companion::Xdmf,
            Self::Vtkhdf => Companion::VtkHdf,
        }
    }
}

/// Options of one run: the command line gives them, no case file holds them.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// Partition of the mesh among the ranks.
    pub partition: PartitionSource,
    /// Largest estimated error, relative to the energy norm, up to which the mesh is refined.
    pub until_error: Option<f64>,
    /// Interval between two checkpoints; none without periodic checkpoints.
    pub checkpoint_every: Option<Duration>,
    /// Checkpoint to restart from.
    pub restart: Option<PathBuf>,
    /// Timeline of the run.
    pub trace: Option<PathBuf>,
    /// Options of the prediction that replaces the solve.
    pub dry_run: Option<DryRun>,
    /// Whether only errors are printed.
    pub quiet: bool,
    /// Boundaries whose condition the command line gives.
    pub conditions: BTreeSet<String>,
}

/// Source of a partition.
#[derive(Debug, Clone)]
pub enum PartitionSource {
    /// This method partitions the mesh.
    Partitioner(Partitioner),
    /// A file of `quad8-mpi partition` stores it.
    File(PathBuf),
}

impl Default for PartitionSource {
    fn default() -> Self {
        Self::Partitioner(Partitioner::default())
    }
}

impl PartitionSource {
    /// Reads or computes the partition of a mesh among the ranks. **Collective.**
    ///
    /// # Errors
    /// A file that cannot be read or is of another mesh, and an error of the partitioner; the same
    /// on every rank.
    pub fn partition(&self, comm: &Rc<Comm>, slab: &MeshSlab) -> error::Result<Partition> {
        match self {
            Self::Partitioner(method) => partition(comm, slab, &PartitionOptions::ranks(comm, *method)),
            Self::File(path) => read_partition(comm, path, slab),
        }
    }

    /// Returns the file that is read, if any.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Partitioner(_) => None,
            Self::File(path) => Some(path),
        }
    }
}

/// Options of `--dry-run`.
#[derive(Debug, Clone, Copy)]
pub struct DryRun {
    /// Ranks of the predicted solve; none for those of this run.
    pub ranks: Option<u32>,
    /// Memory bandwidth of a rank (GB/s).
    pub bandwidth: f64,
}

fn read_finite<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    finite(f64::deserialize(from)?).map_err(de::Error::custom)
}

fn read_positive<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    positive(f64::deserialize(from)?).map_err(de::Error::custom)
}

pub(crate) fn read_scale<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    read_positive(from).map(Some)
}

fn read_tolerance<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    tolerance(f64::deserialize(from)?).map_err(de::Error::custom)
}

fn read_count<'de, D: Deserializer<'de>, const MOST: u16>(from: D) -> Result<Option<NonZeroU16>, D::Error> {
    match NonZeroU16::deserialize(from)? {
        count if count.get() > MOST => Err(de::Error::custom(format!("must be from 1 to {MOST}"))),
        count => Ok(Some(count)),
    }
}
