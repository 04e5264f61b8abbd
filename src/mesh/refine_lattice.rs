//! Lattice of points in a parent element that is refined, and the order of its children.

use crate::quad8;
use crate::quad8::EDGES;

/// Lattice of the points (i, j) of one parent, 0 <= i, j <= 2n.
#[derive(Clone, Copy)]
pub struct Lattice {
    /// Number of children along a side.
    pub n: usize,
}

/// Role of a lattice point in the parent.
#[derive(Clone, Copy)]
pub enum Place {
    /// Node of the parent.
    Node(usize),
    /// Step `t` (1 to 2n - 1) along a side, from its first corner.
    Side(usize, usize),
    /// Interior point, with its number.
    Inside(usize),
}

impl Lattice {
    /// Returns the number of new points on an edge, without ends and middle.
    pub fn on_edge(self) -> usize {
        2 * self.n - 2
    }

    /// Returns the number of new points inside a parent, without the element centres.
    pub fn inside(self) -> usize {
        (2 * self.n - 1).pow(2) - self.n.pow(2)
    }

    /// Returns the eight points of child (p, q).
    pub fn child(p: usize, q: usize) -> [(usize, usize); 8] {
        quad8::NODES.map(|[x, y]| (2 * p + (x + 1.0) as usize, 2 * q + (y + 1.0) as usize))
    }

    /// Returns the role of lattice point (i, j).
    pub fn place(self, i: usize, j: usize) -> Place {
        let (n, end) = (self.n, 2 * self.n);
        let side = match (i, j) {
            (_, 0) => (0, i),
            (i, _) if i == end => (1, j),
            (_, j) if j == end => (2, end - i),
            (0, _) => (3, end - j),
            _ => {
                let before = (j / 2) * (n - 1) + ((j - 1) / 2) * (end - 1);
                return Place::Inside(before + if j.is_multiple_of(2) { i - 1 } else { i / 2 - 1 });
            }
        };
        match side {
            (side, 0) => Place::Node(EDGES[side][0]),
            (side, t) if t == n => Place::Node(EDGES[side][1]),
            (side, t) if t == end => Place::Node(EDGES[side][2]),
            (side, t) => Place::Side(side, t),
        }
    }

    /// Returns the number of the point at step `t` among the new points of an edge.
    pub fn number_on_edge(self, t: usize) -> usize {
        if t < self.n { t - 1 } else { t - 2 }
    }

    /// Returns the step of a new point of an edge, the inverse of
    /// [`number_on_edge`](Self::number_on_edge).
    pub fn step_on_edge(self, number: usize) -> usize {
        if number + 1 < self.n { number + 1 } else { number + 2 }
    }

    /// Returns (i, j) of the new points inside a parent, in the order of their numbers.
    pub fn points_inside(self) -> Vec<[u32; 2]> {
        let indices = 1..2 * self.n as u32;
        let points = indices.clone().flat_map(|j| indices.clone().map(move |i| [i, j]));
        points.filter(|[i, j]| i % 2 == 0 || j % 2 == 0).collect()
    }

    /// Returns the reference coordinate of lattice index `i`.
    pub fn reference(self, i: usize) -> f64 {
        i as f64 / self.n as f64 - 1.0
    }

    /// Returns the child at a step along a side, from its first corner.
    pub fn along(self, side: usize, step: usize) -> (usize, usize) {
        let last = self.n - 1;
        match side {
            0 => (step, 0),
            1 => (last, step),
            2 => (last - step, last),
            _ => (0, last - step),
        }
    }
}

/// Extracts bits 0, 2, 4, ... of a Morton code.
pub fn even_bits(code: usize) -> usize {
    (0..16).map(|b| (code >> (2 * b) & 1) << b).sum()
}

/// Returns the Morton code of child (p, q), which numbers neighbours nearby.
pub fn interleave(p: usize, q: usize, levels: u32) -> usize {
    (0..levels).map(|b| ((p >> b & 1) << (2 * b)) | ((q >> b & 1) << (2 * b + 1))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn lattice_places_are_a_numbering_without_gaps() {
        for levels in 1..5 {
            let lattice = Lattice { n: 1 << levels };
            let (mut inside, mut sides, mut nodes) = (HashSet::new(), HashSet::new(), HashSet::new());
            for p in 0..lattice.n {
                for q in 0..lattice.n {
                    for (i, j) in Lattice::child(p, q) {
                        match lattice.place(i, j) {
                            Place::Inside(k) => drop(inside.insert(k)),
                            Place::Side(s, t) => drop(sides.insert((s, t))),
                            Place::Node(a) => drop(nodes.insert(a)),
                        }
                    }
                }
            }
            assert_eq!(inside, (0..lattice.inside()).collect());
            for (number, [i, j]) in lattice.points_inside().into_iter().enumerate() {
                assert!(matches!(lattice.place(i as usize, j as usize), Place::Inside(at) if at == number));
            }
            for number in 0..lattice.on_edge() {
                assert_eq!(lattice.number_on_edge(lattice.step_on_edge(number)), number);
            }
            assert_eq!((sides.len(), nodes.len()), (4 * lattice.on_edge(), 8));
        }
    }

    #[test]
    fn morton_codes_count_the_children() {
        for code in 0..64 {
            assert_eq!(interleave(even_bits(code), even_bits(code >> 1), 3), code);
        }
    }

    #[test]
    fn children_along_a_side_share_its_points() {
        let lattice = Lattice { n: 4 };
        for side in 0..4 {
            for step in 0..4 {
                let (p, q) = lattice.along(side, step);
                let [a, m, b] = EDGES[side].map(|c| Lattice::child(p, q)[c]);
                let steps = [a, m, b].map(|(i, j)| match lattice.place(i, j) {
                    Place::Side(s, t) => (s, t),
                    Place::Node(c) => (side, EDGES[side].iter().position(|&x| x == c).unwrap() * 4),
                    Place::Inside(_) => panic!("a point of side {side} is inside"),
                });
                assert_eq!(steps, [0, 1, 2].map(|k| (side, 2 * step + k)));
            }
        }
    }
}
