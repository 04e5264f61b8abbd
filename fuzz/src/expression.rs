//! Formulas.

use std::rc::Rc;

use quad8_mpi::parallel::Comm;
use quad8_mpi::problem::expression::Expression;

/// Evaluates a formula. No text may make the reader, or the formula, panic.
pub fn read(_: &Rc<Comm>, bytes: &[u8]) {
    if let Some(formula) = std::str::from_utf8(bytes).ok().and_then(|text| Expression::parse(text).ok()) {
        let _ = formula.at(&[0.3, 1.0], &[-0.7, 2.0]);
    }
}
