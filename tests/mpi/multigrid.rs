//! Multigrid preconditioner.

use std::rc::Rc;

use quad8_mpi::fem;
use quad8_mpi::fem::multigrid::{HTransfer, OperatorHierarchy, PCoarsening, children};
use quad8_mpi::fem::{ElementMatrices, ElementOperator, OperatorKind, PreconditionerKind};
use quad8_mpi::la::cg::{CgOptions, CgReport, ConvergedReason, conjugate_gradient};
use quad8_mpi::la::multigrid::Transfer;
use quad8_mpi::la::{LinearOperator, PreconditionerStatistics, Vector};
use quad8_mpi::parallel::{Comm, LocalIndex};
use quad8_mpi::problem::{Condition, Conductivity, Field, Material, Problem};

use super::manufactured;
use super::meshes::{Grid, Mesh};
use super::pipeline::{Model, alone, distance, dot, everywhere};
use crate::Check;

pub const CHECKS: &[Check] = checks![
    it_is_symmetric_and_positive_definite,
    it_is_so_on_nested_meshes,
    both_operators_lead_to_the_same_solution,
    iterations_hardly_depend_on_the_ranks,
    iterations_hardly_depend_on_the_size,
    iterations_hardly_depend_on_the_levels,
    nested_meshes_give_an_initial_guess,
    a_mesh_that_cannot_be_integrated_is_a_level_all_the_same,
    a_jump_that_only_the_finest_mesh_resolves_is_solved,
    coarse_operators_are_those_of_galerkin,
    the_operator_of_the_corners_is_that_of_galerkin,
    a_function_of_the_coarse_mesh_is_one_of_the_fine_mesh,
    restriction_to_the_coarse_mesh_is_the_transpose,
    jumps_of_a_million_in_conductivity_are_solved,
    slender_elements_are_solved,
    strong_anisotropy_takes_the_iterations_of_slender_elements,
    robin_edges_alone_hold_the_solution,
    a_layer_between_two_dirichlet_boundaries_is_solved,
    pieces_that_touch_in_one_node_are_solved,
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

fn model(comm: &Rc<Comm>, mesh: &Mesh) -> Model {
    refined(comm, mesh, 0)
}

fn refined(comm: &Rc<Comm>, mesh: &Mesh, levels: u32) -> Model {
    Model::new(comm, mesh, &manufactured::side, &manufactured::problem(), levels).expect("a good mesh")
}

/// Counts the iterations to `rtol` and checks that it is reached.
fn iterations(model: &Model, problem: &Problem, rtol: f64) -> usize {
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

/// Checks that the coarse operator is the product of restriction, fine operator and prolongation.
fn coarse_operators_are_those_of_galerkin(comm: &Rc<Comm>) {
    let mesh = Grid::untidy(7, 6).mesh();
    let problem = manufactured::problem();
    let [coarse, fine] = [1, 2].map(|levels| refined(comm, &mesh, levels));
    let elements = ElementMatrices::new(&fine.mesh, &problem).expect("proper elements");
    let operator = ElementOperator::new(&fine.halo, &fine.mesh, &elements, &[]);
    let children = children(&coarse.mesh, &fine.mesh);
    let coarser = elements.coarsened(comm, &coarse.mesh, &children);
    let galerkin = ElementOperator::new(&coarse.halo, &coarse.mesh, &coarser, &[]);
    let transfer = HTransfer::<f64>::new(&coarse.halo, &coarse.mesh, &[], &fine.mesh, &children);
    let mut x = coarse.interpolate(|[x, y]| (7.0 * x - 9.0 * y).cos());
    let [mut direct, mut way] = [(); 2].map(|()| Vector::zeros(coarse.halo.map()));
    let [mut px, mut apx] = [(); 2].map(|()| Vector::zeros(fine.halo.map()));
    galerkin.apply(&mut x, &mut direct);
    transfer.prolong(&mut x, &mut px);
    operator.apply(&mut px, &mut apx);
    transfer.restrict(&apx, &mut way);
    assert!(distance(comm, direct.owned(), way.owned()) < 1e-11);
}

/// Checks that the matrix of the corners is the product of restriction, operator and prolongation,
/// on a problem with Robin edges, without and with fixed nodes.
fn the_operator_of_the_corners_is_that_of_galerkin(comm: &Rc<Comm>) {
    let problem = manufactured::problem();
    let model = model(comm, &Grid::untidy(7, 6).mesh());
    let elements = ElementMatrices::new(&model.mesh, &problem).expect("proper elements");
    let dirichlet = fem::dirichlet_nodes(&model.halo, &model.mesh, &problem).expect("good values");
    let nothing = (vec![false; model.mesh.coordinates.len()], Vec::new());
    for (fixed, nodes) in [nothing, (dirichlet.fixed(), dirichlet.nodes())] {
        let operator = ElementOperator::new(&model.halo, &model.mesh, &elements, &nodes);
        let corners = PCoarsening::new(&model.halo, &model.mesh, &elements, &fixed).expect("corners");
        let PCoarsening { transfer, matrix, is_slender } = corners;
        assert!(!is_slender);
        let coarse = Transfer::<f64>::coarse(&transfer);
        let [mut x, mut direct, mut way] = [(); 3].map(|()| Vector::zeros(coarse));
        for (x, number) in x.owned_mut().iter_mut().zip(coarse.range()) {
            *x = (0.7 * number as f64).sin();
        }
        let [mut px, mut apx] = [(); 2].map(|()| Vector::zeros(model.halo.map()));
        // The restriction of ones is zero at fixed corners alone, where values are zero.
        px.owned_mut().fill(1.0);
        transfer.restrict(&px, &mut way);
        x.owned_mut().iter_mut().zip(way.owned()).filter(|(_, sum)| **sum == 0.0).for_each(|(x, _)| *x = 0.0);
        matrix.apply(&mut x, &mut direct);
        transfer.prolong(&mut x, &mut px);
        operator.apply(&mut px, &mut apx);
        transfer.restrict(&apx, &mut way);
        assert!(distance(comm, direct.owned(), way.owned()) < 1e-11);
    }
}

/// Builds the transfer between an untidy mesh with fixed nodes where `is_fixed` holds and its
/// refinement.
fn nested(comm: &Rc<Comm>, is_fixed: fn([f64; 2]) -> bool) -> (Model, Model, HTransfer<f64>) {
    let mesh = Grid::untidy(7, 6).mesh();
    let [coarse, fine] = [1, 2].map(|levels| refined(comm, &mesh, levels));
    let nodes = coarse.mesh.coordinates.iter().zip(0..).filter(|(point, _)| is_fixed(**point));
    let fixed: Vec<LocalIndex> = nodes.map(|(_, node)| node).collect();
    let transfer = HTransfer::new(&coarse.halo, &coarse.mesh, &fixed, &fine.mesh, &children(&coarse.mesh, &fine.mesh));
    (coarse, fine, transfer)
}

fn a_function_of_the_coarse_mesh_is_one_of_the_fine_mesh(comm: &Rc<Comm>) {
    let (coarse, fine, transfer) = nested(comm, |_| false);
    // An isoparametric mesh represents every linear function of the position.
    let linear = |[x, y]: [f64; 2]| 3.0 + 2.0 * x - 5.0 * y;
    let mut values = Vector::zeros(fine.halo.map());
    transfer.prolong(&mut coarse.interpolate(linear), &mut values);
    assert!(distance(comm, values.owned(), fine.interpolate(linear).owned()) < 1e-12);
}

fn restriction_to_the_coarse_mesh_is_the_transpose(comm: &Rc<Comm>) {
    let on_a_side = |[x, _]: [f64; 2]| x < 0.3;
    let (coarse, fine, transfer) = nested(comm, on_a_side);
    let mut x = coarse.interpolate(|[x, y]| if on_a_side([x, y]) { 0.0 } else { (7.0 * x - 9.0 * y).cos() });
    let y = fine.interpolate(|[x, y]| (11.0 * x + 5.0 * y).sin());
    let (mut px, mut ry) = (Vector::zeros(fine.halo.map()), Vector::zeros(coarse.halo.map()));
    transfer.prolong(&mut x, &mut px);
    transfer.restrict(&y, &mut ry);
    let (left, right) = (dot(comm, px.owned(), y.owned()), dot(comm, x.owned(), ry.owned()));
    assert!((left - right).abs() < 1e-10 * left.abs().max(1.0), "{left} and {right}");
}

/// Builds a flow from right to left through a rectangle of n x n elements, refined `levels` times.
fn rectangle(
    comm: &Rc<Comm>,
    n: usize,
    map: fn(f64, f64) -> [f64; 2],
    conductivity: impl Into<Conductivity>,
    levels: u32,
) -> (Model, Problem) {
    let gamma = Condition::Robin { p: Field::Constant(0.0), gamma: Field::Constant(1.0) };
    let problem = Problem {
        material: Material { conductivity: conductivity.into(), ..Material::default() },
        conditions: vec![Condition::Dirichlet(Field::Constant(0.0)), gamma],
        ..Problem::channel(0.0)
    };
    let right = map(1.0, 0.0)[0];
    let sides = move |points: &[[f64; 2]; 3]| {
        let all_at = |x: f64| points.iter().all(|p| (p[0] - x).abs() < 1e-9);
        if all_at(0.0) { Some(0) } else { all_at(right).then_some(1) }
    };
    let mesh = Grid { map, ..Grid::new(n, n) }.mesh();
    (Model::new(comm, &mesh, &sides, &problem, levels).expect("a good mesh"), problem)
}

fn jumps_of_a_million_in_conductivity_are_solved(comm: &Rc<Comm>) {
    let layers = |x: f64, _| if (4.0 * x) as i64 % 2 == 0 { 1e6 } else { 1.0 };
    let checkers = |x: f64, y: f64| if ((4.0 * x) as i64 + (4.0 * y) as i64) % 2 == 0 { 1e6 } else { 1.0 };
    for field in [Field::function(layers), Field::function(checkers)] {
        let (model, problem) = rectangle(comm, 32, |s, t| [s, t], field, 0);
        let count = iterations(&model, &problem, 1e-6);
        assert!(count <= 25, "{count} iterations");
    }
}

/// Checks elements of aspect ratio 100. Lines of strong connections end at the boundaries between
/// ranks, so that many ranks need more iterations; the program warns about it.
fn slender_elements_are_solved(comm: &Rc<Comm>) {
    for map in [|s, t| [100.0 * s, t], |s, t| [s, 100.0 * t]] {
        let (model, problem) = rectangle(comm, 32, map, Field::Constant(1.0), 0);
        let count = iterations(&model, &problem, 1e-8);
        let limit = if comm.size() == 1 { 16 } else { 400 };
        assert!(count <= limit, "{count} iterations");
    }
}

/// Checks squares with kx = 1000 ky, whose matrix is a multiple of that of rectangles of aspect
/// ratio 1000^1/2.
fn strong_anisotropy_takes_the_iterations_of_slender_elements(comm: &Rc<Comm>) {
    let field = |value| Field::Constant(value);
    let tensor = Conductivity::Tensor(Box::new([field(1000.0), field(0.0), field(1.0)].map(Into::into)));
    let (squares, problem) = rectangle(comm, 32, |s, t| [s, t], tensor, 0);
    let count = iterations(&squares, &problem, 1e-8);
    let (slender, problem) = rectangle(comm, 32, |s, t| [s, 1000_f64.sqrt() * t], field(1.0), 0);
    let of_slender = iterations(&slender, &problem, 1e-8);
    assert!(count.abs_diff(of_slender) <= 2, "{count} and {of_slender} iterations");
}

fn robin_edges_alone_hold_the_solution(comm: &Rc<Comm>) {
    let one = Field::Constant(1.0);
    let robin = Condition::Robin { p: one.clone(), gamma: one.clone() };
    let problem = Problem { conditions: vec![robin], ..Problem::channel(0.0) };
    let mesh = Grid::untidy(32, 30).mesh();
    let model = Model::new(comm, &mesh, &everywhere, &problem, 0).expect("a good mesh");
    let (u, report) = System::new(&model, &problem).solve(1e-11);
    assert_eq!(report.outcome, ConvergedReason::Converged);
    assert!(distance(comm, u.local(), &vec![1.0; u.local().len()]) < 1e-9);
}

/// Checks a layer of one element whose corners are all fixed, more than a dense matrix could hold
/// in a second: there are no aggregates, and the coarsest level is empty.
fn a_layer_between_two_dirichlet_boundaries_is_solved(comm: &Rc<Comm>) {
    let conditions = [0.0, 1.0].map(|u| Condition::Dirichlet(Field::Constant(u))).to_vec();
    let problem = Problem { conditions, ..Problem::channel(0.0) };
    let sides = |points: &[[f64; 2]; 3]| {
        let all_at = |y: f64| points.iter().all(|p| (p[1] - y).abs() < 1e-9);
        if all_at(0.0) { Some(0) } else { all_at(1.0).then_some(1) }
    };
    let mesh = Grid { map: |s, t| [3000.0 * s, t], ..Grid::new(3000, 1) }.mesh();
    for (levels, most) in [(0, 5), (1, 10)] {
        let model = Model::new(comm, &mesh, &sides, &problem, levels).expect("a good mesh");
        let system = System::new(&model, &problem);
        assert_eq!(system.multigrid.levels().last().map(|level| level.unknowns), Some(0));
        let (u, report) = system.solve(1e-11);
        assert!(report.outcome == ConvergedReason::Converged && report.iterations <= most, "{report:?}");
        assert!(distance(comm, u.local(), model.interpolate(|[_, y]| y).local()) < 1e-9);
    }
}

/// Checks two squares that share a corner: u = x between two Dirichlet edges of the first, and the
/// value of the shared corner in the second.
fn pieces_that_touch_in_one_node_are_solved(comm: &Rc<Comm>) {
    let square =
        |low: f64| Grid { map: if low > 0.0 { |s, t| [1.0 + s, 1.0 + t] } else { |s, t| [s, t] }, ..Grid::new(20, 19) };
    let [mut mesh, other] = [0.0, 1.0].map(|low| square(low).mesh());
    let first = mesh.points.len() as i64;
    let at_corner = |p: &[f64; 2]| (p[0] - 1.0).hypot(p[1] - 1.0) < 1e-9;
    let corner = mesh.points.iter().position(at_corner).expect("a corner") as i64;
    // The corner of the other square remains as an orphan.
    let moved = |n: i64| if at_corner(&other.points[n as usize]) { corner } else { first + n };
    mesh.elements.extend(other.elements.iter().map(|nodes| nodes.map(moved)));
    mesh.points.extend(&other.points);

    let problem = Problem {
        conditions: [0.0, 1.0].map(|u| Condition::Dirichlet(Field::Constant(u))).to_vec(),
        ..Problem::channel(0.0)
    };
    let sides = |points: &[[f64; 2]; 3]| {
        let all_at = |x: f64| points.iter().all(|p| (p[0] - x).abs() < 1e-9 && p[1] < 1.0 + 1e-9);
        if all_at(0.0) { Some(0) } else { all_at(1.0).then_some(1) }
    };
    let model = Model::new(comm, &mesh, &sides, &problem, 0).expect("a good mesh");
    let (u, report) = System::new(&model, &problem).solve(1e-11);
    assert_eq!(report.outcome, ConvergedReason::Converged);
    assert!(report.iterations <= 25, "{} iterations", report.iterations);
    let exact = model.interpolate(|[x, _]| x.min(1.0));
    assert!(distance(comm, u.local(), exact.local()) < 1e-8);
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
