//! Floating boundaries: conductors at one unknown potential, with a given total flow.

use crate::app::solve::linear_solver::LinearSolver;
use crate::error::{Error, ExitCode, Result};
use crate::fem::{DirichletBc, System, dirichlet_nodes};
use crate::la::cg::{CgState, ConvergedReason, Rhs};
use crate::la::direct::cholesky;
use crate::mesh::MeshHierarchy;
use crate::post::{FlowReport, InterfaceNodes, flow_report};
use crate::problem::{Condition, Field, Material, Problem};

/// Floating boundary with the system of its unit potential: 1 on it, 0 on all other Dirichlet and
/// floating boundaries, and no other data.
pub struct FloatingBoundary {
    boundary: usize,
    flow: f64,
    problem: Problem,
    dirichlet: DirichletBc,
    rhs: Rhs,
}

/// Problem with the potentials of its floating boundaries as Dirichlet conditions, and its
/// right-hand side.
pub struct Resolved {
    pub problem: Problem,
    pub rhs: Rhs,
}

impl FloatingBoundary {
    /// Lists the floating boundaries of a problem. `system` is that of the [`grounded`] problem,
    /// which has the same matrix. **Collective.**
    ///
    /// # Errors
    /// Those of the assembly; the same on every rank.
    pub fn list(system: &System, problem: &Problem) -> Result<Vec<Self>> {
        let MeshHierarchy { halo, mesh, .. } = system.hierarchy();
        let prepare = |(boundary, flow)| {
            let unit = unit_problem(problem, boundary);
            let dirichlet = dirichlet_nodes(halo, mesh, &unit)?;
            let rhs = system.dirichlet_rhs(&dirichlet.values())?;
            Ok(Self { boundary, flow, problem: unit, dirichlet, rhs })
        };
        floating(problem).map(prepare).collect()
    }
}

/// Returns the problem with the potential 0 on its floating boundaries.
pub fn grounded(problem: &Problem) -> Problem {
    with_values(problem, |_| 0.0)
}

/// Computes the potentials of the floating boundaries of a problem with the solver of the
/// [`grounded`] one. **Collective.**
///
/// The flow through boundary j is F_j + sum_i G_ji V_i for the potentials V. With w_i, the solution
/// of the unit potential of boundary i, G_ji is the flow of w_i through boundary j. F_j, the flow
/// at V = 0, follows from w_j by reciprocity, so that there is one solve for each floating
/// boundary.
///
/// # Errors
/// A solve that does not converge; the same on every rank.
pub fn resolve<'a>(
    mut solver: LinearSolver<'a>,
    problem: &Problem,
    floating: &[FloatingBoundary],
) -> Result<(LinearSolver<'a>, Resolved)> {
    let system = solver.system();
    let MeshHierarchy { halo, mesh, .. } = system.hierarchy();
    let comm = halo.comm();
    let sides = InterfaceNodes::new(comm, mesh, problem);
    let switches = solver.switches.len();
    let (mut flows, mut products) = (Vec::new(), Vec::new());
    for FloatingBoundary { boundary, problem, dirichlet, rhs, .. } in floating {
        let (next, mut u, report) = solver.solve(rhs, CgState::new(system.zeros()), &())?;
        if report.outcome != ConvergedReason::Converged {
            return Err(not_converged(&mesh.boundary_names[*boundary]));
        }
        solver = next;
        let product = u.owned().iter().zip(&system.rhs().to_vec()).map(|(x, b)| x * b).sum();
        products.push(comm.sum::<f64>(product));
        dirichlet.impose(halo, &mut u);
        flows.push(flow_report(comm, &sides, problem, &u)?);
    }
    // The next solve starts with these preconditioners.
    solver.switches[switches..].iter_mut().for_each(|switch| switch.iteration = 0);
    let mut held = system.zeros();
    system.dirichlet().impose(halo, &mut held);
    let held = flow_report(comm, &sides, system.problem(), &held)?;
    let given = floating.iter().zip(products);
    let given = given.map(|(j, product)| j.flow - (held.boundaries[j.boundary].flow - product)).collect();
    let potentials = potentials(floating, &flows, given);
    let index = |boundary: usize| floating.iter().position(|other| other.boundary == boundary);
    let problem = with_values(problem, |boundary| index(boundary).map_or(0.0, |i| potentials[i]));
    let mut b = system.rhs().to_vec();
    for (FloatingBoundary { rhs, .. }, potential) in floating.iter().zip(&potentials) {
        b.iter_mut().zip(rhs.to_vec()).for_each(|(b, unit)| *b += potential * unit);
    }
    Ok((solver, Resolved { problem, rhs: Rhs::new(b) }))
}

/// Solves for the potentials V with which the flow through each floating boundary differs from that
/// at V = 0 by a given value; `flows` are those of the unit potentials.
fn potentials(floating: &[FloatingBoundary], flows: &[FlowReport], mut given: Vec<f64>) -> Vec<f64> {
    let flow = |j: &FloatingBoundary, unit: &FlowReport| unit.boundaries[j.boundary].flow;
    let mut matrix: Vec<f64> = floating.iter().flat_map(|j| flows.iter().map(|unit| flow(j, unit))).collect();
    cholesky::factorise(&mut matrix, floating.len());
    cholesky::solve(&matrix, floating.len(), &mut given);
    given
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
