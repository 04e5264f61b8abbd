//! Transfer between the nodes and the corners of the same elements (p-multigrid). A midside node is
//! interpolated as the mean of the two corners of its edge.

use std::rc::Rc;

use crate::la::multigrid::Transfer;
use crate::la::{Scalar, Vector};
use crate::mesh::Adjacency;
use crate::parallel::{Halo, IndexMap, LocalIndex, loops};

/// Transfer between nodes and corners.
pub struct PTransfer {
    halo: Rc<Halo>,
    /// Local corners at the ends of the edge of each owned node. A corner is both its ends.
    ends: Vec<[LocalIndex; 2]>,
    /// Owned nodes around each local corner, from `ends`.
    around: Adjacency<2>,
    /// Fixed local corners, where the restriction is zero.
    fixed: Vec<LocalIndex>,
}

impl PTransfer {
    /// Creates the transfer to the corners of this `halo` from their numbers in `ends`; `fixed`
    /// marks the fixed local corners.
    pub fn new(halo: &Rc<Halo>, ends: Vec<[LocalIndex; 2]>, fixed: &[bool]) -> Self {
        Self {
            halo: Rc::clone(halo),
            around: Adjacency::new(&ends, fixed.len()),
            ends,
            fixed: fixed.iter().zip(0..).filter(|(fixed, _)| **fixed).map(|(_, corner)| corner).collect(),
        }
    }
}

impl<T: Scalar> Transfer<T> for PTransfer {
    fn coarse(&self) -> &IndexMap {
        self.halo.map()
    }

    fn bytes(&self) -> usize {
        let vectors = 2 * self.halo.map().local() * size_of::<T>();
        size_of_val(&self.ends[..]) + self.around.bytes() + vectors
    }

    fn restrict(&self, fine: &Vector<T>, coarse: &mut Vector<T>) {
        let (fine, around, half) = (fine.owned(), &self.around, T::of(0.5));
        loops::update(coarse.local_mut(), |range, coarse| {
            for (value, corner) in coarse.iter_mut().zip(range) {
                *value = half * around.around(corner).map(|(node, _)| fine[node]).sum();
            }
            []
        });
        self.halo.scatter_rev_add(coarse.local_mut());
        for &corner in &self.fixed {
            coarse.local_mut()[corner as usize] = T::default();
        }
    }

    fn prolong(&self, coarse: &mut Vector<T>, fine: &mut Vector<T>) {
        self.halo.scatter_fwd(coarse.local_mut());
        let (coarse, all, half) = (coarse.local(), &self.ends, T::of(0.5));
        loops::update(fine.owned_mut(), |range, fine| {
            for (value, ends) in fine.iter_mut().zip(&all[range]) {
                *value = half * (coarse[ends[0] as usize] + coarse[ends[1] as usize]);
            }
            []
        });
    }
}
