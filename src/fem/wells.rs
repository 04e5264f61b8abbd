//! Loads of wells, point sources at coordinates.

use rustc_hash::FxHashMap;

use crate::error::{Error, Result};
use crate::mesh::{LocalMesh, locate};
use crate::parallel::{Comm, GlobalIndex};
use crate::problem::Problem;
use crate::quad8;
use crate::system::show_point;

/// Local element that holds a well, and the load of the well at its nodes.
pub(crate) type WellLoad = (usize, [f64; 8]);

/// Computes the load of each well in the element that holds it, on all ranks that have this
/// element. On an edge between elements it is the one with the lowest number. **Collective.**
///
/// # Errors
/// A well outside the mesh; the same on every rank.
pub fn well_loads(comm: &Comm, mesh: &LocalMesh, problem: &Problem) -> Result<Vec<WellLoad>> {
    if problem.wells.is_empty() {
        return Ok(Vec::new());
    }
    let points: Vec<[f64; 2]> = problem.wells.iter().map(|well| well.at).collect();
    let found = locate(mesh, &points);
    let ids: Vec<GlobalIndex> =
        found.iter().map(|place| place.map_or(GlobalIndex::MAX, |place| mesh.element_ids[place.element])).collect();
    let holders = comm.min_all(&ids);
    if let Some(outside) = holders.iter().position(|&id| id == GlobalIndex::MAX) {
        let place = show_point(points[outside]);
        return Err(Error::input(format!("the well at {place} (m) lies outside the mesh")));
    }
    // The rank with the element gives the reference coordinates, all others add 0.
    let own = |i: usize| found[i].filter(|_| ids[i] == holders[i]).map_or([0.0; 2], |place| place.local);
    let local: Vec<[f64; 2]> = (0..points.len()).map(own).collect();
    let local = comm.sum_all(local.as_flattened());
    let mut wells_in: FxHashMap<GlobalIndex, Vec<usize>> = FxHashMap::default();
    for (i, &holder) in holders.iter().enumerate() {
        wells_in.entry(holder).or_default().push(i);
    }
    let load = |i: usize| quad8::shape(local[2 * i], local[2 * i + 1]).map(|shape| problem.wells[i].strength * shape);
    let loads = mesh.element_ids.iter().enumerate().flat_map(|(element, id)| {
        let wells = wells_in.get(id).into_iter().flatten();
        wells.map(move |&i| (element, load(i)))
    });
    Ok(loads.collect())
}
