//! Meshes of 8-node quadrilaterals: reading, checking, partitioning,
//! distributing and refining them. Knows no equations.

mod adjacency;
mod boundary;
mod builtin;
mod components;
mod distribute;
mod gmsh;
mod hdf5;
mod identity;
mod order;
mod partition;
mod refine;
mod slab;
mod tagged;
mod tags;
mod weights;

pub use adjacency::Adjacency;
pub use boundary::{BoundaryEdge, BoundaryRule, LeftToRight, find_boundary};
pub use components::check_components;
pub use distribute::{check_jacobian, distribute};
pub use identity::{MeshIdentity, checksum};
pub use partition::{Partition, Partitioner, Split, TWO_LEVEL, partition};
pub use refine::refine;
pub use slab::{MeshSize, MeshSlab};
pub use tagged::{Tagged, named_boundary};
pub use tags::{NO_REGION, TaggedEdge, Tags};
pub use weights::read_weights;

use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::error::Result;
use crate::parallel::{Comm, Global, Halo, Local};
use crate::quad8::Coordinates;

/// Elements that one rank can have: their eight places are numbered with 32
/// bits, and ghosts take some.
pub const MOST_ON_A_RANK: u64 = 1 << 28;

/// Where a mesh comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MeshSource {
    /// The Y-channel in the program itself.
    BuiltIn,
    /// An HDF5 file with the datasets x, y and quad8.
    File(PathBuf),
}

impl MeshSource {
    /// Reads this rank's slab. **Collective.**
    ///
    /// # Errors
    /// Whatever is wrong with the file, the same on every rank.
    pub fn read(&self, comm: &Comm) -> Result<MeshSlab> {
        match self {
            Self::BuiltIn => builtin::y_channel(comm),
            Self::File(path) => hdf5::read(comm, path),
        }
    }

    /// The size of the mesh, from as little of the file as will do. **Collective.**
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn size(&self, comm: &Comm) -> Result<MeshSize> {
        match self {
            Self::BuiltIn => self.read(comm).map(|slab| MeshSize::of(&slab)),
            Self::File(path) => hdf5::size(comm, path),
        }
    }

    /// The name to show.
    pub fn name(&self) -> String {
        match self {
            Self::BuiltIn => "built-in y-channel".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// The file, if it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::BuiltIn => None,
            Self::File(path) => Some(path),
        }
    }
}

/// The part of a mesh that one rank works on: its own elements, one layer of
/// ghost elements around the nodes it owns, and all their nodes.
///
/// Elements: own ones first. Nodes: owned ones first, then those of other
/// ranks, grouped by owner and ascending in their global number.
#[derive(Debug, Clone, Default)]
pub struct LocalMesh {
    /// Nodes of the whole mesh, used or not.
    pub total_nodes: Global,
    /// Elements of the whole mesh.
    pub total_elements: Global,
    /// Local nodes of each element, counter-clockwise.
    pub elements: Vec<[Local; 8]>,
    /// Global number of each element.
    pub element_ids: Vec<Global>,
    /// Rank that owns each element.
    pub element_owners: Vec<u32>,
    /// Region of each element: a place in `region_names`, or [`NO_REGION`].
    pub regions: Vec<u16>,
    /// Number of own elements.
    pub own_elements: usize,
    /// Coordinates (m) of each node.
    pub coordinates: Vec<[f64; 2]>,
    /// Global number of each node, as in the mesh file.
    pub node_ids: Vec<Global>,
    /// Rank that owns each node.
    pub node_owners: Vec<u32>,
    /// Number of owned nodes.
    pub owned_nodes: usize,
    /// Nodes that no element uses, dealt to ranks: number and coordinates (m).
    pub orphans: Vec<(Global, [f64; 2])>,
    /// Names of the boundaries that [`BoundaryEdge::boundary`] counts; the same on every rank.
    pub boundary_names: Vec<String>,
    /// Names of the regions; the same on every rank.
    pub region_names: Vec<String>,
}

impl LocalMesh {
    /// Coordinates (m) of the nodes of an element.
    pub fn element_coordinates(&self, element: usize) -> Coordinates {
        self.elements[element].map(|n| self.coordinates[n as usize])
    }

    /// Global numbers of the nodes of an element.
    pub fn global_nodes(&self, element: usize) -> [Global; 8] {
        self.elements[element].map(|n| self.node_ids[n as usize])
    }

    /// The exchange of nodal values. **Collective.**
    ///
    /// # Errors
    /// [`Error::Inconsistent`](crate::Error::Inconsistent) if ranks disagree about owners.
    pub fn halo(&self, comm: &Rc<Comm>) -> Result<Halo> {
        let (owned, ghosts) = self.node_ids.split_at(self.owned_nodes);
        let owners = self.node_owners[self.owned_nodes..].iter().map(|&o| o as usize);
        let ghosts: Vec<(Global, usize)> = ghosts.iter().copied().zip(owners).collect();
        Halo::new(comm, owned, &ghosts)
    }
}
