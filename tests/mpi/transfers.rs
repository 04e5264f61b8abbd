//! Transfers between the levels of multigrid, and the coarse operators that they give.

use std::rc::Rc;

use quad8_mpi::fem;
use quad8_mpi::fem::multigrid::{HTransfer, PCoarsening, children};
use quad8_mpi::fem::{ElementMatrices, ElementOperator};
use quad8_mpi::la::multigrid::{NestedTransfer, Transfer};
use quad8_mpi::la::{LinearOperator, Vector};
use quad8_mpi::parallel::{Comm, LocalIndex};

use super::manufactured;
use super::meshes::Grid;
use super::multigrid::{model, refined};
use super::pipeline::{Model, distance, dot};
use crate::Check;

pub const CHECKS: &[Check] = checks![
    coarse_operators_are_those_of_galerkin,
    the_operator_of_the_corners_is_that_of_galerkin,
    a_function_of_the_coarse_mesh_is_one_of_the_fine_mesh,
    a_sum_of_rounded_vectors_is_prolonged_in_double_precision,
    restriction_to_the_coarse_mesh_is_the_transpose,
];

/// Checks that the coarse operator is the product of restriction, fine operator and prolongation.
fn coarse_operators_are_those_of_galerkin(comm: &Rc<Comm>) {
    let mesh = Grid::untidy(7, 6).mesh();
    let problem = manufactured::problem();
    let [coarse, fine] = [1, 2].map(|levels| refined(comm, &mesh, levels));
    let elements = ElementMatrices::new(&fine.mesh, &problem).expect("proper elements");
    let operator = ElementOperator::new(&fine.halo, &fine.mesh, &elements, Vec::new());
    let children = children(&coarse.mesh, &fine.mesh);
    let coarser = elements.coarsened(comm, &coarse.mesh, &children);
    let galerkin = ElementOperator::new(&coarse.halo, &coarse.mesh, &coarser, Vec::new());
    let transfer = HTransfer::<f64>::new(&coarse.halo, &coarse.mesh, Vec::new(), &fine.mesh, &children);
    let mut x = coarse.interpolate(|[x, y]| (7.0 * x - 9.0 * y).cos());
    let [mut direct, mut way] = [(); 2].map(|()| Vector::zeros(coarse.halo.map()));
    let [mut px, mut apx] = [(); 2].map(|()| Vector::zeros(fine.halo.map()));
    galerkin.apply(&mut x, &mut direct);
    transfer.prolong(&mut x, &mut px);
    operator.apply(&mut px, &mut apx);
    transfer.restrict(&apx, &mut way);
    assert!(distance(comm, direct.owned(), way.owned()) < 1e-11);
}

/// Checks that the matrix of the corners is the product of restriction, operator and prolongation,
/// on a problem with Robin edges, without and with fixed nodes.
fn the_operator_of_the_corners_is_that_of_galerkin(comm: &Rc<Comm>) {
    let problem = manufactured::problem();
    let model = model(comm, &Grid::untidy(7, 6).mesh());
    let elements = ElementMatrices::new(&model.mesh, &problem).expect("proper elements");
    let dirichlet = fem::dirichlet_nodes(&model.halo, &model.mesh, &problem).expect("good values");
    let nothing = (vec![false; model.mesh.coordinates.len()], Vec::new());
    for (fixed, nodes) in [nothing, (dirichlet.fixed(), dirichlet.nodes())] {
        let operator = ElementOperator::new(&model.halo, &model.mesh, &elements, nodes);
        let corners = PCoarsening::new(&model.halo, &model.mesh, &elements, &fixed).expect("corners");
        let PCoarsening { transfer, matrix, is_slender } = corners;
        assert!(!is_slender);
        let coarse = Transfer::<f64>::coarse(&transfer);
        let [mut x, mut direct, mut way] = [(); 3].map(|()| Vector::zeros(coarse));
        for (x, number) in x.owned_mut().iter_mut().zip(coarse.range()) {
            *x = (0.7 * number as f64).sin();
        }
        let [mut px, mut apx] = [(); 2].map(|()| Vector::zeros(model.halo.map()));
        // The restriction of ones is zero at fixed corners alone, where values are zero.
        px.owned_mut().fill(1.0);
        transfer.restrict(&px, &mut way);
        x.owned_mut().iter_mut().zip(way.owned()).filter(|(_, sum)| **sum == 0.0).for_each(|(x, _)| *x = 0.0);
        matrix.apply(&mut x, &mut direct);
        transfer.prolong(&mut x, &mut px);
        operator.apply(&mut px, &mut apx);
        transfer.restrict(&apx, &mut way);
        assert!(distance(comm, direct.owned(), way.owned()) < 1e-11);
    }
}

