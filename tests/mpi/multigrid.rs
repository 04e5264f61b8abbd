//! Multigrid preconditioner.

use std::rc::Rc;

use quad8_mpi::fem;
use quad8_mpi::fem::multigrid::OperatorHierarchy;
use quad8_mpi::fem::{ElementMatrices, OperatorKind, PreconditionerKind};
use quad8_mpi::la::cg::{CgOptions, CgReport, ConvergedReason, conjugate_gradient};
use quad8_mpi::la::{LinearOperator, PreconditionerStatistics, Vector};
use quad8_mpi::parallel::{Comm, SpanKind, measure};
use quad8_mpi::problem::{Field, Problem};

use super::hard_problems::rectangle;
use super::manufactured;
use super::meshes::{Grid, Mesh};
use super::pipeline::{Model, alone, distance, dot};
use crate::Check;

pub const CHECKS: &[Check] = checks![
    it_is_symmetric_and_positive_definite,
    it_is_so_on_nested_meshes,
    both_operators_lead_to_the_same_solution,
    iterations_hardly_depend_on_the_ranks,
    iterations_hardly_depend_on_the_size,
    iterations_hardly_depend_on_the_levels,
    nested_meshes_give_an_initial_guess,
    nested_meshes_have_one_bound_of_the_eigenvalues,
    a_mesh_that_cannot_be_integrated_is_a_level_all_the_same,
    a_jump_that_only_the_finest_mesh_resolves_is_solved,
    a_tight_tolerance_is_reached_in_spite_of_single_precision,
];

/// A system with multigrid for it.
pub struct System<'a> {
    system: fem::System<'a>,
    multigrid: Box<dyn PreconditionerStatistics>,
}

impl<'a> System<'a> {
    /// Assembles the system element by element, as the program does. **Collective.**
    pub fn new(model: &'a Model, problem: &'a Problem) -> Self {
        Self::with(model, problem, OperatorKind::Elements)
    }

    fn with(model: &'a Model, problem: &'a Problem, kind: OperatorKind) -> Self {
        let system = fem::System::assemble(&model.hierarchy, problem, kind).expect("good elements and values");
        let multigrid = system.preconditioner(PreconditionerKind::Multigrid).expect("a hierarchy");
        Self { system, multigrid }
    }

    /// Returns the operator.
    pub fn operator(&self) -> &dyn LinearOperator {
        self.system.operator()
    }

    /// Returns the preconditioner.
    pub fn multigrid(&self) -> &dyn PreconditionerStatistics {
        &*self.multigrid
    }

    /// Returns b.
    pub fn right_side(&self) -> Vec<f64> {
        self.system.rhs().to_vec()
    }

    /// Solves the system: returns u with its ghosts and the report of the iteration.
    /// **Collective.**
    pub fn solve(self, rtol: f64) -> (Vector, CgReport) {
        let options = CgOptions { rtol, max_iterations: 2000, patience: None };
        let mut x = self.system.zeros();
        let report = conjugate_gradient(self.operator(), self.multigrid(), &self.right_side(), &mut x, options);
        (self.system.recover_solution(x).u, report)
    }
}

pub fn model(comm: &Rc<Comm>, mesh: &Mesh) -> Model {
    refined(comm, mesh, 0)
}

pub fn refined(comm: &Rc<Comm>, mesh: &Mesh, levels: u32) -> Model {
    Model::new(comm, mesh, &manufactured::side, &manufactured::problem(), levels).expect("a good mesh")
}

/// Counts the iterations to `rtol` and checks that it is reached.
pub fn iterations(model: &Model, problem: &Problem, rtol: f64) -> usize {
    let (_, report) = System::new(model, problem).solve(rtol);
    assert_eq!(report.outcome, ConvergedReason::Converged);
    report.iterations
}

fn it_is_symmetric_and_positive_definite(comm: &Rc<Comm>) {
    check_symmetry(comm, &model(comm, &Grid::untidy(24, 23).mesh()), 3);
}

fn it_is_so_on_nested_meshes(comm: &Rc<Comm>) {
    check_symmetry(comm, &refined(comm, &Grid::untidy(12, 11).mesh(), 2), 4);
}

fn check_symmetry(comm: &Comm, model: &Model, least_levels: usize) {
    let problem = manufactured::problem();
    let system = System::new(model, &problem);
    assert!(system.multigrid.levels().len() >= least_levels, "levels are missing");
    let field = |a: f64, b: f64| {
        let mut v = model.interpolate(|[x, y]| (a * x + b * y).sin());
        system.system.dirichlet().clear(&mut v);
        v
    };
    let times = |v: &Vector| {
        let mut z = Vector::zeros(model.halo.map());
        system.multigrid.apply(v, &mut z);
        z
    };
    let fields = [field(1.0, 2.0), field(31.0, 17.0), field(-90.0, 70.0)];
    let images: Vec<Vector> = fields.iter().map(times).collect();
    for i in 0..3 {
        let own = dot(comm, fields[i].owned(), images[i].owned());
        assert!(own > 0.0, "x.Mx = {own}");
        for j in 0..i {
            let pair = [(i, j), (j, i)].map(|(a, b)| dot(comm, fields[a].owned(), images[b].owned()));
            let scale = (own * dot(comm, fields[j].owned(), images[j].owned())).sqrt();
            // Single precision.
            assert!((pair[0] - pair[1]).abs() < 1e-5 * scale, "{pair:?} of {scale}");
        }
    }
}

fn both_operators_lead_to_the_same_solution(comm: &Rc<Comm>) {
    let problem = manufactured::problem();
    let model = model(comm, &Grid::untidy(24, 23).mesh());
    let [elements, assembled] =
        [OperatorKind::Elements, OperatorKind::Assembled].map(|kind| System::with(&model, &problem, kind).solve(1e-11));
    assert_eq!(elements.1.iterations, assembled.1.iterations);
    assert!(distance(comm, elements.0.local(), assembled.0.local()) < 1e-10);
}

