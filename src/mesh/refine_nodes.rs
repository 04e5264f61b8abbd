//! Nodes of a refined mesh: their origins, from which their coordinates and values follow.

use crate::mesh::LocalMesh;
use crate::mesh::refine_lattice::Lattice;
use crate::parallel::LocalIndex;
use crate::quad8;

/// Origin of a node of the refined mesh.
#[derive(Clone, Copy)]
pub enum Origin {
    /// Node of the parent.
    Node(LocalIndex),
    /// Ends and middle of the edge, and the step from the first end.
    Edge([LocalIndex; 3], u32),
    /// Element and lattice indices.
    Inside(LocalIndex, u32, u32),
}

/// Returns the coordinates (m) of a new node.
pub fn place_node(parent: &LocalMesh, lattice: Lattice, origin: Origin) -> [f64; 2] {
    match origin {
        Origin::Node(node) => parent.coordinates[node as usize],
        Origin::Edge(nodes, t) => {
            let weights = quad8::edge_shape(lattice.reference(t as usize));
            let points = nodes.map(|n| parent.coordinates[n as usize]);
            [0, 1]
                .map(|axis| weights[0] * points[0][axis] + weights[1] * points[1][axis] + weights[2] * points[2][axis])
        }
        Origin::Inside(element, i, j) => quad8::map(
            &parent.element_coordinates(element as usize),
            lattice.reference(i as usize),
            lattice.reference(j as usize),
        ),
    }
}

/// Interpolates values at the nodes of the parents at a new node.
pub fn interpolate(parent: &LocalMesh, lattice: Lattice, origin: Origin, values: &[f64]) -> f64 {
    let sum = |weights: &[f64], nodes: &[LocalIndex]| {
        weights.iter().zip(nodes).map(|(weight, &node)| weight * values[node as usize]).sum()
    };
    match origin {
        Origin::Node(node) => values[node as usize],
        Origin::Edge(nodes, t) => sum(&quad8::edge_shape(lattice.reference(t as usize)), &nodes),
        Origin::Inside(element, i, j) => {
            let [xi, eta] = [i, j].map(|i| lattice.reference(i as usize));
            sum(&quad8::shape(xi, eta), &parent.elements[element as usize])
        }
    }
}
