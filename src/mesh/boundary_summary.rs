//! Numbers of edges on the boundaries of the whole mesh.

use serde::Serialize;

use crate::mesh::{LocalMesh, extent};
use crate::parallel::Comm;

/// Number of the edges of one boundary, before refinement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct EdgeCount {
    /// Number of edges.
    pub edges: u64,
    /// Number of interior edges, with elements on both sides.
    #[serde(rename = "inside")]
    pub interior: u64,
}

/// Edges of all boundaries of a mesh; the same on every rank.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BoundarySummary {
    /// Edges of each named boundary, in the order of the names.
    pub named: Vec<EdgeCount>,
    /// Boundary edges without a name.
    pub unnamed: u64,
    /// x (m) of the inlet and of the outlet, where the mesh has no names and both are guessed.
    pub guessed: Option<[f64; 2]>,
}

impl BoundarySummary {
    /// Counts the edges of each boundary. `free` lists (element, side) of all edges with one
    /// element. **Collective.**
    pub(crate) fn new(comm: &Comm, mesh: &LocalMesh, free: &[(usize, usize)], has_names: bool) -> Self {
        // The last row counts the free edges.
        let mut counts = vec![[0_u64; 2]; mesh.boundary_names.len() + 1];
        for edge in mesh.boundary.iter().filter(|edge| (edge.element as usize) < mesh.own_elements) {
            counts[usize::from(edge.boundary)][usize::from(edge.is_interior)] += 1;
        }
        counts[mesh.boundary_names.len()][0] =
            free.iter().filter(|(element, _)| *element < mesh.own_elements).count() as u64;
        let totals = comm.sum_all(counts.as_flattened());
        let (rows, _) = totals.as_chunks::<2>();
        let (free, named) = rows.split_last().map_or((0, &[][..]), |([free, _], named)| (*free, named));
        let outside: u64 = named.iter().map(|[outside, _]| outside).sum();
        let guessed = (!has_names).then(|| extent(comm, &mesh.coordinates[..mesh.owned_nodes])[0]);
        let named =
            named.iter().map(|[outside, interior]| EdgeCount { edges: outside + interior, interior: *interior });
        Self { named: named.collect(), unnamed: free - outside, guessed }
    }
}
