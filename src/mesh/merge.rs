//! Merging the meshes of several ranks for output. The result serves no computation: a node that is
//! a ghost of several ranks occurs several times.

use crate::mesh::{BoundaryEdge, LocalMesh};
use crate::parallel::LocalIndex;

/// Merges lists over the local nodes of several ranks, owned nodes first. Each list comes with the
/// number of its owned nodes.
pub fn merge_nodes<'a, T: Copy + 'a>(lists: impl Iterator<Item = (&'a [T], usize)> + Clone) -> Vec<T> {
    let owned = lists.clone().map(|(list, owned)| &list[..owned]);
    let all: Vec<&[T]> = owned.chain(lists.map(|(list, owned)| &list[owned..])).collect();
    all.concat()
}

/// Merges the meshes of at least one rank into one without ghost elements. Nodes that a rank owns
/// come first, then the ghosts of all ranks.
pub fn merge(parts: &[&LocalMesh]) -> LocalMesh {
    let meshes = || parts.iter().copied();
    let mut mesh = LocalMesh {
        element_ids: merge_elements(meshes(), |mesh| &mesh.element_ids),
        element_owners: meshes().flat_map(|mesh| mesh.element_owners.iter().take(mesh.own_elements)).collect(),
        regions: merge_elements(meshes(), |mesh| &mesh.regions),
        own_elements: meshes().map(|mesh| mesh.own_elements).sum(),
        coordinates: merge_nodes(meshes().map(|mesh| (&mesh.coordinates[..], mesh.owned_nodes))),
        node_ids: merge_nodes(meshes().map(|mesh| (&mesh.node_ids[..], mesh.owned_nodes))),
        node_owners: meshes()
            .flat_map(|mesh| mesh.node_owners.iter().take(mesh.owned_nodes))
            .chain(meshes().flat_map(|mesh| mesh.node_owners.iter().skip(mesh.owned_nodes)))
            .collect(),
        owned_nodes: meshes().map(|mesh| mesh.owned_nodes).sum(),
        orphans: meshes().flat_map(|mesh| &mesh.orphans).copied().collect(),
        ..LocalMesh::default()
    };
    if let Some(first) = parts.first() {
        mesh.total_nodes = first.total_nodes;
        mesh.total_elements = first.total_elements;
        mesh.boundary_names.clone_from(&first.boundary_names);
        mesh.region_names.clone_from(&first.region_names);
        mesh.refinements = first.refinements;
    }
    mesh.elements.reserve_exact(mesh.own_elements);
    let (mut owned, mut ghosts) = (0, mesh.owned_nodes);
    for part in parts {
        let elements = mesh.elements.len() as LocalIndex;
        let own_edges = part.boundary.iter().filter(|edge| (edge.element as usize) < part.own_elements);
        mesh.boundary.extend(own_edges.map(|edge| BoundaryEdge { element: elements + edge.element, ..*edge }));
        let place = |node: LocalIndex| match node as usize {
            node if node < part.owned_nodes => (owned + node) as LocalIndex,
            node => (ghosts + node - part.owned_nodes) as LocalIndex,
        };
        mesh.elements.extend(own(part, &part.elements).iter().map(|nodes| nodes.map(place)));
        owned += part.owned_nodes;
        ghosts += part.coordinates.len() - part.owned_nodes;
    }
    mesh
}

/// Merges lists over the own elements of several ranks.
fn merge_elements<'a, T: Copy + 'a>(
    meshes: impl Iterator<Item = &'a LocalMesh>,
    list: impl Fn(&'a LocalMesh) -> &'a [T],
) -> Vec<T> {
    meshes.map(|mesh| own(mesh, list(mesh))).collect::<Vec<_>>().concat()
}

/// Returns the part of a list for the own elements.
fn own<'a, T>(mesh: &LocalMesh, list: &'a [T]) -> &'a [T] {
    &list[..mesh.own_elements.min(list.len())]
}
