//! Meshes of 8-node quadrilaterals: checks, partitioning, distribution and refinement. Independent
//! of the equations.

mod adjacency;
mod boundary;
mod boundary_summary;
pub(crate) mod channel;
mod components;
mod data;
mod distribute;
mod duplicates;
mod edge_checks;
mod element_names;
mod extent;
mod fingerprint;
mod hierarchy;
mod input_slab;
mod jacobian;
mod local_numbers;
mod locate;
mod merge;
mod named_edges;
mod names;
mod node_owners;
mod ordering;
mod owners;
pub mod partition;
pub mod quality;
mod refine;
mod refine_children;
mod refine_lattice;
mod refine_nodes;
mod scale;
mod union_find;

pub(crate) use adjacency::Adjacency;
pub(crate) use boundary::assign;
pub use boundary::{BoundaryEdge, BoundaryRule, LeftToRight};
pub use boundary_summary::{BoundarySummary, EdgeCount};
pub use channel::Channel;
pub(crate) use components::{check_components, count_components};
pub use data::{Location, MeshData};
pub use distribute::distribute;
pub(crate) use distribute::{Distributed, distribute_anyway};
pub use duplicates::Duplicates;
pub(crate) use duplicates::find_duplicates;
pub(crate) use edge_checks::{check_edges, survey};
pub(crate) use element_names::ElementNames;
pub use extent::extent;
pub use fingerprint::{MeshFingerprint, MeshIdentity, checksum};
pub use hierarchy::{DistributedMesh, MeshHierarchy};
pub use input_slab::{MeshHeader, MeshSize, MeshSlab};
pub(crate) use input_slab::{empty_mesh, node_out_of_range};
pub(crate) use jacobian::{check_jacobian, not_finite};
pub(crate) use local_numbers::LocalNumbers;
pub use locate::{PointLocation, locate};
pub use merge::merge;
pub(crate) use merge::merge_nodes;
pub(crate) use named_edges::name_edges;
pub use names::{NO_REGION, TaggedEdge, Tags};
pub use owners::Owners;
pub use refine::refine;
pub(crate) use refine::{EdgeNumbers, refined_too_far};

use std::rc::Rc;

use crate::error::Result;
use crate::parallel::{Comm, GlobalIndex, Halo, LocalIndex};
use crate::quad8::Coordinates;
use crate::system::plural;

/// Largest number of elements of one rank: the eight node positions of each are numbered with 32
/// bits, and some are those of ghosts.
pub const MOST_ON_A_RANK: u64 = 1 << 28;

/// Part of a mesh on one rank: its own elements, one layer of ghost elements around its owned
/// nodes, and all their nodes.
///
/// Elements: own ones first. Nodes: owned ones first, then those of other
/// ranks, grouped by owner and ascending in their global number.
#[derive(Debug, Clone, Default)]
pub struct LocalMesh {
    /// Nodes of the whole mesh, used or not.
    pub total_nodes: GlobalIndex,
    /// Elements of the whole mesh.
    pub total_elements: GlobalIndex,
    /// Local nodes of each element, counter-clockwise.
    pub elements: Vec<[LocalIndex; 8]>,
    /// Global number of each element.
    pub element_ids: Vec<GlobalIndex>,
    /// Rank that owns each element.
    pub element_owners: Owners,
    /// Region of each element: an index of `region_names`, or [`NO_REGION`].
    pub regions: Vec<u16>,
    /// Number of own elements.
    pub own_elements: usize,
    /// Coordinates (m) of each node.
    pub coordinates: Vec<[f64; 2]>,
    /// Global number of each node, as in the mesh file.
    pub node_ids: Vec<GlobalIndex>,
    /// Rank that owns each node.
    pub node_owners: Owners,
    /// Number of owned nodes.
    pub owned_nodes: usize,
    /// Nodes without elements on this rank: number and coordinates (m).
    pub orphans: Vec<(GlobalIndex, [f64; 2])>,
    /// Named boundary edges around the nodes of this rank, sorted.
    pub boundary: Vec<BoundaryEdge>,
    /// Names of the boundaries, indexed by [`BoundaryEdge::boundary`]; the same on every rank.
    pub boundary_names: Vec<String>,
    /// Names of the regions; the same on every rank.
    pub region_names: Vec<String>,
    /// Data of the local elements and nodes.
    pub data: Vec<MeshData>,
    /// Number of uniform refinements since the mesh was read.
    pub refinements: u32,
}

impl LocalMesh {
    /// Returns the coordinates (m) of the nodes of an element.
    pub fn element_coordinates(&self, element: usize) -> Coordinates {
        self.elements[element].map(|n| self.coordinates[n as usize])
    }

    /// Returns the global numbers of the nodes of an element.
    pub fn global_nodes(&self, element: usize) -> [GlobalIndex; 8] {
        self.elements[element].map(|n| self.node_ids[n as usize])
    }

    /// Creates the halo of nodal values. **Collective.**
    ///
    /// # Errors
    /// The ranks disagree about owners.
    pub fn halo(&self, comm: &Rc<Comm>) -> Result<Halo> {
        let (owned, ghosts) = self.node_ids.split_at(self.owned_nodes);
        let owners = self.node_owners.iter().skip(self.owned_nodes).map(|owner| owner as usize);
        let ghosts: Vec<(GlobalIndex, usize)> = ghosts.iter().copied().zip(owners).collect();
        Halo::new(comm, owned, &ghosts)
    }
}

/// Returns warnings about clockwise elements and nodes without elements.
pub fn warnings(reoriented: u64, orphans: u64) -> Vec<String> {
    let mut warnings = Vec::new();
    if reoriented > 0 {
        let (are, they_were) = if reoriented == 1 { ("is", "it was") } else { ("are", "they were") };
        warnings.push(format!("{} {are} clockwise: {they_were} turned round", plural(reoriented, "element")));
    }
    if orphans > 0 {
        let (belong, they_hold) = if orphans == 1 { ("belongs", "it holds") } else { ("belong", "they hold") };
        warnings.push(format!("{} {belong} to no element: {they_hold} NaN in the results", plural(orphans, "node")));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_agree_with_their_numbers() {
        let one = [
            "1 element is clockwise: it was turned round",
            "1 node belongs to no element: it holds NaN in the results",
        ];
        assert_eq!(warnings(1, 1), one);
        assert_eq!(warnings(2, 0), ["2 elements are clockwise: they were turned round"]);
    }
}
