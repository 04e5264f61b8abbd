//! Data of a mesh: a value for each element or for each node.

use crate::mesh::{LocalMesh, MeshSlab};
use crate::parallel::{BlockRequests, Comm};

/// Entities of a mesh, each of which has a value in a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// The elements.
    Elements,
    /// The nodes.
    Nodes,
}

/// Named data of the elements or the nodes of a mesh: of those of a slab, or of the local ones of a
/// rank.
#[derive(Debug, Clone, PartialEq)]
pub struct MeshData {
    /// Name of the dataset.
    pub name: String,
    /// Entities with the values.
    pub location: Location,
    /// The values.
    pub values: Vec<f64>,
}

impl MeshData {
    /// Returns the same dataset with other values.
    pub(crate) fn with(&self, values: Vec<f64>) -> Self {
        Self { name: self.name.clone(), location: self.location, values }
    }
}

impl LocalMesh {
    /// Returns the data of this name.
    pub(crate) fn data_of(&self, name: &str) -> Option<&MeshData> {
        self.data.iter().find(|data| data.name == name)
    }

    /// Evaluates data in a local element, at a point where the shape functions have these values.
    pub(crate) fn value_of(&self, data: &MeshData, element: usize, shapes: &[f64; 8]) -> f64 {
        match data.location {
            Location::Elements => data.values[element],
            Location::Nodes => {
                shapes.iter().zip(self.elements[element]).map(|(n, node)| n * data.values[node as usize]).sum()
            }
        }
    }
}

/// Requests the data of the local elements and nodes from the ranks of their slabs. **Collective.**
pub fn receive_data(comm: &Comm, slab: &MeshSlab, mesh: &LocalMesh) -> Vec<MeshData> {
    let request = |data: &MeshData| {
        let ids = match data.location {
            Location::Elements => &mesh.element_ids,
            Location::Nodes => &mesh.node_ids,
        };
        let requests = BlockRequests::new(comm, slab.blocks(data.location), ids.iter().copied());
        data.with(requests.answer(comm, |i| data.values[i]))
    };
    slab.data.iter().map(request).collect()
}
