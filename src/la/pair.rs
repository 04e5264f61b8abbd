//! Unevaluated sums of two f64, with about twice the digits of one: T. J. Dekker, *A floating-point
//! technique for extending the available precision*, Numer. Math. 18 (1971).

use std::ops::{Add, AddAssign, Mul, Neg, Sub};

/// Unevaluated sum of a rounded number and its rounding error.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pair {
    /// Rounded sum.
    pub high: f64,
    /// Rounding error of the sum.
    pub low: f64,
}

impl Pair {
    /// Returns the exact sum of two numbers of any size.
    pub fn sum(a: f64, b: f64) -> Self {
        let high = a + b;
        let added = high - a;
        Self { high, low: (a - (high - added)) + (b - added) }
    }

    /// Returns the exact sum of two numbers, of which the second has the smaller magnitude.
    fn sum_ordered(a: f64, b: f64) -> Self {
        let high = a + b;
        Self { high, low: b - (high - a) }
    }
}

impl Add for Pair {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let (high, low) = (Self::sum(self.high, other.high), Self::sum(self.low, other.low));
        let sum = Self::sum_ordered(high.high, high.low + low.high);
        Self::sum_ordered(sum.high, sum.low + low.low)
    }
}

impl AddAssign for Pair {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Neg for Pair {
    type Output = Self;

    fn neg(self) -> Self {
        Self { high: -self.high, low: -self.low }
    }
}

impl Sub for Pair {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul<Pair> for f64 {
    type Output = Pair;

    fn mul(self, Pair { high, low }: Pair) -> Pair {
        let product = self * high;
        Pair::sum_ordered(product, self.mul_add(high, -product) + self * low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_below_the_precision_of_f64_are_kept() {
        let [third, tiny] = [Pair::sum(1.0 / 3.0, 0.0), Pair::sum(1e-25, 0.0)];
        assert_eq!((third + tiny - third).high, 1e-25);
        // (1 + e)^2 - 1 - 2 e = e^2.
        let e = 2_f64.powi(-40);
        let square = (1.0 + e) * Pair::sum(1.0, e);
        assert_eq!(square - Pair::sum(1.0, 2.0 * e), Pair::sum(e * e, 0.0));
    }
}
