//! Flipped bits in the vectors of conjugate gradients: they are detected or corrected, so that a
//! result reported as converged is the solution.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use quad8_mpi::la::cg::{CgOptions, CgReport, CgState, ConvergedReason, Rhs, conjugate_gradient_monitored};
use quad8_mpi::la::matrix::DistributedCsr;
use quad8_mpi::la::{Jacobi, LinearOperator, Preconditioner, Vector};
use quad8_mpi::parallel::{Comm, Halo};

use super::checkpoint::StopAfter;
use super::manufactured::Case;
use super::meshes::Grid;
use super::pipeline::System;
use crate::Check;

pub const CHECKS: &[Check] = checks![
    no_bit_makes_a_wrong_answer,
    a_right_side_that_has_changed_gives_no_answer,
    a_large_fault_is_noticed_within_a_hundred_iterations,
    what_fails_again_and_again_is_no_answer,
];

pub const OPTIONS: CgOptions = CgOptions { rtol: 1e-10, max_iterations: 500, patience: None };

/// Bits of the sign, of the exponent, and of the mantissa from the highest to the lowest.
const BITS: [u32; 12] = [63, 62, 60, 57, 54, 53, 52, 51, 44, 30, 10, 0];

/// Flips a bit of an entry on the last rank.
fn flip(comm: &Comm, values: &mut [f64], bit: u32) {
    if comm.rank() == comm.size() - 1 && !values.is_empty() {
        let entry = &mut values[values.len() / 2];
        *entry = f64::from_bits(entry.to_bits() ^ (1 << bit));
    }
}

/// Operator or preconditioner that flips a bit of its result in some calls.
struct Flipping<'a, T> {
    inner: &'a T,
    comm: &'a Comm,
    bit: u32,
    calls: Cell<usize>,
    is_bad: &'a dyn Fn(usize) -> bool,
}

impl<T> Flipping<'_, T> {
    fn after(&self, vector: &mut Vector) {
        if (self.is_bad)(self.calls.replace(self.calls.get() + 1)) {
            flip(self.comm, vector.owned_mut(), self.bit);
        }
    }
}

impl LinearOperator for Flipping<'_, DistributedCsr> {
    fn halo(&self) -> &Halo {
        self.inner.halo()
    }

    fn apply(&self, x: &mut Vector, y: &mut Vector) {
        self.inner.apply(x, y);
        self.after(y);
    }

    fn diagonal(&self) -> Vec<f64> {
        self.inner.diagonal()
    }

    fn precise_residual(&self, _b: &[f64], _x: &mut Vector, _low: &mut Vector, _r: &mut Vector) -> bool {
        false
    }
}

impl Preconditioner for Flipping<'_, Jacobi> {
    fn apply(&self, r: &Vector, z: &mut Vector) {
        self.inner.apply(r, z);
        self.after(z);
    }
}

impl Case {
    fn start(&self) -> CgState {
        CgState::new(self.zeros())
    }

    /// Solves with an operator and a preconditioner that may be faulty. A result reported as
    /// converged must satisfy the tolerance.
    fn solve_with_faults(
        &self,
        operator: &dyn LinearOperator,
        preconditioner: &dyn Preconditioner,
        start: CgState,
    ) -> CgReport {
        let b = &self.system.b;
        let given = Rhs::new(b.clone());
        let (x, report) = conjugate_gradient_monitored(operator, preconditioner, &given, start, OPTIONS, &());
        if report.outcome == ConvergedReason::Converged {
            let norm = self.residual(&self.system.matrix, b, &x);
            let rounding = 1e-14 * report.rhs_norm;
            assert!(norm <= OPTIONS.rtol * report.rhs_norm + rounding, "{norm} is not small: {report:?}");
        }
        report
    }

    fn flipping<'a, T>(&'a self, inner: &'a T, bit: u32, is_bad: &'a dyn Fn(usize) -> bool) -> Flipping<'a, T> {
        Flipping { inner, comm: &self.comm, bit, calls: Cell::new(0), is_bad }
    }

    fn state(&self, iteration: usize) -> CgState {
        let monitor = StopAfter { iteration, state: RefCell::new(None) };
        let System { matrix, b, .. } = &self.system;
        let b = Rhs::new(b.clone());
        conjugate_gradient_monitored(matrix, &self.jacobi, &b, self.start(), OPTIONS, &monitor);
        monitor.state.into_inner().expect("a state")
    }
}

