//! Matrix-free stiffness operator, applied element by element.
//!
//! The rows of an element's stiffness sum to zero, so that (K u)_a is the sum of K_ab (u_b - u_a)
//! and 28 values per element suffice. That is a third of the storage of compressed rows, and the
//! memory traffic dominates the cost of a product. Elements are processed in batches of eight, one
//! in each lane of the vector registers. `docs/design/element-operator.md` describes the design.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use rayon::prelude::*;

use crate::fem::ElementMatrices;
use crate::fem::batch_coloring::{Add, Chunks};
use crate::fem::batch_order::{ElementOrder, NodeList};
use crate::fem::element_batch::use_of_products::{ADD, DOT, SUBTRACT};
use crate::fem::element_batch::{Batches, add_diagonals, add_precise_products, add_products};
use crate::fem::element_matrices::{RowSums, sum_equal};
use crate::fem::fixed_point::StiffnessNumber;
use crate::fem::strength_of_connection::{EdgeStrengths, add_edge_strengths};
use crate::la::{LinearOperator, MatrixEntries, Pair, Scalar, Step, Triplet, Vector, step_again};
use crate::mesh::LocalMesh;
use crate::parallel::{Halo, LocalIndex, loops};
use crate::quad8::{BatchStiffness, LANES, PAIRS};

/// Operator of the eliminated system, the identity on fixed nodes; its stiffness is stored in
/// numbers K.
pub struct ElementOperator<T, K = T> {
    pub(super) halo: Rc<Halo>,
    /// Interior batches run during the exchange of the halo, boundary batches after it.
    pub(super) batches: Arc<Batches<K>>,
    /// Units of the elements of interior and boundary batches, where the numbers have any.
    pub(super) units: [Vec<[T; LANES]>; 2],
    pub(super) chunks: Rc<Chunks>,
    /// Row sums other than zero (Robin edges with p > 0), by owned node.
    pub(super) row_sums: Vec<(LocalIndex, T)>,
    /// Fixed local nodes.
    pub(super) fixed: Rc<Vec<LocalIndex>>,
    /// Owned nodes whose product is incomplete after the interior batches.
    pub(super) late: Rc<Vec<LocalIndex>>,
}

impl ElementOperator<f64> {
    /// Creates the operator of element matrices, whose batches it shares. `fixed` are the fixed
    /// local nodes, ascending.
    pub fn new(halo: &Rc<Halo>, mesh: &LocalMesh, elements: &ElementMatrices, fixed: Vec<LocalIndex>) -> Self {
        let (owned, batches) = (mesh.owned_nodes, elements.batches());
        let of_element =
            |(element, sums): &RowSums| mesh.elements[*element as usize].into_iter().zip(*sums).collect::<Vec<_>>();
        let mut row_sums: Vec<_> = elements.row_sums().iter().flat_map(of_element).collect();
        row_sums.retain(|&(node, sum)| (node as usize) < owned && sum != 0.0);
        sum_equal(&mut row_sums, |sum, more| *sum += more);
        Self {
            halo: Rc::clone(halo),
            batches: Arc::clone(batches),
            units: [Vec::new(), Vec::new()],
            chunks: Rc::new(Chunks::new(batches.order.interior_nodes(), owned)),
            late: Rc::new(late_nodes(&batches.order, &row_sums, &fixed, owned)),
            row_sums,
            fixed: Rc::new(fixed),
        }
    }

    /// Moves the values of the fixed nodes to the right-hand side `b`, whose entries at fixed nodes
    /// become 0. `values` holds the values of the local nodes, 0 at free nodes.
    pub fn eliminate(&self, values: &[f64], b: &mut [f64]) {
        let Batches { order, interior, boundary } = &*self.batches;
        let fixed = &self.fixed[..];
        self.chunks.run::<_, true>(b, |range, first, b| {
            // Few chunks have fixed nodes.
            let next = fixed.partition_point(|&node| (node as usize) < first);
            if fixed.get(next).is_some_and(|&node| (node as usize) < first + b.len()) {
                let nodes = &order.interior_nodes()[range.clone()];
                add_products_of_values::<_, SUBTRACT>(nodes, &interior[range], values, first, b);
            }
            0.0
        });
        if !(boundary.is_empty() && self.row_sums.is_empty()) {
            let mut y = vec![0.0; values.len()];
            add_products_of_values::<_, ADD>(order.boundary_nodes(), boundary, values, 0, &mut y);
            for &(node, sum) in &self.row_sums {
                y[node as usize] += sum * values[node as usize];
            }
            self.late.iter().for_each(|&node| b[node as usize] -= y[node as usize]);
        }
        self.own_fixed(b.len()).iter().for_each(|&node| b[node as usize] = 0.0);
    }
}

