//! A distributed vector as one rank stores it.

use crate::parallel::{IndexMap, loops};

/// Owned entries first, ghosts behind them.
#[derive(Debug, Clone)]
pub struct Vector {
    values: Vec<f64>,
    owned: usize,
}

impl Vector {
    /// A vector of zeros.
    pub fn zeros(map: &IndexMap) -> Self {
        Self { values: vec![0.0; map.local()], owned: map.owned() }
    }

    /// Owned entries.
    pub fn owned(&self) -> &[f64] {
        &self.values[..self.owned]
    }

    /// Owned entries, to change.
    pub fn owned_mut(&mut self) -> &mut [f64] {
        &mut self.values[..self.owned]
    }

    /// Owned entries and ghosts; ghosts are as old as the last exchange.
    pub fn local(&self) -> &[f64] {
        &self.values
    }

    /// Owned entries and ghosts, to exchange.
    pub fn local_mut(&mut self) -> &mut [f64] {
        &mut self.values
    }
}

/// This rank's part of x.y, with the same bits at any number of threads.
pub(super) fn dot(x: &[f64], y: &[f64]) -> f64 {
    let [sum] = loops::sum(x.len(), |range| [inner(&x[range.clone()], &y[range])]);
    sum
}

/// x.y over one chunk, in eight interleaved sums that the compiler can keep in
/// vector registers.
pub(super) fn inner(x: &[f64], y: &[f64]) -> f64 {
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
