//! Fallback after the breakdown of a preconditioner.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use quad8_mpi::la::cg::{
    CgReport, CgState, ConvergedReason, LONG, Monitor, Patience, PreconditionerName, Preconditioners, Rhs, Switch,
    build_preconditioner, conjugate_gradient_with_fallback, used_preconditioners,
};
use quad8_mpi::la::{
    Jacobi, LevelSize, LinearOperator, Preconditioner, PreconditionerStatistics, Substructuring, Vector,
};
use quad8_mpi::parallel::{Comm, Profile};
use quad8_mpi::{Error, Result};

use super::bits::OPTIONS;
use super::checkpoint::StopAfter;
use super::manufactured::Case;
use super::meshes::Grid;
use super::pipeline::{distance, times};
use crate::Check;

pub const CHECKS: &[Check] = checks![
    the_next_preconditioner_goes_on_from_the_iterate_at_hand,
    a_state_from_after_a_switch_goes_on_as_if_it_had_never_stopped,
    the_flaw_of_the_last_preconditioner_is_the_outcome,
    residuals_in_twice_the_precision_keep_small_parts,
    a_slow_preconditioner_is_kept_where_the_next_cannot_be_built,
    the_direct_solver_inverts_the_matrix,
];

/// Behaviour of a preconditioner in these tests.
#[derive(Clone, Copy)]
enum Kind {
    Jacobi,
    /// Jacobi for this number of calls, then its negative.
    IndefiniteAfter(usize),
    /// Jacobi for this number of calls, then NaN on the last rank.
    NanAfter(usize),
    /// Fails to build.
    Missing,
}

struct Failing {
    jacobi: Jacobi,
    kind: Kind,
    is_last_rank: bool,
    calls: Cell<usize>,
}

impl Preconditioner for Failing {
    fn apply(&self, r: &Vector, z: &mut Vector) {
        self.jacobi.apply(r, z);
        let call = self.calls.replace(self.calls.get() + 1);
        match self.kind {
            Kind::IndefiniteAfter(calls) if call >= calls => z.owned_mut().iter_mut().for_each(|z| *z = -*z),
            Kind::NanAfter(calls) if call >= calls && self.is_last_rank => z.owned_mut()[0] = f64::NAN,
            _ => (),
        }
    }
}

impl PreconditionerStatistics for Failing {
    fn levels(&self) -> Vec<LevelSize> {
        Vec::new()
    }

    fn spent(&self) -> Vec<Profile> {
        Vec::new()
    }
}

struct List<'a> {
    case: &'a Case,
    kinds: &'a [Kind],
    patience: Patience,
    names: Vec<PreconditionerName>,
    built: Vec<usize>,
}

impl<'a> List<'a> {
    fn new(case: &'a Case, kinds: &'a [Kind], patience: Patience) -> Self {
        let name = PreconditionerName { name: "test", precision: "double" };
        Self { case, kinds, patience, names: vec![name; kinds.len()], built: Vec::new() }
    }
}

impl Preconditioners for List<'_> {
    fn names(&self) -> &[PreconditionerName] {
        &self.names
    }

    fn patience(&self, _at: usize) -> Patience {
        self.patience
    }

    fn build(&mut self, at: usize) -> Result<Box<dyn PreconditionerStatistics>> {
        self.built.push(at);
        let (comm, kind) = (&self.case.comm, self.kinds[at]);
        if matches!(kind, Kind::Missing) {
            return Err(Error::internal("a hierarchy"));
        }
        let jacobi = Jacobi::new(&self.case.system.matrix.diagonal());
        let is_last_rank = comm.rank() + 1 == comm.size();
        Ok(Box::new(Failing { jacobi, kind, is_last_rank, calls: Cell::new(0) }))
    }
}

fn case(comm: &Rc<Comm>) -> Case {
    Case::new(comm, Grid::untidy(7, 6))
}

