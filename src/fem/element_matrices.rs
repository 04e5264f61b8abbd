//! Stiffness matrices of all local elements, integrated in parallel.

use std::sync::Arc;

use crate::error::Result;
use crate::fem::batch_order::{BatchPosition, ElementOrder};
use crate::fem::coefficients;
use crate::fem::coefficients::{for_all, lowest};
use crate::fem::element_batch::Batches;
use crate::fem::robin_data::robin;
use crate::mesh::{LocalMesh, check_jacobian};
use crate::parallel::{LocalIndex, work};
use crate::problem::Problem;
use crate::quad8;
use crate::quad8::{BatchStiffness, EDGES, LANES, Lane, PAIRS, pair};

/// Symmetric matrices of all local elements, in the batches that
/// [`ElementOperator`](crate::fem::ElementOperator) applies and shares. The diagonal follows from
/// the row sums.
pub struct ElementMatrices {
    batches: Arc<Batches<f64>>,
    /// Row sums of the elements on Robin edges, in ascending order; those of all others are zero.
    row_sums: Vec<RowSums>,
}

/// Element and its row sums.
pub(crate) type RowSums = (LocalIndex, [f64; 8]);

impl ElementMatrices {
    /// Integrates the stiffness of every element and adds the Robin terms of the boundary.
    ///
    /// # Errors
    /// If an element is folded, or k, p or gamma has an invalid value; on this rank only.
    pub fn new(mesh: &LocalMesh, problem: &Problem) -> Result<Self> {
        let order = ElementOrder::new(mesh);
        let is_isotropic = problem.is_isotropic();
        let all = |count: usize, position: fn(usize) -> BatchPosition| {
            let batch = |b: usize, stiffness: &mut BatchStiffness<f64>| {
                let range = b * LANES..count.min((b + 1) * LANES);
                work::item(b, LANES);
                let elements = range.map(|i| order.element(position(i)));
                if is_isotropic {
                    integrate::<1>(elements, mesh, problem, stiffness)
                } else {
                    integrate::<3>(elements, mesh, problem, stiffness)
                }
            };
            for_all(count.div_ceil(LANES), [[0.0; LANES]; PAIRS], batch)
        };
        let mut batches = match (
            all(order.interior_elements(), BatchPosition::Interior),
            all(order.boundary_elements(), BatchPosition::Boundary),
        ) {
            (Ok(interior), Ok(outer)) => Batches { order: Arc::new(order), interior, boundary: outer },
            (Err(one), Err(other)) => return Err(if one.place() <= other.place() { one } else { other }),
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        let mut row_sums: Vec<RowSums> = Vec::new();
        for edge in &mesh.boundary {
            if let Some(robin) = robin(problem, mesh, edge)?
                && robin.p != [0.0; 3]
            {
                let (mass, _) = quad8::robin(&robin.points, &robin.p, &robin.gamma);
                let (batch, lane) = batches.find_mut(edge.element as usize);
                row_sums.push((edge.element, add_edge(batch, lane, edge.side, &mass)));
            }
        }
        sum_equal(&mut row_sums, |sums, more| sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more));
        Ok(Self::from_parts(batches, row_sums))
    }

    /// Creates the matrices from batches and row sums, in the order of the elements.
    pub(crate) fn from_parts(batches: Batches<f64>, row_sums: Vec<RowSums>) -> Self {
        Self { batches: Arc::new(batches), row_sums }
    }

    /// Returns the batches.
    pub(crate) fn batches(&self) -> &Arc<Batches<f64>> {
        &self.batches
    }

    /// Returns the elements with row sums other than zero, in ascending order, and these sums.
    pub(crate) fn row_sums(&self) -> &[RowSums] {
        &self.row_sums
    }

    /// Returns row `a` of the matrix of one element.
    pub fn row(&self, element: usize, a: usize) -> [f64; 8] {
        let (batch, lane) = self.batches.find(element);
        let mut row = std::array::from_fn(|b| if a == b { 0.0 } else { batch[pair(a, b)][lane] });
        row[a] = row_sum(&self.row_sums, element)[a] - row.iter().sum::<f64>();
        row
    }
}

/// Sorts values by their numbers and adds those with equal numbers.
pub(crate) fn sum_equal<T: Copy>(values: &mut Vec<(LocalIndex, T)>, add: impl Fn(&mut T, T)) {
    values.sort_by_key(|&(number, _)| number);
    values.dedup_by(|later, first| {
        let is_same = later.0 == first.0;
        if is_same {
            add(&mut first.1, later.1);
        }
        is_same
    });
}

/// Returns the row sums of one element.
pub(crate) fn row_sum(all: &[RowSums], element: usize) -> [f64; 8] {
    find_row_sum(all, element).copied().unwrap_or_default()
}

/// Finds the row sums of an element where they are not zero.
pub(crate) fn find_row_sum(all: &[RowSums], element: usize) -> Option<&[f64; 8]> {
    let found = all.binary_search_by_key(&element, |&(element, _)| element as usize);
    found.ok().map(|at| &all[at].1)
}

/// Integrates the batch of these elements, with k as a number (`N` = 1) or a tensor (`N` = 3).
fn integrate<const N: usize>(
    elements: impl ExactSizeIterator<Item = usize> + Clone,
    mesh: &LocalMesh,
    problem: &Problem,
    stiffness: &mut BatchStiffness<f64>,
) -> Result<()> {
    let count = elements.len();
    let coordinates = quad8::Batch::gather(elements.clone().map(|e| mesh.element_coordinates(e)));
    let (k, mut errors) = match coefficients::conductivities::<N>(problem, mesh, elements.clone(), &coordinates) {
        Ok(k) => (k, Vec::new()),
        Err(error) => ([[[1.0; LANES]; N]; 9], vec![error]),
    };
    let smallest;
    (*stiffness, smallest) = quad8::stiffness(&coordinates, &k);
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
    lowest(errors.into_iter()).map_or(Ok(()), Err)
}

/// Adds the matrix of an edge to one element and returns the row sums of the edge matrix.
fn add_edge(batch: &mut BatchStiffness<f64>, lane: usize, side: u8, mass: &[[f64; 3]; 3]) -> [f64; 8] {
    let nodes = EDGES[side as usize];
    let mut sums = [0.0; 8];
    for i in 0..3 {
        sums[nodes[i]] = mass[i].iter().sum();
        for j in 0..i {
            batch[pair(nodes[i], nodes[j])][lane] += mass[i][j];
        }
    }
    sums
}

/// Integrates f N_a over the local elements, in batches of [`LANES`].
///
/// # Errors
/// If f is not finite; on this rank only.
pub fn source_loads(mesh: &LocalMesh, problem: &Problem) -> Result<Vec<[Lane; 8]>> {
    let count = mesh.elements.len();
    for_all(count.div_ceil(LANES), [[0.0; LANES]; 8], |b, load| {
        let elements = b * LANES..count.min((b + 1) * LANES);
        let batch = quad8::Batch::gather(elements.clone().map(|e| mesh.element_coordinates(e)));
        work::item(b, LANES);
        *load = quad8::load(&batch, &coefficients::sources(problem, mesh, elements, &batch)?);
        Ok(())
    })
}

/// Assembles the right-hand side of the owned nodes: source and Robin terms.
///
/// # Errors
/// If f, p or gamma has an invalid value; on this rank only.
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
        if let Some(robin) = robin(problem, mesh, edge)? {
            let (_, load) = quad8::robin(&robin.points, &robin.p, &robin.gamma);
            edge.nodes(mesh).iter().zip(load).for_each(|(&node, value)| add(node, value));
        }
    }
    Ok(b)
}
