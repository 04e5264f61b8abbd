//! Flow through the named boundaries, positive into the domain.
//!
//! The discrete solution conserves the flow of its reactions (T. J. R. Hughes, G. Engel, L. Mazzei,
//! M. G. Larson, *The continuous Galerkin method is locally conservative*, J. Comput. Phys. 163
//! (2000)): the residual of the system before elimination at a Dirichlet node, and the integral of
//! gamma - p u over a Robin edge. The sum over all boundaries and the source equals the sum of the
//! residuals at the free nodes and vanishes as the iteration converges. The sum of the sampled
//! flows, the integrals of k grad u . n, vanishes only as the mesh is refined.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::Serialize;

use crate::error::Result;
use crate::fem::{Robin, WellLoad, conductivities, conductivity_at, edge_points, robin, source_loads, well_loads};
use crate::la::Vector;
use crate::mesh::LocalMesh;
use crate::parallel::loops::CHUNK;
use crate::parallel::{Comm, LocalIndex};
use crate::post::InterfaceNodes;
use crate::problem::{Condition, Problem};
use crate::quad8;
use crate::quad8::{Batch, EDGES, EdgePoint, Gradients, LANES, NODES, edge_gauss};

/// Flow through one named boundary (m^2/s for plane potential flow: per metre of depth).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BoundaryFlow {
    /// Name of the boundary.
    pub name: String,
    /// Flow from the reactions; 0 for a natural condition.
    pub flow: f64,
    /// Flow from the velocities at the Gauss points of its edges.
    pub sampled: f64,
}

/// Flow balance of a domain.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct FlowReport {
    /// Flow through each named boundary.
    pub boundaries: Vec<BoundaryFlow>,
    /// Sampled flow through the unnamed boundary, exactly zero for the exact solution.
    pub walls_sampled: f64,
    /// Integral of the source, and the strengths of the wells.
    pub source: f64,
    /// Sum of all positive flows and sources.
    pub inflow: f64,
    /// Sum of all flows and the source.
    pub imbalance: f64,
    /// |imbalance| / inflow.
    pub relative_imbalance: f64,
}

/// Computes the flow through every named boundary. The reaction of a node shared by two Dirichlet
/// boundaries is divided in proportion to the integrals of its shape function over the edges of
/// each. The ghosts of `u` must be up to date. **Collective.**
///
/// # Errors
/// If a coefficient has an invalid value; the same on every rank.
pub fn flow_report(comm: &Comm, sides: &InterfaceNodes, problem: &Problem, u: &Vector) -> Result<FlowReport> {
    let mesh = sides.mesh;
    let count = mesh.boundary_names.len();
    let part = Part { mesh, sides, problem, u: u.local(), wells: well_loads(comm, mesh, problem)? };
    let is_isotropic = problem.is_isotropic();
    let consistent = comm.agree(if is_isotropic { part.consistent::<1>() } else { part.consistent::<3>() })?;
    let sampled = if is_isotropic { part.sampled::<1>() } else { part.sampled::<3>() };
    let totals = comm.sum_all(&[consistent, sampled].concat());
    let (flows, rest) = totals.split_at(count);
    let source = rest[0] + problem.wells.iter().map(|well| well.strength).sum::<f64>();
    let sampled = &rest[1..];
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

/// One rank's part of the flow balance. An edge on several ranks is counted by the owner of its
/// midside node.
struct Part<'a> {
    mesh: &'a LocalMesh,
    sides: &'a InterfaceNodes<'a>,
    problem: &'a Problem,
    u: &'a [f64],
    wells: Vec<WellLoad>,
}

/// Flow into the domain at a Dirichlet node, and the length (m) of each edge at the node with its
/// boundary. Boundaries share the flow by these lengths. Integrals of the shape function of the
/// node would vanish at the tip of a quarter-point element.
#[derive(Default)]
struct Reaction {
    flow: f64,
    lengths: Vec<(u16, f64)>,
}

