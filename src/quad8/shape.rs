//! Shape functions and isoparametric map.

use crate::quad8::Coordinates;

/// Reference coordinates (xi, eta) of the eight nodes.
pub const NODES: [[f64; 2]; 8] =
    [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [0.0, -1.0], [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]];

/// Local nodes (corner, midside, corner) of the four edges, counter-clockwise.
pub const EDGES: [[usize; 3]; 4] = [[0, 4, 1], [1, 5, 2], [2, 6, 3], [3, 7, 0]];

/// Returns the nodes of the four edges of an element, in the order of [`EDGES`].
pub fn edges_of<T: Copy>(nodes: &[T; 8]) -> [[T; 3]; 4] {
    EDGES.map(|edge| edge.map(|i| nodes[i]))
}

/// Evaluates the eight shape functions at (xi, eta).
pub const fn shape(xi: f64, eta: f64) -> [f64; 8] {
    const fn corner(a: f64, b: f64, xi: f64, eta: f64) -> f64 {
        0.25 * (1.0 + a * xi) * (1.0 + b * eta) * (a * xi + b * eta - 1.0)
    }
    [
        corner(-1.0, -1.0, xi, eta),
        corner(1.0, -1.0, xi, eta),
        corner(1.0, 1.0, xi, eta),
        corner(-1.0, 1.0, xi, eta),
        0.5 * (1.0 - xi * xi) * (1.0 - eta),
        0.5 * (1.0 + xi) * (1.0 - eta * eta),
        0.5 * (1.0 - xi * xi) * (1.0 + eta),
        0.5 * (1.0 - xi) * (1.0 - eta * eta),
    ]
}

/// Evaluates the three shape functions (corner, midside, corner) of an edge at `s` in [-1, 1].
pub fn edge_shape(s: f64) -> [f64; 3] {
    [0.5 * s * (s - 1.0), 1.0 - s * s, 0.5 * s * (s + 1.0)]
}

/// Evaluates the derivatives of the shape functions with respect to (xi, eta).
pub const fn derivatives(xi: f64, eta: f64) -> [[f64; 2]; 8] {
    const fn corner(a: f64, b: f64, xi: f64, eta: f64) -> [f64; 2] {
        [0.25 * a * (1.0 + b * eta) * (2.0 * a * xi + b * eta), 0.25 * b * (1.0 + a * xi) * (2.0 * b * eta + a * xi)]
    }
    [
        corner(-1.0, -1.0, xi, eta),
        corner(1.0, -1.0, xi, eta),
        corner(1.0, 1.0, xi, eta),
        corner(-1.0, 1.0, xi, eta),
        [-xi * (1.0 - eta), -0.5 * (1.0 - xi * xi)],
        [0.5 * (1.0 - eta * eta), -eta * (1.0 + xi)],
        [-xi * (1.0 + eta), 0.5 * (1.0 - xi * xi)],
        [-0.5 * (1.0 - eta * eta), -eta * (1.0 - xi)],
    ]
}

/// Maps (xi, eta) to the point (x, y) of an element, in the unit of `coordinates`.
pub fn map(coordinates: &Coordinates, xi: f64, eta: f64) -> [f64; 2] {
    let mut point = [0.0; 2];
    for (n, c) in shape(xi, eta).iter().zip(coordinates) {
        point[0] += n * c[0];
        point[1] += n * c[1];
    }
    point
}

/// Computes the Jacobian matrix `[[dx/dxi, dx/deta], [dy/dxi, dy/deta]]` from the derivatives of
/// the shape functions.
pub fn jacobian(coordinates: &Coordinates, derivatives: &[[f64; 2]; 8]) -> [[f64; 2]; 2] {
    let mut j = [[0.0; 2]; 2];
    for (d, c) in derivatives.iter().zip(coordinates) {
        for (row, &coordinate) in j.iter_mut().zip(c) {
            row[0] += d[0] * coordinate;
            row[1] += d[1] * coordinate;
        }
    }
    j
}

/// Derivatives of the shape functions with respect to (x, y), and the Jacobian determinant.
pub struct Gradients {
    /// dN/dx and dN/dy of the eight shape functions (1/m).
    pub gradients: [[f64; 2]; 8],
    /// Determinant of the Jacobian matrix (m^2).
    pub determinant: f64,
}

