//! A mesh that rank 0 has read whole, and its distribution to slabs.

use crate::error::Result;
use crate::io::mesh::FormatError;
use crate::mesh::{Location, MeshData, MeshSlab, NO_REGION, TaggedEdge, Tags};
use crate::parallel::{BlockDistribution, Comm, GlobalIndex};

/// Mesh in the memory of one rank, as a parser returns it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SerialMesh {
    /// Coordinates (m) of each node.
    pub coordinates: Vec<[f64; 2]>,
    /// Nodes of each element, from 0 in a valid file.
    pub elements: Vec<[i64; 8]>,
    /// Names of boundaries and regions, with their edges and elements.
    pub tags: Tags,
    /// Data of the elements and nodes.
    pub data: Vec<MeshData>,
    /// Warnings of the reader.
    pub warnings: Vec<String>,
}

impl SerialMesh {
    /// Adds a boundary of edges that are given by their corners.
    ///
    /// # Errors
    /// There are too many names.
    pub(crate) fn add_boundary(
        &mut self,
        name: String,
        edges: impl Iterator<Item = [i64; 2]>,
    ) -> std::result::Result<(), FormatError> {
        let boundary = add_name(&mut self.tags.boundary_names, name)?;
        // A negative number becomes the largest one, which is out of range as well.
        let node = |n: i64| GlobalIndex::try_from(n).unwrap_or(GlobalIndex::MAX);
        self.tags.edges.extend(edges.map(|nodes| TaggedEdge { nodes: nodes.map(node), boundary }));
        Ok(())
    }

    /// Adds a region of the listed elements.
    ///
    /// # Errors
    /// An element is out of range or in two regions, or there are too many names.
    pub(crate) fn add_region(
        &mut self,
        name: String,
        elements: impl Iterator<Item = i64>,
    ) -> std::result::Result<(), FormatError> {
        let region = add_name(&mut self.tags.region_names, name)?;
        let (names, regions) = (&self.tags.region_names, &mut self.tags.regions);
        let total = self.elements.len() as u64;
        regions.resize(self.elements.len(), NO_REGION);
        for element in elements {
            let slot = usize::try_from(element).ok().and_then(|e| regions.get_mut(e));
            let name = |region: u16| names[usize::from(region)].clone();
            match slot {
                None => return Err(FormatError::RegionOutOfRange { name: name(region), element, elements: total }),
                Some(slot) if *slot != NO_REGION && *slot != region => {
                    let (first, second) = (name(*slot), name(region));
                    return Err(FormatError::RegionsOverlap { element: element as u64, first, second });
                }
                Some(slot) => *slot = region,
            }
        }
        Ok(())
    }
}

impl SerialMesh {
    /// Adds data of the elements or of the nodes, whichever have their number.
    ///
    /// # Errors
    /// Neither of them has.
    pub(crate) fn add_data(&mut self, name: &str, values: Vec<f64>) -> std::result::Result<(), FormatError> {
        let (elements, nodes) = (self.elements.len(), self.coordinates.len());
        let location = match values.len() {
            n if n == elements => Location::Elements,
            n if n == nodes => Location::Nodes,
            n => {
                let expected = format!("({elements}), a value for each element, or ({nodes}), one for each node");
                return Err(FormatError::Shape { name: name.to_owned(), shape: vec![n as u64], expected });
            }
        };
        self.data.push(MeshData { name: name.to_owned(), location, values });
        Ok(())
    }
}

/// Adds a name to a list and returns its index.
pub(crate) fn add_name(names: &mut Vec<String>, name: String) -> std::result::Result<u16, FormatError> {
    names.push(name);
    let limit = usize::from(NO_REGION) - 1;
    if names.len() > limit {
        return Err(FormatError::TooManyNames { count: names.len(), limit });
    }
    Ok(names.len() as u16 - 1)
}

/// Scatters the mesh of rank 0 to all ranks; the others pass an empty one. **Collective.**
///
/// # Errors
/// Those of [`MeshSlab::new`] and [`MeshSlab::with_tags`]; the same on every rank.
pub fn scatter(comm: &Comm, mesh: SerialMesh) -> Result<MeshSlab> {
    let nodes = BlockDistribution::new(comm.broadcast(0, mesh.coordinates.len() as u64), comm.size());
    let elements = BlockDistribution::new(comm.broadcast(0, mesh.elements.len() as u64), comm.size());
    let points = scatter_blocks(comm, nodes, mesh.coordinates.as_flattened());
    let connectivity = scatter_blocks(comm, elements, mesh.elements.as_flattened());
    let (points, _) = points.as_chunks::<2>();
    let connectivity = connectivity.as_chunks::<8>().0.iter().map(|nodes| nodes.map(|node| node as GlobalIndex));
    let region_names = comm.broadcast_strings(mesh.tags.region_names);
    let regions = if region_names.is_empty() { Vec::new() } else { scatter_blocks(comm, elements, &mesh.tags.regions) };
    let tags = Tags {
        boundary_names: comm.broadcast_strings(mesh.tags.boundary_names),
        edges: mesh.tags.edges,
        region_names,
        regions,
    };
    let data = scatter_data(comm, nodes, elements, &mesh.data);
    let warnings = comm.broadcast_strings(mesh.warnings);
    let slab = MeshSlab::new(comm, nodes, elements, points.to_vec(), connectivity.collect())?;
    Ok(MeshSlab { data, warnings, ..slab.with_tags(comm, tags)? })
}

/// Scatters the data of rank 0. **Collective.**
fn scatter_data(
    comm: &Comm,
    nodes: BlockDistribution,
    elements: BlockDistribution,
    data: &[MeshData],
) -> Vec<MeshData> {
    let names = comm.broadcast_strings(data.iter().map(|data| data.name.clone()).collect());
    let scattered = |(i, name): (usize, String)| {
        let data = data.get(i);
        let is_nodal = data.is_some_and(|data| data.location == Location::Nodes);
        let is_nodal = comm.broadcast(0, u8::from(is_nodal)) == 1;
        let (location, blocks) = if is_nodal { (Location::Nodes, nodes) } else { (Location::Elements, elements) };
        MeshData { name, location, values: scatter_blocks(comm, blocks, data.map_or(&[], |data| &data.values)) }
    };
    names.into_iter().enumerate().map(scattered).collect()
}

/// Scatters the values of rank 0 and returns those of this rank's block. **Collective.**
fn scatter_blocks<T: crate::parallel::MpiType>(comm: &Comm, blocks: BlockDistribution, values: &[T]) -> Vec<T> {
    let width = values.len() / (blocks.total() as usize).max(1);
    let mut lists = Vec::new();
    if comm.is_root() {
        for rank in 0..comm.size() {
            let range = blocks.range(rank);
            lists.push(values[range.start as usize * width..range.end as usize * width].to_vec());
        }
    }
    comm.scatter_from_root(lists)
}
