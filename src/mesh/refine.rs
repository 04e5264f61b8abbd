//! Uniform refinement of a distributed mesh: each rank divides its elements into 4^K, with new
//! nodes on the isoparametric map of the parent.
//!
//! With n = 2^K the nodes of the children of one parent lie on a lattice of
//! (2n + 1)^2 points; those with two odd indices would be element centres and
//! are left out. The global numbering depends on the input and K alone:
//! first the nodes of the input, then the new points of each edge, then those
//! inside each element. Edges are numbered by their middle nodes.

use std::rc::Rc;

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::mesh::ordering::Unordered;
use crate::mesh::refine_lattice::{Lattice, Place, even_bits, interleave};
use crate::mesh::refine_nodes::{Origin, interpolate, place_node};
use crate::mesh::{BoundaryEdge, LocalMesh, Location, MOST_ON_A_RANK, MeshData};
use crate::parallel::{BlockDistribution, BlockRequests, Comm, GlobalIndex, LocalIndex, work};
use crate::quad8::EDGES;

/// Refines `levels` times. Boundary edges pass their boundary, and elements their region and data,
/// to their children; data of nodes are interpolated by the shape functions. **Collective.**
///
/// # Errors
/// A rank cannot number its elements; the same on every rank.
pub fn refine(comm: &Rc<Comm>, mesh: &LocalMesh, levels: u32) -> Result<LocalMesh> {
    if levels == 0 {
        return Ok(mesh.clone());
    }
    Ok(EdgeNumbers::new(comm, mesh, levels)?.refine(mesh, levels))
}

/// Returns the error of a refinement whose elements a rank cannot number.
pub(crate) fn refined_too_far(levels: u32, elements: u128) -> Error {
    Error::input(format!(
        "--refine {levels} makes {elements} elements, and a rank can number {MOST_ON_A_RANK}: refine less, or use more \
         ranks"
    ))
}

/// Global numbers of the edges of a mesh, with which its refinements number their nodes.
pub struct EdgeNumbers {
    /// Number of the edge of each local middle node; unspecified for other nodes.
    edges: Vec<GlobalIndex>,
    /// Number of edges over all ranks.
    total: GlobalIndex,
}

impl EdgeNumbers {
    /// Numbers the edges by the position of their middle nodes among all middle nodes, for at most
    /// `levels` refinements. **Collective.**
    ///
    /// # Errors
    /// Those of [`refine`].
    pub fn new(comm: &Rc<Comm>, mesh: &LocalMesh, levels: u32) -> Result<Self> {
        let fits = levels < 15 && (mesh.elements.len() as u64) << (2 * levels) < MOST_ON_A_RANK;
        let elements = u128::from(mesh.total_elements) << (2 * levels.min(40));
        comm.agree(if fits { Ok(()) } else { Err(refined_too_far(levels, elements)) })?;
        let (edges, total) = number_edges(comm, mesh)?;
        Ok(Self { edges, total })
    }

    /// Refines the mesh `levels` times.
    pub fn refine(&self, mesh: &LocalMesh, levels: u32) -> LocalMesh {
        match levels {
            0 => mesh.clone(),
            _ => Refinement::new(mesh, Lattice { n: 1 << levels }, &self.edges, self.total).run(levels),
        }
    }
}

/// Returns the global number of the edge of each local middle node (unspecified for other nodes),
/// and the number of edges. **Collective.**
fn number_edges(comm: &Rc<Comm>, mesh: &LocalMesh) -> Result<(Vec<GlobalIndex>, GlobalIndex)> {
    let mut is_middle = vec![false; mesh.coordinates.len()];
    mesh.elements.iter().flat_map(|nodes| &nodes[4..]).for_each(|&node| is_middle[node as usize] = true);
    let owned_middles = || (0..mesh.owned_nodes).filter(|&node| is_middle[node]);

    let blocks = BlockDistribution::new(mesh.total_nodes, comm.size());
    let requests = BlockRequests::new(comm, blocks, owned_middles().map(|node| mesh.node_ids[node]));
    let mut sorted: Vec<usize> = requests.incoming().flat_map(|(_, positions)| positions).collect();
    sorted.sort_unstable();
    let first = comm.exclusive_sum(sorted.len() as GlobalIndex);
    let total = comm.sum(sorted.len() as GlobalIndex);
    let number = |i| first + sorted.partition_point(|&other| other < i) as GlobalIndex;
    let mut edges = vec![0; mesh.coordinates.len()];
    for (node, number) in owned_middles().zip(requests.answer(comm, number)) {
        edges[node] = number;
    }
    mesh.halo(comm)?.scatter_fwd(&mut edges);
    Ok((edges, total))
}

