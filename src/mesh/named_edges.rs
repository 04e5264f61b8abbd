//! Distribution of named edges to every rank with one of their nodes.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::error::{Error, Result};
use crate::mesh::node_owners::NO_OWNER;
use crate::mesh::{BoundaryEdge, BoundaryRule, BoundarySummary, LeftToRight, LocalMesh, MeshSlab, TaggedEdge, assign};
use crate::parallel::{Comm, GlobalIndex, LocalIndex, Outgoing};
use crate::quad8::EDGES;

/// Rule for meshes with tags: an edge belongs to the boundary of its tag. Free edges without a tag
/// are walls.
#[derive(Debug, Default)]
pub struct Tagged {
    /// Boundary of each edge with one element around this rank's nodes, by its corners, the lower
    /// first.
    boundaries: FxHashMap<[GlobalIndex; 2], u16>,
    /// Boundary of each interior edge around this rank's nodes, and the lower number of its two
    /// elements.
    inside: FxHashMap<[GlobalIndex; 2], (u16, GlobalIndex)>,
}

/// Marker of an edge with one element, in place of the lower element.
const OUTSIDE: GlobalIndex = GlobalIndex::MAX;

/// Named edge at the owner of its lower corner.
struct Seen {
    boundary: u16,
    elements: u8,
    /// Lowest number of its elements.
    first: GlobalIndex,
    /// Ranks with a node of the edge, and the rank of that element.
    owners: [u32; 4],
}

impl Tagged {
    /// Sends each named edge of the slabs to the owners of its nodes, through the rank whose block
    /// contains the lower corner and through the owner of that corner, where all elements around it
    /// are local. The mesh has been distributed from the slabs. **Collective.**
    ///
    /// # Errors
    /// A tag is not on an edge of an element, or an edge has two tags; the same on every rank.
    pub fn route(comm: &Comm, slab: &MeshSlab, mesh: &LocalMesh) -> Result<Self> {
        let names = &slab.tags.boundary_names;
        let edges = comm.agree(to_owners(comm, slab, names))?;
        let mut seen = comm.agree(unite(edges, names))?;
        look_around(mesh, &mut seen);
        comm.agree(all_found(&seen, names))?;

        let mut outgoing = Outgoing::new();
        for (&[from, to], edge) in &seen {
            for (i, &rank) in edge.owners.iter().enumerate() {
                if !edge.owners[..i].contains(&rank) {
                    let first = if edge.elements > 1 { edge.first } else { OUTSIDE };
                    outgoing.to(rank as usize).extend([from, to, GlobalIndex::from(edge.boundary), first]);
                }
            }
        }
        let mut tagged = Self::default();
        for record in comm.sparse_exchange(outgoing).iter().flat_map(|(_, message)| message.chunks_exact(4)) {
            let (corners, boundary) = ([record[0], record[1]], record[2] as u16);
            match record[3] {
                OUTSIDE => drop(tagged.boundaries.insert(corners, boundary)),
                first => drop(tagged.inside.insert(corners, (boundary, first))),
            }
        }
        Ok(tagged)
    }

    /// Returns the named interior edges, each with the element of the lower number, on the owner of
    /// that element and on those of the nodes.
    fn edges_inside(&self, mesh: &LocalMesh) -> Vec<BoundaryEdge> {
        let mut found = Vec::new();
        if self.inside.is_empty() {
            return found;
        }
        for ((nodes, id), element) in mesh.elements.iter().zip(&mesh.element_ids).zip(0..) {
            for (edge, side) in EDGES.map(|places| places.map(|i| nodes[i])).into_iter().zip(0..) {
                match self.inside.get(&corners(mesh, edge)) {
                    Some(&(boundary, first)) if first == *id => {
                        found.push(BoundaryEdge { element, side, boundary, is_interior: true });
                    }
                    _ => (),
                }
            }
        }
        found
    }
}

/// Finds the named edges around this rank's nodes, by the tags of the mesh or else [`LeftToRight`],
/// sorted, and counts those of the whole mesh. `free` has the free edges of the mesh.
/// **Collective.**
///
/// # Errors
/// A named edge that no element has or that has two names, and those of [`LeftToRight`]; the same
/// on every rank.
pub fn name_edges(
    comm: &Comm,
    slab: &MeshSlab,
    mesh: &mut LocalMesh,
    free: &[(usize, usize)],
) -> Result<BoundarySummary> {
    let has_names = slab.tags.has_boundaries();
    mesh.boundary = if has_names {
        let tagged = Tagged::route(comm, slab, mesh)?;
        let mut edges = assign(comm, mesh, free, &tagged)?;
        edges.extend(tagged.edges_inside(mesh));
        edges.sort_unstable();
        edges
    } else {
        assign(comm, mesh, free, &LeftToRight)?
    };
    Ok(BoundarySummary::new(comm, mesh, free, has_names))
}

impl BoundaryRule for Tagged {
    fn boundaries(&self, _: &Comm, mesh: &LocalMesh, edges: &[[LocalIndex; 3]]) -> Result<Vec<Option<u16>>> {
        let find = |edge: &[LocalIndex; 3]| self.boundaries.get(&corners(mesh, *edge)).copied();
        Ok(edges.iter().map(find).collect())
    }
}

