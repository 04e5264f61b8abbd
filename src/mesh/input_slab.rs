//! A mesh as it is read: nodes and elements in blocks of the file's numbering.

use crate::error::{Error, Result};
use crate::mesh::{LeftToRight, NO_REGION, Tags};
use crate::parallel::{BlockDistribution, Comm, GlobalIndex, MpiType};

/// One rank's block of the nodes and of the elements of a mesh, in the
/// numbering of the input.
#[derive(Debug, Clone)]
pub struct MeshSlab {
    /// How the nodes are dealt to ranks.
    pub nodes: BlockDistribution,
    /// How the elements are dealt to ranks.
    pub elements: BlockDistribution,
    /// Coordinates (m) of this rank's nodes.
    pub coordinates: Vec<[f64; 2]>,
    /// Global nodes of this rank's elements.
    pub connectivity: Vec<[GlobalIndex; 8]>,
    /// Names of boundaries and regions.
    pub tags: Tags,
    /// What the reader left out or changed; the same on every rank.
    pub notes: Vec<String>,
    /// Whether the input states the unit of its coordinates.
    pub has_unit: bool,
}

/// The size of a whole mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeshSize {
    /// Nodes, used or not.
    pub nodes: GlobalIndex,
    /// Elements.
    pub elements: GlobalIndex,
}

impl MeshSize {
    /// That of the mesh in the slabs.
    pub fn of(slab: &MeshSlab) -> Self {
        Self { nodes: slab.nodes.total(), elements: slab.elements.total() }
    }
}

/// What the header of a mesh file tells.
#[derive(Debug, Clone)]
pub struct MeshHeader {
    /// The size.
    pub size: MeshSize,
    /// Names of the boundaries, ascending; those of [`LeftToRight`] where the mesh has none.
    pub boundary_names: Vec<String>,
    /// Whether the mesh has names of boundaries.
    pub has_names: bool,
    /// Names of the regions, ascending.
    pub region_names: Vec<String>,
}

impl MeshHeader {
    /// That of a mesh of this size with these names.
    pub fn new(size: MeshSize, mut boundary_names: Vec<String>, mut region_names: Vec<String>) -> Self {
        boundary_names.sort();
        region_names.sort();
        let has_names = !boundary_names.is_empty();
        Self { size, boundary_names: or_guessed(boundary_names), has_names, region_names }
    }

    /// That of the mesh in the slabs.
    pub fn of(slab: &MeshSlab) -> Self {
        Self::new(MeshSize::of(slab), slab.tags.boundary_names.clone(), slab.tags.region_names.clone())
    }
}

/// The names of the boundaries of a mesh, or those that are guessed where it has none.
fn or_guessed(names: Vec<String>) -> Vec<String> {
    if names.is_empty() { LeftToRight::NAMES.map(str::to_owned).to_vec() } else { names }
}

impl MeshSlab {
    /// A slab from whatever integers the input holds, checked. **Collective.**
    ///
    /// # Errors
    /// [`Error::EmptyMesh`], [`Error::NodeOutOfRange`], [`Error::RepeatedNode`];
    /// the same on every rank.
    pub fn new(
        comm: &Comm,
        nodes: BlockDistribution,
        elements: BlockDistribution,
        coordinates: Vec<[f64; 2]>,
        connectivity: &[[i64; 8]],
    ) -> Result<Self> {
        if elements.total() == 0 {
            return Err(Error::EmptyMesh);
        }
        let first = elements.range(comm.rank()).start;
        let checked = connectivity.iter().zip(first..).map(|(n, e)| check(n, e, nodes.total())).collect();
        let connectivity = comm.agree(checked)?;
        Ok(Self {
            nodes,
            elements,
            coordinates,
            connectivity,
            tags: Tags::default(),
            notes: Vec::new(),
            has_unit: false,
        })
    }

