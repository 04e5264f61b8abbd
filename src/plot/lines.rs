//! Mesh lines: the edge of a Quad8 is a quadratic Bezier curve through its middle node.

use tiny_skia::{Path, PathBuilder};

use crate::io::results::ResultsMesh as Mesh;
use crate::plot::view::View;
use crate::quad8::edges_of;

/// Returns the edges with one element.
pub fn boundary(mesh: &Mesh, view: &View) -> Option<Path> {
    let around = elements_around(mesh);
    draw(mesh, view, |middle| around[middle as usize] == 1)
}

/// Iterates over the nodes of the edges with one element: corner, middle, corner.
pub fn boundary_edges(mesh: &Mesh) -> impl Iterator<Item = [u32; 3]> {
    let around = elements_around(mesh);
    let edges = mesh.elements.iter().flat_map(edges_of);
    edges.filter(move |[_, middle, _]| around[*middle as usize] == 1)
}

/// Returns the number of elements around each middle node.
fn elements_around(mesh: &Mesh) -> Vec<u8> {
    let mut around = vec![0_u8; mesh.points.len()];
    for nodes in &mesh.elements {
        nodes[4..].iter().for_each(|&n| around[n as usize] = around[n as usize].saturating_add(1));
    }
    around
}

/// Returns all edges, each once.
pub fn edges(mesh: &Mesh, view: &View) -> Option<Path> {
    let mut seen = vec![false; mesh.points.len()];
    draw(mesh, view, |middle| !std::mem::replace(&mut seen[middle as usize], true))
}

/// Returns the mean length (px) of an edge, from a square of the mean area.
pub fn mean_edge(mesh: &Mesh, view: &View) -> f64 {
    let area = |e: usize| {
        let p = mesh.coordinates(e);
        let cross = |a: usize, b: usize| (p[2][a] - p[0][a]) * (p[3][b] - p[1][b]);
        0.5 * (cross(0, 1) - cross(1, 0)).abs()
    };
    let mean = (0..mesh.elements.len()).map(area).sum::<f64>() / mesh.elements.len() as f64;
    mean.sqrt() * view.scale()
}

fn draw(mesh: &Mesh, view: &View, mut wanted: impl FnMut(u32) -> bool) -> Option<Path> {
    let mut path = PathBuilder::new();
    for nodes in &mesh.elements {
        for [a, m, b] in edges_of(nodes) {
            if wanted(m) {
                let [a, m, b] = [a, m, b].map(|n| view.place(mesh.points[n as usize]));
                let control = [0, 1].map(|axis| 2.0 * m[axis] - 0.5 * (a[axis] + b[axis]));
                if is_outside(view, [a, control, b]) {
                    continue;
                }
                path.move_to(a[0], a[1]);
                path.quad_to(control[0], control[1], b[0], b[1]);
            }
        }
    }
    path.finish()
}

/// Tests whether a curve with these control points is on one side of a view (px).
fn is_outside(view: &View, points: [[f32; 2]; 3]) -> bool {
    (0..2).any(|axis| {
        let low = view.corner[axis] as f32;
        let high = low + view.size[axis] as f32;
        points.iter().all(|point| point[axis] < low) || points.iter().all(|point| point[axis] > high)
    })
}
