//! Floating-point precisions: f64 for the solution, f32 inside preconditioners.

use std::fmt::Debug;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Sub, SubAssign};

use crate::parallel::MpiType;

/// Floating-point number in single or double precision.
pub trait Scalar:
    MpiType
    + Debug
    + PartialEq
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + AddAssign
    + SubAssign
    + Sum
{
    /// Rounds a value to this precision.
    fn of(value: f64) -> Self;

    /// Converts the number to double precision.
    fn double(self) -> f64;
}

impl Scalar for f64 {
    fn of(value: f64) -> Self {
        value
    }

    fn double(self) -> f64 {
        self
    }
}

impl Scalar for f32 {
    fn of(value: f64) -> Self {
        value as f32
    }

    fn double(self) -> f64 {
        f64::from(self)
    }
}
