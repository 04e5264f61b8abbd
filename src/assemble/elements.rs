//! The rayon-parallel element loop.

use rayon::prelude::*;

use crate::error::Result;
use crate::field::Field;
use crate::mesh::{BoundaryEdge, LocalMesh, check_jacobian};
use crate::parallel::Local;
use crate::problem::{Condition, Problem};
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
    /// [`Error::BadJacobian`](crate::Error::BadJacobian) for an element that is folded; on this rank only.
    pub fn new(mesh: &LocalMesh, boundary: &[BoundaryEdge], problem: &Problem) -> Result<Self> {
        let elements = mesh.elements.len();
        // Lists of known length: rayon would grow one of results by copying it again and again.
        let (mut batches, mut smallest) = (Vec::new(), Vec::new());
        (0..elements.div_ceil(LANES))
            .into_par_iter()
            .with_min_len(64)
            .map(|b| {
                let range = b * LANES..elements.min((b + 1) * LANES);
                let batch = Batch::gather(range.map(|e| mesh.element_coordinates(e)));
                quad8::stiffness(&batch, &conductivity(&batch, &problem.conductivity))
            })
            .unzip_into_vecs(&mut batches, &mut smallest);
        if let Some(e) = smallest.iter().flatten().take(elements).position(|&determinant| !quad8::is_valid(determinant))
        {
            check_jacobian(&mesh.element_coordinates(e), mesh.element_ids[e], mesh.global_nodes(e))?;
        }
        let mut matrices = Self { batches, robin_elements: Vec::new() };
        for edge in boundary {
            if let Condition::Robin { p, gamma } = &problem.conditions[edge.boundary as usize]
                && !p.is_zero()
            {
                let (mass, _) = quad8::robin(&edge.nodes(mesh).map(|n| mesh.coordinates[n as usize]), p, gamma);
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

/// k at the nine Gauss points of each element of a batch.
fn conductivity(batch: &Batch, k: &Field) -> [Lane; 9] {
    match k {
        Field::Constant(k) => [[*k; LANES]; 9],
        Field::Function(_) => quad8::points_3x3()
            .map(|[xi, eta, _]| std::array::from_fn(|lane| k.at(quad8::map(&batch.element(lane), xi, eta)))),
    }
}

/// The right side of the owned nodes: source and Robin terms.
pub fn load_vector(mesh: &LocalMesh, boundary: &[BoundaryEdge], problem: &Problem) -> Vec<f64> {
    let mut b = vec![0.0; mesh.owned_nodes];
    let mut add = |node: Local, value: f64| {
        if let Some(entry) = b.get_mut(node as usize) {
            *entry += value;
        }
    };
    if !problem.source.is_zero() {
        let loads: Vec<[f64; 8]> = (0..mesh.elements.len())
            .into_par_iter()
            .map(|e| quad8::load(&mesh.element_coordinates(e), |point| problem.source.at(point)))
            .collect();
        for (nodes, load) in mesh.elements.iter().zip(loads) {
            nodes.iter().zip(load).for_each(|(&node, value)| add(node, value));
        }
    }
    for edge in boundary {
        if let Condition::Robin { p, gamma } = &problem.conditions[edge.boundary as usize] {
            let nodes = edge.nodes(mesh);
            let (_, load) = quad8::robin(&nodes.map(|n| mesh.coordinates[n as usize]), p, gamma);
            nodes.iter().zip(load).for_each(|(&node, value)| add(node, value));
        }
    }
    b
}
