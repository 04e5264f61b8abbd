//! Integrals over one quadratic edge (corner, middle, corner).

use super::edge_points;
use crate::field::Field;

/// Robin terms of one edge: the matrix of `p` (integral of p N_i N_j ds) and
/// the load of `gamma` (integral of gamma N_i ds), by the 3-point Gauss rule
/// on the curved edge.
pub fn robin(nodes: &[[f64; 2]; 3], p: &Field, gamma: &Field) -> ([[f64; 3]; 3], [f64; 3]) {
    let (mut matrix, mut load) = ([[0.0; 3]; 3], [0.0; 3]);
    for (n, dn, weight) in edge_points() {
        let (mut at, mut tangent) = ([0.0; 2], [0.0; 2]);
        for (i, node) in nodes.iter().enumerate() {
            for axis in 0..2 {
                at[axis] += n[i] * node[axis];
                tangent[axis] += dn[i] * node[axis];
            }
        }
        let ds = weight * tangent[0].hypot(tangent[1]);
        let (p, gamma) = (p.at(at), gamma.at(at));
        for i in 0..3 {
            load[i] += gamma * n[i] * ds;
            for j in 0..3 {
                matrix[i][j] += p * n[i] * n[j] * ds;
            }
        }
    }
    (matrix, load)
}

/// Distance (m) between the two corners of an edge.
pub fn edge_length(nodes: &[[f64; 2]; 3]) -> f64 {
    (nodes[2][0] - nodes[0][0]).hypot(nodes[2][1] - nodes[0][1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn straight_edge_has_simpson_weights_and_the_quadratic_mass_matrix() {
        let (matrix, load) =
            robin(&[[0.0, 0.0], [1.5, 2.0], [3.0, 4.0]], &Field::Constant(30.0), &Field::Constant(6.0));
        let mass = [[4.0, 2.0, -1.0], [2.0, 16.0, 2.0], [-1.0, 2.0, 4.0]];
        for i in 0..3 {
            assert!((load[i] - 5.0 * [1.0, 4.0, 1.0][i]).abs() < 1e-13);
            for j in 0..3 {
                assert!((matrix[i][j] - 5.0 * mass[i][j]).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn load_varies_with_position() {
        let x = Field::function(|x, _| x);
        let (_, load) = robin(&[[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]], &Field::Constant(0.0), &x);
        assert!((load.iter().sum::<f64>() - 2.0).abs() < 1e-14);
    }
}
