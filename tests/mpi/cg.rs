//! Reasons why conjugate gradients end.

use std::rc::Rc;

use quad8_mpi::la::cg::{CgOptions, CgReport, CgScalar, ConvergedReason, conjugate_gradient};
use quad8_mpi::la::matrix::DistributedCsr;
use quad8_mpi::la::{Jacobi, LinearOperator, Preconditioner, Vector};
use quad8_mpi::parallel::{Comm, Halo};

use super::manufactured::Case;
use super::meshes::Grid;
use super::pipeline::{distance, dot};
use crate::Check;

pub const CHECKS: &[Check] = checks![
    it_converges_and_reports_the_true_residual,
    a_limit_on_iterations_is_kept,
    the_solution_itself_takes_no_iterations,
    a_right_side_of_zero_takes_no_iterations,
    a_tolerance_beyond_the_precision_stagnates_at_the_solution,
    a_negative_operator_is_indefinite,
    a_negative_preconditioner_is_indefinite,
    one_nan_on_one_rank_ends_it_everywhere,
];

const OPTIONS: CgOptions = CgOptions { rtol: 1e-10, max_iterations: 10_000, patience: None };

fn case(comm: &Rc<Comm>) -> Case {
    Case::new(comm, Grid::untidy(7, 6))
}

impl Case {
    fn solve(&self, b: &[f64], x: &mut Vector, options: CgOptions) -> CgReport {
        self.solve_with(&self.system.matrix, &self.jacobi, b, x, options)
    }

    /// Solves and checks the invariants of every report.
    fn solve_with(
        &self,
        operator: &dyn LinearOperator,
        preconditioner: &dyn Preconditioner,
        b: &[f64],
        x: &mut Vector,
        options: CgOptions,
    ) -> CgReport {
        let report = conjugate_gradient(operator, preconditioner, b, x, options);
        let everywhere = self.comm.all_gather_strings(&format!("{report:?}"));
        assert!(everywhere.iter().all(|r| *r == everywhere[0]), "{everywhere:#?}");
        assert_eq!(report.history.len(), report.iterations + 1);
        if report.residual_norm.is_finite() {
            let norm = self.residual(operator, b, x);
            // The residual belongs to the iterate before rounding.
            let rounding = 1e-9 * norm + 1e-14 * report.rhs_norm;
            assert!((norm - report.residual_norm).abs() <= rounding, "{norm} and {}", report.residual_norm);
        }
        report
    }
}

fn it_converges_and_reports_the_true_residual(comm: &Rc<Comm>) {
    let case = case(comm);
    let b = &case.system.b;
    let report = case.solve(b, &mut case.zeros(), OPTIONS);
    assert_eq!(report.outcome, ConvergedReason::Converged);
    assert!(report.relative_residual() <= OPTIONS.rtol);
    assert!((report.rhs_norm - dot(comm, b, b).sqrt()).abs() < 1e-12 * report.rhs_norm);
    // The initial residual is b; the last but one exceeds the tolerance.
    assert_eq!(report.history[0], report.rhs_norm);
    assert!(report.history[report.iterations - 1] > OPTIONS.rtol * report.rhs_norm);
}

fn a_limit_on_iterations_is_kept(comm: &Rc<Comm>) {
    let case = case(comm);
    for max_iterations in [0, 1, 7] {
        let mut x = case.zeros();
        let report = case.solve(&case.system.b, &mut x, CgOptions { max_iterations, ..OPTIONS });
        assert_eq!((report.outcome, report.iterations), (ConvergedReason::MaxIterations, max_iterations));
        // The last iterate is kept.
        assert_eq!(dot(comm, x.owned(), x.owned()) > 0.0, max_iterations > 0);
    }
}

fn the_solution_itself_takes_no_iterations(comm: &Rc<Comm>) {
    let case = case(comm);
    let mut x = case.zeros();
    case.solve(&case.system.b, &mut x, OPTIONS);
    let before = x.clone();
    let report = case.solve(&case.system.b, &mut x, OPTIONS);
    assert_eq!((report.outcome, report.iterations), (ConvergedReason::Converged, 0));
    assert_eq!(x.owned(), before.owned());
}

