//! Flow through the named parts of the boundary, positive into the domain.
//!
//! The flow that the discrete solution conserves is that of its reactions
//! (T. J. R. Hughes, G. Engel, L. Mazzei, M. G. Larson, *The continuous Galerkin
//! method is locally conservative*, J. Comput. Phys. 163 (2000)): at a Dirichlet
//! node the residual of the system before elimination, over a Robin edge the
//! integral of gamma - p u. The sum over all boundaries and the source is the
//! sum of the residuals at the free nodes: it vanishes as the iteration
//! converges. The sampled flow, the integral of k grad u . n, does so only as
//! the mesh is refined.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::error::Result;
use crate::fem::{Robin, coefficients, source_loads};
use crate::la::Vector;
use crate::mesh::LocalMesh;
use crate::parallel::{Comm, LocalIndex};
use crate::problem::{Condition, Problem, Range};
use crate::quad8;
use crate::quad8::{Batch, EDGES, EdgePoint, Gradients, LANES, NODES, edge_gauss};

/// Flow through one named boundary (m^2/s for potential flow: per metre of depth).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BoundaryFlow {
    /// Its name.
    pub name: String,
    /// From the reactions; 0 where the condition is natural.
    pub flow: f64,
    /// From the velocities sampled at the Gauss points of its edges.
    pub sampled: f64,
}

/// What enters and leaves a domain.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct FlowReport {
    /// Each named boundary.
    pub boundaries: Vec<BoundaryFlow>,
    /// Sampled flow through the rest of the boundary, through which nothing should flow.
    pub walls_sampled: f64,
    /// Integral of the source.
    pub source: f64,
    /// Sum of all that enters.
    pub inflow: f64,
    /// Sum of all flows and the source.
    pub imbalance: f64,
    /// |imbalance| / inflow.
    pub relative_imbalance: f64,
}

/// Flow through every named boundary. Where two Dirichlet boundaries share a
/// node, its reaction is divided as the integrals of its shape function over
/// the edges of each, that is, by the lengths of the edges there. The ghosts of
/// `u` must be up to date. **Collective.**
///
/// # Errors
/// [`Error::BadValue`](crate::error::Error::BadValue), the same on every rank.
pub fn flow_report(comm: &Comm, mesh: &LocalMesh, problem: &Problem, u: &Vector) -> Result<FlowReport> {
    let count = mesh.boundary_names.len();
    let part = Part { mesh, problem, u: u.local() };
    let consistent = comm.agree(part.consistent())?;
    let totals = comm.sum_all(&[consistent, part.sampled()].concat());
    let (flows, rest) = totals.split_at(count);
    let (source, sampled) = (rest[0], &rest[1..]);
    let inflow = flows.iter().chain([&source]).filter(|flow| **flow > 0.0).sum();
    let imbalance = flows.iter().sum::<f64>() + source;
    let boundaries = mesh.boundary_names.iter().zip(flows).zip(sampled);
    Ok(FlowReport {
        boundaries: boundaries
            .map(|((name, &flow), &sampled)| BoundaryFlow { name: name.clone(), flow, sampled })
            .collect(),
        walls_sampled: sampled[count],
        source,
        inflow,
        imbalance,
        relative_imbalance: if inflow > 0.0 { imbalance.abs() / inflow } else { 0.0 },
    })
}

/// What one rank knows. Of an edge that several ranks know, the owner of its
/// middle node counts it.
struct Part<'a> {
    mesh: &'a LocalMesh,
    problem: &'a Problem,
    u: &'a [f64],
}

/// The flow into the domain at a Dirichlet node, and how much of its edges, in
/// metres, belongs to which boundary.
#[derive(Default)]
struct Reaction {
    flow: f64,
    lengths: Vec<(u16, f64)>,
}

