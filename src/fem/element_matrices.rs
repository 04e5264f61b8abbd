//! The matrices of all local elements, and the parallel loop that integrates them.

use std::sync::Arc;

use crate::error::Result;
use crate::fem::batch_order::{ElementOrder, Place};
use crate::fem::coefficients;
use crate::fem::coefficients::{for_all, lowest};
use crate::fem::element_batch::{BatchStiffness, Batches};
use crate::mesh::{LocalMesh, check_jacobian};
use crate::parallel::{LocalIndex, work};
use crate::problem::Problem;
use crate::quad8;
use crate::quad8::{EDGES, LANES, Lane, PAIRS, pair};

/// Symmetric matrices of all local elements, integrated straight into the
/// batches that [`ElementOperator`](crate::fem::ElementOperator) applies: both hold
/// the same ones. The diagonal follows from the sums of the rows.
pub struct ElementMatrices {
    batches: Arc<Batches<f64>>,
    /// Of elements on Robin edges, in the order of the elements; rows of all
    /// others sum to zero.
    row_sums: Vec<RowSums>,
}

/// An element and the sums of its rows.
pub(crate) type RowSums = (LocalIndex, [f64; 8]);

impl ElementMatrices {
    /// Integrates the stiffness of every element and adds the Robin terms of
    /// the boundary.
    ///
    /// # Errors
    /// [`Error::BadJacobian`](crate::error::Error::BadJacobian) for an element that is folded,
    /// [`Error::BadValue`](crate::error::Error::BadValue) for a value of k, p or gamma; on this rank only.
    pub fn new(mesh: &LocalMesh, problem: &Problem) -> Result<Self> {
        let order = ElementOrder::new(mesh);
        let all = |count: usize, place: fn(usize) -> Place| {
            let batch = |b: usize| {
                let places = b * LANES..count.min((b + 1) * LANES);
                let batch = integrate(places.map(|i| order.element(place(i))), mesh, problem);
                work::item(b, LANES);
                batch
            };
            for_all(count.div_ceil(LANES), [[0.0; LANES]; PAIRS], batch)
        };
        let mut batches = match (all(order.interior(), Place::Interior), all(order.border(), Place::Border)) {
            (Ok(interior), Ok(border)) => Batches { order: Arc::new(order), interior, border },
            (Err(one), Err(other)) => return Err(if one.place() <= other.place() { one } else { other }),
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        let mut row_sums: Vec<RowSums> = Vec::new();
        for edge in &mesh.boundary {
            if let Some(robin) = coefficients::robin(problem, mesh, edge)?
                && robin.p != [0.0; 3]
            {
                let (mass, _) = quad8::robin(&robin.points, &robin.p, &robin.gamma);
                let (batch, lane) = batches.find_mut(edge.element as usize);
                row_sums.push((edge.element, add_edge(batch, lane, edge.side, &mass)));
            }
        }
        row_sums.sort_by_key(|&(element, _)| element);
        row_sums.dedup_by(|later, first| {
            let is_same = later.0 == first.0;
            if is_same {
                first.1.iter_mut().zip(later.1).for_each(|(sum, more)| *sum += more);
            }
            is_same
        });
        Ok(Self::from_parts(batches, row_sums))
    }

    /// From batches and the sums of rows, in the order of the elements.
    pub(crate) fn from_parts(batches: Batches<f64>, row_sums: Vec<RowSums>) -> Self {
        Self { batches: Arc::new(batches), row_sums }
    }

    /// The batches.
    pub(crate) fn batches(&self) -> &Arc<Batches<f64>> {
        &self.batches
    }

    /// The elements with rows that do not sum to zero, ascending, and the sums.
    pub(crate) fn row_sums(&self) -> &[RowSums] {
        &self.row_sums
    }

    /// Row `a` of the matrix of one element.
    pub fn row(&self, element: usize, a: usize) -> [f64; 8] {
        let (batch, lane) = self.batches.find(element);
        let mut row = std::array::from_fn(|b| if a == b { 0.0 } else { batch[pair(a, b)][lane] });
        row[a] = row_sum(&self.row_sums, element)[a] - row.iter().sum::<f64>();
        row
    }
}

/// The sums of the rows of one element.
pub(crate) fn row_sum(all: &[RowSums], element: usize) -> [f64; 8] {
    let place = all.binary_search_by_key(&element, |&(element, _)| element as usize);
    place.map_or([0.0; 8], |i| all[i].1)
}

/// The batch of these elements.
fn integrate(
    elements: impl ExactSizeIterator<Item = usize> + Clone,
    mesh: &LocalMesh,
    problem: &Problem,
) -> Result<BatchStiffness<f64>> {
    let count = elements.len();
    let coordinates = quad8::Batch::gather(elements.clone().map(|e| mesh.element_coordinates(e)));
    let (k, mut errors) = match coefficients::conductivities(problem, mesh, elements.clone(), &coordinates) {
        Ok(k) => (k, Vec::new()),
        Err(error) => ([[1.0; LANES]; 9], vec![error]),
    };
    let (mut stiffness, smallest) = quad8::stiffness(&coordinates, &k);
    for (lane, e) in elements.enumerate() {
        if !quad8::is_valid(smallest[lane]) {
            errors.extend(
                check_jacobian(&mesh.element_coordinates(e), mesh.element_ids[e], mesh.global_nodes(e))
                    .err()
                    .map(|folded| folded.error(mesh.refinements)),
            );
        }
    }
    stiffness.iter_mut().for_each(|lanes| lanes[count..].fill(0.0));
    lowest(errors.into_iter()).map_or(Ok(stiffness), Err)
}

/// Adds the matrix of an edge to one element and returns the sums of its rows.
fn add_edge(batch: &mut BatchStiffness<f64>, lane: usize, side: u8, mass: &[[f64; 3]; 3]) -> [f64; 8] {
    let places = EDGES[side as usize];
    let mut sums = [0.0; 8];
    for i in 0..3 {
        sums[places[i]] = mass[i].iter().sum();
        for j in 0..i {
            batch[pair(places[i], places[j])][lane] += mass[i][j];
        }
    }
    sums
}

/// Integrals of f N_a over the local elements, in batches of [`LANES`]; 0 in
/// lanes without an element.
///
/// # Errors
/// [`Error::BadValue`](crate::error::Error::BadValue); on this rank only.
pub fn source_loads(mesh: &LocalMesh, problem: &Problem) -> Result<Vec<[Lane; 8]>> {
    let count = mesh.elements.len();
    for_all(count.div_ceil(LANES), [[0.0; LANES]; 8], |b| {
        let elements = b * LANES..count.min((b + 1) * LANES);
        let batch = quad8::Batch::gather(elements.clone().map(|e| mesh.element_coordinates(e)));
        work::item(b, LANES);
        Ok(quad8::load(&batch, &coefficients::sources(problem, mesh, elements, &batch)?))
    })
}

/// The right side of the owned nodes: source and Robin terms.
///
/// # Errors
/// [`Error::BadValue`](crate::error::Error::BadValue); on this rank only.
pub fn load_vector(mesh: &LocalMesh, problem: &Problem) -> Result<Vec<f64>> {
    let mut b = vec![0.0; mesh.owned_nodes];
    let mut add = |node: LocalIndex, value: f64| {
        if let Some(entry) = b.get_mut(node as usize) {
            *entry += value;
        }
    };
    if problem.has_source() {
        let loads = source_loads(mesh, problem)?;
        for (e, nodes) in mesh.elements.iter().enumerate() {
            let load = loads[e / LANES].map(|lanes| lanes[e % LANES]);
            nodes.iter().zip(load).for_each(|(&node, value)| add(node, value));
        }
    }
    for edge in &mesh.boundary {
        if let Some(robin) = coefficients::robin(problem, mesh, edge)? {
            let (_, load) = quad8::robin(&robin.points, &robin.p, &robin.gamma);
            edge.nodes(mesh).iter().zip(load).for_each(|(&node, value)| add(node, value));
        }
    }
    Ok(b)
}
