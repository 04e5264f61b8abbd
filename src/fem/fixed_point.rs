//! Stiffness in 16-bit fixed-point numbers with a unit for each element, for smoothing.
//!
//! Rounding changes K_ab by at most half a unit, where the largest |K_ab| of the element is 32,767
//! units. The difference form keeps the row sums zero, so that constants are still mapped exactly.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::la::Scalar;
use crate::quad8::{self, BatchStiffness, LANES, PAIRS};

/// Number in which the stiffness of a product in precision T is stored.
pub trait StiffnessNumber<T>: Copy + Send + Sync {
    /// Whether the number counts units of its element.
    const HAS_UNIT: bool;

    /// Returns the number in the precision of the product.
    fn number(self) -> T;
}

impl<T: Scalar> StiffnessNumber<T> for T {
    const HAS_UNIT: bool = false;

    #[inline(always)]
    fn number(self) -> T {
        self
    }
}

impl StiffnessNumber<f32> for i16 {
    const HAS_UNIT: bool = true;

    #[inline(always)]
    fn number(self) -> f32 {
        f32::from(self)
    }
}

/// Fixed-point batches with the units of their elements.
type FixedPointBatches = (Vec<BatchStiffness<i16>>, Vec<[f32; LANES]>);

/// Smallest energy of a linear function in an element, in units: that of elements with an aspect
/// ratio of 40. Rounding then changes energies by a few percent.
const LEAST_ENERGY: f64 = 64.0;

/// Converts batches; returns none if an element is too slender.
pub fn convert<T: Scalar>(batches: &[BatchStiffness<T>]) -> Option<FixedPointBatches> {
    let (mut numbers, mut units) = (Vec::new(), Vec::new());
    batches.par_iter().map(convert_batch).unzip_into_vecs(&mut numbers, &mut units);
    (!units.contains(&TOO_SLENDER)).then_some((numbers, units))
}

/// Rounds a number of at most 16 bits: near this one, neighbours are 1 apart. The last bits of the
/// sum are those of the nearest integer, in two's complement.
const LAST_BITS: f64 = 1.5 * (1_u64 << 52) as f64;

/// Units of a batch with an element that is too slender.
const TOO_SLENDER: [f32; LANES] = [-1.0; LANES];

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
fn convert_batch<T: Scalar>(batch: &BatchStiffness<T>) -> (BatchStiffness<i16>, [f32; LANES]) {
    let batch: BatchStiffness<f64> = std::array::from_fn(|pair| batch[pair].map(T::double));
    let mut largest = [0.0; LANES];
    for lanes in &batch {
        for l in 0..LANES {
            largest[l] = lanes[l].abs().max(largest[l]);
        }
    }
    let (mut units, mut inverse) = ([0.0; LANES], [0.0; LANES]);
    for l in 0..LANES {
        units[l] = largest[l] / f64::from(i16::MAX);
        // The quotient is infinite in an empty lane.
        inverse[l] = if largest[l] > 0.0 { f64::from(i16::MAX) / largest[l] } else { 0.0 };
    }
    let mut numbers = [[0; LANES]; PAIRS];
    let energies = least_energies(&batch);
    if (0..LANES).any(|l| energies[l] < LEAST_ENERGY * units[l]) {
        return (numbers, TOO_SLENDER);
    }
    for (numbers, lanes) in numbers.iter_mut().zip(&batch) {
        for l in 0..LANES {
            // The sum has the integer in its last bits.
            numbers[l] = (lanes[l] * inverse[l] + LAST_BITS).to_bits() as i16;
        }
    }
    (numbers, units.map(|unit| unit as f32))
}

/// Returns the smallest energy v'Kv of the linear functions v = a xi + b eta with a^2 + b^2 = 1 in
/// each element: the smaller eigenvalue of a symmetric 2 x 2 matrix.
#[inline(always)]
pub fn least_energies(stiffness: &BatchStiffness<f64>) -> [f64; LANES] {
    let [mut xx, mut xy, mut yy] = [[0.0; LANES]; 3];
    let pairs = (0..8).flat_map(|a| (a + 1..8).map(move |b| (a, b)));
    for ((a, b), lanes) in pairs.zip(stiffness) {
        let [dx, dy] = [0, 1].map(|axis| quad8::NODES[b][axis] - quad8::NODES[a][axis]);
        for l in 0..LANES {
            xx[l] -= lanes[l] * dx * dx;
            xy[l] -= lanes[l] * dx * dy;
            yy[l] -= lanes[l] * dy * dy;
        }
    }
    std::array::from_fn(|l| {
        let difference = 0.5 * (xx[l] - yy[l]);
        0.5 * (xx[l] + yy[l]) - (difference * difference + xy[l] * xy[l]).sqrt()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Builds a batch of squares, stretched by the aspect ratio, with K_ab of bilinear-like
    /// couplings.
    fn batch(aspect: f64) -> BatchStiffness<f64> {
        let pairs: Vec<(usize, usize)> = (0..8).flat_map(|a| (a + 1..8).map(move |b| (a, b))).collect();
        std::array::from_fn(|p| {
            let (a, b) = pairs[p];
            let [dx, dy] = [0, 1].map(|axis| (quad8::NODES[b][axis] - quad8::NODES[a][axis]).abs());
            let k = if dy == 0.0 { -aspect } else { 0.0 } + if dx == 0.0 { -1.0 / aspect } else { 0.0 };
            [k; LANES]
        })
    }

    #[test]
    fn rounding_is_half_a_unit_and_slender_elements_are_refused() {
        let exact = batch(3.0);
        let (fixed, units) = convert_batch::<f64>(&exact);
        let unit = f64::from(units[0]);
        for (exact, fixed) in exact.as_flattened().iter().zip(fixed.as_flattened()) {
            assert!((exact - f64::from(*fixed) * unit).abs() <= 0.5001 * unit);
        }
        assert!(convert::<f64>(&[exact, batch(1000.0)]).is_none());
        assert!(convert::<f64>(&[exact]).is_some());
        let empty = convert_batch::<f64>(&[[0.0; LANES]; PAIRS]);
        assert!(empty.0.as_flattened().iter().all(|k| *k == 0));
    }
}