/// Compares the iterations for several meshes together: on one of them, one part more or less in a
/// bad place costs an iteration or two of eight.
fn iterations_hardly_depend_on_the_ranks(comm: &Rc<Comm>) {
    let problem = manufactured::problem();
    let sizes = [(48, 47), (44, 51), (56, 40), (40, 57), (64, 64), (33, 70)];
    let meshes = sizes.map(|(columns, rows)| Grid::untidy(columns, rows).mesh());
    let all = |comm: &Rc<Comm>| meshes.each_ref().map(|mesh| iterations(&model(comm, mesh), &problem, 1e-8));
    let (here, one_rank) = (all(comm), all(&alone()));
    let [sum_here, sum_of_one] = [here, one_rank].map(|list| list.iter().sum::<usize>() as f64);
    assert!(sum_here <= 1.15 * sum_of_one, "{here:?} iterations, {one_rank:?} on one rank");
}

fn iterations_hardly_depend_on_the_size(comm: &Rc<Comm>) {
    let problem = manufactured::problem();
    let [small, large] = [12, 96].map(|n| iterations(&model(comm, &Grid::new(n, n).mesh()), &problem, 1e-8));
    assert!(small.max(large) <= 12 && small.abs_diff(large) <= 3, "{small} and {large} iterations");
}

fn iterations_hardly_depend_on_the_levels(comm: &Rc<Comm>) {
    let mesh = Grid::untidy(9, 8).mesh();
    let problem = manufactured::problem();
    let [one, three] = [1, 3].map(|levels| iterations(&refined(comm, &mesh, levels), &problem, 1e-8));
    assert!(one.max(three) <= 12 && one.abs_diff(three) <= 2, "{one} and {three} iterations");
}

/// Checks that the coarser meshes leave little of the residual. With prescribed values other than 0
/// the eliminated solution has a layer at the boundary that only the finest mesh resolves.
fn nested_meshes_give_an_initial_guess(comm: &Rc<Comm>) {
    let (flow, channel) = rectangle(comm, 8, |s, t| [s, t + 0.1 * s * s], Field::Constant(1.0), 2);
    let prescribed = refined(comm, &Grid::new(8, 8).mesh(), 2);
    for (model, problem, share) in [(flow, channel, 0.1), (prescribed, manufactured::problem(), 0.9)] {
        let (_, report) = System::new(&model, &problem).solve(1e-8);
        assert!(report.history[0] < share * report.rhs_norm, "{} of {}", report.history[0], report.rhs_norm);
    }
}

/// Checks that a finer mesh takes far fewer Lanczos steps than the two dozen that a mesh of this
/// size needs on its own: each exchanges the values of ghosts once.
fn nested_meshes_have_one_bound_of_the_eigenvalues(comm: &Rc<Comm>) {
    let problem = manufactured::problem();
    let [coarse, fine] = [1, 2].map(|levels| {
        let model = refined(comm, &Grid::new(24, 24).mesh(), levels);
        let exchange = || model.halo.scatter_fwd(&mut vec![0.0; model.halo.map().local()]);
        let setup = || drop(System::new(&model, &problem));
        let count = |work: &dyn Fn()| measure(comm, SpanKind::Stage("setup"), work).1.traffic.halo.count;
        (count(&setup), count(&exchange))
    });
    let (more, exchange) = (fine.0 - coarse.0, fine.1);
    assert!(more < 24 * exchange.max(1), "{more} messages more in the setup, {exchange} in an exchange");
}

/// Checks a conductivity without a value in the middle of one element, where none of its children
/// has a Gauss point.
fn a_mesh_that_cannot_be_integrated_is_a_level_all_the_same(comm: &Rc<Comm>) {
    let middle = 4.5 / 9.0;
    let hole = move |x: f64, y: f64| if (x - middle).hypot(y - middle) < 1e-9 { f64::NAN } else { 1.0 };
    for conductivity in [Field::Constant(1.0), Field::function(hole)] {
        let (model, problem) = rectangle(comm, 9, |s, t| [s, t], conductivity, 2);
        let elements = ElementMatrices::new(&model.mesh, &problem).expect("proper elements");
        let levels = OperatorHierarchy::<f32>::new(&model, &problem, elements).expect("coarser meshes");
        assert_eq!(levels.coarser.len(), 2);
        let count = iterations(&model, &problem, 1e-8);
        assert!(count <= 12, "{count} iterations");
    }
}

/// Checks two layers that meet on a side of elements of the finest mesh, inside those of all
/// others.
fn a_jump_that_only_the_finest_mesh_resolves_is_solved(comm: &Rc<Comm>) {
    let layers = |_, y: f64| if y < 21.0 / 64.0 { 1e6 } else { 1.0 };
    let (model, problem) = rectangle(comm, 8, |s, t| [s, t], Field::function(layers), 3);
    let count = iterations(&model, &problem, 1e-8);
    assert!(count <= 25, "{count} iterations");
}

fn a_tight_tolerance_is_reached_in_spite_of_single_precision(comm: &Rc<Comm>) {
    let problem = manufactured::problem();
    let model = model(comm, &Grid::untidy(24, 23).mesh());
    let (u, report) = System::new(&model, &problem).solve(1e-12);
    assert_eq!(report.outcome, ConvergedReason::Converged);
    assert!(report.relative_residual() <= 1e-12 && report.iterations <= 25, "{} iterations", report.iterations);
    let (expected, _) = model.solve(&problem, 1e-12);
    assert!(distance(comm, u.local(), expected.local()) < 1e-10);
}