/// Builds the transfer between an untidy mesh with fixed nodes where `is_fixed` holds and its
/// refinement.
fn nested(comm: &Rc<Comm>, is_fixed: fn([f64; 2]) -> bool) -> (Model, Model, HTransfer<f64>) {
    let mesh = Grid::untidy(7, 6).mesh();
    let [coarse, fine] = [1, 2].map(|levels| refined(comm, &mesh, levels));
    let nodes = coarse.mesh.coordinates.iter().zip(0..).filter(|(point, _)| is_fixed(**point));
    let fixed: Vec<LocalIndex> = nodes.map(|(_, node)| node).collect();
    let transfer = HTransfer::new(&coarse.halo, &coarse.mesh, fixed, &fine.mesh, &children(&coarse.mesh, &fine.mesh));
    (coarse, fine, transfer)
}

fn a_function_of_the_coarse_mesh_is_one_of_the_fine_mesh(comm: &Rc<Comm>) {
    let (coarse, fine, transfer) = nested(comm, |_| false);
    // An isoparametric mesh represents every linear function of the position.
    let linear = |[x, y]: [f64; 2]| 3.0 + 2.0 * x - 5.0 * y;
    let mut values = Vector::zeros(fine.halo.map());
    transfer.prolong(&mut coarse.interpolate(linear), &mut values);
    assert!(distance(comm, values.owned(), fine.interpolate(linear).owned()) < 1e-12);
}

/// Checks a sum of two vectors in single precision that only double precision holds.
fn a_sum_of_rounded_vectors_is_prolonged_in_double_precision(comm: &Rc<Comm>) {
    let [coarse, fine] = [1, 2].map(|levels| refined(comm, &Grid::untidy(7, 6).mesh(), levels));
    let children = children(&coarse.mesh, &fine.mesh);
    let transfer = HTransfer::<f32>::new(&coarse.halo, &coarse.mesh, Vec::new(), &fine.mesh, &children);
    let linear = |[x, y]: [f64; 2]| 3.0 + 2.0 * x - 5.0 * y;
    let values = coarse.interpolate(linear);
    let [mut high, mut low] = [(); 2].map(|()| Vector::<f32>::zeros(coarse.halo.map()));
    for ((value, high), low) in values.owned().iter().zip(high.owned_mut()).zip(low.owned_mut()) {
        *high = *value as f32;
        *low = (value - f64::from(*high)) as f32;
    }
    coarse.halo.scatter_fwd(high.local_mut());
    let mut prolonged = Vector::zeros(fine.halo.map());
    transfer.prolong_sum(&high, &mut low, &mut prolonged);
    assert!(distance(comm, prolonged.owned(), fine.interpolate(linear).owned()) < 1e-12);
}

fn restriction_to_the_coarse_mesh_is_the_transpose(comm: &Rc<Comm>) {
    let on_a_side = |[x, _]: [f64; 2]| x < 0.3;
    let (coarse, fine, transfer) = nested(comm, on_a_side);
    let mut x = coarse.interpolate(|[x, y]| if on_a_side([x, y]) { 0.0 } else { (7.0 * x - 9.0 * y).cos() });
    let y = fine.interpolate(|[x, y]| (11.0 * x + 5.0 * y).sin());
    let (mut px, mut ry) = (Vector::zeros(fine.halo.map()), Vector::zeros(coarse.halo.map()));
    transfer.prolong(&mut x, &mut px);
    transfer.restrict(&y, &mut ry);
    let (left, right) = (dot(comm, px.owned(), y.owned()), dot(comm, x.owned(), ry.owned()));
    assert!((left - right).abs() < 1e-10 * left.abs().max(1.0), "{left} and {right}");
}
