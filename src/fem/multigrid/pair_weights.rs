//! Galerkin products of element matrices, given by their pairs of nodes.
//!
//! Where the rows of K sum to zero, W'KW does not need the diagonal of K: the pair (a, b)
//! contributes -(W_ai - W_bi) (W_aj - W_bj) K_ab to the pair (i, j). No digits are lost where a
//! diagonal entry is much larger than the product.

use crate::quad8::{BatchStiffness, LANES, Lane, PAIRS};

/// Weight of each pair of nodes of an element in each pair of functions.
pub type PairWeights<const P: usize> = [[f64; PAIRS]; P];

/// Returns the weights of W'KW: `values` are the `N` functions at the nodes, and `P` is the number
/// of pairs of them, row by row.
pub const fn pair_weights<const N: usize, const P: usize>(values: &[[f64; N]; 8]) -> PairWeights<P> {
    let mut weights = [[0.0; PAIRS]; P];
    let (mut of_functions, mut i, mut j) = (0, 0, 1);
    while of_functions < P {
        let (mut of_nodes, mut a, mut b) = (0, 0, 1);
        while of_nodes < PAIRS {
            weights[of_functions][of_nodes] = -(values[a][i] - values[b][i]) * (values[a][j] - values[b][j]);
            of_nodes += 1;
            (a, b) = if b + 1 < 8 { (a, b + 1) } else { (a + 1, a + 2) };
        }
        of_functions += 1;
        (i, j) = if j + 1 < N { (i, j + 1) } else { (i + 1, i + 2) };
    }
    weights
}

/// Adds W'KW of a batch of elements to the pairs of functions.
#[inline(always)]
pub fn add_pairs<const P: usize>(stiffness: &BatchStiffness<f64>, weights: &PairWeights<P>, sums: &mut [Lane; P]) {
    // Sums of two pairs stay in registers.
    for (sums, weights) in sums.as_chunks_mut::<2>().0.iter_mut().zip(weights.as_chunks::<2>().0) {
        for (at, stiffness) in stiffness.iter().enumerate() {
            for (sum, weights) in sums.iter_mut().zip(weights) {
                for l in 0..LANES {
                    sum[l] += weights[at] * stiffness[l];
                }
            }
        }
    }
}
