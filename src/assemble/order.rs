//! The order in which elements are batched: those without ghosts first, so that
//! they need not wait for an exchange, then those with.

use rayon::prelude::*;

use crate::mesh::LocalMesh;
use crate::parallel::Local;

/// Which local elements have ghosts among their nodes.
pub struct ElementOrder {
    elements: usize,
    /// Those that do, ascending.
    border: Vec<Local>,
}

/// Where an element is: its place among those of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Without ghosts.
    Interior(usize),
    /// With ghosts.
    Border(usize),
}

impl ElementOrder {
    /// That of a mesh.
    pub fn new(mesh: &LocalMesh) -> Self {
        let has_ghosts = |&e: &Local| mesh.elements[e as usize].iter().any(|&n| n as usize >= mesh.owned_nodes);
        let elements = mesh.elements.len();
        Self { elements, border: (0..elements as Local).into_par_iter().filter(has_ghosts).collect() }
    }

    /// Number of elements without ghosts.
    pub fn interior(&self) -> usize {
        self.elements - self.border.len()
    }

    /// Number of elements with ghosts.
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
        match self.border.binary_search(&(element as Local)) {
            Ok(i) => Place::Border(i),
            Err(before) => Place::Interior(element - before),
        }
    }

    /// Elements with ghosts that come before the `i`-th one without: where j of
    /// them come before an element, it has at most that element's number less j
    /// others before it.
    fn border_before(&self, i: usize) -> usize {
        let (mut low, mut high) = (0, self.border.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.border[middle] as usize - middle <= i { low = middle + 1 } else { high = middle }
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_elements_are_inverse() {
        for border in [vec![], vec![0, 1, 2, 3], vec![0], vec![3], vec![1, 2], vec![0, 3]] {
            let order = ElementOrder { elements: 4, border: border.clone() };
            let mut without = (0..4).filter(|e| !border.contains(&(*e as Local)));
            for i in 0..order.interior() {
                assert_eq!(Some(order.element(Place::Interior(i))), without.next());
            }
            assert_eq!(without.next(), None);
            for element in 0..4 {
                assert_eq!(order.element(order.place(element)), element);
            }
        }
    }
}