/// Solves with these preconditioners and checks that all ranks agree.
fn solve(case: &Case, kinds: &[Kind], start: Option<CgState>, monitor: &dyn Monitor) -> (Vector, CgReport, Vec<usize>) {
    solve_from(case, List::new(case, kinds, LONG), start, monitor)
}

fn solve_from(
    case: &Case,
    mut list: List,
    start: Option<CgState>,
    monitor: &dyn Monitor,
) -> (Vector, CgReport, Vec<usize>) {
    let mut start = start.unwrap_or_else(|| CgState::new(case.zeros()));
    let b = Rhs::new(case.system.b.clone());
    let first = build_preconditioner(&mut list, &mut start.switches, 0).expect("a preconditioner");
    let with = (&mut list as &mut dyn Preconditioners, first);
    let solved = conjugate_gradient_with_fallback(&case.system.matrix, with, &b, start, OPTIONS, monitor);
    let (x, report, _) = solved.expect("a preconditioner");
    let seen = CgReport { cost: Default::default(), ..report.clone() };
    let everywhere = case.comm.all_gather_strings(&format!("{seen:?}"));
    assert!(everywhere.iter().all(|other| *other == everywhere[0]), "{everywhere:#?}");
    (x, report, list.built)
}

fn iterations(switches: &[Switch]) -> Vec<usize> {
    switches.iter().map(|switch| switch.iteration).collect()
}

fn the_next_preconditioner_goes_on_from_the_iterate_at_hand(comm: &Rc<Comm>) {
    let case = case(comm);
    let (expected, alone, _) = solve(&case, &[Kind::Jacobi], None, &());
    assert!(alone.switches.is_empty());
    let kinds = [Kind::IndefiniteAfter(5), Kind::Missing, Kind::NanAfter(7), Kind::Jacobi];
    let (x, report, built) = solve(&case, &kinds, None, &());
    assert_eq!(report.outcome, ConvergedReason::Converged);
    assert_eq!((iterations(&report.switches), built), (vec![5, 5, 12], vec![0, 1, 2, 3]));
    assert_eq!(report.history.len(), report.iterations + 1);
    assert_eq!(report.history[..6], alone.history[..6]);
    assert!(report.replacements.is_empty(), "{:?}", report.replacements);
    assert!(distance(comm, x.owned(), expected.owned()) < 1e-8);

    let used = used_preconditioners(&List::new(&case, &kinds, LONG).names, &report.switches);
    assert_eq!(used.iter().map(|used| used.from_iteration).collect::<Vec<_>>(), [0, 5, 5, 12]);
    let reasons: Vec<&str> = used[1..].iter().filter_map(|used| used.reason.as_deref()).collect();
    assert!(reasons[0].starts_with("r.Mr = -") && reasons[0].ends_with(" is not positive"), "{reasons:?}");
    assert!(reasons[1].contains("a hierarchy") && reasons[2] == "r.Mr is not finite", "{reasons:?}");
}

fn a_state_from_after_a_switch_goes_on_as_if_it_had_never_stopped(comm: &Rc<Comm>) {
    let case = case(comm);
    let kinds = [Kind::IndefiniteAfter(5), Kind::Jacobi];
    let (x, whole, _) = solve(&case, &kinds, None, &());
    let monitor = StopAfter { iteration: 20, state: RefCell::new(None) };
    solve(&case, &kinds, None, &monitor);
    let (again, rest, built) = solve(&case, &kinds, monitor.state.into_inner(), &());
    assert_eq!(built, [1]);
    assert_eq!((again.owned(), rest.history), (x.owned(), whole.history));
    assert_eq!(rest.switches, whole.switches);
}

fn the_flaw_of_the_last_preconditioner_is_the_outcome(comm: &Rc<Comm>) {
    let case = case(comm);
    let (_, report, _) = solve(&case, &[Kind::NanAfter(3), Kind::IndefiniteAfter(4)], None, &());
    assert!(matches!(report.outcome, ConvergedReason::IndefinitePreconditioner { r_mr } if r_mr < 0.0), "{report:?}");
    assert_eq!((report.iterations, iterations(&report.switches)), (7, vec![3]));
}

