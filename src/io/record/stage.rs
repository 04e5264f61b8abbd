//! Stages of a run, with the names that the console, reports and pages show.

use serde::Serialize;

use crate::parallel::Timings;

/// Stage of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Reading the mesh.
    Reading,
    /// Partition, distribution and numbering, with the refinement.
    Partition,
    /// Assembly, with the boundary conditions.
    Assembly,
    /// Setup of the preconditioner.
    Setup,
    /// Iterations of CG.
    Iterations,
    /// Recovery of the derived fields.
    Recovery,
    /// Writing the results.
    Writing,
}

impl Stage {
    /// All stages, in their order.
    pub const ALL: [Self; 7] =
        [Self::Reading, Self::Partition, Self::Assembly, Self::Setup, Self::Iterations, Self::Recovery, Self::Writing];

    /// Returns its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Partition => "partition",
            Self::Assembly => "assembly",
            Self::Setup => "setup",
            Self::Iterations => "iterations",
            Self::Recovery => "recovery",
            Self::Writing => "writing",
        }
    }

    /// Returns the keys of its parts in the run record.
    pub const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Reading => &["load_mesh"],
            Self::Partition => &["partition"],
            Self::Assembly => &["assemble_system", "apply_bc"],
            Self::Setup => &["setup_preconditioner"],
            Self::Iterations => &["solve_system"],
            Self::Recovery => &["compute_derived"],
            Self::Writing => &["export"],
        }
    }

    /// Returns its seconds on the slowest rank and in the mean over the ranks.
    pub fn seconds(self, timings: &Timings) -> [f64; 2] {
        let parts = self.keys().iter().filter_map(|key| timings.get(*key));
        parts.fold([0.0; 2], |[longest, mean], part| [longest + part.max, mean + part.mean])
    }
}
