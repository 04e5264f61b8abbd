//! Lists of nodes as 16-bit offsets, half the size of arrays of their numbers.

use crate::parallel::LocalIndex;

/// Number of a missing node.
pub const NONE: LocalIndex = LocalIndex::MAX;

/// Nodes as offsets from the lowest one.
pub struct Compact<const N: usize> {
    base: LocalIndex,
    offsets: [u16; N],
}

/// All nodes are number 0.
impl<const N: usize> Default for Compact<N> {
    fn default() -> Self {
        Self { base: 0, offsets: [0; N] }
    }
}

impl<const N: usize> Compact<N> {
    /// Compresses nodes, of which [`NONE`] is a missing one; returns none if an offset exceeds 16
    /// bits.
    pub fn compress(nodes: &[LocalIndex; N]) -> Option<Self> {
        let base = nodes.iter().copied().min()?;
        let mut offsets = [u16::MAX; N];
        for (offset, node) in offsets.iter_mut().zip(nodes).filter(|(_, node)| **node != NONE) {
            *offset = u16::try_from(node - base).ok().filter(|&offset| offset < u16::MAX)?;
        }
        Some(Self { base, offsets })
    }

    /// Returns node `i`, if it is not missing.
    #[inline(always)]
    pub fn get(&self, i: usize) -> Option<usize> {
        let offset = self.offsets[i];
        (offset != u16::MAX).then_some(self.base as usize + usize::from(offset))
    }

    /// Returns the lowest node and the offsets of all, none of which is missing.
    pub fn offsets(&self) -> (usize, &[u16; N]) {
        (self.base as usize, &self.offsets)
    }
}
