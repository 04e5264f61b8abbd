//! Children of the elements of one rank in a uniform refinement.
//!
//! With n = 2^K the nodes of the children of one parent lie on a lattice of
//! (2n + 1)^2 points; those with two odd indices would be element centres and
//! are left out. The global numbering depends on the input and K alone:
//! first the nodes of the input, then the new points of each edge, then those
//! inside each element. Edges are numbered by their middle nodes.

use std::iter::repeat_n;

use crate::mesh::ordering::Order;
use crate::mesh::refine_lattice::{Lattice, Place, even_bits, interleave};
use crate::mesh::refine_nodes::{Origin, interpolate, place_node};
use crate::mesh::{BoundaryEdge, LocalMesh, Location, MeshData};
use crate::parallel::{GlobalIndex, LocalIndex, loops, work};
use crate::quad8::{EDGES, edges_of};

/// Children of the elements of a rank, all of the same lattice. Before they are ordered, the nodes
/// of the parents keep their numbers, the new points of each edge follow, then those inside each
/// element. All numbers follow from each other, so that threads compute them independently.
pub struct Refinement<'a> {
    parent: &'a LocalMesh,
    lattice: Lattice,
    levels: u32,
    rank: u32,
    /// Global number of the edge of each middle node.
    edge_ids: &'a [GlobalIndex],
    /// Number of edges of the whole mesh.
    total_edges: GlobalIndex,
    /// Local number of the edge of each middle node; unspecified for other nodes.
    edge_of: Vec<u32>,
    /// Nodes of each local edge: the end of the lower global number, the middle and the other end.
    edge_nodes: Vec<[LocalIndex; 3]>,
    /// Lattice indices of the points inside a parent.
    inside: Vec<[u32; 2]>,
    /// Children of ghosts that touch nodes of this rank: parent and Morton code, ascending.
    ghosts: Vec<(LocalIndex, u32)>,
}

impl<'a> Refinement<'a> {
    /// Lists the local edges and the local children of ghosts. `edge_ids` has the global number of
    /// the edge of each middle node, of `total_edges` edges of the whole mesh.
    pub fn new(parent: &'a LocalMesh, levels: u32, edge_ids: &'a [GlobalIndex], total_edges: GlobalIndex) -> Self {
        const UNSEEN: u32 = u32::MAX;
        let (mut edge_of, mut edge_nodes) = (vec![UNSEEN; parent.coordinates.len()], Vec::new());
        let id = |node: LocalIndex| parent.node_ids[node as usize];
        for nodes in &parent.elements {
            for [a, middle, b] in edges_of(nodes) {
                let edge = &mut edge_of[middle as usize];
                if *edge == UNSEEN {
                    *edge = edge_nodes.len() as u32;
                    edge_nodes.push(if id(a) < id(b) { [a, middle, b] } else { [b, middle, a] });
                }
            }
        }
        let lattice = Lattice { n: 1 << levels };
        // A rank without elements owns no nodes.
        let rank = parent.element_owners.iter().next().unwrap_or(0);
        let inside = lattice.points_inside();
        let mut this = Self {
            parent,
            lattice,
            levels,
            rank,
            edge_ids,
            total_edges,
            edge_of,
            edge_nodes,
            inside,
            ghosts: Vec::new(),
        };
        let of_ghosts = parent.own_elements..parent.elements.len();
        let all = of_ghosts.flat_map(|e| (0..this.children() as u32).map(move |code| (e as LocalIndex, code)));
        this.ghosts = all.filter(|&(e, code)| this.touches(e as usize, code as usize)).collect();
        this
    }

    /// Returns the number of children of a parent.
    fn children(&self) -> usize {
        1 << (2 * self.levels)
    }

    /// Returns the parent and the Morton code of a child before it is ordered.
    fn child(&self, number: u32) -> (usize, usize) {
        let own = (self.parent.own_elements << (2 * self.levels)) as u32;
        match number.checked_sub(own) {
            None => ((number >> (2 * self.levels)) as usize, number as usize & (self.children() - 1)),
            Some(ghost) => {
                let (parent, code) = self.ghosts[ghost as usize];
                (parent as usize, code as usize)
            }
        }
    }

