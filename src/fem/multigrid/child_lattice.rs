//! Lattice of the nodes of the four children of a parent: 5 x 5 points of the parent, without the
//! centres of the children.

use crate::quad8;
use crate::quad8::EDGES;

/// Number of nodes of the four children of a parent.
pub const POINTS: usize = 21;

/// Evaluates the parent's shape functions at the nodes of each child.
pub fn shape_at_children() -> [[[f64; 8]; 8]; 4] {
    let points = lattice();
    std::array::from_fn(|child| {
        points_of_child(child).map(|at| {
            let [xi, eta] = points[at];
            quad8::shape(xi, eta)
        })
    })
}

/// Returns the reference coordinates of the lattice points, row by row.
pub fn lattice() -> [[f64; 2]; POINTS] {
    let mut points = [[0.0; 2]; POINTS];
    for (i, j) in (0..5).flat_map(|j| (0..5).map(move |i| (i, j))) {
        if i % 2 == 0 || j % 2 == 0 {
            points[number(i, j)] = [i, j].map(|c| 0.5 * c as f64 - 1.0);
        }
    }
    points
}

/// Node of the parent whose elements share each lattice point: the point itself, or the middle of
/// its edge; none for a point inside the parent.
pub const SOURCES: [Option<usize>; POINTS] = {
    let mut sources = [None; POINTS];
    let mut side = 0;
    while side < 4 {
        let [a, middle, b] = EDGES[side];
        let mut step = 1;
        while step < 4 {
            let (i, j) = [(step, 0), (4, step), (4 - step, 4), (0, 4 - step)][side];
            sources[number(i, j)] = Some(middle);
            step += 1;
        }
        let [(i, j), (k, l)] = [[(0, 0), (4, 0)], [(4, 0), (4, 4)], [(4, 4), (0, 4)], [(0, 4), (0, 0)]][side];
        sources[number(i, j)] = Some(a);
        sources[number(k, l)] = Some(b);
        side += 1;
    }
    sources
};

/// Returns the number of the lattice point (i, j); odd rows have three points of five.
const fn number(i: usize, j: usize) -> usize {
    let before = 8 * (j / 2) + 5 * (j % 2);
    before + if j.is_multiple_of(2) { i } else { i / 2 }
}

/// Returns the lattice points of the eight nodes of child p + 2 q, which is child (p, q).
pub fn points_of_child(child: usize) -> [usize; 8] {
    let (p, q) = (child % 2, child / 2);
    quad8::NODES.map(|[x, y]| number(2 * p + (x + 1.0) as usize, 2 * q + (y + 1.0) as usize))
}
