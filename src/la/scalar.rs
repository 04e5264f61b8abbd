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
    /// Number of the same range with fewer digits, for factors of a smoother.
    type Rough: Copy + Default + Send + Sync;

    /// Rounds the number to fewer digits.
    fn rough(self) -> Self::Rough;

    /// Converts a number of fewer digits.
    fn of_rough(rough: Self::Rough) -> Self;

    /// Rounds a value to this precision.
    fn of(value: f64) -> Self;

    /// Converts the number to double precision.
    fn double(self) -> f64;
}

impl Scalar for f64 {
    type Rough = Self;

    fn rough(self) -> Self {
        self
    }

    fn of_rough(rough: Self) -> Self {
        rough
    }

    fn of(value: f64) -> Self {
        value
    }

    fn double(self) -> f64 {
        self
    }
}

/// The upper half of the bits (bfloat16): eight digits.
impl Scalar for f32 {
    type Rough = u16;

    #[inline(always)]
    fn rough(self) -> u16 {
        ((self.to_bits() + 0x8000) >> u16::BITS) as u16
    }

    #[inline(always)]
    fn of_rough(rough: u16) -> Self {
        Self::from_bits(u32::from(rough) << u16::BITS)
    }

    fn of(value: f64) -> Self {
        value as f32
    }

    fn double(self) -> f64 {
        f64::from(self)
    }
}