impl Part<'_> {
    /// Flow of each boundary from the reactions, and the source at the end.
    fn consistent(&self) -> Result<Vec<f64>> {
        let mut reactions = self.dirichlet_nodes();
        let mut flows = vec![0.0; self.mesh.boundary_names.len()];
        for edge in &self.mesh.boundary {
            if let Some(robin) = coefficients::robin(self.problem, self.mesh, edge)? {
                let nodes = edge.nodes(self.mesh);
                let loads = self.robin_loads(nodes, &robin);
                if self.owns(nodes[1]) {
                    flows[usize::from(edge.boundary)] += loads.iter().sum::<f64>();
                }
                add(&mut reactions, &nodes, loads.map(|load| -load));
            }
        }
        let source = self.add_elements(&mut reactions)?;
        for Reaction { flow, lengths } in reactions.values() {
            let total: f64 = lengths.iter().map(|(_, length)| length).sum();
            for &(boundary, length) in lengths {
                flows[usize::from(boundary)] += flow * length / total;
            }
        }
        flows.push(source);
        Ok(flows)
    }

    fn owns(&self, node: LocalIndex) -> bool {
        (node as usize) < self.mesh.owned_nodes
    }

    /// The owned Dirichlet nodes: their owner knows all edges around them.
    fn dirichlet_nodes(&self) -> BTreeMap<LocalIndex, Reaction> {
        let mut reactions: BTreeMap<LocalIndex, Reaction> = BTreeMap::new();
        for edge in &self.mesh.boundary {
            if let Condition::Dirichlet(_) = self.problem.conditions[usize::from(edge.boundary)] {
                let nodes = edge.nodes(self.mesh);
                let points = edge_gauss(&nodes.map(|n| self.mesh.coordinates[n as usize]));
                for (i, &node) in nodes.iter().enumerate().filter(|(_, node)| self.owns(**node)) {
                    let length = points.iter().map(|point| point.shape[i] * point.length).sum();
                    reactions.entry(node).or_default().lengths.push((edge.boundary, length));
                }
            }
        }
        reactions
    }

    /// Integrals of (gamma - p u) N_i over an edge.
    fn robin_loads(&self, nodes: [LocalIndex; 3], Robin { points, p, gamma }: &Robin) -> [f64; 3] {
        let mut loads = [0.0; 3];
        for (q, point) in points.iter().enumerate() {
            let u: f64 = nodes.iter().zip(point.shape).map(|(&n, shape)| shape * self.u[n as usize]).sum();
            for (load, shape) in loads.iter_mut().zip(point.shape) {
                *load += (gamma[q] - p[q] * u) * shape * point.length;
            }
        }
        loads
    }

    /// Adds what the elements do at the Dirichlet nodes, K u - f, and returns
    /// the integral of f over the own elements.
    fn add_elements(&self, reactions: &mut BTreeMap<LocalIndex, Reaction>) -> Result<f64> {
        let loads = if self.problem.has_source() { source_loads(self.mesh, self.problem)? } else { Vec::new() };
        let mut is_held = vec![false; self.mesh.coordinates.len()];
        reactions.keys().for_each(|&node| is_held[node as usize] = true);
        let mut source = 0.0;
        for (element, nodes) in self.mesh.elements.iter().enumerate() {
            let load = loads.get(element / LANES).map_or([0.0; 8], |load| load.map(|lanes| lanes[element % LANES]));
            if element < self.mesh.own_elements {
                source += load.iter().sum::<f64>();
            }
            if nodes.iter().any(|&node| is_held[node as usize]) {
                add(reactions, nodes, load.map(|load| -load));
                add(reactions, nodes, self.forces(element)?);
            }
        }
        Ok(source)
    }

    /// K u of one element.
    fn forces(&self, element: usize) -> Result<[f64; 8]> {
        let coordinates = self.mesh.element_coordinates(element);
        let batch = Batch::gather([coordinates].into_iter());
        let k = coefficients::conductivities(self.problem, self.mesh, [element].into_iter(), &batch)?;
        let mut forces = [0.0; 8];
        for ([xi, eta, weight], [k, ..]) in quad8::points_3x3().into_iter().zip(k) {
            let Gradients { gradients, determinant } = quad8::gradients(&coordinates, xi, eta);
            let slope = self.slope(element, &gradients);
            for (force, g) in forces.iter_mut().zip(gradients) {
                *force += weight * determinant * k * (slope[0] * g[0] + slope[1] * g[1]);
            }
        }
        Ok(forces)
    }

    /// grad u, from the gradients of the shape functions.
    fn slope(&self, element: usize, gradients: &[[f64; 2]; 8]) -> [f64; 2] {
        let values = self.mesh.elements[element].map(|n| self.u[n as usize]);
        [0, 1].map(|axis| gradients.iter().zip(values).map(|(g, u)| g[axis] * u).sum())
    }

    /// Integral of k grad u . n over each boundary, and over the rest at the end. Of an edge inside the domain both
    /// sides count.
    fn sampled(&self) -> Vec<f64> {
        let rest = self.mesh.boundary_names.len();
        let named = self.mesh.boundary.iter().map(|edge| (edge.nodes(self.mesh)[1], usize::from(edge.boundary)));
        let named: FxHashMap<LocalIndex, usize> = named.collect();
        let mut users = vec![0_u8; self.mesh.owned_nodes];
        for &middle in self.mesh.elements.iter().flat_map(|nodes| &nodes[4..]).filter(|node| self.owns(**node)) {
            users[middle as usize] += 1;
        }
        let mut flows = vec![0.0; rest + 1];
        for (element, nodes) in self.mesh.elements.iter().enumerate() {
            for (side, [_, middle, _]) in EDGES.into_iter().enumerate() {
                let is_free = users.get(nodes[middle] as usize) == Some(&1);
                let boundary = named.get(&nodes[middle]).copied().or(is_free.then_some(rest));
                if let Some(boundary) = boundary.filter(|_| self.owns(nodes[middle])) {
                    flows[boundary] += self.sample(element, side);
                }
            }
        }
        flows
    }

    /// Integral of k grad u . n over one edge; NaN where k has no value there.
    fn sample(&self, element: usize, side: usize) -> f64 {
        let coordinates = self.mesh.element_coordinates(element);
        let k = &self.problem.material(self.mesh.regions[element]).conductivity;
        let flow = |point: &EdgePoint| {
            let place = |axis: usize| (0..3).map(|i| point.shape[i] * NODES[EDGES[side][i]][axis]).sum();
            let slope = self.slope(element, &quad8::gradients(&coordinates, place(0), place(1)).gradients);
            let k = k.at(point.at, Range::Any).unwrap_or(f64::NAN);
            k * (slope[0] * point.normal[0] + slope[1] * point.normal[1]) * point.length
        };
        edge_gauss(&EDGES[side].map(|i| coordinates[i])).iter().map(flow).sum()
    }
}

/// Adds nodal values to the reactions of the nodes that have one.
fn add<const N: usize>(reactions: &mut BTreeMap<LocalIndex, Reaction>, nodes: &[LocalIndex; N], values: [f64; N]) {
    for (node, value) in nodes.iter().zip(values) {
        if let Some(reaction) = reactions.get_mut(node) {
            reaction.flow += value;
        }
    }
}
