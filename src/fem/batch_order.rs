//! The order in which elements are batched, eight at a time, and their nodes:
//! first the batches without ghosts, so that they need not wait for an exchange.

use std::ops::Range;

use rayon::prelude::*;

use crate::la::Scalar;
use crate::mesh::LocalMesh;
use crate::parallel::LocalIndex;
use crate::quad8::LANES;

/// The nodes of eight elements: local node `a` of element `l` at `[a][l]`.
pub type Nodes = [[LocalIndex; LANES]; 8];

/// A way to keep the nodes of eight elements: each so many steps after the first.
pub trait NodeList: Send + Sync {
    /// A number of steps.
    type Step: Copy + Into<LocalIndex>;

    /// The node that steps are counted from.
    fn first(&self) -> usize;

    /// The steps.
    fn steps(&self) -> &[[Self::Step; LANES]; 8];

    /// The entries of `x` at the nodes.
    #[inline(always)]
    fn gather<T: Scalar>(&self, x: &[T]) -> [[T; LANES]; 8] {
        gather(self.steps(), &x[self.first()..])
    }

    /// The nodes.
    fn nodes(&self) -> Nodes {
        self.steps().map(|steps| steps.map(|step| self.first() as LocalIndex + step.into()))
    }
}

impl NodeList for Nodes {
    type Step = LocalIndex;

    fn first(&self) -> usize {
        0
    }

    fn steps(&self) -> &[[LocalIndex; LANES]; 8] {
        self
    }
}

/// The entries of `x` so many steps after its first.
#[inline(always)]
fn gather<T: Scalar>(steps: &[[impl Copy + Into<LocalIndex>; LANES]; 8], x: &[T]) -> [[T; LANES]; 8] {
    let mut u = [[T::default(); LANES]; 8];
    for a in 0..8 {
        for l in 0..LANES {
            u[a][l] = x[steps[a][l].into() as usize];
        }
    }
    u
}

/// Nodes that lie near each other, in half the room: a product with the
/// operator in single precision reads a tenth less.
pub struct Near {
    first: LocalIndex,
    steps: [[u16; LANES]; 8],
}

/// Nodes that are near each other are among so many.
const REACH: usize = 1 << u16::BITS;

impl Near {
    /// None if they lie too far apart.
    fn of(nodes: &Nodes) -> Option<Self> {
        let first = nodes.iter().flatten().copied().min()?;
        let mut steps = [[0; LANES]; 8];
        for (step, node) in steps.iter_mut().flatten().zip(nodes.iter().flatten()) {
            *step = u16::try_from(node - first).ok()?;
        }
        Some(Self { first, steps })
    }
}

impl NodeList for Near {
    type Step = u16;

    fn first(&self) -> usize {
        self.first as usize
    }

    fn steps(&self) -> &[[u16; LANES]; 8] {
        &self.steps
    }

    #[inline(always)]
    fn gather<T: Scalar>(&self, x: &[T]) -> [[T; LANES]; 8] {
        let x = &x[self.first()..];
        // No step leads out of so many, so the compiler checks none of them.
        if let Some(x) = x.first_chunk::<REACH>() { gather(&self.steps, x) } else { gather(&self.steps, x) }
    }
}

/// Which elements are batched together.
pub struct ElementOrder {
    elements: usize,
    /// Elements of the border, ascending: those with ghosts among their nodes,
    /// and batches of others whose nodes are not near each other.
    border: Vec<LocalIndex>,
    near: Vec<Near>,
    far: Vec<Nodes>,
}

/// Where an element is: its place among those of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the interior.
    Interior(usize),
    /// At the border.
    Border(usize),
}

impl ElementOrder {
    /// That of a mesh.
    pub fn new(mesh: &LocalMesh) -> Self {
        let has_ghosts = |&e: &LocalIndex| mesh.elements[e as usize].iter().any(|&n| n as usize >= mesh.owned_nodes);
        let elements = mesh.elements.len();
        let border = (0..elements as LocalIndex).into_par_iter().filter(has_ghosts).collect();
        let mut order = Self { elements, border, near: Vec::new(), far: Vec::new() };

        let batch = |places: Range<usize>| nodes(mesh, places.map(|i| order.element(Place::Interior(i))));
        let near: Vec<Option<Near>> = batches(order.interior()).map(|places| Near::of(&batch(places))).collect();
        let apart = batches(order.interior()).zip(&near).filter(|(_, near)| near.is_none());
        let apart = apart.flat_map_iter(|(places, _)| places.map(|i| order.element(Place::Interior(i)) as LocalIndex));
        let apart: Vec<LocalIndex> = apart.collect();
        // Whole batches leave, so that all others stay as they are.
        order.border.extend(apart);
        order.border.par_sort_unstable();
        order.near = near.into_iter().flatten().collect();
        order.far = batches(order.border.len())
            .map(|places| nodes(mesh, order.border[places].iter().map(|&e| e as usize)))
            .collect();
        order
    }

