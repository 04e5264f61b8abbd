//! A distributed vector as one rank stores it.

use crate::la::{Pair, Scalar};
use crate::parallel::{IndexMap, loops};

/// Owned entries first, ghosts behind them.
#[derive(Debug, Clone)]
pub struct Vector<T = f64> {
    values: Vec<T>,
    owned: usize,
}

impl<T: Scalar> Vector<T> {
    /// A vector of zeros.
    pub fn zeros(map: &IndexMap) -> Self {
        Self { values: vec![T::default(); map.local()], owned: map.owned() }
    }

    /// A vector of `local` entries, owned ones and ghosts, with these owned values.
    pub fn from_owned(values: &[T], local: usize) -> Self {
        let owned = values.len();
        let mut values = values.to_vec();
        values.resize(local, T::default());
        Self { values, owned }
    }

    /// Zeros, distributed as this vector.
    pub fn zeros_like(&self) -> Self {
        Self { values: vec![T::default(); self.values.len()], owned: self.owned }
    }

    /// Owned entries.
    pub fn owned(&self) -> &[T] {
        &self.values[..self.owned]
    }

    /// Owned entries, to change.
    pub fn owned_mut(&mut self) -> &mut [T] {
        &mut self.values[..self.owned]
    }

    /// Owned entries and ghosts; ghosts are as old as the last exchange.
    pub fn local(&self) -> &[T] {
        &self.values
    }

    /// Owned entries and ghosts, to exchange.
    pub fn local_mut(&mut self) -> &mut [T] {
        &mut self.values
    }

    /// Returns the sums of the local entries and those of `low`.
    pub fn pairs(&self, low: &Self) -> Vec<Pair> {
        self.values.iter().zip(&low.values).map(|(x, low)| Pair::sum(x.double(), low.double())).collect()
    }

    /// Multiplies the owned part by `factor` and adds `other`.
    pub(crate) fn scale_and_add(&mut self, factor: T, other: &Self) {
        loops::update(self.owned_mut(), |range, values| {
            for (value, other) in values.iter_mut().zip(&other.owned()[range]) {
                *value = factor * *value + *other;
            }
            []
        });
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

/// This rank's part of x.y, with the same bits at any number of threads.
pub(crate) fn dot(x: &[f64], y: &[f64]) -> f64 {
    let [sum] = loops::sum(x.len(), |range| [inner(&x[range.clone()], &y[range])]);
    sum
}

/// x.y over one chunk, in eight interleaved sums that the compiler can keep in
/// vector registers.
pub(crate) fn inner(x: &[f64], y: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (xs, ys) = (x.chunks_exact(8), y.chunks_exact(8));
    let rest: f64 = xs.remainder().iter().zip(ys.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in xs.zip(ys) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    sums.iter().sum::<f64>() + rest
}
