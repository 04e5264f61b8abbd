//! A mesh as it is read: blocks of nodes and elements in the numbering of the input.

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::mesh::{LeftToRight, Location, MeshData, NO_REGION, Tags};
use crate::parallel::loops::CHUNK;
use crate::parallel::{BlockDistribution, Comm, GlobalIndex, MpiType, Outgoing, concat};

/// One rank's block of the nodes and of the elements of a mesh, in the numbering of the input.
#[derive(Debug, Clone)]
pub struct MeshSlab {
    /// Distribution of the nodes over ranks.
    pub nodes: BlockDistribution,
    /// Distribution of the elements over ranks.
    pub elements: BlockDistribution,
    /// Coordinates (m) of this rank's nodes.
    pub coordinates: Vec<[f64; 2]>,
    /// Rank that owns each of these nodes in the distributed mesh; empty before distribution.
    pub node_owners: Vec<u32>,
    /// Global nodes of this rank's elements.
    pub connectivity: Vec<[GlobalIndex; 8]>,
    /// Names of boundaries and regions.
    pub tags: Tags,
    /// Data of this rank's elements and nodes.
    pub data: Vec<MeshData>,
    /// Warnings of the reader; the same on every rank.
    pub warnings: Vec<String>,
    /// Whether the input states the unit of its coordinates.
    pub has_unit: bool,
}

/// Size of a whole mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeshSize {
    /// Nodes, used or not.
    pub nodes: GlobalIndex,
    /// Elements.
    pub elements: GlobalIndex,
}

impl MeshSize {
    /// Returns the size of the mesh in the slabs.
    pub fn of(slab: &MeshSlab) -> Self {
        Self { nodes: slab.nodes.total(), elements: slab.elements.total() }
    }
}

/// Header of a mesh file: size and names.
#[derive(Debug, Clone)]
pub struct MeshHeader {
    /// Size of the mesh.
    pub size: MeshSize,
    /// Names of the boundaries, ascending; those of [`LeftToRight`] where the mesh has none.
    pub boundary_names: Vec<String>,
    /// Whether the mesh has names of boundaries.
    pub has_names: bool,
    /// Names of the regions, ascending.
    pub region_names: Vec<String>,
}

impl MeshHeader {
    /// Creates the header of a mesh of this size with these names.
    pub fn new(size: MeshSize, mut boundary_names: Vec<String>, mut region_names: Vec<String>) -> Self {
        boundary_names.sort();
        region_names.sort();
        let has_names = !boundary_names.is_empty();
        Self { size, boundary_names: or_guessed(boundary_names), has_names, region_names }
    }

    /// Returns the header of the mesh in the slabs.
    pub fn of(slab: &MeshSlab) -> Self {
        Self::new(MeshSize::of(slab), slab.tags.boundary_names.clone(), slab.tags.region_names.clone())
    }
}

/// Returns the names of the boundaries, or those of [`LeftToRight`] where the mesh has none.
fn or_guessed(names: Vec<String>) -> Vec<String> {
    if names.is_empty() { LeftToRight::NAMES.map(str::to_owned).to_vec() } else { names }
}

impl MeshSlab {
    /// Creates the slab of this rank from its nodes and elements, whose nodes are checked. Those of
    /// an element may be negative numbers, cast to [`GlobalIndex`]. **Collective.**
    ///
    /// # Errors
    /// The mesh is empty, or an element has a node twice or one that does not exist; the same on
    /// every rank.
    pub fn new(
        comm: &Comm,
        nodes: BlockDistribution,
        elements: BlockDistribution,
        coordinates: Vec<[f64; 2]>,
        connectivity: Vec<[GlobalIndex; 8]>,
    ) -> Result<Self> {
        if elements.total() == 0 {
            return Err(empty_mesh());
        }
        let first = elements.range(comm.rank()).start;
        let error = |e: usize| find_error(&connectivity[e], first + e as GlobalIndex, nodes.total());
        let all = (0..connectivity.len()).into_par_iter().with_min_len(CHUNK);
        let bad = all.find_first(|&e| error(e).is_some());
        comm.agree(bad.and_then(error).map_or(Ok(()), Err))?;
        Ok(Self {
            nodes,
            elements,
            coordinates,
            node_owners: Vec::new(),
            connectivity,
            tags: Tags::default(),
            data: Vec::new(),
            warnings: Vec::new(),
            has_unit: false,
        })
    }

    /// Returns the same mesh with names. **Collective.**
    ///
    /// # Errors
    /// A named edge has a node that does not exist, or there are too many names; the same on every
    /// rank.
    pub fn with_tags(self, comm: &Comm, tags: Tags) -> Result<Self> {
        let tags = comm.agree(tags.sorted())?;
        tags.check(comm, self.nodes, self.connectivity.len())?;
        Ok(Self { tags, ..self })
    }