impl Part<'_> {
    /// Computes the flow of each boundary from the reactions, then the source.
    fn consistent<const N: usize>(&self) -> Result<Vec<f64>> {
        let mut reactions = self.dirichlet_nodes();
        let mut flows = vec![0.0; self.mesh.boundary_names.len()];
        for edge in &self.mesh.boundary {
            if let Some(robin) = robin(self.problem, self.mesh, edge)? {
                let nodes = edge.nodes(self.mesh);
                let loads = self.robin_loads(nodes, &robin);
                if self.owns(nodes[1]) {
                    flows[usize::from(edge.boundary)] += loads.iter().sum::<f64>();
                }
                add(&mut reactions, &nodes, loads.map(|load| -load));
            }
        }
        let source = self.add_elements::<N>(&mut reactions)?;
        for Reaction { flow, lengths } in reactions.values() {
            let total: f64 = lengths.iter().map(|(_, length)| length).sum();
            for &(boundary, length) in lengths {
                flows[usize::from(boundary)] += flow * length / total;
            }
        }
        flows.push(source);
        Ok(flows)
    }

    /// Returns whether this rank owns a node.
    fn owns(&self, node: LocalIndex) -> bool {
        (node as usize) < self.mesh.owned_nodes
    }

    /// Collects the owned Dirichlet nodes, whose owner has all edges around them.
    fn dirichlet_nodes(&self) -> BTreeMap<LocalIndex, Reaction> {
        let mut reactions: BTreeMap<LocalIndex, Reaction> = BTreeMap::new();
        for edge in &self.mesh.boundary {
            if let Condition::Dirichlet(_) = self.problem.conditions[usize::from(edge.boundary)] {
                let nodes = edge.nodes(self.mesh);
                let points = edge_gauss(&nodes.map(|n| self.mesh.coordinates[n as usize]));
                let length = points.iter().map(|point| point.length).sum();
                for &node in nodes.iter().filter(|node| self.owns(**node)) {
                    reactions.entry(node).or_default().lengths.push((edge.boundary, length));
                }
            }
        }
        reactions
    }

    /// Integrates (gamma - p u) N_i over an edge.
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

    /// Adds the residuals K u - f, with the wells in f, of the elements at the Dirichlet nodes and
    /// returns the integral of f over the own elements.
    fn add_elements<const N: usize>(&self, reactions: &mut BTreeMap<LocalIndex, Reaction>) -> Result<f64> {
        let loads = if self.problem.has_source() { source_loads(self.mesh, self.problem)? } else { Vec::new() };
        let elements = &self.mesh.elements;
        let around = |&node: &LocalIndex| self.sides.elements_around(node as usize).map(|(element, _)| element);
        let around: BTreeSet<usize> = reactions.keys().flat_map(around).collect();
        let load = |element: usize| loads.get(element / LANES).map(|load| load.map(|lanes| lanes[element % LANES]));
        for element in around {
            if let Some(load) = load(element) {
                add(reactions, &elements[element], load.map(|load| -load));
            }
            add(reactions, &elements[element], self.forces::<N>(element)?);
        }
        for &(element, load) in &self.wells {
            add(reactions, &elements[element], load.map(|load| -load));
        }
        Ok((0..self.mesh.own_elements).filter_map(load).map(|load| load.iter().sum::<f64>()).sum())
    }

    /// Computes K u of one element.
    fn forces<const N: usize>(&self, element: usize) -> Result<[f64; 8]> {
        let coordinates = self.mesh.element_coordinates(element);
        let batch = Batch::gather([coordinates].into_iter());
        let k = conductivities::<N>(self.problem, self.mesh, [element].into_iter(), &batch)?;
        let mut forces = [0.0; 8];
        for ([xi, eta, weight], k) in quad8::points_3x3().into_iter().zip(k) {
            let Gradients { gradients, determinant } = quad8::gradients(&coordinates, xi, eta);
            let slope = self.slope(element, &gradients);
            let scaled = k.map(|[k, ..]| [weight * determinant * k]);
            for (force, g) in forces.iter_mut().zip(gradients) {
                let [product] = quad8::bilinear_form(&scaled, &slope.map(|s| [s]), &g.map(|g| [g]));
                *force += product;
            }
        }
        Ok(forces)
    }

    /// Computes grad u from the gradients of the shape functions.
    fn slope(&self, element: usize, gradients: &[[f64; 2]; 8]) -> [f64; 2] {
        let values = self.mesh.elements[element].map(|n| self.u[n as usize]);
        [0, 1].map(|axis| gradients.iter().zip(values).map(|(g, u)| g[axis] * u).sum())
    }

    /// Integrates k grad u . n over each boundary, then over the unnamed boundary. An edge inside
    /// the domain counts on both sides.
    fn sampled<const N: usize>(&self) -> Vec<f64> {
        let (mesh, sides) = (self.mesh, self.sides);
        let rest = mesh.boundary_names.len();
        let middles = mesh.boundary.iter().map(|edge| (edge.nodes(mesh)[1], usize::from(edge.boundary)));
        let named: BTreeMap<LocalIndex, usize> = middles.filter(|(middle, _)| self.owns(*middle)).collect();
        // Midside nodes with one element around them. Most nodes have more on their first side.
        let is_unnamed = |node: &LocalIndex| {
            let is_alone =
                sides.around(*node as usize).len() == 1 && sides.elements_around(*node as usize).count() == 1;
            is_alone && sides.around(*node as usize).any(|(_, at)| at >= 4) && !named.contains_key(node)
        };
        let nodes = (0..mesh.owned_nodes as LocalIndex).into_par_iter().with_min_len(CHUNK);
        let unnamed: Vec<(LocalIndex, usize)> = nodes.filter(is_unnamed).map(|node| (node, rest)).collect();
        let mut flows = vec![0.0; rest + 1];
        for (node, boundary) in named.into_iter().chain(unnamed) {
            for (element, at) in sides.elements_around(node as usize) {
                flows[boundary] += self.sample::<N>(element, at - 4);
            }
        }
        flows
    }

    /// Integrates n . k grad u over one edge; not finite where k is not.
    fn sample<const N: usize>(&self, element: usize, side: usize) -> f64 {
        let coordinates = self.mesh.element_coordinates(element);
        let flow = |point: &EdgePoint| {
            let reference = |axis: usize| (0..3).map(|i| point.shape[i] * NODES[EDGES[side][i]][axis]).sum();
            let [xi, eta] = [reference(0), reference(1)];
            let slope = self.slope(element, &quad8::gradients(&coordinates, xi, eta).gradients);
            let [x, y] = point.at.map(|x| [x]);
            let k = conductivity_at::<N, 1>(self.problem, self.mesh, element, [&x, &y], &[quad8::shape(xi, eta)]);
            let [flux] = quad8::bilinear_form(&k, &slope.map(|s| [s]), &point.normal.map(|n| [n]));
            flux * point.length
        };
        edge_points(self.problem, &EDGES[side].map(|i| coordinates[i])).iter().map(flow).sum()
    }
}

/// Adds nodal values to the reactions of the Dirichlet nodes.
fn add<const N: usize>(reactions: &mut BTreeMap<LocalIndex, Reaction>, nodes: &[LocalIndex; N], values: [f64; N]) {
    for (node, value) in nodes.iter().zip(values) {
        if let Some(reaction) = reactions.get_mut(node) {
            reaction.flow += value;
        }
    }
}