fn a_right_side_of_zero_takes_no_iterations(comm: &Rc<Comm>) {
    let case = case(comm);
    let mut x = case.zeros();
    let report = case.solve(&vec![0.0; x.owned().len()], &mut x, OPTIONS);
    assert_eq!((report.outcome, report.iterations), (ConvergedReason::Converged, 0));
    assert_eq!((report.relative_residual(), dot(comm, x.owned(), x.owned())), (0.0, 0.0));
}

fn a_tolerance_beyond_the_precision_stagnates_at_the_solution(comm: &Rc<Comm>) {
    let case = case(comm);
    let [mut x, mut exact] = [case.zeros(), case.zeros()];
    case.solve(&case.system.b, &mut exact, CgOptions { rtol: 1e-13, ..OPTIONS });
    let report = case.solve(&case.system.b, &mut x, CgOptions { rtol: 1e-40, ..OPTIONS });
    assert_eq!(report.outcome, ConvergedReason::Stagnated);
    assert!(report.relative_residual() < 1e-13);
    assert!(distance(comm, x.owned(), exact.owned()) < 1e-11);
}

/// Negative of an operator or of a preconditioner.
struct Negative<'a, T>(&'a T);

impl LinearOperator for Negative<'_, DistributedCsr> {
    fn halo(&self) -> &Halo {
        self.0.halo()
    }

    fn apply(&self, x: &mut Vector, y: &mut Vector) {
        self.0.apply(x, y);
        y.owned_mut().iter_mut().for_each(|y| *y = -*y);
    }

    fn diagonal(&self) -> Vec<f64> {
        self.0.diagonal().iter().map(|d| -d).collect()
    }

    fn precise_residual(&self, _b: &[f64], _x: &mut Vector, _low: &mut Vector, _r: &mut Vector) -> bool {
        false
    }
}

impl Preconditioner for Negative<'_, Jacobi> {
    fn apply(&self, r: &Vector, z: &mut Vector) {
        self.0.apply(r, z);
        z.owned_mut().iter_mut().for_each(|z| *z = -*z);
    }
}

fn a_negative_operator_is_indefinite(comm: &Rc<Comm>) {
    let case = case(comm);
    let operator = Negative(&case.system.matrix);
    let report = case.solve_with(&operator, &case.jacobi, &case.system.b, &mut case.zeros(), OPTIONS);
    assert!(matches!(report.outcome, ConvergedReason::IndefiniteOperator { p_ap } if p_ap < 0.0), "{report:?}");
    assert_eq!(report.iterations, 0);
}

fn a_negative_preconditioner_is_indefinite(comm: &Rc<Comm>) {
    let case = case(comm);
    let preconditioner = Negative(&case.jacobi);
    let report = case.solve_with(&case.system.matrix, &preconditioner, &case.system.b, &mut case.zeros(), OPTIONS);
    assert!(matches!(report.outcome, ConvergedReason::IndefinitePreconditioner { r_mr } if r_mr < 0.0), "{report:?}");
    assert_eq!(report.iterations, 0);
}

fn one_nan_on_one_rank_ends_it_everywhere(comm: &Rc<Comm>) {
    let case = case(comm);
    for bad in [f64::NAN, f64::INFINITY] {
        let mut b = case.system.b.clone();
        let last = comm.size() - 1;
        if comm.rank() == last {
            b[0] = bad;
        }
        let report = case.solve(&b, &mut case.zeros(), OPTIONS);
        assert_eq!(report.outcome, ConvergedReason::NotFinite { quantity: CgScalar::Rhs });
        assert_eq!(report.iterations, 0);
        let mut x = case.zeros();
        if comm.rank() == last {
            x.owned_mut()[0] = bad;
        }
        let report = case.solve(&case.system.b, &mut x, OPTIONS);
        assert_eq!(report.outcome, ConvergedReason::NotFinite { quantity: CgScalar::TrueResidual });
        assert_eq!(report.iterations, 0);
    }
}
