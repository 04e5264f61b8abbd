//! Integrals over one quadratic edge with nodes corner, midside, corner.

use crate::quad8::edge_points;

/// Gauss point of a curved edge.
#[derive(Debug, Clone, Copy, Default)]
pub struct EdgePoint {
    /// Position (m).
    pub at: [f64; 2],
    /// Shape functions of the three nodes at the point.
    pub shape: [f64; 3],
    /// Quadrature weight: the length of the edge it represents (m).
    pub length: f64,
    /// Unit normal to the right of the edge, outward for an edge in counter-clockwise order.
    pub normal: [f64; 2],
}

/// Computes the three Gauss points of an edge with these nodes (m).
pub fn edge_gauss(nodes: &[[f64; 2]; 3]) -> [EdgePoint; 3] {
    edge_points().map(|(shape, dn, weight)| {
        let (mut at, mut tangent) = ([0.0; 2], [0.0; 2]);
        for (i, node) in nodes.iter().enumerate() {
            for axis in 0..2 {
                at[axis] += shape[i] * node[axis];
                tangent[axis] += dn[i] * node[axis];
            }
        }
        let stretch = tangent[0].hypot(tangent[1]);
        EdgePoint { at, shape, length: weight * stretch, normal: [tangent[1] / stretch, -tangent[0] / stretch] }
    })
}

/// Integrates the Robin terms of one edge: the matrix of p N_i N_j and the load of gamma N_i, by
/// the 3-point Gauss rule on the curved edge. `p` and `gamma` hold the values at its Gauss points.
pub fn robin(points: &[EdgePoint; 3], p: &[f64; 3], gamma: &[f64; 3]) -> ([[f64; 3]; 3], [f64; 3]) {
    let (mut matrix, mut load) = ([[0.0; 3]; 3], [0.0; 3]);
    for (q, point) in points.iter().enumerate() {
        let (n, ds) = (point.shape, point.length);
        for i in 0..3 {
            load[i] += gamma[q] * n[i] * ds;
            for j in 0..3 {
                matrix[i][j] += p[q] * n[i] * n[j] * ds;
            }
        }
    }
    (matrix, load)
}

/// Returns the distance (m) between the two corners of an edge.
pub fn edge_length(nodes: &[[f64; 2]; 3]) -> f64 {
    (nodes[2][0] - nodes[0][0]).hypot(nodes[2][1] - nodes[0][1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn straight_edge_has_simpson_weights_and_the_quadratic_mass_matrix() {
        let points = edge_gauss(&[[0.0, 0.0], [1.5, 2.0], [3.0, 4.0]]);
        let (matrix, load) = robin(&points, &[30.0; 3], &[6.0; 3]);
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
        let points = edge_gauss(&[[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]]);
        let (_, load) = robin(&points, &[0.0; 3], &points.map(|point| point.at[0]));
        assert!((load.iter().sum::<f64>() - 2.0).abs() < 1e-14);
    }

    #[test]
    fn normals_point_to_the_right_of_the_edge() {
        // A parabola near the lower half of the unit circle; the domain lies above.
        for point in edge_gauss(&[[-1.0, 0.0], [0.0, -1.0], [1.0, 0.0]]) {
            let [x, y] = point.normal;
            assert!((x.hypot(y) - 1.0).abs() < 1e-15 && y < 0.0 && x * point.at[0] >= 0.0, "{point:?}");
        }
    }
}