    /// Returns an empty slab of the same mesh, with its names.
    pub fn empty(&self) -> Self {
        let Tags { boundary_names, region_names, .. } = self.tags.clone();
        let tags = Tags { boundary_names, region_names, ..Tags::default() };
        let data = self.data.iter().map(|data| data.with(Vec::new())).collect();
        Self {
            nodes: self.nodes,
            elements: self.elements,
            coordinates: Vec::new(),
            node_owners: Vec::new(),
            connectivity: Vec::new(),
            tags,
            data,
            warnings: self.warnings.clone(),
            has_unit: self.has_unit,
        }
    }

    /// Redistributes the mesh in equal blocks over the ranks of `comm`. Some of these ranks bring
    /// the slabs of other ranks in order, the others an [`empty`](Self::empty) one. **Collective.**
    pub fn redistribute(mut self, comm: &Comm) -> Self {
        self.nodes = BlockDistribution::new(self.nodes.total(), comm.size());
        self.elements = BlockDistribution::new(self.elements.total(), comm.size());
        let coordinates = redistribute_rows(comm, self.nodes, &self.coordinates);
        let connectivity = redistribute_rows(comm, self.elements, &self.connectivity);
        if !self.tags.region_names.is_empty() {
            let regions: Vec<[u16; 1]> = self.tags.regions.iter().map(|&region| [region]).collect();
            self.tags.regions = redistribute_rows(comm, self.elements, &regions).into_flattened();
        }
        let blocks = self.data.iter().map(|data| self.blocks(data.location)).collect::<Vec<_>>();
        for (data, blocks) in self.data.iter_mut().zip(blocks) {
            data.values = redistribute_rows::<f64, 1>(comm, blocks, data.values.as_chunks().0).into_flattened();
        }
        Self { coordinates, connectivity, ..self }
    }

    /// Returns the distribution of the elements or of the nodes.
    pub(crate) fn blocks(&self, location: Location) -> BlockDistribution {
        match location {
            Location::Elements => self.elements,
            Location::Nodes => self.nodes,
        }
    }

    /// Returns the names of the boundaries: those of the mesh, or else of [`LeftToRight`].
    pub fn boundary_names(&self) -> Vec<String> {
        or_guessed(self.tags.boundary_names.clone())
    }

    /// Returns the region of element `i` of this rank's slab.
    pub fn region(&self, i: usize) -> u16 {
        self.tags.regions.get(i).copied().unwrap_or(NO_REGION)
    }

    /// Creates a slab of a mesh from functions of the node and of the element number, which each
    /// rank evaluates for its own block. **Collective.**
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
        let connectivity = elements.range(comm.rank()).map(|e| connectivity(e).map(|node| node as GlobalIndex));
        Self::new(comm, nodes, elements, coordinates, connectivity.collect())
    }
}

/// Redistributes a list, of which the ranks bring consecutive parts, and returns this rank's block.
/// **Collective.**
fn redistribute_rows<T: MpiType, const N: usize>(
    comm: &Comm,
    blocks: BlockDistribution,
    list: &[[T; N]],
) -> Vec<[T; N]> {
    let mut outgoing = Outgoing::new();
    let first = comm.exclusive_sum(list.len() as u64);
    for (item, at) in list.iter().zip(first..) {
        outgoing.to(blocks.owner(at)).extend_from_slice(item);
    }
    concat(comm.sparse_exchange(outgoing)).as_chunks::<N>().0.to_vec()
}

/// Finds what is wrong with the nodes of an element of a mesh with `total` nodes.
fn find_error(nodes: &[GlobalIndex; 8], element: GlobalIndex, total: GlobalIndex) -> Option<Error> {
    if let Some(&node) = nodes.iter().find(|&&node| node >= total) {
        return Some(node_out_of_range(element, node as i64, total));
    }
    let repeated = (1..8).find(|&i| nodes[..i].contains(&nodes[i]));
    repeated.map(|i| repeated_node(element, nodes[i], *nodes))
}

/// Returns the error of a mesh without elements.
pub fn empty_mesh() -> Error {
    Error::input("the mesh has no elements")
}

/// Returns the error of an element with a node that does not exist.
pub fn node_out_of_range(element: GlobalIndex, node: i64, nodes: GlobalIndex) -> Error {
    let text =
        format!("element {element}: node {node} is out of range, the mesh has {nodes} nodes (indices start at 0)");
    Error::input(text).at(element, 0).mentioning(&[element], &[])
}

fn repeated_node(element: GlobalIndex, node: GlobalIndex, nodes: [GlobalIndex; 8]) -> Error {
    let text = format!("element {element}: node {node} occurs twice among its nodes {nodes:?}");
    Error::input(text).at(element, 0).mentioning(&[element], &[node])
}