fn no_bit_makes_a_wrong_answer(comm: &Rc<Comm>) {
    let case = Case::new(comm, Grid::untidy(7, 6));
    let System { matrix, .. } = &case.system;
    let (mut tried, mut corrected) = (0, 0);
    let mut note = |report: CgReport| {
        tried += 1;
        corrected += usize::from(report.outcome == ConvergedReason::Converged);
    };
    for at in [3, 37] {
        let state = case.state(at);
        let is_bad = |call| call == at;
        for bit in BITS {
            let vectors: [fn(&mut CgState) -> &mut Vector; 4] =
                [|s| &mut s.x, |s| &mut s.low, |s| &mut s.r, |s| &mut s.p];
            for vector in vectors {
                let mut state = state.clone();
                flip(comm, vector(&mut state).owned_mut(), bit);
                note(case.solve_with_faults(matrix, &case.jacobi, state));
            }
            // A p and M r; the first product gives the initial residual.
            note(case.solve_with_faults(&case.flipping(matrix, bit, &is_bad), &case.jacobi, case.start()));
            note(case.solve_with_faults(matrix, &case.flipping(&case.jacobi, bit, &is_bad), case.start()));
        }
    }
    for bit in BITS {
        note(case.solve_with_faults(&case.flipping(matrix, bit, &|call| call == 0), &case.jacobi, case.start()));
    }
    assert!(10 * corrected >= 6 * tried, "only {corrected} of {tried} were corrected");
}

/// Checks a bit flipped in b, of which there is no second copy.
fn a_right_side_that_has_changed_gives_no_answer(comm: &Rc<Comm>) {
    let case = Case::new(comm, Grid::untidy(7, 6));
    let System { matrix, b, .. } = &case.system;
    let outcome = |b: &Rhs| {
        let (_, report) = conjugate_gradient_monitored(matrix, &case.jacobi, b, case.start(), OPTIONS, &());
        report.outcome
    };
    for bit in BITS {
        let mut b = Rhs::new(b.clone());
        flip(comm, &mut b.stored, bit);
        assert_eq!(outcome(&b), ConvergedReason::ChangedRhs, "bit {bit}");
    }
    let mut b = Rhs::new(b.clone());
    b.stored.fill(0.0);
    assert_eq!(outcome(&b), ConvergedReason::ChangedRhs, "nothing to iterate for");
}

fn a_large_fault_is_noticed_within_a_hundred_iterations(comm: &Rc<Comm>) {
    let case = Case::new(comm, Grid::untidy(24, 20));
    let System { matrix, .. } = &case.system;
    let clean = case.solve_with_faults(matrix, &case.jacobi, case.start());
    assert!(clean.iterations > 120 && clean.replacements.is_empty(), "{clean:?}");
    // This bit halves or doubles an entry.
    let report = case.solve_with_faults(&case.flipping(matrix, 52, &|call| call == 20), &case.jacobi, case.start());
    assert_eq!(report.outcome, ConvergedReason::Converged);
    let [repair] = report.replacements[..] else { panic!("{report:?}") };
    assert!(repair.is_fault && repair.iteration == 100, "{repair:?}");
    let warning = report.warning().expect("a warning");
    assert!(warning.starts_with("after iteration 100 the true residual was "), "{warning}");
}

fn what_fails_again_and_again_is_no_answer(comm: &Rc<Comm>) {
    let case = Case::new(comm, Grid::untidy(24, 20));
    let often = case.flipping(&case.system.matrix, 53, &|call| call % 5 == 4);
    let report = case.solve_with_faults(&often, &case.jacobi, case.start());
    assert_ne!(report.outcome, ConvergedReason::Converged);
    assert!(report.replacements.iter().any(|repair| repair.is_fault), "{report:?}");
}