/// Evaluates the gradients of the shape functions in (x, y) at (xi, eta). The caller checks the
/// sign of the determinant.
pub fn gradients(coordinates: &Coordinates, xi: f64, eta: f64) -> Gradients {
    let d = derivatives(xi, eta);
    let [[x_xi, x_eta], [y_xi, y_eta]] = jacobian(coordinates, &d);
    let determinant = x_xi * y_eta - x_eta * y_xi;
    let gradients = d.map(|[d_xi, d_eta]| {
        [(d_xi * y_eta - d_eta * y_xi) / determinant, (d_eta * x_xi - d_xi * x_eta) / determinant]
    });
    Gradients { gradients, determinant }
}

/// Returns whether a Jacobian determinant is valid: positive and not NaN.
pub fn is_valid(determinant: f64) -> bool {
    determinant > 0.0
}

/// Reverses the orientation of an element: reorders its nodes from clockwise to counter-clockwise,
/// or back.
pub fn reoriented<T: Copy>(nodes: [T; 8]) -> [T; 8] {
    [0, 3, 2, 1, 7, 6, 5, 4].map(|i| nodes[i])
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINTS: [[f64; 2]; 4] = [[0.3, -0.7], [-0.9, 0.2], [0.0, 0.0], [1.0, -1.0]];

    #[test]
    fn shape_functions_are_one_at_their_own_node_and_zero_at_the_others() {
        for (i, [xi, eta]) in NODES.into_iter().enumerate() {
            for (j, n) in shape(xi, eta).into_iter().enumerate() {
                assert!((n - f64::from(u8::from(i == j))).abs() < 1e-15, "N_{j} at node {i} is {n}");
            }
        }
    }

    #[test]
    fn shape_functions_sum_to_one_and_derivatives_to_zero() {
        for [xi, eta] in POINTS {
            assert!((shape(xi, eta).iter().sum::<f64>() - 1.0).abs() < 1e-15);
            for axis in 0..2 {
                assert!(derivatives(xi, eta).iter().map(|d| d[axis]).sum::<f64>().abs() < 1e-15);
            }
        }
    }

    #[test]
    fn derivatives_match_central_differences() {
        let h = 1e-5;
        for [xi, eta] in POINTS {
            let d = derivatives(xi, eta);
            for a in 0..8 {
                let by_xi = (shape(xi + h, eta)[a] - shape(xi - h, eta)[a]) / (2.0 * h);
                let by_eta = (shape(xi, eta + h)[a] - shape(xi, eta - h)[a]) / (2.0 * h);
                assert!((d[a][0] - by_xi).abs() < 1e-9 && (d[a][1] - by_eta).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn edges_join_the_corners_on_both_sides_of_their_midside_node() {
        for [a, m, b] in EDGES {
            for axis in 0..2 {
                assert_eq!(0.5 * (NODES[a][axis] + NODES[b][axis]), NODES[m][axis]);
            }
        }
    }

    #[test]
    fn gradients_reproduce_the_coordinates_on_a_curved_element() {
        let mut curved = NODES.map(|[x, y]| [2.0 + 1.5 * x + 0.2 * y, 0.7 * y - 0.1 * x]);
        curved[4][1] -= 0.15;
        curved[5][0] += 0.1;
        for [xi, eta] in POINTS {
            let g = gradients(&curved, xi, eta);
            for i in 0..2 {
                for j in 0..2 {
                    let d: f64 = (0..8).map(|a| g.gradients[a][i] * curved[a][j]).sum();
                    assert!((d - f64::from(u8::from(i == j))).abs() < 1e-13);
                }
            }
        }
    }

    #[test]
    fn reorienting_changes_the_sign_of_the_determinant_and_is_its_own_inverse() {
        let nodes = [10, 11, 12, 13, 14, 15, 16, 17];
        assert_eq!(reoriented(reoriented(nodes)), nodes);
        assert!(gradients(&reoriented(NODES), 0.0, 0.0).determinant < 0.0);
    }
}
