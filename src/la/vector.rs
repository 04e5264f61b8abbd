//! Distributed vector: one rank's part.

use crate::la::{Pair, Scalar};
use crate::parallel::{IndexMap, loops};

/// Local part of a distributed vector: owned entries, then ghosts.
#[derive(Debug, Clone, Default)]
pub struct Vector<T = f64> {
    values: Vec<T>,
    owned: usize,
}

impl<T: Scalar> Vector<T> {
    /// Creates a vector of zeros.
    pub fn zeros(map: &IndexMap) -> Self {
        Self { values: loops::filled(map.local(), T::default()), owned: map.owned() }
    }

    /// Creates a vector of `local` entries with these owned values and zero ghosts.
    pub(crate) fn from_owned(values: &[T], local: usize) -> Self {
        let owned = values.len();
        let mut values = values.to_vec();
        values.resize(local, T::default());
        Self { values, owned }
    }

    /// Creates a vector of zeros with the distribution of this one.
    pub(crate) fn zeros_like(&self) -> Self {
        Self { values: loops::filled(self.values.len(), T::default()), owned: self.owned }
    }

    /// Returns the owned entries.
    pub fn owned(&self) -> &[T] {
        &self.values[..self.owned]
    }

    /// Returns the owned entries for writing.
    pub fn owned_mut(&mut self) -> &mut [T] {
        &mut self.values[..self.owned]
    }

    /// Returns the owned entries and the ghosts, which hold the values of the last exchange.
    pub fn local(&self) -> &[T] {
        &self.values
    }

    /// Returns the owned entries and the ghosts for writing.
    pub fn local_mut(&mut self) -> &mut [T] {
        &mut self.values
    }

    /// Returns the unevaluated sums of the local entries and those of `low`.
    pub(crate) fn pairs(&self, low: &Self) -> Vec<Pair> {
        self.values.iter().zip(&low.values).map(|(x, low)| Pair::sum(x.double(), low.double())).collect()
    }

    /// Adds `factor` times `other` to the owned part.
    pub(crate) fn add(&mut self, factor: T, other: &Self) {
        loops::update(self.owned_mut(), |range, values| {
            for (value, other) in values.iter_mut().zip(&other.owned()[range]) {
                *value += factor * *other;
            }
            []
        });
    }
}

/// Factors of a new search direction p and of the update of an iterate x along the previous one.
#[derive(Debug, Clone, Copy)]
pub struct DirectionUpdate {
    /// Factor of p in x.
    pub alpha: f64,
    /// Factor of p in the next p.
    pub beta: f64,
}

/// Adds `alpha` p to x, and overwrites p by z + `beta` p, in one loop.
pub(crate) fn next_direction<T: Scalar>(
    z: &[T],
    p: &mut Vector,
    x: &mut Vector,
    DirectionUpdate { alpha, beta }: DirectionUpdate,
) {
    loops::update_all([p.owned_mut(), x.owned_mut()], |range, [p, x]| {
        for ((p, x), z) in p.iter_mut().zip(x).zip(&z[range]) {
            *x += alpha * *p;
            *p = beta * *p + z.double();
        }
    });
}

/// Computes this rank's part of x.y as [`dot`] does, for x of any precision.
pub(crate) fn dot_mixed<T: Scalar>(x: &[T], y: &[f64]) -> f64 {
    let [sum] = loops::sum(y.len(), |range| {
        let mut sums = [0.0; 8];
        let (x, y) = (&x[range.clone()], &y[range]);
        let (xs, ys) = (x.chunks_exact(8), y.chunks_exact(8));
        let rest: f64 = xs.remainder().iter().zip(ys.remainder()).map(|(a, b)| a.double() * b).sum();
        for (a, b) in xs.zip(ys) {
            for i in 0..8 {
                sums[i] += a[i].double() * b[i];
            }
        }
        [sums.iter().sum::<f64>() + rest]
    });
    sum
}

/// Computes this rank's part of x.y, with the same bits for any number of threads.
pub(crate) fn dot<T: Scalar>(x: &[T], y: &[T]) -> f64 {
    let [sum] = loops::sum(x.len(), |range| [inner(&x[range.clone()], &y[range])]);
    sum
}

/// Computes x.y over one chunk in eight interleaved sums, which the compiler keeps in vector
/// registers. Sums are in double precision.
pub(crate) fn inner<T: Scalar>(x: &[T], y: &[T]) -> f64 {
    let mut sums = [0.0; 8];
    let (xs, ys) = (x.chunks_exact(8), y.chunks_exact(8));
    let rest: f64 = xs.remainder().iter().zip(ys.remainder()).map(|(a, b)| (*a * *b).double()).sum();
    for (a, b) in xs.zip(ys) {
        for i in 0..8 {
            sums[i] += (a[i] * b[i]).double();
        }
    }
    sums.iter().sum::<f64>() + rest
}