/// Returns the global numbers of the corners, the lower first.
fn corners(mesh: &LocalMesh, [from, _, to]: [LocalIndex; 3]) -> [GlobalIndex; 2] {
    ascending([from, to].map(|n| mesh.node_ids[n as usize]))
}

fn ascending([a, b]: [GlobalIndex; 2]) -> [GlobalIndex; 2] {
    [a.min(b), a.max(b)]
}

/// Returns the named edges of all slabs whose lower corner this rank owns. An edge with a corner
/// without elements is an error of this rank alone. **Collective.**
fn to_owners(comm: &Comm, slab: &MeshSlab, names: &[String]) -> Result<Vec<TaggedEdge>> {
    let mut at_blocks = Outgoing::new();
    for edge in &slab.tags.edges {
        let [from, to] = ascending(edge.nodes);
        at_blocks.to(slab.nodes.owner(from)).extend([from, to, GlobalIndex::from(edge.boundary)]);
    }
    let at_blocks = comm.sparse_exchange(at_blocks);
    let first = slab.nodes.range(comm.rank()).start;
    let mut outgoing = Outgoing::new();
    let mut lost: Option<TaggedEdge> = None;
    for record in at_blocks.iter().flat_map(|(_, message)| message.chunks_exact(3)) {
        match slab.node_owners[(record[0] - first) as usize] {
            NO_OWNER => {
                let edge = tagged_edge(record);
                lost = Some(lost.map_or(edge, |other| other.min(edge)));
            }
            owner => outgoing.to(owner as usize).extend_from_slice(record),
        }
    }
    let incoming = comm.sparse_exchange(outgoing);
    match lost {
        Some(edge) => Err(not_an_edge(edge.nodes, edge.boundary, names)),
        None => Ok(incoming.iter().flat_map(|(_, message)| message.chunks_exact(3)).map(tagged_edge).collect()),
    }
}

fn tagged_edge(record: &[GlobalIndex]) -> TaggedEdge {
    TaggedEdge { nodes: [record[0], record[1]], boundary: record[2] as u16 }
}

/// Returns each edge once; an edge with two names is an error.
fn unite(mut edges: Vec<TaggedEdge>, names: &[String]) -> Result<FxHashMap<[GlobalIndex; 2], Seen>> {
    edges.sort_unstable();
    edges.dedup();
    if let Some(pair) = edges.windows(2).find(|pair| pair[0].nodes == pair[1].nodes) {
        let [first, second] = [0, 1].map(|i| names[usize::from(pair[i].boundary)].clone());
        let [from, to] = pair[0].nodes;
        return Err(two_names([from, to], [&first, &second]));
    }
    let unseen =
        |edge: &TaggedEdge| Seen { boundary: edge.boundary, elements: 0, first: GlobalIndex::MAX, owners: [0; 4] };
    Ok(edges.iter().map(|edge| (edge.nodes, unseen(edge))).collect())
}

/// Finds the elements of each edge.
fn look_around(mesh: &LocalMesh, seen: &mut FxHashMap<[GlobalIndex; 2], Seen>) {
    if seen.is_empty() {
        return;
    }
    let ends: FxHashSet<GlobalIndex> = seen.keys().flatten().copied().collect();
    let is_end: Vec<bool> = mesh.node_ids.iter().map(|id| ends.contains(id)).collect();
    for (element, nodes) in mesh.elements.iter().enumerate() {
        for edge in EDGES.map(|places| places.map(|i| nodes[i])) {
            if is_end[edge[0] as usize]
                && is_end[edge[2] as usize]
                && let Some(seen) = seen.get_mut(&corners(mesh, edge))
            {
                seen.elements = seen.elements.saturating_add(1);
                let [a, b, c] = edge.map(|n| mesh.node_owners[n as usize]);
                let first = mesh.element_ids[element].min(seen.first);
                let owner = if first < seen.first { mesh.element_owners[element] } else { seen.owners[3] };
                (seen.first, seen.owners) = (first, [a, b, c, owner]);
            }
        }
    }
}

fn all_found(seen: &FxHashMap<[GlobalIndex; 2], Seen>, names: &[String]) -> Result<()> {
    let lost = seen.iter().filter(|(_, s)| s.elements == 0).min_by_key(|(nodes, _)| **nodes);
    lost.map_or(Ok(()), |(&nodes, seen)| Err(not_an_edge(nodes, seen.boundary, names)))
}

fn not_an_edge([from, to]: [GlobalIndex; 2], boundary: u16, names: &[String]) -> Error {
    let name = &names[usize::from(boundary)];
    let text = format!(
        "boundary '{name}' has an edge from node {from} to node {to} (indices start at 0), which no element has"
    );
    Error::input(text).at(from, to).mentioning(&[], &[from, to])
}

fn two_names([from, to]: [GlobalIndex; 2], [first, second]: [&str; 2]) -> Error {
    let text = format!(
        "the edge from node {from} to node {to} (indices start at 0) belongs to two boundaries, '{first}' and \
         '{second}': an edge can have one name"
    );
    Error::input(text).at(from, to).mentioning(&[], &[from, to])
}