    /// The nodes of the batches in the interior, none of them a ghost.
    pub fn near(&self) -> &[Near] {
        &self.near
    }

    /// The nodes of the batches at the border.
    pub fn far(&self) -> &[Nodes] {
        &self.far
    }

    /// Number of elements in the interior.
    pub fn interior(&self) -> usize {
        self.elements - self.border.len()
    }

    /// Number of elements at the border.
    pub fn border(&self) -> usize {
        self.border.len()
    }

    /// The element at this place.
    pub fn element(&self, place: Place) -> usize {
        match place {
            Place::Interior(i) => i + self.border_before(i),
            Place::Border(i) => self.border[i] as usize,
        }
    }

    /// The place of this element.
    pub fn place(&self, element: usize) -> Place {
        match self.border.binary_search(&(element as LocalIndex)) {
            Ok(i) => Place::Border(i),
            Err(before) => Place::Interior(element - before),
        }
    }

    /// Elements of the border that come before the `i`-th one of the interior:
    /// where j of them come before an element, it has at most that element's
    /// number less j others before it.
    fn border_before(&self, i: usize) -> usize {
        let (mut low, mut high) = (0, self.border.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.border[middle] as usize - middle <= i { low = middle + 1 } else { high = middle }
        }
        low
    }
}

/// The places of each batch of so many elements.
fn batches(elements: usize) -> impl IndexedParallelIterator<Item = Range<usize>> {
    (0..elements.div_ceil(LANES)).into_par_iter().map(move |b| b * LANES..elements.min((b + 1) * LANES))
}

/// The nodes of up to eight elements; lanes without one repeat those of the last.
fn nodes(mesh: &LocalMesh, elements: impl Iterator<Item = usize>) -> Nodes {
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

    fn order(elements: usize, border: Vec<LocalIndex>) -> ElementOrder {
        ElementOrder { elements, border, near: Vec::new(), far: Vec::new() }
    }

    #[test]
    fn places_and_elements_are_inverse() {
        for border in [vec![], vec![0, 1, 2, 3], vec![0], vec![3], vec![1, 2], vec![0, 3]] {
            let order = order(4, border.clone());
            let mut without = (0..4).filter(|e| !border.contains(&(*e as LocalIndex)));
            for i in 0..order.interior() {
                assert_eq!(Some(order.element(Place::Interior(i))), without.next());
            }
            assert_eq!(without.next(), None);
            for element in 0..4 {
                assert_eq!(order.element(order.place(element)), element);
            }
        }
    }

    /// 40 elements in a row that share no node: number 3 has a ghost, and the
    /// nodes of number 21 lie far from all others.
    #[test]
    fn ghosts_and_nodes_that_lie_apart_are_at_the_border() {
        let mut mesh = LocalMesh { owned_nodes: 200_000, ..LocalMesh::default() };
        mesh.elements = (0..40_u32).map(|e| std::array::from_fn(|a| 8 * e + a as LocalIndex)).collect();
        mesh.elements[3][5] = 200_000;
        mesh.elements[21] = std::array::from_fn(|a| 100_000 + a as LocalIndex);
        let order = ElementOrder::new(&mesh);
        // Without number 3, number 21 is the fifth of the third batch.
        assert_eq!(order.border, [3, 17, 18, 19, 20, 21, 22, 23, 24]);
        assert_eq!((order.near.len(), order.far.len()), (4, 2));
        let check = |places: Range<usize>, nodes: Nodes, of: fn(usize) -> Place| {
            for (lane, place) in places.enumerate() {
                assert_eq!(nodes.map(|row| row[lane]), mesh.elements[order.element(of(place))]);
            }
        };
        batches(31)
            .collect::<Vec<_>>()
            .into_iter()
            .zip(&order.near)
            .for_each(|(p, n)| check(p, n.nodes(), Place::Interior));
        batches(9).collect::<Vec<_>>().into_iter().zip(&order.far).for_each(|(p, n)| check(p, *n, Place::Border));
    }
}