impl<T: Scalar, K: StiffnessNumber<T>> ElementOperator<T, K> {
    /// Overwrites `y` by K x of the operator before elimination, or subtracts it. Returns this
    /// rank's part of x.Kx for the use DOT. `run` receives x and y and runs a function on the
    /// chunks. **Collective.**
    fn product<const USE: u8>(
        &self,
        x: &mut Vector<T>,
        y: &mut Vector<T>,
        run: impl FnOnce(&[T], &mut [T], &Add<T>) -> f64,
    ) -> f64 {
        let Batches { order, interior, boundary } = &*self.batches;
        let [units, boundary_units] = &self.units;
        let owned = y.owned().len();
        y.local_mut()[owned..].fill(T::default());
        let mut dot = self.halo.scatter_fwd_overlap(x.local_mut(), |x| {
            let add = |range: Range<usize>, first: usize, y: &mut [T]| {
                let units = if K::HAS_UNIT { &units[range.clone()] } else { &[] };
                let (nodes, stiffness) = (&order.interior_nodes()[range.clone()], &interior[range]);
                add_products::<_, _, _, USE>(nodes, stiffness, units, (x, owned), first, y)
            };
            run(x, y.owned_mut(), &add)
        });
        dot += add_products::<_, _, _, USE>(
            order.boundary_nodes(),
            boundary,
            boundary_units,
            (x.local(), owned),
            0,
            y.local_mut(),
        );
        for &(node, sum) in &self.row_sums {
            let (x, y) = (x.local()[node as usize], &mut y.local_mut()[node as usize]);
            if USE == SUBTRACT {
                *y -= sum * x
            } else {
                *y += sum * x
            }
            dot += (sum * x).double() * x.double();
        }
        dot
    }

    /// Overwrites the owned part of `y` by A x, and returns this rank's part of x.Ax for the use
    /// DOT. **Collective.**
    fn apply_for<const USE: u8>(&self, x: &mut Vector<T>, y: &mut Vector<T>) -> f64 {
        // The columns of fixed nodes are eliminated: their values count as 0.
        let fixed = self.own_fixed(x.owned().len());
        let kept: Vec<T> = fixed.iter().map(|&node| std::mem::take(&mut x.local_mut()[node as usize])).collect();
        let mut dot = self.product::<USE>(x, y, |_, y, add| self.chunks.run::<_, false>(y, add));
        for (&node, value) in fixed.iter().zip(kept) {
            x.local_mut()[node as usize] = value;
            y.local_mut()[node as usize] = value;
            dot += value.double() * value.double();
        }
        dot
    }

    /// Overwrites the owned part of `r` by r - A x. `run` is that of a product. **Collective.**
    fn subtract(&self, x: &mut Vector<T>, r: &mut Vector<T>, run: impl FnOnce(&[T], &mut [T], &Add<T>) -> f64) {
        let fixed = self.own_fixed(x.owned().len());
        let take = |&node: &LocalIndex| (std::mem::take(&mut x.local_mut()[node as usize]), r.owned()[node as usize]);
        let kept: Vec<(T, T)> = fixed.iter().map(take).collect();
        self.product::<SUBTRACT>(x, r, run);
        for (&node, (value, residual)) in fixed.iter().zip(kept) {
            x.local_mut()[node as usize] = value;
            r.local_mut()[node as usize] = residual - value;
        }
    }

    /// Returns the owned fixed nodes.
    fn own_fixed(&self, owned: usize) -> &[LocalIndex] {
        &self.fixed[..self.fixed.partition_point(|&node| (node as usize) < owned)]
    }
}

/// Returns the owned nodes whose product is incomplete after the interior batches, ascending: those
/// in boundary batches, with row sums, or fixed.
fn late_nodes<T>(
    order: &ElementOrder,
    row_sums: &[(LocalIndex, T)],
    fixed: &[LocalIndex],
    owned: usize,
) -> Vec<LocalIndex> {
    let boundary = order.boundary_nodes().as_flattened().as_flattened().iter().copied();
    let late = boundary.chain(row_sums.iter().map(|&(node, _)| node)).chain(fixed.iter().copied());
    let mut late: Vec<LocalIndex> = late.filter(|&node| (node as usize) < owned).collect();
    late.sort_unstable();
    late.dedup();
    late
}

/// Adds the products of the batches with `x` to `y`, whose entry 0 belongs to node `first`, or
/// subtracts them, where few entries of `x` are other than 0.
fn add_products_of_values<N: NodeList, const USE: u8>(
    nodes: &[N],
    stiffness: &[BatchStiffness<f64>],
    x: &[f64],
    first: usize,
    y: &mut [f64],
) {
    for (nodes, stiffness) in nodes.chunks(1).zip(stiffness.chunks(1)) {
        if nodes[0].gather(x).as_flattened().iter().any(|&x| x != 0.0) {
            add_products::<_, _, _, USE>(nodes, stiffness, &[], (x, 0), first, y);
        }
    }
}

impl<T: Scalar, K: StiffnessNumber<T>> LinearOperator<T> for ElementOperator<T, K> {
    fn halo(&self) -> &Halo {
        &self.halo
    }

    fn apply(&self, x: &mut Vector<T>, y: &mut Vector<T>) {
        self.apply_for::<ADD>(x, y);
    }

