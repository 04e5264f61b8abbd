//! Streamlines and arrows of a velocity.

use tiny_skia::{Path, PathBuilder};

use crate::plot::contour::Line;

/// Velocities on a grid of samples, to the right and downwards; NaN outside the domain.
pub struct Flow {
    width: usize,
    height: usize,
    velocities: Vec<[f32; 2]>,
}

impl Flow {
    /// Creates the grid from the two components, `width` samples to a row, y upwards.
    pub fn new(width: usize, x: &[f32], y: &[f32]) -> Self {
        let velocities = x.iter().zip(y).map(|(x, y)| [*x, -*y]).collect();
        Self { width, height: x.len() / width, velocities }
    }

    /// Returns streamlines about `distance` samples apart, each seeded beside another (B. Jobard,
    /// W. Lefer, *Creating evenly-spaced streamlines of arbitrary density*, Visualization in
    /// Scientific Computing '97).
    pub fn streamlines(&self, distance: f32) -> Vec<Line> {
        let mut placed = PointGrid::new(self.width, self.height, distance);
        let mut lines: Vec<Line> = Vec::new();
        let mut grown = 0;
        let mut seeds = self.seeds(distance as usize).into_iter();
        loop {
            if let Some(line) = lines.get(grown) {
                let beside: Vec<[f32; 2]> = line.windows(2).flat_map(|pair| neighbours(pair, distance)).collect();
                grown += 1;
                lines.extend(beside.into_iter().filter_map(|seed| self.grow(seed, distance, &mut placed)));
            } else if let Some(seed) = seeds.next() {
                lines.extend(self.grow(seed, distance, &mut placed));
            } else {
                return lines;
            }
        }
    }

    /// Returns seed points: first the middle of the left end, then a grid.
    fn seeds(&self, distance: usize) -> Vec<[f32; 2]> {
        let is_inside = |(row, column): &(usize, usize)| !self.velocities[row * self.width + column][0].is_nan();
        let column = |c: usize| (0..self.height).map(move |r| (r, c)).filter(is_inside).collect::<Vec<_>>();
        let left = (0..self.width).map(column).find(|rows| rows.len() > 4).unwrap_or_default();
        let middle = left.get(left.len() / 2).map(|&(row, column)| (row, column + distance));
        let half = distance / 2;
        let grid = (half..self.height)
            .step_by(distance)
            .flat_map(|r| (half..self.width).step_by(distance).map(move |c| (r, c)));
        middle.into_iter().chain(grid).map(|(r, c)| [c as f32, r as f32]).collect()
    }

    /// Traces a line through a seed; none where another line is near or the line is short.
    fn grow(&self, seed: [f32; 2], distance: f32, placed: &mut PointGrid) -> Option<Line> {
        if placed.is_near(seed, 0.95 * distance) || self.is_near_wall(seed, 0.25 * distance) {
            return None;
        }
        let mut line = self.trace(seed, -1.0, 0.5 * distance, placed);
        line.reverse();
        line.push(seed);
        line.extend(self.trace(seed, 1.0, 0.5 * distance, placed));
        if (line.len() as f32) < 3.0 * distance {
            return None;
        }
        line.iter().for_each(|&point| placed.add(point));
        Some(line)
    }

    /// Returns whether one of eight points at this distance is outside the domain.
    fn is_near_wall(&self, at: [f32; 2], distance: f32) -> bool {
        let mut around = (0..8).map(|i| (i as f32 * std::f32::consts::FRAC_PI_4).sin_cos());
        around.any(|(y, x)| self.velocity(step(at, [x, y], distance))[0].is_nan())
    }

