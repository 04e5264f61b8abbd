//! Solves on the mesh of a case and, with `--until-error`, on its refinements.

use std::rc::Rc;
use std::time::Instant;

use crate::app::case::Case;
use crate::app::dry_run::most_refinements;
use crate::app::solve::gather;
use crate::app::solve::pipeline::{MeshSolution, Prepared, SolveInput};
use crate::app::solve::solution::{Solution, Summary};
use crate::app::solve::stage::{RunObservers, Stage};
use crate::error::Result;
use crate::fem::multigrid::interpolate;
use crate::io::record::{Accuracy, RefinementLevel};
use crate::la::Vector;
use crate::la::cg::ConvergedReason;
use crate::mesh::{LocalMesh, MeshSize, MeshSlab};
use crate::parallel::Comm;
use crate::post::DerivedFields;
use crate::problem::Problem;

/// Returns the accuracy that the case asks for, before the first solution, with the most
/// refinements for which there is memory and, by `has_room`, space on the disk. **Collective.**
///
/// # Errors
/// An internal error where the ranks are virtual.
pub fn accuracy(
    comm: &Comm,
    case: &Case,
    size: MeshSize,
    problem: &Problem,
    has_room: impl Fn(u32) -> bool,
) -> Result<Option<Accuracy>> {
    let Some(tolerance) = case.run.until_error else { return Ok(None) };
    let most = most_refinements(comm, case, size, problem)?;
    let most = (case.refine + 1..=most).take_while(|&refine| has_room(refine)).last();
    Ok(Some(Accuracy::new(100.0 * tolerance, most.unwrap_or(case.refine))))
}

impl SolveInput<'_> {
    /// Solves the problem on the mesh of the slabs, and with `--until-error` on its refinements.
    /// **Collective.**
    ///
    /// # Errors
    /// A mesh, a problem or a checkpoint that cannot be used, and a solve that is interrupted; the
    /// same on every rank.
    pub fn compute(&self, comm: &Rc<Comm>, slab: MeshSlab, observers: &mut RunObservers) -> Result<Solution> {
        let mut begin = Instant::now();
        let mut prepared = self.prepare(comm, slab, observers)?;
        let mut accuracy = self.accuracy.cloned();
        let mut guess = None;
        loop {
            let solved = self.solve(comm, &prepared, guess, observers)?;
            let is_last = accuracy.as_mut().is_none_or(|accuracy| {
                let level = solved.level(prepared.hierarchy.levels(), begin.elapsed().as_secs_f64());
                !level.is_some_and(|level| accuracy.add(level))
            });
            if is_last {
                return Ok(solved.into_solution(prepared.hierarchy.mesh, accuracy));
            }
            begin = Instant::now();
            let (finer, u) = self.refine(comm, prepared, solved.u, observers)?;
            (prepared, guess) = (finer, Some(u));
        }
    }

    /// Refines a mesh once more, and interpolates u at its nodes. **Collective.**
    fn refine(
        &self,
        comm: &Comm,
        prepared: Prepared,
        mut u: Vector,
        observers: &mut RunObservers,
    ) -> Result<(Prepared, Vector)> {
        let (hierarchy, u) = observers.stage(comm, Stage::REFINE, None, || {
            let finer = prepared.hierarchy.refined()?;
            let u = interpolate(&prepared.hierarchy, &finer, &mut u);
            Ok((finer, u))
        })?;
        let edge_cut = prepared.parallel.edge_cut;
        let parallel = gather::parallel(comm, self.placement, edge_cut, &hierarchy.halo, &hierarchy.mesh);
        observers.console.mesh(self.case, &hierarchy.mesh, &parallel);
        Ok((Prepared { hierarchy, parallel, ..prepared }, u))
    }
}

impl MeshSolution {
    /// Returns the figures of the solution after this many refinements and seconds; none where the
    /// solver did not converge.
    fn level(&self, refine: u32, seconds: f64) -> Option<RefinementLevel> {
        let Self { fields, summary, .. } = self;
        (summary.report.outcome == ConvergedReason::Converged).then_some(RefinementLevel {
            refine,
            unknowns: summary.used_nodes,
            error_estimate_percent: 100.0 * fields.errors.relative,
            iterations: summary.report.iterations,
            seconds,
        })
    }

    /// Adds the mesh.
    fn into_solution(self, mesh: LocalMesh, accuracy: Option<Accuracy>) -> Solution {
        let Self { u, fields, summary } = self;
        let DerivedFields { elements, nodes, flux, errors, .. } = fields;
        let summary = Summary { accuracy, ..summary };
        Solution { mesh, u, fields: elements, node_fields: nodes, flux, errors: errors.elements, summary }
    }
}