    fn apply_and_dot(&self, x: &mut Vector<T>, y: &mut Vector<T>) -> f64 {
        self.apply_for::<DOT>(x, y)
    }

    fn subtract_product(&self, x: &mut Vector<T>, r: &mut Vector<T>) {
        self.subtract(x, r, |_, r, add| self.chunks.run::<_, true>(r, add));
    }

    fn subtract_product_and_step(&self, d: &mut Vector<T>, [r, x, next]: [&mut Vector<T>; 3], step: &Step<T>) {
        let before = self.late.iter().map(|&node| x.owned()[node as usize]).collect();
        self.subtract(d, r, |d, r, add| {
            let step = |range: Range<usize>, vectors: [&mut [T]; 3]| step(range.clone(), &d[range], vectors);
            self.chunks.run_then([r, x.owned_mut(), next.owned_mut()], add, &step);
            0.0
        });
        step_again(&self.late, before, d, [r, x, next], step);
    }

    fn bytes(&self) -> usize {
        let Batches { order, interior, boundary } = &*self.batches;
        let nodes = size_of_val(order.interior_nodes()) + size_of_val(order.boundary_nodes());
        let units: usize = self.units.iter().map(|units| size_of_val(&units[..])).sum();
        nodes + size_of_val(&interior[..]) + size_of_val(&boundary[..]) + units
    }

    fn diagonal(&self) -> Vec<f64> {
        let Batches { order, interior, boundary } = &*self.batches;
        let [units, boundary_units] = &self.units;
        let map = self.halo.map();
        let mut diagonal = loops::filled(map.local(), 0.0);
        self.chunks.sum(&mut diagonal[..map.owned()], |range, first, y| {
            let units = if K::HAS_UNIT { &units[range.clone()] } else { &[] };
            add_diagonals(&order.interior_nodes()[range.clone()], &interior[range], units, first, y);
        });
        add_diagonals(order.boundary_nodes(), boundary, boundary_units, 0, &mut diagonal);
        diagonal.truncate(map.owned());
        self.row_sums.iter().for_each(|&(node, sum)| diagonal[node as usize] += sum.double());
        self.own_fixed(map.owned()).iter().for_each(|&node| diagonal[node as usize] = 1.0);
        diagonal
    }

    fn precise_residual(&self, b: &[T], x: &mut Vector<T>, low: &mut Vector<T>, r: &mut Vector<T>) -> bool {
        if K::HAS_UNIT {
            return false;
        }
        [&mut *x, &mut *low].into_iter().for_each(|part| self.halo.scatter_fwd(part.local_mut()));
        let mut x = x.pairs(low);
        let values = x.clone();
        self.fixed.iter().for_each(|&node| x[node as usize] = Pair::default());
        let Batches { order, interior, boundary } = &*self.batches;
        let owned = r.owned().len();
        let mut y = vec![Pair::default(); x.len()];
        self.chunks.sum(&mut y[..owned], |range, first, y| {
            add_precise_products(&order.interior_nodes()[range.clone()], &interior[range], &x, first, y);
        });
        add_precise_products(order.boundary_nodes(), boundary, &x, 0, &mut y);
        self.row_sums.iter().for_each(|&(node, sum)| y[node as usize] += sum.double() * x[node as usize]);
        self.fixed.iter().for_each(|&node| y[node as usize] = values[node as usize]);
        for ((r, b), y) in r.owned_mut().iter_mut().zip(b).zip(y) {
            *r = T::of((Pair::sum(b.double(), 0.0) - y).high);
        }
        true
    }
}

impl<T: Scalar> MatrixEntries<T> for ElementOperator<T> {
    fn strength_of_connection(&self, diagonal: &[f64], least: f64) -> Vec<Triplet> {
        // A scale of 0 excludes fixed nodes.
        let mut scale = loops::collect(diagonal.len(), loops::CHUNK, |i| (1.0 / diagonal[i].sqrt()) as f32);
        self.fixed.iter().for_each(|&node| scale[node as usize] = 0.0);
        let Batches { order, interior, boundary } = &*self.batches;
        let mut edges = loops::filled(scale.len(), EdgeStrengths::default());
        self.chunks.sum(&mut edges[..self.halo.map().owned()], |range, first, edges| {
            add_edge_strengths(&order.interior_nodes()[range.clone()], &interior[range], &scale, first, edges);
        });
        add_edge_strengths(order.boundary_nodes(), boundary, &scale, 0, &mut edges);
        self.batches.par_iter().flat_map_iter(|batch| batch.strong_pairs(&scale, &edges, least as f32)).collect()
    }

    fn triplets(&self, group: &[LocalIndex]) -> Vec<Triplet> {
        self.batches.par_iter().flat_map_iter(|batch| batch.triplets(group)).collect()
    }

    fn entries(&self) -> usize {
        (self.batches.interior.len() + self.batches.boundary.len()) * LANES * PAIRS
    }
}