    /// The same mesh with names. **Collective.**
    ///
    /// # Errors
    /// [`Error::TagOutOfRange`], [`Error::TooManyNames`]; the same on every rank.
    pub fn with_tags(self, comm: &Comm, tags: Tags) -> Result<Self> {
        let tags = comm.agree(tags.sorted())?;
        tags.check(comm, self.nodes, self.connectivity.len())?;
        Ok(Self { tags, ..self })
    }

    /// A slab of the same mesh, with its names, that holds nothing.
    pub fn empty(&self) -> Self {
        let Tags { boundary_names, region_names, .. } = self.tags.clone();
        let tags = Tags { boundary_names, region_names, ..Tags::default() };
        let (coordinates, connectivity) = (Vec::new(), Vec::new());
        let (notes, has_unit) = (self.notes.clone(), self.has_unit);
        Self { nodes: self.nodes, elements: self.elements, coordinates, connectivity, tags, notes, has_unit }
    }

    /// The slabs of other ranks than those of `comm`, which some of these bring in order, while others bring an
    /// [`empty`](Self::empty) one: dealt anew, in equal blocks. **Collective.**
    pub fn redistribute(mut self, comm: &Comm) -> Self {
        self.nodes = BlockDistribution::new(self.nodes.total(), comm.size());
        self.elements = BlockDistribution::new(self.elements.total(), comm.size());
        let coordinates = deal(comm, self.nodes, &self.coordinates);
        let connectivity = deal(comm, self.elements, &self.connectivity);
        if !self.tags.region_names.is_empty() {
            let regions: Vec<[u16; 1]> = self.tags.regions.iter().map(|&region| [region]).collect();
            self.tags.regions = deal(comm, self.elements, &regions).into_flattened();
        }
        Self { coordinates, connectivity, ..self }
    }

    /// The names of the boundaries: the mesh's own, else those of [`LeftToRight`].
    pub fn boundary_names(&self) -> Vec<String> {
        or_guessed(self.tags.boundary_names.clone())
    }

    /// Region of element `i` of this rank's slab.
    pub fn region(&self, i: usize) -> u16 {
        self.tags.regions.get(i).copied().unwrap_or(NO_REGION)
    }

    /// A slab of a mesh that is described by functions of node and element
    /// number: each rank evaluates its own. **Collective.**
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn generate(
        comm: &Comm,
        total_nodes: GlobalIndex,
        total_elements: GlobalIndex,
        coordinates: impl Fn(GlobalIndex) -> [f64; 2],
        connectivity: impl Fn(GlobalIndex) -> [i64; 8],
    ) -> Result<Self> {
        let nodes = BlockDistribution::new(total_nodes, comm.size());
        let elements = BlockDistribution::new(total_elements, comm.size());
        let coordinates = nodes.range(comm.rank()).map(coordinates).collect();
        let connectivity: Vec<_> = elements.range(comm.rank()).map(connectivity).collect();
        Self::new(comm, nodes, elements, coordinates, &connectivity)
    }
}

/// This rank's block of a list of which each rank brings the next part. **Collective.**
fn deal<T: MpiType, const N: usize>(comm: &Comm, blocks: BlockDistribution, list: &[[T; N]]) -> Vec<[T; N]> {
    let mut outgoing = vec![Vec::new(); comm.size()];
    let first = comm.exclusive_sum(list.len() as u64);
    for (item, at) in list.iter().zip(first..) {
        outgoing[blocks.owner(at)].extend_from_slice(item);
    }
    comm.all_to_all_v(outgoing).concat().as_chunks::<N>().0.to_vec()
}

fn check(nodes: &[i64; 8], element: GlobalIndex, total: GlobalIndex) -> Result<[GlobalIndex; 8]> {
    let mut checked = [0; 8];
    for (i, &node) in nodes.iter().enumerate() {
        checked[i] = GlobalIndex::try_from(node).ok().filter(|&n| n < total).ok_or(Error::NodeOutOfRange {
            element,
            node,
            nodes: total,
        })?;
    }
    match (1..8).find(|&i| checked[..i].contains(&checked[i])) {
        Some(i) => Err(Error::RepeatedNode { element, node: checked[i], nodes: checked }),
        None => Ok(checked),
    }
}
