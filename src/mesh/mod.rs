//! Meshes of 8-node quadrilaterals: reading, checking, partitioning,
//! distributing and refining them. Knows no equations.

mod adjacency;
mod boundary;
mod boundary_summary;
mod components;
mod distribute;
mod duplicates;
mod extent;
mod fingerprint;
mod given_names;
mod input_slab;
mod merge;
mod named_edges;
mod names;
mod ordering;
pub mod partition;
pub mod point;
pub mod quality;
mod refine;
mod refine_lattice;
mod scale;

pub use adjacency::Adjacency;
pub use boundary::{BoundaryEdge, BoundaryRule, LeftToRight, assign, find_boundary, survey};
pub use boundary_summary::{BoundarySummary, EdgeCount};
pub use components::{check_components, count_components};
pub use distribute::{Distributed, check_jacobian, distribute, distribute_anyway};
pub use duplicates::{Duplicates, find_duplicates};
pub use extent::extent;
pub use fingerprint::{MeshFingerprint, MeshIdentity, checksum};
pub use given_names::GivenNames;
pub use input_slab::{MeshHeader, MeshSize, MeshSlab};
pub use merge::{merge, merge_nodes};
pub use named_edges::{Tagged, name_edges, named_boundary};
pub use names::{NO_REGION, TaggedEdge, Tags};
pub use refine::refine;

use crate::io::mesh::{BUILT_IN, BuiltIn};

use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::parallel::{Comm, Global, Halo, Local};
use crate::quad8::Coordinates;

/// Elements that one rank can have: their eight places are numbered with 32
/// bits, and ghosts take some.
pub const MOST_ON_A_RANK: u64 = 1 << 28;

/// Where a mesh comes from. In a case file it is the name of a built-in mesh, or
/// else the path of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "PathBuf", into = "PathBuf")]
pub enum MeshSource {
    /// A mesh in the program itself.
    BuiltIn(BuiltIn),
    /// A file of any format that can be read.
    File(PathBuf),
}

impl MeshSource {
    /// What an argument means: the file of that name if there is one, else the
    /// built-in mesh of that name; without an argument the first built-in mesh.
    /// **Collective.**
    pub fn find(comm: &Comm, argument: Option<&Path>) -> Self {
        let Some(path) = argument else { return Self::default() };
        // One rank looks: others may not see the file.
        let exists = comm.broadcast(0, u8::from(comm.is_root() && path.exists())) == 1;
        match path.to_str().and_then(BuiltIn::find) {
            Some(mesh) if !exists => Self::BuiltIn(mesh),
            _ => Self::File(path.to_owned()),
        }
    }

    /// Reads this rank's slab. **Collective.**
    ///
    /// # Errors
    /// Whatever is wrong with the file, the same on every rank.
    pub fn read(&self, comm: &Comm) -> Result<MeshSlab> {
        self.read_for(comm, &())
    }

    /// Reads this rank's slab for a case. **Collective.**
    ///
    /// # Errors
    /// As [`read`](Self::read), and where the case gives two conditions or materials to one part of the mesh.
    pub fn read_for(&self, comm: &Comm, given: &dyn GivenNames) -> Result<MeshSlab> {
        match self {
            Self::BuiltIn(mesh) => mesh.read(comm),
            Self::File(path) => crate::io::mesh::file(comm, path, given),
        }
    }

    /// Returns the size and the names of the mesh, and the mesh itself where reading it costs little. **Collective.**
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn preview(&self, comm: &Comm) -> Result<(MeshHeader, Option<MeshSlab>)> {
        match self {
            Self::BuiltIn(mesh) => mesh.read(comm).map(|slab| (MeshHeader::of(&slab), Some(slab))),
            Self::File(path) => crate::io::mesh::preview(comm, path),
        }
    }

    /// The name to show.
    pub fn name(&self) -> String {
        match self {
            Self::BuiltIn(mesh) => format!("built-in {}", mesh.name),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// The file, if it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::BuiltIn(_) => None,
            Self::File(path) => Some(path),
        }
    }

    /// The file, if it is one, to be changed.
    pub fn path_mut(&mut self) -> Option<&mut PathBuf> {
        match self {
            Self::BuiltIn(_) => None,
            Self::File(path) => Some(path),
        }
    }
}

/// The first built-in mesh.
impl Default for MeshSource {
    fn default() -> Self {
        Self::BuiltIn(BUILT_IN[0])
    }
}

impl From<PathBuf> for MeshSource {
    fn from(path: PathBuf) -> Self {
        match path.to_str().and_then(BuiltIn::find) {
            Some(mesh) => Self::BuiltIn(mesh),
            None => Self::File(path),
        }
    }
}

impl From<MeshSource> for PathBuf {
    fn from(source: MeshSource) -> Self {
        match source {
            MeshSource::BuiltIn(mesh) => mesh.name.into(),
            MeshSource::File(path) => path,
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
    /// [`Error::Inconsistent`](crate::error::Error::Inconsistent) if ranks disagree about owners.
    pub fn halo(&self, comm: &Rc<Comm>) -> Result<Halo> {
        let (owned, ghosts) = self.node_ids.split_at(self.owned_nodes);
        let owners = self.node_owners[self.owned_nodes..].iter().map(|&o| o as usize);
        let ghosts: Vec<(Global, usize)> = ghosts.iter().copied().zip(owners).collect();
        Halo::new(comm, owned, &ghosts)
    }
}

/// What a mesh is warned of: clockwise elements, nodes of no element.
pub fn warnings(turned: u64, orphans: u64) -> Vec<String> {
    let mut warnings = Vec::new();
    if turned > 0 {
        warnings.push(format!("{turned} elements are clockwise: they were turned round"));
    }
    if orphans > 0 {
        warnings.push(format!("{orphans} nodes belong to no element: they hold NaN in the results"));
    }
    warnings
}
