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
    /// Number of the same range with fewer digits, for smoothers.
    type Rough: Stored<Self>;

    /// Rounds a value to this precision.
    fn of(value: f64) -> Self;

    /// Converts the number to double precision.
    fn double(self) -> f64;
}

/// Number that is stored in place of one of precision T.
pub trait Stored<T>: Copy + Default + Send + Sync + 'static {
    /// Rounds a number for storage.
    fn rounded(value: T) -> Self;

    /// Returns the number in the precision of computations.
    fn number(self) -> T;
}

impl<T: Scalar> Stored<T> for T {
    #[inline(always)]
    fn rounded(value: T) -> Self {
        value
    }

    #[inline(always)]
    fn number(self) -> T {
        self
    }
}

/// The upper half of the bits (bfloat16): eight significant bits.
impl Stored<f32> for u16 {
    #[inline(always)]
    fn rounded(value: f32) -> Self {
        ((value.to_bits() + 0x8000) >> u16::BITS) as u16
    }

    #[inline(always)]
    fn number(self) -> f32 {
        f32::from_bits(u32::from(self) << u16::BITS)
    }
}

impl Scalar for f64 {
    type Rough = Self;

    fn of(value: f64) -> Self {
        value
    }

    fn double(self) -> f64 {
        self
    }
}

impl Scalar for f32 {
    type Rough = u16;

    fn of(value: f64) -> Self {
        value as f32
    }

    fn double(self) -> f64 {
        f64::from(self)
    }
}