    /// Integrates a streamline forwards or backwards by the midpoint rule, in steps of one sample,
    /// up to an end, another line or the seed.
    fn trace(&self, seed: [f32; 2], sign: f32, clearance: f32, placed: &PointGrid) -> Line {
        let mut line = Line::new();
        let mut at = seed;
        while line.len() < 4 * (self.width + self.height) {
            let Some(half) = self.direction(at).map(|d| step(at, d, 0.5 * sign)) else { break };
            let Some(next) = self.direction(half).map(|d| step(at, d, sign)) else { break };
            let is_around = line.len() > 4 && (next[0] - seed[0]).hypot(next[1] - seed[1]) < 1.0;
            if is_around || placed.is_near(next, clearance) {
                break;
            }
            line.push(next);
            at = next;
        }
        line
    }

    fn direction(&self, at: [f32; 2]) -> Option<[f32; 2]> {
        let [x, y] = self.velocity(at);
        let speed = x.hypot(y);
        (speed > 0.0).then(|| [x / speed, y / speed])
    }

    /// Interpolates the velocity bilinearly between samples; NaN outside.
    fn velocity(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let inside = x >= 0.0 && y >= 0.0 && x < (self.width - 1) as f32 && y < (self.height - 1) as f32;
        if !inside {
            return [f32::NAN; 2];
        }
        let corner = y as usize * self.width + x as usize;
        let (s, t) = (x.fract(), y.fract());
        let [a, b, c, d] =
            [corner, corner + 1, corner + self.width, corner + self.width + 1].map(|i| self.velocities[i]);
        [0, 1].map(|i| (1.0 - t) * ((1.0 - s) * a[i] + s * b[i]) + t * ((1.0 - s) * c[i] + s * d[i]))
    }

    /// Returns arrows on a grid of this spacing (samples) with lengths in proportion to the
    /// velocity, as middle and vector (samples). The length of the longest is the spacing.
    pub fn arrows(&self, spacing: usize) -> Vec<[[f32; 2]; 2]> {
        let largest = self.velocities.iter().map(|[x, y]| x.hypot(*y)).fold(0.0, f32::max);
        let scale = spacing as f32 / largest;
        let rows = (spacing / 2..self.height).step_by(spacing);
        let middles = rows.flat_map(|r| (spacing / 2..self.width).step_by(spacing).map(move |c| [c as f32, r as f32]));
        middles
            .map(|middle| [middle, self.velocity(middle).map(|v| scale * v)])
            .filter(|[_, vector]| vector[0].hypot(vector[1]) > 0.05 * spacing as f32)
            .collect()
    }
}

fn step(at: [f32; 2], direction: [f32; 2], length: f32) -> [f32; 2] {
    [at[0] + length * direction[0], at[1] + length * direction[1]]
}

/// Returns the two points beside the first of two points of a line.
fn neighbours(pair: &[[f32; 2]], distance: f32) -> [[f32; 2]; 2] {
    let (dx, dy) = (pair[1][0] - pair[0][0], pair[1][1] - pair[0][1]);
    let length = dx.hypot(dy).max(f32::MIN_POSITIVE);
    [1.0, -1.0].map(|side| step(pair[0], [-dy / length, dx / length], side * distance))
}

/// Points of the lines so far, in square cells of the distance between lines.
struct PointGrid {
    cell: f32,
    columns: usize,
    rows: usize,
    points: Vec<Vec<[f32; 2]>>,
}

impl PointGrid {
    fn new(width: usize, height: usize, cell: f32) -> Self {
        let [columns, rows] = [width, height].map(|n| (n as f32 / cell) as usize + 1);
        Self { cell, columns, rows, points: vec![Vec::new(); columns * rows] }
    }

    fn cell(&self, [x, y]: [f32; 2]) -> (usize, usize) {
        (((x / self.cell) as usize).min(self.columns - 1), ((y / self.cell) as usize).min(self.rows - 1))
    }

    fn add(&mut self, point: [f32; 2]) {
        let (column, row) = self.cell(point);
        self.points[row * self.columns + column].push(point);
    }

