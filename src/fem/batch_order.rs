//! Order in which elements are batched, eight at a time, and the nodes of the batches.
//!
//! Interior batches have no ghost nodes, so that a product with them overlaps the exchange of the
//! halo. Boundary batches hold the elements with ghost nodes.

use std::ops::Range;

use rayon::prelude::*;

use crate::la::Scalar;
use crate::mesh::LocalMesh;
use crate::parallel::LocalIndex;
use crate::quad8::LANES;

/// Nodes of eight elements at full width: local node `a` of element `l` at `[a][l]`.
pub type WideNodes = [[LocalIndex; LANES]; 8];

/// Storage of the nodes of eight elements: offsets from a base node.
pub trait NodeList: Send + Sync {
    /// Offset of a node from the base.
    type Offset: Copy + Into<LocalIndex>;
    /// Whether nodes may be ghosts; their base is then 0.
    const HAS_GHOSTS: bool;

    /// Returns the base node.
    fn base(&self) -> usize;

    /// Returns the offsets of the nodes from the base.
    fn offsets(&self) -> &[[Self::Offset; LANES]; 8];

    /// Gathers the entries of `x` at the nodes.
    #[inline(always)]
    fn gather<T: Scalar>(&self, x: &[T]) -> [[T; LANES]; 8] {
        gather(self.offsets(), &x[self.base()..])
    }

    /// Returns the nodes at full width.
    fn nodes(&self) -> WideNodes {
        self.offsets().map(|offsets| offsets.map(|offset| self.base() as LocalIndex + offset.into()))
    }
}

impl NodeList for WideNodes {
    type Offset = LocalIndex;
    const HAS_GHOSTS: bool = true;

    fn base(&self) -> usize {
        0
    }

    fn offsets(&self) -> &[[LocalIndex; LANES]; 8] {
        self
    }
}

/// Gathers the entries of `x` at these offsets.
#[inline(always)]
fn gather<T: Scalar>(offsets: &[[impl Copy + Into<LocalIndex>; LANES]; 8], x: &[T]) -> [[T; LANES]; 8] {
    let mut u = [[T::default(); LANES]; 8];
    for a in 0..8 {
        for l in 0..LANES {
            u[a][l] = x[offsets[a][l].into() as usize];
        }
    }
    u
}

/// Nodes of eight elements as 16-bit offsets, half the size of [`WideNodes`]: a product in single
/// precision reads a tenth less.
pub struct CompactNodes {
    base: LocalIndex,
    offsets: [[u16; LANES]; 8],
}

/// Number of different offsets of [`CompactNodes`].
const REACH: usize = 1 << u16::BITS;

impl CompactNodes {
    /// Compresses nodes; returns none if an offset exceeds 16 bits.
    fn compress(nodes: &WideNodes) -> Option<Self> {
        let base = nodes.iter().flatten().copied().min()?;
        let mut offsets = [[0; LANES]; 8];
        for (offset, node) in offsets.iter_mut().flatten().zip(nodes.iter().flatten()) {
            *offset = u16::try_from(node - base).ok()?;
        }
        Some(Self { base, offsets })
    }
}

impl NodeList for CompactNodes {
    type Offset = u16;
    const HAS_GHOSTS: bool = false;

    fn base(&self) -> usize {
        self.base as usize
    }

    fn offsets(&self) -> &[[u16; LANES]; 8] {
        &self.offsets
    }

    #[inline(always)]
    fn gather<T: Scalar>(&self, x: &[T]) -> [[T; LANES]; 8] {
        let x = &x[self.base()..];
        // The fixed length of the first chunk removes the bounds checks.
        if let Some(x) = x.first_chunk::<REACH>() { gather(&self.offsets, x) } else { gather(&self.offsets, x) }
    }
}

/// Assignment of the local elements to interior and boundary batches.
pub struct ElementOrder {
    elements: usize,
    /// Elements of the boundary batches, ascending: those with ghost nodes, and whole interior
    /// batches whose nodes do not fit [`CompactNodes`].
    boundary: Vec<LocalIndex>,
    compact: Vec<CompactNodes>,
    wide: Vec<WideNodes>,
}

/// Position of an element among the elements of the interior or of the boundary batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchPosition {
    /// In an interior batch.
    Interior(usize),
    /// In a boundary batch.
    Boundary(usize),
}

impl ElementOrder {
    /// Orders the elements of a mesh.
    pub fn new(mesh: &LocalMesh) -> Self {
        let has_ghosts = |&e: &LocalIndex| mesh.elements[e as usize].iter().any(|&n| n as usize >= mesh.owned_nodes);
        let elements = mesh.elements.len();
        let boundary = (0..elements as LocalIndex).into_par_iter().filter(has_ghosts).collect();
        let mut order = Self { elements, boundary, compact: Vec::new(), wide: Vec::new() };

        let element = |i: usize| order.element(BatchPosition::Interior(i));
        let compress = |range: Range<usize>| CompactNodes::compress(&nodes(mesh, range.map(element)));
        let compact: Vec<Option<CompactNodes>> = batches(order.interior_elements()).map(compress).collect();
        let wide = batches(order.interior_elements()).zip(&compact).filter(|(_, compact)| compact.is_none());
        let wide = wide.flat_map_iter(|(range, _)| range.map(|i| element(i) as LocalIndex));
        let wide: Vec<LocalIndex> = wide.collect();
        // Whole batches move, so that all others keep their elements.
        order.boundary.extend(wide);
        order.boundary.par_sort_unstable();
        order.compact = compact.into_iter().flatten().collect();
        order.wide = batches(order.boundary.len())
            .map(|range| nodes(mesh, order.boundary[range].iter().map(|&e| e as usize)))
            .collect();
        order
    }

