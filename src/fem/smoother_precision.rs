//! Numbers in which multigrid stores its element operators, by the precision of the cycle.

use crate::fem::ElementOperator;
use crate::fem::multigrid::{CORNER_PAIRS, CornerMatrices};
use crate::la::matrix::{DistributedCsr, SlicedEllpack};
use crate::la::{LinearOperator, Scalar};

/// Precision of a cycle.
pub(super) trait SmootherPrecision: Scalar {
    /// Converts an operator for the smoother. **Collective.**
    fn smoother_operator<U: Scalar>(operator: &ElementOperator<U>) -> Box<dyn LinearOperator<Self>>;

    /// Returns the operator of the corners for the smoother; `matrix` is the same operator.
    /// **Collective.**
    fn corner_operator(corners: &CornerMatrices, matrix: &DistributedCsr) -> Box<dyn LinearOperator<Self>>;
}

impl SmootherPrecision for f64 {
    fn smoother_operator<U: Scalar>(operator: &ElementOperator<U>) -> Box<dyn LinearOperator<f64>> {
        Box::new(operator.to())
    }

    fn corner_operator(_corners: &CornerMatrices, matrix: &DistributedCsr) -> Box<dyn LinearOperator<f64>> {
        Box::new(SlicedEllpack::new(matrix))
    }
}

/// Stores fixed-point numbers where the elements allow it: of 16 bits, and of 8 bits for the corners.
impl SmootherPrecision for f32 {
    fn smoother_operator<U: Scalar>(operator: &ElementOperator<U>) -> Box<dyn LinearOperator<f32>> {
        match operator.to_fixed_point() {
            Some(operator) => Box::new(operator),
            None => Box::new(operator.to()),
        }
    }

    fn corner_operator(corners: &CornerMatrices, matrix: &DistributedCsr) -> Box<dyn LinearOperator<f32>> {
        if let Some(operator) = ElementOperator::<f32, i8, 4, CORNER_PAIRS>::of_corners(corners) {
            Box::new(operator)
        } else if let Some(operator) = ElementOperator::<f32, i16, 4, CORNER_PAIRS>::of_corners(corners) {
            Box::new(operator)
        } else {
            Box::new(SlicedEllpack::new(matrix))
        }
    }
}
