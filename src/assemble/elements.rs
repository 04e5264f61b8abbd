//! The rayon-parallel element loop.

use super::coefficients::{self, for_all, lowest};
use crate::error::Result;
use crate::mesh::{BoundaryEdge, LocalMesh, check_jacobian};
use crate::parallel::Local;
use crate::problem::Problem;
use crate::quad8::{self, Batch, EDGES, LANES, Lane, PACKED, packed};

/// Symmetric matrices of all local elements, eight elements interleaved.
pub struct ElementMatrices {
    batches: Vec<[Lane; PACKED]>,
    robin_elements: Vec<usize>,
}

impl ElementMatrices {
    /// Integrates the stiffness of every element and adds the Robin terms of
    /// the boundary.
    ///
    /// # Errors
    /// [`Error::BadJacobian`](crate::Error::BadJacobian) for an element that is folded,
    /// [`Error::BadValue`](crate::Error::BadValue) for a value of k, p or gamma; on this rank only.
    pub fn new(mesh: &LocalMesh, boundary: &[BoundaryEdge], problem: &Problem) -> Result<Self> {
        let batches =
            for_all(mesh.elements.len().div_ceil(LANES), [[0.0; LANES]; PACKED], |b| integrate(b, mesh, problem))?;
        let mut matrices = Self { batches, robin_elements: Vec::new() };
        for edge in boundary {
            if let Some(robin) = coefficients::robin(problem, mesh, edge)?
                && robin.p != [0.0; 3]
            {
                let (mass, _) = quad8::robin(&robin.points, &robin.p, &robin.gamma);
                matrices.add_edge(edge, &mass);
                matrices.robin_elements.push(edge.element as usize);
            }
        }
        matrices.robin_elements.dedup();
        Ok(matrices)
    }

    /// The elements with Robin terms in their matrices, ascending.
    pub fn robin_elements(&self) -> &[usize] {
        &self.robin_elements
    }

    /// Entry (a, b) of the matrix of one element.
    pub fn entry(&self, element: usize, a: usize, b: usize) -> f64 {
        self.batches[element / LANES][packed(a, b)][element % LANES]
    }

    /// Row `a` of the matrix of one element.
    pub fn row(&self, element: usize, a: usize) -> [f64; 8] {
        let (batch, lane) = (&self.batches[element / LANES], element % LANES);
        std::array::from_fn(|b| batch[packed(a, b)][lane])
    }

    fn add_edge(&mut self, edge: &BoundaryEdge, mass: &[[f64; 3]; 3]) {
        let (batch, lane) = (edge.element as usize / LANES, edge.element as usize % LANES);
        let places = EDGES[edge.side as usize];
        for (i, &a) in places.iter().enumerate() {
            for (j, &b) in places.iter().enumerate() {
                // The packed triangle holds (a, b) and (b, a) once.
                if a <= b {
                    self.batches[batch][packed(a, b)][lane] += mass[i][j];
                }
            }
        }
    }
}

/// The matrices of batch `b` of the elements.
fn integrate(b: usize, mesh: &LocalMesh, problem: &Problem) -> Result<[Lane; PACKED]> {
    let range = b * LANES..mesh.elements.len().min((b + 1) * LANES);
    let batch = Batch::gather(range.clone().map(|e| mesh.element_coordinates(e)));
    let mut k = [[1.0; LANES]; 9];
    let mut errors = Vec::new();
    for (lane, e) in range.clone().enumerate() {
        match coefficients::conductivity(problem, mesh, e) {
            Ok(values) => k.iter_mut().zip(values).for_each(|(k, value)| k[lane] = value),
            Err(error) => errors.push(error),
        }
    }
    let (matrices, smallest) = quad8::stiffness(&batch, &k);
    for (e, determinant) in range.zip(smallest) {
        if !quad8::is_valid(determinant) {
            errors
                .extend(check_jacobian(&mesh.element_coordinates(e), mesh.element_ids[e], mesh.global_nodes(e)).err());
        }
    }
    lowest(errors.into_iter()).map_or(Ok(matrices), Err)
}

/// The right side of the owned nodes: source and Robin terms.
///
/// # Errors
/// [`Error::BadValue`](crate::Error::BadValue); on this rank only.
pub fn load_vector(mesh: &LocalMesh, boundary: &[BoundaryEdge], problem: &Problem) -> Result<Vec<f64>> {
    let mut b = vec![0.0; mesh.owned_nodes];
    let mut add = |node: Local, value: f64| {
        if let Some(entry) = b.get_mut(node as usize) {
            *entry += value;
        }
    };
    if problem.has_source() {
        let loads = for_all(mesh.elements.len(), [0.0; 8], |e| {
            Ok(quad8::load(&mesh.element_coordinates(e), &coefficients::source(problem, mesh, e)?))
        })?;
        for (nodes, load) in mesh.elements.iter().zip(loads) {
            nodes.iter().zip(load).for_each(|(&node, value)| add(node, value));
        }
    }
    for edge in boundary {
        if let Some(robin) = coefficients::robin(problem, mesh, edge)? {
            let (_, load) = quad8::robin(&robin.points, &robin.p, &robin.gamma);
            edge.nodes(mesh).iter().zip(load).for_each(|(&node, value)| add(node, value));
        }
    }
    Ok(b)
}
