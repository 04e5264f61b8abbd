//! Arrangement of curved blocks that fill a domain.

/// Curve between the two points of an edge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Curve {
    /// Straight line.
    Straight,
    /// Half a cosine wave along x, horizontal at both ends.
    Cosine,
    /// Arc of less than 180 degrees around this centre (m).
    Arc([f64; 2]),
}

impl Curve {
    /// Returns the point (m) at `t` from 0 at `from` to 1 at `to`.
    pub fn point(self, [from, to]: [[f64; 2]; 2], t: f64) -> [f64; 2] {
        let blend = |i: usize, t: f64| (1.0 - t) * from[i] + t * to[i];
        match self {
            Self::Straight => [blend(0, t), blend(1, t)],
            Self::Cosine => [blend(0, t), blend(1, 0.5 * (1.0 - libm::cos(std::f64::consts::PI * t)))],
            Self::Arc(centre) => {
                let [a, b] = [from, to].map(|p| [p[0] - centre[0], p[1] - centre[1]]);
                let angle = libm::atan2(a[0] * b[1] - a[1] * b[0], a[0] * b[0] + a[1] * b[1]);
                let (sin, cos) = libm::sincos(t * angle);
                [centre[0] + a[0] * cos - a[1] * sin, centre[1] + a[0] * sin + a[1] * cos]
            }
        }
    }

    /// Returns the length (m), that of a polygon of sixteen chords.
    pub fn length(self, ends: [[f64; 2]; 2]) -> f64 {
        const CHORDS: usize = 16;
        let point = |i: usize| self.point(ends, i as f64 / CHORDS as f64);
        (0..CHORDS).map(|i| (point(i), point(i + 1))).map(|(a, b)| (b[0] - a[0]).hypot(b[1] - a[1])).sum()
    }
}

/// Blocks with four edges each. Blocks that touch share an edge and its points.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    /// Coordinates (m) of the corners of the blocks.
    pub points: Vec<[f64; 2]>,
    /// Corners of each block, counter-clockwise.
    pub blocks: Vec<[usize; 4]>,
    /// Edges that are not straight.
    pub curves: Vec<([usize; 2], Curve)>,
    /// Edges on boundaries other than `wall`.
    pub boundaries: Vec<(&'static str, [usize; 2])>,
}

impl Layout {
    /// Creates a row of blocks from an inlet to an outlet. A section is a point on the right-hand
    /// wall and one on the left-hand wall; each piece has a curve along both walls and the section
    /// at its end.
    pub fn strip(inlet: [[f64; 2]; 2], pieces: &[(Curve, [[f64; 2]; 2])]) -> Self {
        let mut layout = Self { points: inlet.to_vec(), ..Self::default() };
        for (i, &(curve, section)) in pieces.iter().enumerate() {
            let first = 2 * i;
            layout.points.extend(section);
            layout.blocks.push([first, first + 2, first + 3, first + 1]);
            layout.curves.extend([first, first + 1].map(|from| ([from, from + 2], curve)));
        }
        let last = 2 * pieces.len();
        layout.boundaries = vec![("inlet", [0, 1]), ("outlet", [last, last + 1])];
        layout
    }

    /// Creates a grid of rectangles between the lines at `x` and at `y` (m, ascending), without
    /// the `omitted` cells (column, row). Point `x.len() * row + column` is where two lines meet.
    pub fn grid(x: &[f64], y: &[f64], omitted: &[[usize; 2]]) -> Self {
        let columns = x.len();
        let cells = (1..y.len()).flat_map(|row| (1..columns).map(move |column| [column - 1, row - 1]));
        let corners = |[column, row]: [usize; 2]| {
            let first = columns * row + column;
            [first, first + 1, first + 1 + columns, first + columns]
        };
        Self {
            points: y.iter().flat_map(|&y| x.iter().map(move |&x| [x, y])).collect(),
            blocks: cells.filter(|cell| !omitted.contains(cell)).map(corners).collect(),
            ..Self::default()
        }
    }

    /// Names the edges between consecutive points of a list.
    pub fn name(mut self, boundary: &'static str, points: &[usize]) -> Self {
        self.boundaries.extend(points.windows(2).map(|edge| (boundary, [edge[0], edge[1]])));
        self
    }

    /// Leaves out the points that no block has.
    pub fn without_unused_points(self) -> Self {
        let is_used: Vec<bool> = (0..self.points.len()).map(|p| self.blocks.as_flattened().contains(&p)).collect();
        let number = |point: usize| is_used[..point].iter().filter(|is_used| **is_used).count();
        Self {
            points: self.points.into_iter().zip(&is_used).filter(|(_, is_used)| **is_used).map(|(p, _)| p).collect(),
            blocks: self.blocks.into_iter().map(|corners| corners.map(number)).collect(),
            curves: self.curves.into_iter().map(|(ends, curve)| (ends.map(number), curve)).collect(),
            boundaries: self.boundaries.into_iter().map(|(name, ends)| (name, ends.map(number))).collect(),
        }
    }
}
