//! Outline of the domain and named boundaries as lines of few points.

use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::error::Result;
use crate::io::mesh::BOUNDARIES;
use crate::io::results::{Array, ResultsMesh as Mesh, ResultsReader};
use crate::plot::contour::{Line, Links};
use crate::plot::html::raster::Grid;
use crate::plot::lines::boundary_edges;
use crate::quad8::edges_of;

/// Largest distance between a line and the boundary (samples).
const TOLERANCE: f32 = 0.05;
/// Units in a sample, in which the page has the points.
const UNITS: f32 = 32.0;

/// Named boundary of a page.
#[derive(Debug, Serialize)]
pub struct Boundary {
    name: String,
    lines: Vec<Vec<i32>>,
}

/// Returns the boundary of the domain as lines: x and y of each point from the upper left, in
/// [`UNITS`].
pub fn outline(mesh: &Mesh, grid: &Grid) -> Vec<Vec<i32>> {
    // A hole smaller than a sample is not seen.
    let is_visible = |line: &Line| {
        [0, 1].iter().any(|&axis| {
            let of = |line: &Line, pick: fn(f32, f32) -> f32| line.iter().map(|p| p[axis]).reduce(pick).unwrap_or(0.0);
            of(line, f32::max) - of(line, f32::min) > 1.0
        })
    };
    let lines = curves(mesh, grid, boundary_edges(mesh));
    lines.into_iter().filter(is_visible).map(|line| points(&line, grid)).collect()
}

/// Returns the named boundaries.
///
/// # Errors
/// A dataset cannot be read.
pub fn boundaries(reader: &ResultsReader, mesh: &Mesh, grid: &Grid) -> Result<Vec<Boundary>> {
    let mut parts = Vec::new();
    for (name, path) in reader.named(BOUNDARIES) {
        let corners = match reader.array(&path)? {
            Array::Integers(_, numbers) => numbers,
            Array::Numbers(..) => Vec::new(),
        };
        parts.push((name, corners.as_chunks::<2>().0.iter().map(|&[a, b]| ordered(a, b)).collect::<Vec<_>>()));
    }
    let mut edges: FxHashMap<[i64; 2], Option<[u32; 3]>> =
        parts.iter().flat_map(|(_, corners)| corners).map(|&corners| (corners, None)).collect();
    for nodes in &mesh.elements {
        for edge in edges_of(nodes) {
            if let Some(found) = edges.get_mut(&ordered(edge[0].into(), edge[2].into())) {
                *found = Some(edge);
            }
        }
    }
    let lines = |corners: Vec<[i64; 2]>| {
        let lines = curves(mesh, grid, corners.iter().filter_map(|corners| edges[corners]));
        lines.iter().map(|line| points(line, grid)).collect()
    };
    Ok(parts.into_iter().map(|(name, corners)| Boundary { name, lines: lines(corners) }).collect())
}

fn ordered(a: i64, b: i64) -> [i64; 2] {
    [a.min(b), a.max(b)]
}

/// Connects edges, each with its middle node, to curves (samples).
fn curves(mesh: &Mesh, grid: &Grid, edges: impl IntoIterator<Item = [u32; 3]>) -> Vec<Line> {
    let mut links = Links::default();
    // Keys of the points between the nodes.
    let mut next = mesh.points.len() as u32;
    for [from, middle, to] in edges {
        let [a, m, b] = [from, middle, to].map(|n| grid.place(mesh.points[n as usize]));
        let bend = [0, 1].map(|axis| m[axis] - 0.5 * (a[axis] + b[axis]));
        let pieces = (bend[0].hypot(bend[1]) / TOLERANCE).sqrt().ceil().clamp(1.0, 64.0) as u32;
        let at = |i: u32| {
            let t = i as f32 / pieces as f32;
            [0, 1].map(|axis| a[axis] + t * (b[axis] - a[axis]) + 4.0 * t * (1.0 - t) * bend[axis])
        };
        let mut previous = (from, a);
        for i in 1..=pieces {
            let point = if i == pieces { (to, b) } else { (next, at(i)) };
            next = next.saturating_add(1);
            links.connect([previous, point]);
            previous = point;
        }
    }
    links.chain()
}

/// Returns the coordinates of the points of a line that are needed for its shape on the grid.
fn points(line: &Line, grid: &Grid) -> Vec<i32> {
    let line = simplified(&trimmed(line, [grid.width as f32, grid.height as f32]));
    line.iter().flatten().map(|value| (UNITS * value).round() as i32).collect()
}

