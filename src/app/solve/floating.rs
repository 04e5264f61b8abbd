//! Floating boundaries: conductors at one unknown potential, with a given total flow.

use crate::app::case::Solver;
use crate::error::{Error, ExitCode, Result};
use crate::fem::{OperatorKind, System};
use crate::la::cg::{CgOptions, CgState, ConvergedReason, build_preconditioner, conjugate_gradient_with_fallback};
use crate::la::direct::cholesky;
use crate::mesh::MeshHierarchy;
use crate::post::flow_report;
use crate::problem::{Condition, Field, Material, Problem};

/// Computes the potentials of the floating boundaries and returns the problem with them as
/// Dirichlet conditions. **Collective.**
///
/// The flow through boundary j is F_j + sum_i G_ji V_i for the potentials V. With w_i, the solution
/// without data that is 1 on boundary i and 0 on all other Dirichlet and floating boundaries, G_ji
/// is the flow of w_i through boundary j. F_j, the flow at V = 0, follows from w_j by reciprocity,
/// so that there is one solve for each floating boundary.
///
/// # Errors
/// Those of the assembly, and a solve that does not converge; the same on every rank.
pub fn with_potentials(hierarchy: &MeshHierarchy, problem: &Problem, solver: &Solver) -> Result<Problem> {
    let floating: Vec<(usize, f64)> = floating(problem).collect();
    let grounded = with_values(problem, |_| 0.0);
    if floating.is_empty() {
        return Ok(grounded);
    }
    let (comm, mesh) = (hierarchy.comm(), &hierarchy.mesh);
    let system = System::assemble(hierarchy, &grounded, OperatorKind::Elements)?;
    let mut candidates = system.preconditioners(solver.preconditioner);
    let mut switches = Vec::new();
    let mut preconditioner = build_preconditioner(&mut candidates, &mut switches, 0)?;
    let (mut flows, mut products) = (Vec::new(), Vec::new());
    for &(boundary, _) in &floating {
        let unit = unit_problem(problem, boundary);
        let unit_system = System::assemble(hierarchy, &unit, OperatorKind::Elements)?;
        let start = CgState::new(unit_system.zeros()).with_switches(switches);
        let options = CgOptions { rtol: solver.rtol, max_iterations: solver.max_iterations, patience: None };
        let with = (&mut candidates as _, preconditioner);
        let (x, report, last) =
            conjugate_gradient_with_fallback(system.operator(), with, unit_system.rhs(), start, options, &())?;
        if report.outcome != ConvergedReason::Converged {
            return Err(not_converged(&mesh.boundary_names[boundary]));
        }
        (switches, preconditioner) = (report.switches, last);
        let product = x.owned().iter().zip(&system.rhs().values).map(|(x, b)| x * b).sum();
        products.push(comm.sum::<f64>(product));
        let u = unit_system.recover_solution(x).u;
        flows.push(flow_report(comm, mesh, &unit, &u)?);
    }
    drop((candidates, preconditioner));
    let zeros = system.zeros();
    let held = flow_report(comm, mesh, &grounded, &system.recover_solution(zeros).u)?;
    let index = |boundary: usize| floating.iter().position(|(other, _)| *other == boundary);
    let count = floating.len();
    let mut matrix: Vec<f64> =
        floating.iter().flat_map(|&(j, _)| flows.iter().map(move |of| of.boundaries[j].flow)).collect();
    let mut potentials: Vec<f64> =
        floating.iter().zip(products).map(|(&(j, flow), product)| flow - held.boundaries[j].flow + product).collect();
    cholesky::factorise(&mut matrix, count);
    cholesky::solve(&matrix, count, &mut potentials);
    Ok(with_values(problem, |boundary| index(boundary).map_or(0.0, |i| potentials[i])))
}

/// Iterates over the floating boundaries with their total flow.
fn floating(problem: &Problem) -> impl Iterator<Item = (usize, f64)> {
    problem.conditions.iter().enumerate().filter_map(|(boundary, condition)| match condition {
        Condition::Floating(flow) => Some((boundary, *flow)),
        _ => None,
    })
}

/// Returns the problem with Dirichlet values on its floating boundaries.
fn with_values(problem: &Problem, value: impl Fn(usize) -> f64) -> Problem {
    let mut found = problem.clone();
    for (boundary, _) in floating(problem) {
        found.conditions[boundary] = Condition::Dirichlet(Field::Constant(value(boundary)));
    }
    found
}

/// Returns the problem without data but the value 1 on one floating boundary.
fn unit_problem(problem: &Problem, boundary: usize) -> Problem {
    let problem = &Problem { wells: Vec::new(), ..problem.clone() };
    let mut unit = with_values(problem, |other| f64::from(u8::from(other == boundary)));
    for material in unit.regions.iter_mut().chain([&mut unit.material]) {
        material.source = Material::default().source;
    }
    for (other, condition) in unit.conditions.iter_mut().enumerate() {
        match condition {
            Condition::Dirichlet(value) if other != boundary => *value = Field::Constant(0.0),
            Condition::Robin { gamma, .. } => *gamma = Field::Constant(0.0),
            _ => (),
        }
    }
    unit
}

fn not_converged(name: &str) -> Error {
    let text = format!(
        "the potential of the floating boundary '{name}' was not found: its solve did not converge, raise \
         --max-iterations or --rtol"
    );
    Error::new(ExitCode::NotConverged, text)
}