    /// Returns the nodes of the interior batches, none of them a ghost.
    pub fn interior_nodes(&self) -> &[CompactNodes] {
        &self.compact
    }

    /// Returns the nodes of the boundary batches.
    pub fn boundary_nodes(&self) -> &[WideNodes] {
        &self.wide
    }

    /// Returns the number of elements in interior batches.
    pub fn interior_elements(&self) -> usize {
        self.elements - self.boundary.len()
    }

    /// Returns the number of elements in boundary batches.
    pub fn boundary_elements(&self) -> usize {
        self.boundary.len()
    }

    /// Returns the element at a position.
    pub fn element(&self, position: BatchPosition) -> usize {
        match position {
            BatchPosition::Interior(i) => i + self.boundary_before(i),
            BatchPosition::Boundary(i) => self.boundary[i] as usize,
        }
    }

    /// Returns the position of an element.
    pub fn position(&self, element: usize) -> BatchPosition {
        match self.boundary.binary_search(&(element as LocalIndex)) {
            Ok(i) => BatchPosition::Boundary(i),
            Err(before) => BatchPosition::Interior(element - before),
        }
    }

    /// Returns the place of an element in the lanes of all batches, interior ones first.
    pub fn slot(&self, element: usize) -> usize {
        match self.position(element) {
            BatchPosition::Interior(i) => i,
            BatchPosition::Boundary(i) => self.compact.len() * LANES + i,
        }
    }

    /// Counts the boundary elements before the `i`-th interior element, by bisection: boundary
    /// element number j comes before it where at most i interior elements come before boundary
    /// element j.
    fn boundary_before(&self, i: usize) -> usize {
        let (mut low, mut high) = (0, self.boundary.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.boundary[middle] as usize - middle <= i { low = middle + 1 } else { high = middle }
        }
        low
    }
}

/// Splits the positions of `elements` elements into batches.
fn batches(elements: usize) -> impl IndexedParallelIterator<Item = Range<usize>> {
    (0..elements.div_ceil(LANES)).into_par_iter().map(move |b| b * LANES..elements.min((b + 1) * LANES))
}

/// Collects the nodes of up to eight elements; lanes without an element repeat the last one.
fn nodes(mesh: &LocalMesh, elements: impl Iterator<Item = usize>) -> WideNodes {
    let mut nodes = [[0; LANES]; 8];
    for (lane, element) in elements.enumerate() {
        for (nodes, &node) in nodes.iter_mut().zip(&mesh.elements[element]) {
            nodes[lane..].fill(node);
        }
    }
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(elements: usize, boundary: Vec<LocalIndex>) -> ElementOrder {
        ElementOrder { elements, boundary, compact: Vec::new(), wide: Vec::new() }
    }

    #[test]
    fn positions_and_elements_are_inverse() {
        for boundary in [vec![], vec![0, 1, 2, 3], vec![0], vec![3], vec![1, 2], vec![0, 3]] {
            let order = order(4, boundary.clone());
            let mut without = (0..4).filter(|e| !boundary.contains(&(*e as LocalIndex)));
            for i in 0..order.interior_elements() {
                assert_eq!(Some(order.element(BatchPosition::Interior(i))), without.next());
            }
            assert_eq!(without.next(), None);
            for element in 0..4 {
                assert_eq!(order.element(order.position(element)), element);
            }
        }
    }

    /// 40 elements in a row that share no node: number 3 has a ghost, and the nodes of number 21
    /// lie far from all others.
    #[test]
    fn ghosts_and_distant_nodes_are_in_boundary_batches() {
        let mut mesh = LocalMesh { owned_nodes: 200_000, ..LocalMesh::default() };
        mesh.elements = (0..40_u32).map(|e| std::array::from_fn(|a| 8 * e + a as LocalIndex)).collect();
        mesh.elements[3][5] = 200_000;
        mesh.elements[21] = std::array::from_fn(|a| 100_000 + a as LocalIndex);
        let order = ElementOrder::new(&mesh);
        // Without number 3, number 21 is the fifth of the third batch.
        assert_eq!(order.boundary, [3, 17, 18, 19, 20, 21, 22, 23, 24]);
        assert_eq!((order.compact.len(), order.wide.len()), (4, 2));
        let check = |range: Range<usize>, nodes: WideNodes, of: fn(usize) -> BatchPosition| {
            for (lane, i) in range.enumerate() {
                assert_eq!(nodes.map(|row| row[lane]), mesh.elements[order.element(of(i))]);
            }
        };
        let interior: Vec<Range<usize>> = batches(31).collect();
        interior.into_iter().zip(&order.compact).for_each(|(r, n)| check(r, n.nodes(), BatchPosition::Interior));
        let boundary: Vec<Range<usize>> = batches(9).collect();
        boundary.into_iter().zip(&order.wide).for_each(|(r, n)| check(r, *n, BatchPosition::Boundary));
    }
}
