//! Partitions of built-in meshes, made on one rank.

use std::rc::Rc;

use crate::error::Result;
use crate::io::mesh::BuiltIn;
use crate::mesh;
use crate::mesh::partition::{PartitionOptions, Partitioner};
use crate::mesh::{LocalMesh, MeshSlab, Tags};
use crate::parallel::{BlockDistribution, Comm};
use crate::perf::model::Interfaces;

/// Fewest elements a part: smaller parts are far from equal.
const A_PART: f64 = 64.0;

/// Built-in mesh and its refinements, for partitions into any number of parts.
pub struct Partitions<'a> {
    alone: &'a Rc<Comm>,
    mesh: LocalMesh,
    refined: Option<Refined>,
}

struct Refined {
    levels: u32,
    slab: MeshSlab,
    mesh: LocalMesh,
    once_more: LocalMesh,
}

impl<'a> Partitions<'a> {
    /// Reads a mesh on the communicator of this rank alone.
    ///
    /// # Errors
    /// The mesh cannot be read.
    pub fn new(alone: &'a Rc<Comm>, mesh: BuiltIn) -> Result<Self> {
        let mut slab = mesh.read(alone)?;
        let everything = vec![0; slab.connectivity.len()];
        let mesh = mesh::distribute(alone, &mut slab, &everything)?.mesh;
        Ok(Self { alone, mesh, refined: None })
    }

    /// Returns the number of refinements after which each part has enough elements.
    pub fn levels_for(&self, parts: usize) -> u32 {
        let wanted = A_PART * parts as f64 / self.mesh.elements.len() as f64;
        if parts == 1 { 0 } else { wanted.log(4.0).ceil().max(0.0) as u32 }
    }

    /// Partitions the mesh after `levels` refinements by the partitioner of the program.
    ///
    /// # Errors
    /// The mesh cannot be refined or partitioned.
    pub fn partition(&mut self, levels: u32, parts: usize) -> Result<Interfaces> {
        let alone = self.alone;
        let refined = match self.refined.take() {
            Some(refined) if refined.levels == levels => refined,
            _ => {
                let mesh = mesh::refine(alone, &self.mesh, levels)?;
                let once_more = mesh::refine(alone, &self.mesh, levels + 1)?;
                Refined { levels, slab: slab(&mesh), mesh, once_more }
            }
        };
        let options =
            PartitionOptions { parts, partitioner: Partitioner::Auto, seed: PartitionOptions::SEED, weights: None };
        let by_id = crate::mesh::partition::partition(alone, &refined.slab, &options)?.parts;
        let part_of: Vec<u32> = refined.mesh.element_ids.iter().map(|&id| by_id[id as usize]).collect();
        let interfaces = Interfaces::new(&refined.mesh, &refined.once_more, &part_of, parts);
        self.refined = Some(refined);
        Ok(interfaces)
    }
}

/// Returns the slab of a mesh that one rank holds whole.
fn slab(mesh: &LocalMesh) -> MeshSlab {
    let mut coordinates = vec![[0.0; 2]; mesh.total_nodes as usize];
    for (&id, &point) in mesh.node_ids.iter().zip(&mesh.coordinates) {
        coordinates[id as usize] = point;
    }
    let mut connectivity = vec![[0; 8]; mesh.elements.len()];
    for (element, &id) in mesh.element_ids.iter().enumerate() {
        connectivity[id as usize] = mesh.global_nodes(element);
    }
    MeshSlab {
        nodes: BlockDistribution::new(mesh.total_nodes, 1),
        elements: BlockDistribution::new(mesh.total_elements, 1),
        coordinates,
        node_owners: Vec::new(),
        connectivity,
        tags: Tags::default(),
        data: Vec::new(),
        warnings: Vec::new(),
        has_unit: true,
    }
}
