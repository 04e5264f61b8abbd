//! Assembly of compressed rows from element matrices.

use std::rc::Rc;

use crate::la::matrix::DistributedCsr;
use crate::mesh::Adjacency;
use crate::parallel::{Halo, LocalIndex};

/// Assembles element matrices into the rows of the owned nodes. `elements` holds the local nodes of
/// each element, and `row(e, a)` returns row `a` of the matrix of element `e`. Contributions to an
/// entry are added in the order of the elements, for any number of threads.
pub fn assemble_csr<const N: usize>(
    halo: &Rc<Halo>,
    elements: &[[LocalIndex; N]],
    row: impl Fn(usize, usize) -> [f64; N] + Sync,
) -> DistributedCsr {
    let rows = halo.map().owned();
    let adjacency = Adjacency::new(elements, rows);
    DistributedCsr::from_rows(halo, rows, |node, entries| {
        for (element, a) in adjacency.around(node) {
            for (&column, value) in elements[element].iter().zip(row(element, a)) {
                entries.add(column, value);
            }
        }
    })
}
