//! Types for minima and maxima, with a workaround for unsigned integers in MPICH.

use crate::parallel::MpiType;

/// Number that [`Comm::min`](crate::parallel::Comm::min) and
/// [`Comm::max`](crate::parallel::Comm::max) compare.
///
/// MPICH 4.0 takes the bits of unsigned integers as signed in MPI_MIN and MPI_MAX
/// (<https://github.com/pmodels/mpich/issues/6083>). Therefore unsigned integers travel as signed
/// ones of the same order.
pub trait Ordered: MpiType {
    /// Type that MPI compares.
    type Compared: MpiType;

    /// Maps to the type that MPI compares, in the same order.
    fn to_compared(self) -> Self::Compared;

    /// Inverts [`to_compared`](Self::to_compared).
    fn from_compared(compared: Self::Compared) -> Self;
}

macro_rules! ordered_as_they_are {
    ($($number:ty),*) => {$(
        impl Ordered for $number {
            type Compared = Self;

            fn to_compared(self) -> Self {
                self
            }

            fn from_compared(compared: Self) -> Self {
                compared
            }
        }
    )*};
}

/// Flips the highest bit: 0 becomes the least signed number, and the largest stays the largest.
macro_rules! ordered_as_signed {
    ($($unsigned:ty: $signed:ty),*) => {$(
        impl Ordered for $unsigned {
            type Compared = $signed;

            fn to_compared(self) -> $signed {
                self.cast_signed() ^ <$signed>::MIN
            }

            fn from_compared(compared: $signed) -> Self {
                (compared ^ <$signed>::MIN).cast_unsigned()
            }
        }
    )*};
}

ordered_as_they_are!(f32, f64, i8, i16, i32, i64, isize);
ordered_as_signed!(u8: i8, u16: i16, u32: i32, u64: i64, usize: isize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_numbers_have_the_order_of_unsigned_ones() {
        let numbers = [0, 1, i64::MAX as u64, 1 << 63, u64::MAX - 1, u64::MAX];
        let compared = numbers.map(Ordered::to_compared);
        assert!(compared.is_sorted() && compared[0] == i64::MIN, "{compared:?}");
        assert_eq!(compared.map(u64::from_compared), numbers);
        assert!([0_u8, 127, 128, 255].map(Ordered::to_compared).is_sorted());
    }
}
