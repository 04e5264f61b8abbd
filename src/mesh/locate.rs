//! Locates points in the curved elements of a mesh.

use rayon::prelude::*;

use crate::mesh::LocalMesh;
use crate::quad8;

/// Position of a point in an element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PointLocation {
    /// Local number of the element.
    pub element: usize,
    /// Reference coordinates (xi, eta).
    pub local: [f64; 2],
}

/// Locates each point (m) among the own elements of this rank: of several elements at the point,
/// that with the lowest global number.
pub fn locate(mesh: &LocalMesh, points: &[[f64; 2]]) -> Vec<Option<PointLocation>> {
    let mut by_x: Vec<usize> = (0..points.len()).collect();
    by_x.sort_unstable_by(|&a, &b| points[a][0].total_cmp(&points[b][0]));
    let in_element = |element: usize| {
        let coordinates = mesh.element_coordinates(element);
        let [x, y] = quad8::bounding_box(&coordinates).map(|(low, high)| {
            // Rounding must not move a point on an edge outside.
            let margin = 1e-6 * (high - low);
            low - margin..=high + margin
        });
        let first = by_x.partition_point(|&point| points[point][0] < *x.start());
        let near = by_x[first..].iter().copied().take_while(move |&point| points[point][0] <= *x.end());
        near.filter(move |&point| y.contains(&points[point][1])).filter_map(move |point| {
            let local = quad8::inverse_map(&coordinates, points[point])?;
            Some((point, PointLocation { element, local }))
        })
    };
    let hits: Vec<(usize, PointLocation)> =
        (0..mesh.own_elements).into_par_iter().with_min_len(1024).flat_map_iter(in_element).collect();
    let mut found: Vec<Option<PointLocation>> = vec![None; points.len()];
    let id = |location: &PointLocation| mesh.element_ids[location.element];
    for (point, location) in hits {
        let best = &mut found[point];
        if best.is_none_or(|other| id(&location) < id(&other)) {
            *best = Some(location);
        }
    }
    found
}
