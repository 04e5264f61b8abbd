//! Communication between the parts of a partition, counted on a mesh that one rank holds whole.

use crate::mesh::LocalMesh;
use crate::parallel::LocalIndex;

/// Part of a partition, with the values that it receives in one exchange of nodal values.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Part {
    /// Own elements.
    pub elements: f64,
    /// Parts from which it receives.
    pub neighbours: f64,
    /// Ghost nodes.
    pub values: f64,
    /// Ghost nodes that are corners of elements.
    pub corners: f64,
}

/// Counts the parts of a mesh, given by the part of each element. The owner of a node follows the
/// rule of [`distribute`](crate::mesh::distribute); the ghosts of a part are those of
/// [`LocalMesh`].
fn count(mesh: &LocalMesh, part_of: &[u32], parts: usize) -> Vec<Part> {
    let owners = owners(mesh, part_of);
    let mut counted = vec![Part::default(); parts];
    let mut is_corner = vec![false; owners.len()];
    let mut ghosts: Vec<(u32, u32, LocalIndex)> = Vec::new();
    for (nodes, &part) in mesh.elements.iter().zip(part_of) {
        counted[part as usize].elements += 1.0;
        nodes[..4].iter().for_each(|&corner| is_corner[corner as usize] = true);
        let owner = nodes.map(|node| owners[node as usize]);
        if owner.iter().all(|&o| o == part) {
            continue;
        }
        // The element is local to its own part and to the owners of its nodes.
        let mut here = owner.to_vec();
        here.push(part);
        here.sort_unstable();
        here.dedup();
        for rank in here {
            ghosts.extend(owner.iter().zip(nodes).filter(|(o, _)| **o != rank).map(|(&o, &node)| (rank, o, node)));
        }
    }
    ghosts.sort_unstable();
    ghosts.dedup();
    for (i, &(part, owner, node)) in ghosts.iter().enumerate() {
        let counted = &mut counted[part as usize];
        counted.values += 1.0;
        counted.corners += if is_corner[node as usize] { 1.0 } else { 0.0 };
        let is_first = i == 0 || (ghosts[i - 1].0, ghosts[i - 1].1) != (part, owner);
        counted.neighbours += if is_first { 1.0 } else { 0.0 };
    }
    counted
}

/// Returns the part that owns each node.
fn owners(mesh: &LocalMesh, part_of: &[u32]) -> Vec<u32> {
    const NO_OWNER: u32 = u32::MAX;
    let mut owners = vec![NO_OWNER; mesh.coordinates.len()];
    let mut shared = Vec::new();
    for (nodes, &part) in mesh.elements.iter().zip(part_of) {
        for &node in nodes {
            let owner = &mut owners[node as usize];
            if *owner == NO_OWNER {
                *owner = part;
            } else if *owner != part {
                shared.extend([(node, *owner), (node, part)]);
            }
        }
    }
    shared.sort_unstable();
    shared.dedup();
    for touching in shared.chunk_by(|a, b| a.0 == b.0) {
        let sum: usize = touching.iter().map(|(_, part)| *part as usize).sum();
        owners[touching[0].0 as usize] = touching[sum % touching.len()].1;
    }
    owners
}

/// Parts of a mesh and of all its refinements.
#[derive(Debug, Clone)]
pub struct Interfaces {
    /// Nodes of the mesh itself.
    pub nodes: f64,
    /// Elements of the mesh itself.
    pub elements: f64,
    pub(crate) base: Vec<Part>,
    pub(crate) refined: Vec<Part>,
}

impl Interfaces {
    /// Counts the parts of a mesh and of its first refinement, whose children belong to the parts
    /// of their parents.
    pub fn new(base: &LocalMesh, refined: &LocalMesh, part_of: &[u32], parts: usize) -> Self {
        let mut by_id = vec![0; base.elements.len()];
        for (&id, &part) in base.element_ids.iter().zip(part_of) {
            by_id[id as usize] = part;
        }
        let of_children: Vec<u32> = refined.element_ids.iter().map(|id| by_id[(id / 4) as usize]).collect();
        Self {
            nodes: base.coordinates.len() as f64,
            elements: base.elements.len() as f64,
            base: count(base, part_of, parts),
            refined: count(refined, &of_children, parts),
        }
    }

    /// Returns the parts after the division of every element into `n` x `n`. Interfaces are lines,
    /// so that the number of ghosts is a n + b.
    pub fn divided(&self, n: f64) -> impl Iterator<Item = Part> {
        let at = move |one: f64, two: f64| one + (two - one) * (n - 1.0);
        self.base.iter().zip(&self.refined).map(move |(one, two)| Part {
            elements: one.elements * n * n,
            neighbours: if n < 2.0 { one.neighbours } else { two.neighbours },
            values: at(one.values, two.values).max(0.0),
            corners: at(one.corners, two.corners).max(0.0),
        })
    }

    /// Returns the number of parts.
    pub(crate) fn parts(&self) -> usize {
        self.base.len()
    }

    /// Returns the mean number of neighbours of a part.
    pub(crate) fn neighbours(&self) -> f64 {
        self.base.iter().map(|part| part.neighbours).sum::<f64>() / self.parts() as f64
    }

    /// Returns the elements of the largest part over the mean.
    pub(crate) fn imbalance(&self) -> f64 {
        let fullest = self.base.iter().map(|part| part.elements).fold(0.0, f64::max);
        fullest * self.parts() as f64 / self.elements
    }
}
