//! Transfer between the nodes and the corners of the same elements (p-multigrid). A midside node is
//! interpolated as the mean of the two corners of its edge.

use std::rc::Rc;

use rayon::prelude::*;

use crate::fem::multigrid::compact::Compact;
use crate::la::matrix::CompactRows;
use crate::la::multigrid::Transfer;
use crate::la::{Scalar, Stored, Vector};
use crate::mesh::Adjacency;
use crate::parallel::loops::CHUNK;
use crate::parallel::{Halo, IndexMap, LocalIndex, loops};

/// Transfer between nodes and corners.
pub struct PTransfer {
    halo: Rc<Halo>,
    /// Local corners at the ends of the edges of eight owned nodes each. A corner is both its ends.
    ends: Vec<Compact<ENDS>>,
    /// Groups of nodes with ghosts or distant corners at their ends: number of the group, ends.
    distant: Vec<(usize, [LocalIndex; ENDS])>,
    /// Restriction: owned nodes around each local corner, from the ends.
    around: CompactRows<Half>,
    /// Fixed local corners, where the restriction is zero.
    fixed: Vec<LocalIndex>,
}

/// Number of nodes in a group.
const GROUP: usize = 8;
/// Number of their ends.
const ENDS: usize = 2 * GROUP;

/// The number 1/2, stored in no memory.
#[derive(Clone, Copy, Default)]
struct Half;

impl<T: Scalar> Stored<T> for Half {
    fn rounded(_value: T) -> Self {
        Self
    }

    #[inline(always)]
    fn number(self) -> T {
        T::of(0.5)
    }
}

impl PTransfer {
    /// Creates the transfer to the corners of this `halo` from their numbers in `ends`; `fixed`
    /// marks the fixed local corners.
    pub fn new(halo: &Rc<Halo>, ends: Vec<[LocalIndex; 2]>, fixed: &[bool]) -> Self {
        let around = Adjacency::new(&ends, fixed.len());
        let node = |(node, _)| (node as LocalIndex, Half);
        let around = CompactRows::new(fixed.len(), |corner| around.around(corner).map(node));
        let ends_of = |group: &[[LocalIndex; 2]]| {
            let mut ends = [group[0][0]; ENDS];
            ends[..2 * group.len()].copy_from_slice(group.as_flattened());
            ends
        };
        let groups = ends.par_chunks(GROUP).with_min_len(CHUNK / GROUP);
        let compact: Vec<_> = groups.map(|group| Compact::compress(&ends_of(group))).collect();
        let distant = ends.chunks(GROUP).zip(&compact).enumerate().filter(|(_, (_, compact))| compact.is_none());
        let distant = distant.map(|(number, (group, _))| (number, ends_of(group))).collect();
        Self {
            halo: Rc::clone(halo),
            ends: compact.into_iter().map(Option::unwrap_or_default).collect(),
            distant,
            around,
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
        size_of_val(&self.ends[..]) + size_of_val(&self.distant[..]) + self.around.bytes() + vectors
    }

    fn restrict(&self, fine: &Vector<T>, coarse: &mut Vector<T>) {
        self.around.multiply(fine.owned(), coarse.local_mut());
        self.halo.scatter_rev_add(coarse.local_mut());
        for &corner in &self.fixed {
            coarse.local_mut()[corner as usize] = T::default();
        }
    }

    fn prolong(&self, coarse: &mut Vector<T>, fine: &mut Vector<T>) {
        self.halo.scatter_fwd(coarse.local_mut());
        let (coarse, groups) = (coarse.local(), &self.ends);
        loops::update(fine.owned_mut(), |range, fine| {
            for (fine, ends) in fine.chunks_mut(GROUP).zip(&groups[range.start / GROUP..]) {
                let (base, offsets) = ends.offsets();
                interpolate(offsets, &coarse[base..], fine);
            }
            []
        });
        for (group, ends) in &self.distant {
            let nodes = fine.owned_mut().chunks_mut(GROUP).nth(*group);
            nodes.into_iter().for_each(|nodes| interpolate(ends, coarse, nodes));
        }
    }
}

/// Overwrites the values at nodes by the means of those at both ends.
#[inline(always)]
fn interpolate<T: Scalar>(ends: &[impl Copy + Into<LocalIndex>; ENDS], coarse: &[T], fine: &mut [T]) {
    for (value, ends) in fine.iter_mut().zip(ends.as_chunks::<2>().0) {
        let [a, b] = ends.map(|end| coarse[end.into() as usize]);
        *value = T::of(0.5) * (a + b);
    }
}