    /// Returns the child of a parent with a Morton code; none for a child of a ghost far away.
    fn number(&self, parent: usize, code: usize) -> Option<u32> {
        let own = self.parent.own_elements;
        if parent < own {
            return Some((parent * self.children() + code) as u32);
        }
        let found = self.ghosts.binary_search(&(parent as LocalIndex, code as u32)).ok()?;
        Some((own * self.children() + found) as u32)
    }

    /// Returns the nodes of a child of a parent.
    fn nodes(&self, parent: usize, code: usize) -> [LocalIndex; 8] {
        Lattice::child(even_bits(code), even_bits(code >> 1)).map(|(i, j)| self.node(parent, i, j))
    }

    /// Returns the node at lattice point (i, j) of a parent.
    fn node(&self, parent: usize, i: usize, j: usize) -> LocalIndex {
        let nodes = &self.parent.elements[parent];
        match self.lattice.place(i, j) {
            Place::Node(a) => nodes[a],
            Place::Side(side, t) => {
                let [start, middle, _] = EDGES[side].map(|i| nodes[i]);
                let edge = self.edge_of[middle as usize] as usize;
                // Both elements count from the same end.
                let t = if start == self.edge_nodes[edge][0] { t } else { 2 * self.lattice.n - t };
                (self.first_on_edges() + edge * self.lattice.on_edge() + self.lattice.number_on_edge(t)) as LocalIndex
            }
            Place::Inside(at) => (self.first_inside() + parent * self.lattice.inside() + at) as LocalIndex,
        }
    }

    /// Returns the first node on edges.
    fn first_on_edges(&self) -> usize {
        self.parent.coordinates.len()
    }

    /// Returns the first node inside parents.
    fn first_inside(&self) -> usize {
        self.first_on_edges() + self.edge_nodes.len() * self.lattice.on_edge()
    }

    /// Returns the origin of a node.
    fn origin(&self, node: LocalIndex) -> Origin {
        if let Some(at) = node.checked_sub(self.first_inside() as u32) {
            let inside = self.inside.len() as u32;
            let [i, j] = self.inside[(at % inside) as usize];
            Origin::Inside(at / inside, i, j)
        } else if let Some(at) = node.checked_sub(self.first_on_edges() as u32) {
            let on_edge = self.lattice.on_edge() as u32;
            let number = (at % on_edge) as usize;
            Origin::Edge(self.edge_nodes[(at / on_edge) as usize], self.lattice.step_on_edge(number) as u32)
        } else {
            Origin::Node(node)
        }
    }

    /// Returns the rank that owns a node.
    fn owner(&self, node: LocalIndex) -> u32 {
        match self.origin(node) {
            Origin::Node(node) | Origin::Edge([_, node, _], _) => self.parent.node_owners[node as usize],
            Origin::Inside(parent, ..) => self.parent.element_owners[parent as usize],
        }
    }

    /// Returns the global number of a node.
    fn node_id(&self, node: LocalIndex) -> GlobalIndex {
        let Self { parent, lattice, edge_ids, total_edges, .. } = self;
        let [on_edge, inside] = [lattice.on_edge(), lattice.inside()].map(|points| points as GlobalIndex);
        match self.origin(node) {
            Origin::Node(node) => parent.node_ids[node as usize],
            Origin::Edge([_, middle, _], t) => {
                let at = lattice.number_on_edge(t as usize) as GlobalIndex;
                parent.total_nodes + edge_ids[middle as usize] * on_edge + at
            }
            Origin::Inside(element, ..) => {
                let at = (node as usize - self.first_inside()) as GlobalIndex % inside;
                parent.total_nodes + total_edges * on_edge + parent.element_ids[element as usize] * inside + at
            }
        }
    }

    /// Returns whether a child of a ghost has a node of this rank.
    fn touches(&self, parent: usize, code: usize) -> bool {
        self.nodes(parent, code).into_iter().any(|node| self.owner(node) == self.rank)
    }