    /// Returns whether a point of a line is nearer than `distance`, which is at most a cell.
    fn is_near(&self, point: [f32; 2], distance: f32) -> bool {
        let (column, row) = self.cell(point);
        let near = |p: &[f32; 2]| (p[0] - point[0]).hypot(p[1] - point[1]) < distance;
        (row.saturating_sub(1)..(row + 2).min(self.rows)).any(|r| {
            (column.saturating_sub(1)..(column + 2).min(self.columns))
                .any(|c| self.points[r * self.columns + c].iter().any(near))
        })
    }
}

/// Adds the outline of an arrow, given by its middle and vector, with a shaft of width `thick`.
pub fn add_arrow(path: &mut PathBuilder, [middle, vector]: [[f32; 2]; 2], thick: f32) {
    let length = vector[0].hypot(vector[1]);
    let along = vector.map(|v| v / length);
    let head = (5.0 * thick).min(0.6 * length);
    let point = |ahead: f32, aside: f32| {
        let at = ahead - 0.5 * length;
        (middle[0] + at * along[0] - aside * along[1], middle[1] + at * along[1] + aside * along[0])
    };
    let neck = length - head;
    let outline = [
        (0.0, 0.5 * thick),
        (neck, 0.5 * thick),
        (neck, 0.4 * head),
        (length, 0.0),
        (neck, -0.4 * head),
        (neck, -0.5 * thick),
        (0.0, -0.5 * thick),
    ];
    for (i, (ahead, aside)) in outline.into_iter().enumerate() {
        let (x, y) = point(ahead, aside);
        if i == 0 {
            path.move_to(x, y);
        } else {
            path.line_to(x, y);
        }
    }
    path.close();
}

/// Returns lines as a path, without points nearer than `apart` to the previous one; ends stay.
pub fn thinned(lines: &[Line], apart: f32, to_page: impl Fn([f32; 2]) -> [f32; 2]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for line in lines {
        let mut last = [f32::INFINITY; 2];
        for (i, &point) in line.iter().enumerate() {
            let distance = (point[0] - last[0]).hypot(point[1] - last[1]);
            if distance >= apart || i + 1 == line.len() {
                let [x, y] = to_page(point);
                if i == 0 {
                    path.move_to(x, y);
                } else {
                    path.line_to(x, y);
                }
                last = point;
            }
        }
    }
    path.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the rotation about the middle of 101 x 101 samples.
    fn rotation() -> Flow {
        let at = |f: fn(f32, f32) -> f32| -> Vec<f32> {
            (0..101 * 101).map(|i| f((i % 101) as f32 - 50.0, 50.0 - (i / 101) as f32)).collect()
        };
        Flow::new(101, &at(|_, y| -y), &at(|x, _| x))
    }

    #[test]
    fn streamlines_of_a_rotation_are_circles_that_keep_their_distance() {
        let lines = rotation().streamlines(8.0);
        assert!(lines.len() >= 4, "{}", lines.len());
        for line in &lines {
            let radius = |p: &[f32; 2]| (p[0] - 50.0).hypot(p[1] - 50.0);
            let first = radius(&line[0]);
            assert!(line.iter().all(|p| (radius(p) - first).abs() < 1.0));
        }
        for (i, a) in lines.iter().enumerate() {
            for b in &lines[..i] {
                let apart = a.iter().flat_map(|p| b.iter().map(move |q| (p[0] - q[0]).hypot(p[1] - q[1])));
                assert!(apart.fold(f32::INFINITY, f32::min) >= 4.0);
            }
        }
    }

    #[test]
    fn arrows_point_along_the_velocity() {
        for [middle, vector] in rotation().arrows(20) {
            let (x, y) = (middle[0] - 50.0, 50.0 - middle[1]);
            assert!((vector[0] * x - vector[1] * y).abs() < 1e-3, "not a tangent");
            // Counter-clockwise, with y downwards.
            assert!(-vector[1] * x - vector[0] * y > 0.0);
        }
    }
}
