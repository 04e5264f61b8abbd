//! Inverse of the isoparametric map.

use crate::quad8::{Coordinates, EDGES, derivatives, jacobian, map};

/// Finds the reference coordinates (xi, eta) of a point by Newton's method, if the point is in the
/// element, with a tolerance of 1e-6 on each side so that neighbours leave no gaps.
pub fn inverse_map(coordinates: &Coordinates, [x, y]: [f64; 2]) -> Option<[f64; 2]> {
    const SLACK: f64 = 1e-6;
    /// At the tip of a quarter-point element, a double root, a step only halves the error.
    const STEPS: usize = 40;
    let (mut xi, mut eta) = (0.0_f64, 0.0_f64);
    for _ in 0..STEPS {
        let at = map(coordinates, xi, eta);
        let [[x_xi, x_eta], [y_xi, y_eta]] = jacobian(coordinates, &derivatives(xi, eta));
        let determinant = x_xi * y_eta - x_eta * y_xi;
        let (dx, dy) = (x - at[0], y - at[1]);
        let step = [(y_eta * dx - x_eta * dy) / determinant, (x_xi * dy - y_xi * dx) / determinant];
        if !(step[0].is_finite() && step[1].is_finite()) {
            return None;
        }
        // Far outside, the map may be folded.
        xi = (xi + step[0]).clamp(-2.0, 2.0);
        eta = (eta + step[1]).clamp(-2.0, 2.0);
        if step[0].abs() + step[1].abs() < 1e-7 {
            let inside = xi.abs() <= 1.0 + SLACK && eta.abs() <= 1.0 + SLACK;
            return inside.then_some([xi, eta]);
        }
    }
    None
}

/// Returns the smallest and the largest x and y of an element with its curved edges, which lie
/// within their Bezier control points.
pub fn bounding_box(coordinates: &Coordinates) -> [(f64, f64); 2] {
    [0, 1].map(|axis| {
        let mut range = (f64::INFINITY, f64::NEG_INFINITY);
        for [a, m, b] in EDGES {
            let [a, m, b] = [a, m, b].map(|n| coordinates[n][axis]);
            for value in [a, 2.0 * m - 0.5 * (a + b)] {
                range = (range.0.min(value), range.1.max(value));
            }
        }
        range
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quad8::NODES;

    #[test]
    fn the_tip_of_a_quarter_point_element_is_found() {
        for turn in 0..4 {
            let mut nodes = NODES.map(|[x, y]| [3.0 + 1.5 * x + 0.2 * y, 4.0 + 1.1 * y - 0.3 * x]);
            let tip = nodes[turn];
            for edge in EDGES.iter().filter(|edge| edge[0] == turn || edge[2] == turn) {
                let other = nodes[edge[0] + edge[2] - turn];
                nodes[edge[1]] = [0, 1].map(|axis| 0.75 * tip[axis] + 0.25 * other[axis]);
            }
            for near in [0.0, 1e-9, 1e-6, 1e-3, 0.1] {
                let [xi, eta] = NODES[turn].map(|c| c * (1.0 - near));
                for point in [[xi, eta], [NODES[turn][0], eta], [xi, NODES[turn][1]]] {
                    let [x, y] = map(&nodes, point[0], point[1]);
                    let found = inverse_map(&nodes, [x, y]).unwrap_or_else(|| panic!("corner {turn}, {point:?}"));
                    let [at_x, at_y] = map(&nodes, found[0], found[1]);
                    assert!((at_x - x).hypot(at_y - y) < 1e-12, "corner {turn}, {point:?}: {found:?}");
                }
            }
        }
    }

    #[test]
    fn a_point_is_found_where_the_map_puts_it() {
        let mut curved = NODES.map(|[x, y]| [3.0 + 1.5 * x + 0.2 * y, 4.0 + 1.1 * y - 0.3 * x]);
        curved[4][1] -= 0.3;
        curved[5][0] += 0.2;
        for [xi, eta] in [[0.3, -0.7], [-0.95, 0.2], [0.0, 0.0], [1.0, -1.0], [0.99, 0.99]] {
            let found = inverse_map(&curved, map(&curved, xi, eta)).expect("a point inside");
            assert!((found[0] - xi).abs() + (found[1] - eta).abs() < 1e-12, "{found:?}");
        }
        for [xi, eta] in [[1.01, 0.0], [0.0, -1.3]] {
            assert!(inverse_map(&curved, map(&curved, xi, eta)).is_none());
        }
    }
}