const UNSEEN: u32 = u32::MAX;

struct Refinement<'a> {
    parent: &'a LocalMesh,
    lattice: Lattice,
    rank: u32,
    edges: &'a [GlobalIndex],
    first_inside: GlobalIndex,
    /// Numbers so far: of the parent's nodes, of points on edges (by the slot of the middle node),
    /// and of points inside the current parent.
    nodes: Vec<u32>,
    slots: Vec<u32>,
    edge_points: Vec<u32>,
    inside: Vec<u32>,
    origins: Vec<Origin>,
    /// Parent of each child, where the parents have data.
    parents: Vec<LocalIndex>,
    child: Unordered,
    total_nodes: GlobalIndex,
}

impl<'a> Refinement<'a> {
    fn new(parent: &'a LocalMesh, lattice: Lattice, edges: &'a [GlobalIndex], total_edges: GlobalIndex) -> Self {
        let mut slots = vec![UNSEEN; parent.coordinates.len()];
        let mut count = 0;
        for &middle in parent.elements.iter().flat_map(|n| &n[4..]) {
            if slots[middle as usize] == UNSEEN {
                slots[middle as usize] = count;
                count += 1;
            }
        }
        let on_edges = total_edges * lattice.on_edge() as GlobalIndex;
        // Upper bounds: growing lists would be copied again and again.
        let elements = parent.elements.len() * lattice.n * lattice.n;
        let nodes = slots.len() + count as usize * lattice.on_edge() + parent.elements.len() * lattice.inside();
        let inside = parent.total_elements * lattice.inside() as GlobalIndex;
        Self {
            parent,
            lattice,
            // A rank without elements owns no nodes.
            rank: parent.element_owners.iter().next().unwrap_or(0),
            edges,
            first_inside: parent.total_nodes + on_edges,
            nodes: vec![UNSEEN; parent.coordinates.len()],
            slots,
            edge_points: vec![UNSEEN; count as usize * lattice.on_edge()],
            inside: vec![UNSEEN; lattice.inside()],
            origins: Vec::with_capacity(nodes),
            parents: Vec::with_capacity(if parent.data.is_empty() { 0 } else { elements }),
            child: Unordered {
                elements: Vec::with_capacity(elements),
                element_ids: Vec::with_capacity(elements),
                element_owners: Vec::with_capacity(elements),
                regions: Vec::with_capacity(elements),
                own_elements: 0,
                node_ids: Vec::with_capacity(nodes),
                node_owners: Vec::with_capacity(nodes),
            },
            total_nodes: parent.total_nodes + on_edges + inside,
        }
    }

    fn run(mut self, levels: u32) -> LocalMesh {
        let (parent, lattice) = (self.parent, self.lattice);
        let children = lattice.n * lattice.n;
        let mut edges = Vec::new();
        let mut tagged = parent.boundary.iter().peekable();
        let mut numbers = vec![UNSEEN; children];
        for e in 0..parent.elements.len() {
            if e == parent.own_elements {
                self.child.own_elements = self.child.elements.len();
            }
            let first_id = parent.element_ids[e] * children as GlobalIndex;
            for (code, number) in numbers.iter_mut().enumerate() {
                *number = UNSEEN;
                let (p, q) = (even_bits(code), even_bits(code >> 1));
                // Of a ghost, only the children that touch nodes of this rank are local.
                if e < parent.own_elements || self.touches(e, p, q) {
                    *number = self.child.elements.len() as u32;
                    let nodes = Lattice::child(p, q).map(|(i, j)| self.number(e, i, j));
                    self.child.elements.push(nodes);
                    self.child.element_ids.push(first_id + code as GlobalIndex);
                    self.child.element_owners.push(parent.element_owners[e]);
                    self.child.regions.push(parent.regions[e]);
                    if !parent.data.is_empty() {
                        self.parents.push(e as LocalIndex);
                    }
                }
            }
            work::done(children as u64);
            self.inside.fill(UNSEEN);
            while let Some(edge) = tagged.next_if(|edge| edge.element as usize == e) {
                for step in 0..lattice.n {
                    let (p, q) = lattice.along(edge.side as usize, step);
                    let number = numbers[interleave(p, q, levels)];
                    if number != UNSEEN {
                        edges.push(BoundaryEdge { element: number, ..*edge });
                    }
                }
            }
        }
        if parent.own_elements == parent.elements.len() {
            self.child.own_elements = self.child.elements.len();
        }
        self.finish(edges)
    }