    /// Makes the children, orders them and computes the coordinates.
    pub fn run(self) -> LocalMesh {
        let Self { parent, lattice, rank, .. } = self;
        let own_elements = parent.own_elements * self.children();
        let elements = loops::collect(own_elements + self.ghosts.len(), loops::CHUNK, |number| {
            work::item(number, 1);
            let (parent, code) = self.child(number as u32);
            self.nodes(parent, code)
        });
        let nodes = self.first_inside() + parent.elements.len() * lattice.inside();
        let inside_own = self.first_inside()..self.first_inside() + parent.own_elements * lattice.inside();
        let foreign = |node| {
            if inside_own.contains(&(node as usize)) {
                return None;
            }
            let owner = self.owner(node);
            (owner != rank).then(|| (owner, self.node_id(node)))
        };
        // The parents are ordered from an end, so that meshes of all levels have similar orders.
        let order = Order::new(&elements, own_elements, nodes, foreign, true);
        let [element_count, node_count] = [&order.elements, &order.nodes].map(Vec::len);
        let child = |i: usize| self.child(order.elements[i]);
        let element_id = |i| {
            let (e, code) = child(i);
            parent.element_ids[e] * self.children() as GlobalIndex + code as GlobalIndex
        };
        let ghost_parents = self.ghosts.iter().map(|ghost| parent.element_owners[ghost.0 as usize]);
        let ghost_nodes = order.nodes[order.owned_nodes..].iter().map(|&node| self.owner(node));
        let [on_edge, inside] = [lattice.on_edge(), lattice.inside()].map(|points| points as GlobalIndex);
        LocalMesh {
            total_nodes: parent.total_nodes + self.total_edges * on_edge + parent.total_elements * inside,
            total_elements: parent.total_elements << (2 * self.levels),
            elements: order.renumbered(&elements),
            element_ids: loops::collect(element_count, loops::CHUNK, element_id),
            element_owners: repeat_n(rank, own_elements).chain(ghost_parents).collect(),
            regions: loops::collect(element_count, loops::CHUNK, |i| parent.regions[child(i).0]),
            own_elements,
            coordinates: loops::collect(node_count, loops::CHUNK, |i| {
                place_node(parent, lattice, self.origin(order.nodes[i]))
            }),
            node_ids: loops::collect(node_count, loops::CHUNK, |i| self.node_id(order.nodes[i])),
            node_owners: repeat_n(rank, order.owned_nodes).chain(ghost_nodes).collect(),
            owned_nodes: order.owned_nodes,
            orphans: parent.orphans.clone(),
            boundary: self.boundary(&order),
            boundary_names: parent.boundary_names.clone(),
            region_names: parent.region_names.clone(),
            data: parent.data.iter().map(|data| self.data(&order, data)).collect(),
            refinements: parent.refinements + self.levels,
        }
    }

    /// Returns the named edges of the ordered children.
    fn boundary(&self, order: &Order) -> Vec<BoundaryEdge> {
        let Self { parent, lattice, levels, .. } = *self;
        let mut place = vec![0; if parent.boundary.is_empty() { 0 } else { order.elements.len() }];
        for (&old, new) in order.elements.iter().zip(0..).take(place.len()) {
            place[old as usize] = new;
        }
        let of_children = |edge: &BoundaryEdge| {
            let (edge, side) = (*edge, usize::from(edge.side));
            let codes = (0..lattice.n).map(move |step| lattice.along(side, step));
            let numbers = codes.filter_map(move |(p, q)| self.number(edge.element as usize, interleave(p, q, levels)));
            numbers.map(move |number| (number, edge))
        };
        let edges = parent.boundary.iter().flat_map(of_children);
        let mut boundary: Vec<_> =
            edges.map(|(number, edge)| BoundaryEdge { element: place[number as usize], ..edge }).collect();
        boundary.sort_unstable();
        boundary
    }

    /// Returns data of the parents for the ordered children or their nodes.
    fn data(&self, order: &Order, data: &MeshData) -> MeshData {
        let of_element = |&number: &u32| data.values[self.child(number).0];
        let at_node = |&node: &u32| interpolate(self.parent, self.lattice, self.origin(node), &data.values);
        data.with(match data.location {
            Location::Elements => order.elements.iter().map(of_element).collect(),
            Location::Nodes => order.nodes.iter().map(at_node).collect(),
        })
    }
}
