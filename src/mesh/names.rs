//! Names that come with a mesh: of parts of the boundary and of regions.

use crate::error::{Error, Result};
use crate::parallel::{BlockDistribution, Comm, GlobalIndex};

/// An edge of a named boundary, by its two corner nodes, in any direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaggedEdge {
    /// The corner nodes, in the numbering of the mesh.
    pub nodes: [GlobalIndex; 2],
    /// Number of the boundary: a place in [`Tags::boundary_names`].
    pub boundary: u16,
}

/// The names of a mesh and what bears them, as one rank holds them. Empty where
/// the mesh has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags {
    /// Names of the boundaries, ascending; the same on every rank.
    pub boundary_names: Vec<String>,
    /// Edges with a name: each is on some rank.
    pub edges: Vec<TaggedEdge>,
    /// Names of the regions, ascending; the same on every rank.
    pub region_names: Vec<String>,
    /// Region of each element of this rank's slab, a place in `region_names`
    /// or [`NO_REGION`]; empty where there are no names.
    pub regions: Vec<u16>,
}

/// The region of elements that belong to none.
pub const NO_REGION: u16 = u16::MAX;

impl Tags {
    /// Whether any boundary has a name.
    pub fn has_boundaries(&self) -> bool {
        !self.boundary_names.is_empty()
    }

    /// Brings the names into ascending order, so that a mesh has the same
    /// numbers in every format.
    ///
    /// # Errors
    /// [`Error::TooManyNames`].
    pub fn sorted(mut self) -> Result<Self> {
        for names in [&self.boundary_names, &self.region_names] {
            if names.len() >= usize::from(NO_REGION) {
                return Err(Error::TooManyNames { count: names.len(), limit: usize::from(NO_REGION) - 1 });
            }
        }
        let place = sort(&mut self.boundary_names);
        self.edges.iter_mut().for_each(|edge| edge.boundary = place[usize::from(edge.boundary)]);
        let place = sort(&mut self.region_names);
        for region in self.regions.iter_mut().filter(|region| **region != NO_REGION) {
            *region = place[usize::from(*region)];
        }
        Ok(self)
    }

    /// Checks that every named edge is between two nodes of the mesh and that
    /// regions are those of this rank's `elements`. **Collective.**
    pub(crate) fn check(&self, comm: &Comm, nodes: BlockDistribution, elements: usize) -> Result<()> {
        let broken = self.edges.iter().filter(|edge| edge.nodes.iter().any(|&n| n >= nodes.total())).min();
        let name = |edge: &TaggedEdge| self.boundary_names[usize::from(edge.boundary)].clone();
        let inside = broken.map_or(Ok(()), |edge| {
            let [from, to] = edge.nodes;
            Err(Error::TagOutOfRange { name: name(edge), from, to, nodes: nodes.total() })
        });
        let expected = if self.region_names.is_empty() { 0 } else { elements };
        let complete = if self.regions.len() == expected {
            Ok(())
        } else {
            Err(Error::Inconsistent { what: format!("{} regions for {expected} elements", self.regions.len()) })
        };
        comm.agree(inside.and(complete))
    }
}

/// Sorts names and returns the new place of each.
fn sort(names: &mut [String]) -> Vec<u16> {
    let mut order: Vec<u16> = (0..names.len() as u16).collect();
    order.sort_by(|&a, &b| names[usize::from(a)].cmp(&names[usize::from(b)]));
    let mut place = vec![0; names.len()];
    for (&old, new) in order.iter().zip(0..) {
        place[usize::from(old)] = new;
    }
    names.sort();
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_names_when_they_are_sorted() {
        let names = |list: [&str; 3]| list.map(str::to_owned).to_vec();
        let edge = |boundary| TaggedEdge { nodes: [0, 1], boundary };
        let tags = Tags {
            boundary_names: names(["wall", "inlet", "outlet"]),
            edges: [0, 1, 2].map(edge).to_vec(),
            region_names: names(["b", "c", "a"]),
            regions: vec![0, NO_REGION, 1, 2],
        };
        let sorted = tags.sorted().unwrap();
        assert_eq!(sorted.boundary_names, ["inlet", "outlet", "wall"]);
        assert_eq!(sorted.edges, [2, 0, 1].map(edge));
        assert_eq!(sorted.region_names, ["a", "b", "c"]);
        assert_eq!(sorted.regions, [1, NO_REGION, 2, 0]);
    }
}
