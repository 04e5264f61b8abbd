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

    /// Converts a 16-bit integer, exactly.
    fn of_integer(value: i16) -> Self;

    /// Converts the number to double precision.
    fn double(self) -> f64;
}

impl Scalar for f64 {
    fn of(value: f64) -> Self {
        value
    }

    fn of_integer(value: i16) -> Self {
        f64::from(value)
    }

    fn double(self) -> f64 {
        self
    }
}

impl Scalar for f32 {
    fn of(value: f64) -> Self {
        value as f32
    }

    fn of_integer(value: i16) -> Self {
        f32::from(value)
    }

    fn double(self) -> f64 {
        f64::from(self)
    }
}