/// Leaves out points that lie beyond the same side of the grid as their neighbours.
fn trimmed(line: &Line, size: [f32; 2]) -> Line {
    let beyond = |point: &[f32; 2]| [0, 1].map(|axis| [point[axis] < 0.0, point[axis] > size[axis]]);
    let mut kept: Line = Vec::new();
    for (i, point) in line.iter().enumerate() {
        let is_away = kept.last().zip(line.get(i + 1)).is_some_and(|(before, after)| {
            let [a, b, c] = [before, point, after].map(beyond);
            (0..4).any(|side| [a, b, c].iter().all(|sides| sides[side / 2][side % 2]))
        });
        if !is_away {
            kept.push(*point);
        }
    }
    kept
}

/// Leaves out points near the line through the others (D. H. Douglas, T. K. Peucker, *Algorithms
/// for the reduction of the number of points required to represent a digitized line*, Cartographica
/// 10 (1973)).
fn simplified(line: &Line) -> Line {
    let mut is_kept = vec![false; line.len()];
    let last = line.len().saturating_sub(1);
    for end in [0, last] {
        is_kept.get_mut(end).into_iter().for_each(|kept| *kept = true);
    }
    let mut spans = vec![(0, last)];
    while let Some((from, to)) = spans.pop() {
        let between = (from + 1..to).map(|i| (i, distance(line[i], line[from], line[to])));
        if let Some((i, _)) = between.max_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, most)| *most > TOLERANCE) {
            is_kept[i] = true;
            spans.extend([(from, i), (i, to)]);
        }
    }
    line.iter().zip(is_kept).filter(|(_, kept)| *kept).map(|(point, _)| *point).collect()
}

/// Returns the distance of a point from a straight piece.
fn distance(point: [f32; 2], from: [f32; 2], to: [f32; 2]) -> f32 {
    let along = [0, 1].map(|axis| to[axis] - from[axis]);
    let to_point = [0, 1].map(|axis| point[axis] - from[axis]);
    let squared = along[0] * along[0] + along[1] * along[1];
    let part = ((to_point[0] * along[0] + to_point[1] * along[1]) / squared.max(f32::MIN_POSITIVE)).clamp(0.0, 1.0);
    (to_point[0] - part * along[0]).hypot(to_point[1] - part * along[1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::view::Bounds;

    /// Two unit squares beside each other, the right edge of the second one bent outwards.
    fn mesh() -> Mesh {
        let points = [[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 1.0]];
        let middles = [[0.5, 0.0], [1.0, 0.5], [0.5, 1.0], [0.0, 0.5], [1.5, 0.0], [2.25, 0.5], [1.5, 1.0]];
        let elements = vec![[0, 1, 4, 3, 6, 7, 8, 9], [1, 2, 5, 4, 10, 11, 12, 7]];
        Mesh { points: points.into_iter().chain(middles).collect(), elements }
    }

    #[test]
    fn an_outline_is_closed_and_has_few_points_on_straight_sides() {
        let mesh = mesh();
        let grid = Grid::new(Bounds::of(&mesh), 1e4);
        let lines = outline(&mesh, &grid);
        assert_eq!(lines.len(), 1);
        let points: Vec<[i32; 2]> = lines[0].as_chunks::<2>().0.to_vec();
        assert_eq!(points.first(), points.last());
        let [right, _] = grid.place([2.25, 0.5]);
        let furthest = points.iter().map(|point| point[0]).max().unwrap();
        assert!((furthest as f32 / UNITS - right).abs() < 2.0 * TOLERANCE);
        let straight = points.iter().filter(|point| (point[0] as f32) < UNITS * grid.place([1.99, 0.0])[0]).count();
        assert!((2..=5).contains(&straight) && points.len() > 10, "{points:?}");
    }

    #[test]
    fn points_beyond_a_side_are_left_out() {
        let line = vec![[1.0, 1.0], [20.0, 1.0], [30.0, 2.0], [40.0, 3.0], [20.0, 4.0], [1.0, 4.0]];
        assert_eq!(trimmed(&line, [10.0, 10.0]), [[1.0, 1.0], [20.0, 1.0], [20.0, 4.0], [1.0, 4.0]]);
    }
}