    fn owner(&self, element: usize, place: Place) -> u32 {
        let nodes = &self.parent.elements[element];
        match place {
            Place::Node(a) => self.parent.node_owners[nodes[a] as usize],
            Place::Side(side, _) => self.parent.node_owners[nodes[EDGES[side][1]] as usize],
            Place::Inside(_) => self.parent.element_owners[element],
        }
    }

    fn touches(&self, element: usize, p: usize, q: usize) -> bool {
        Lattice::child(p, q).into_iter().any(|(i, j)| self.owner(element, self.lattice.place(i, j)) == self.rank)
    }

    /// Returns the number of lattice point (i, j) of an element, and assigns it on the first call.
    fn number(&mut self, element: usize, i: usize, j: usize) -> u32 {
        let place = self.lattice.place(i, j);
        let nodes = &self.parent.elements[element];
        let id = |node: LocalIndex| self.parent.node_ids[node as usize];
        let (seen, global, origin) = match place {
            Place::Node(a) => (&mut self.nodes[nodes[a] as usize], id(nodes[a]), Origin::Node(nodes[a])),
            Place::Side(side, t) => {
                // Both elements count from the end of the lower number.
                let [a, m, b] = EDGES[side].map(|c| nodes[c]);
                let (a, b, t) = if id(a) < id(b) { (a, b, t) } else { (b, a, 2 * self.lattice.n - t) };
                let at = if t < self.lattice.n { t - 1 } else { t - 2 };
                let on_edge = self.lattice.on_edge();
                let global =
                    self.parent.total_nodes + self.edges[m as usize] * on_edge as GlobalIndex + at as GlobalIndex;
                let slot = self.slots[m as usize] as usize * on_edge + at;
                (&mut self.edge_points[slot], global, Origin::Edge([a, m, b], t as u32))
            }
            Place::Inside(at) => {
                let first = self.first_inside + self.parent.element_ids[element] * self.lattice.inside() as GlobalIndex;
                let origin = Origin::Inside(element as LocalIndex, i as u32, j as u32);
                (&mut self.inside[at], first + at as GlobalIndex, origin)
            }
        };
        if *seen != UNSEEN {
            return *seen;
        }
        *seen = self.origins.len() as u32;
        let number = *seen;
        self.origins.push(origin);
        self.child.node_ids.push(global);
        let owner = self.owner(element, place);
        self.child.node_owners.push(owner);
        number
    }

    /// Orders the children and computes the coordinates.
    fn finish(self, mut boundary: Vec<BoundaryEdge>) -> LocalMesh {
        let Self { parent, lattice, rank, origins, parents, child, total_nodes, .. } = self;
        // The parents are ordered from an end, so that meshes of all levels have similar orders.
        let (mesh, order) = child.order(rank, true);
        let coordinates = order.nodes.par_iter().map(|&n| place_node(parent, lattice, origins[n as usize])).collect();
        let refined = |data: &MeshData| {
            let values = match data.location {
                Location::Elements => {
                    order.elements.iter().map(|&e| data.values[parents[e as usize] as usize]).collect()
                }
                Location::Nodes => order
                    .nodes
                    .iter()
                    .map(|&n| interpolate(parent, lattice, origins[n as usize], &data.values))
                    .collect(),
            };
            data.with(values)
        };
        let data = parent.data.iter().map(refined).collect();
        let mut place = vec![0; order.elements.len()];
        for (&old, new) in order.elements.iter().zip(0..) {
            place[old as usize] = new;
        }
        boundary.iter_mut().for_each(|edge| edge.element = place[edge.element as usize]);
        boundary.sort_unstable();
        let total_elements = parent.total_elements * (lattice.n * lattice.n) as GlobalIndex;
        LocalMesh {
            total_nodes,
            total_elements,
            coordinates,
            orphans: parent.orphans.clone(),
            boundary,
            boundary_names: parent.boundary_names.clone(),
            region_names: parent.region_names.clone(),
            data,
            refinements: parent.refinements + lattice.n.ilog2(),
            ..mesh
        }
    }
}
