//! Numbers in which multigrid stores its element operators, by the precision of the cycle.

use crate::fem::ElementOperator;
use crate::la::{LinearOperator, Scalar};

/// Precision of a cycle.
pub(super) trait SmootherPrecision: Scalar {
    /// Converts an operator for the smoother. **Collective.**
    fn smoother_operator<U: Scalar>(operator: &ElementOperator<U>) -> Box<dyn LinearOperator<Self>>;
}

impl SmootherPrecision for f64 {
    fn smoother_operator<U: Scalar>(operator: &ElementOperator<U>) -> Box<dyn LinearOperator<f64>> {
        Box::new(operator.to())
    }
}

/// Stores 16-bit fixed-point numbers where the elements allow it.
impl SmootherPrecision for f32 {
    fn smoother_operator<U: Scalar>(operator: &ElementOperator<U>) -> Box<dyn LinearOperator<f32>> {
        match operator.to_fixed_point() {
            Some(operator) => Box::new(operator),
            None => Box::new(operator.to()),
        }
    }
}