/// Checks the precise residual: with b = A 1, b - A (1 + small) has the digits of A small, which
/// f64 alone would lose.
fn residuals_in_twice_the_precision_keep_small_parts(comm: &Rc<Comm>) {
    let case = case(comm);
    let problem = super::manufactured::problem();
    let elements = super::multigrid::System::new(&case.model, &problem);
    let mut small = case.model.interpolate(|[x, y]| 1e-20 * (3.0 * x).sin() * y);
    for operator in [&case.system.matrix as &dyn LinearOperator, elements.operator()] {
        let residual = |b: &[f64], low: &Vector| {
            let (mut one, mut r) = (case.model.interpolate(|_| 1.0), case.zeros());
            assert!(operator.precise_residual(b, &mut one, &mut low.clone(), &mut r));
            r.owned().to_vec()
        };
        let zeros = vec![0.0; small.owned().len()];
        let b: Vec<f64> = residual(&zeros, &case.zeros()).iter().map(|r| -r).collect();
        let (rest, found) = (residual(&b, &case.zeros()), residual(&b, &small));
        let found: Vec<f64> = found.iter().zip(&rest).map(|(with, without)| 1e20 * (without - with)).collect();
        let mut expected = case.zeros();
        operator.apply(&mut small, &mut expected);
        let expected: Vec<f64> = expected.owned().iter().map(|value| 1e20 * value).collect();
        assert!(distance(comm, &found, &expected) < 1e-9);
    }
}

/// Jacobi is slow on this mesh.
fn a_slow_preconditioner_is_kept_where_the_next_cannot_be_built(comm: &Rc<Comm>) {
    let case = case(comm);
    let list = |kinds| List::new(&case, kinds, Patience::Short);
    let (x, report, built) = solve_from(&case, list(&[Kind::Jacobi, Kind::Missing]), None, &());
    assert_eq!((built, report.switches.len(), report.outcome), (vec![0, 1], 0, ConvergedReason::Converged));
    // A state from a later iteration remembers that.
    let monitor = StopAfter { iteration: 20, state: RefCell::new(None) };
    solve_from(&case, list(&[Kind::Jacobi, Kind::Missing]), None, &monitor);
    let (again, rest, built) = solve_from(&case, list(&[Kind::Jacobi, Kind::Missing]), monitor.state.into_inner(), &());
    assert_eq!((built, again.owned(), rest.history), (vec![0], x.owned(), report.history));
    // So does a switch for another reason, which passes the missing one over.
    let kinds = [Kind::IndefiniteAfter(15), Kind::Missing, Kind::Jacobi];
    let (_, report, built) = solve_from(&case, list(&kinds), None, &());
    assert_eq!((built, iterations(&report.switches)), (vec![0, 1, 2], vec![15, 15]));
    assert!(report.switches[1].reason.contains("a hierarchy"), "{:?}", report.switches);
    let (other, report, built) = solve_from(&case, list(&[Kind::Jacobi, Kind::Jacobi]), None, &());
    assert_eq!((built, iterations(&report.switches)), (vec![0, 1], vec![10]));
    assert_eq!(report.switches[0].reason, "the residual shrank slowly");
    assert!(distance(comm, x.owned(), other.owned()) < 1e-8);
}

fn the_direct_solver_inverts_the_matrix(comm: &Rc<Comm>) {
    for grid in [Grid::untidy(2, 1), Grid::untidy(7, 6), Grid::untidy(21, 13)] {
        let case = Case::new(comm, grid);
        let solver = Substructuring::new(&case.system.matrix).expect("a small matrix");
        let x = case.model.interpolate(|[x, y]| (3.0 * x + y).sin());
        let mut found = case.zeros();
        solver.apply(&times(&case.system.matrix, &x), &mut found);
        let error = distance(comm, x.owned(), found.owned());
        assert!(error < 1e-10, "{error:e}");
    }
}
