//! Names of a mesh: named parts of the boundary, and regions.

use crate::error::{Error, Result};
use crate::parallel::{BlockDistribution, Comm, GlobalIndex};

/// Edge of a named boundary, given by its two corner nodes in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaggedEdge {
    /// The corner nodes, in the numbering of the mesh.
    pub nodes: [GlobalIndex; 2],
    /// Number of the boundary: an index of [`Tags::boundary_names`].
    pub boundary: u16,
}

/// Names of a mesh with their edges and elements, as one rank holds them. Empty where the mesh has
/// none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags {
    /// Names of the boundaries, ascending; the same on every rank.
    pub boundary_names: Vec<String>,
    /// Edges with a name: each is on some rank.
    pub edges: Vec<TaggedEdge>,
    /// Names of the regions, ascending; the same on every rank.
    pub region_names: Vec<String>,
    /// Region of each element of this rank's slab, an index of `region_names` or [`NO_REGION`];
    /// empty where there are no names.
    pub regions: Vec<u16>,
}

/// Region of elements without one.
pub const NO_REGION: u16 = u16::MAX;

impl Tags {
    /// Returns whether any boundary has a name.
    pub fn has_boundaries(&self) -> bool {
        !self.boundary_names.is_empty()
    }

    /// Sorts the names, so that a mesh has the same numbers in every format.
    ///
    /// # Errors
    /// There are too many names.
    pub fn sorted(mut self) -> Result<Self> {
        for names in [&self.boundary_names, &self.region_names] {
            if names.len() >= usize::from(NO_REGION) {
                let (count, limit) = (names.len(), usize::from(NO_REGION) - 1);
                return Err(Error::input(format!(
                    "the mesh has {count} names of one kind, more than the {limit} that can be told apart"
                )));
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

    /// Checks that every named edge has nodes of the mesh, and that there is a region for each of
    /// this rank's `elements`. **Collective.**
    pub(crate) fn check(&self, comm: &Comm, nodes: BlockDistribution, elements: usize) -> Result<()> {
        let broken = self.edges.iter().filter(|edge| edge.nodes.iter().any(|&n| n >= nodes.total())).min();
        let name = |edge: &TaggedEdge| self.boundary_names[usize::from(edge.boundary)].clone();
        let inside = broken.map_or(Ok(()), |edge| Err(tag_out_of_range(&name(edge), edge.nodes, nodes.total())));
        let expected = if self.region_names.is_empty() { 0 } else { elements };
        let complete = if self.regions.len() == expected {
            Ok(())
        } else {
            let regions = self.regions.len();
            let text =
                format!("an internal check failed: {regions} regions for {expected} elements (please report this)");
            Err(Error::internal(text))
        };
        comm.agree(inside.and(complete))
    }
}
fn tag_out_of_range(name: &str, [from, to]: [GlobalIndex; 2], nodes: GlobalIndex) -> Error {
    let text = format!(
        "boundary '{name}' has an edge from node {from} to node {to}, the mesh has {nodes} nodes (indices start at 0)"
    );
    Error::input(text).at(from, to)
}
/// Sorts names and returns the new index of each.
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
