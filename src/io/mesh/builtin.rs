//! Built-in meshes.

use crate::error::{Error, Result};
use crate::io::mesh;
use crate::mesh::MeshSlab;
use crate::parallel::Comm;

/// A mesh inside the program, made from meshes/NAME.geo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuiltIn {
    /// Name on the command line.
    pub name: &'static str,
    /// Description in one line.
    pub description: &'static str,
    bytes: &'static [u8],
}

macro_rules! built_in {
    ($name:literal, $description:literal) => {
        BuiltIn {
            name: $name,
            description: $description,
            bytes: include_bytes!(concat!("../../../meshes/", $name, ".msh")),
        }
    };
}

/// All built-in meshes; the first is the default.
pub static BUILT_IN: [BuiltIn; 6] = [
    built_in!(
        "y-channel",
        "channel of 3.0 x 1.2 m with half-disc reliefs and a divider that makes two slits of its outlet"
    ),
    built_in!("venturi", "channel of 3.0 x 1.0 m that narrows smoothly to half its height and widens again"),
    built_in!("backward-step", "channel of 0.5 m that doubles its height at a step after 1 m, 4 m long"),
    built_in!("elbow", "channel of 1.0 m that turns by 90 degrees around an inner radius of 0.5 m"),
    built_in!("s-bend", "channel of 0.8 m that turns by 60 degrees and back again"),
    built_in!(
        "t-junction",
        "channel of 1.0 m that parts into one to the left and one to the right, each with an outlet"
    ),
];

impl BuiltIn {
    /// Returns the built-in mesh of this name.
    pub(crate) fn find(name: &str) -> Option<Self> {
        BUILT_IN.into_iter().find(|mesh| mesh.name == name)
    }

    /// Parses the whole mesh.
    ///
    /// # Errors
    /// The program was built with a damaged mesh.
    pub(crate) fn parse(self) -> Result<mesh::SerialMesh> {
        let damaged = |flaw| Error::internal(format!("the built-in mesh {} cannot be read: {flaw}", self.name));
        mesh::gmsh::parse(self.bytes).map_err(damaged)
    }

    /// Reads this rank's slab: rank 0 parses the mesh and scatters it. **Collective.**
    ///
    /// # Errors
    /// The program was built with a damaged mesh; the same on every rank.
    pub(crate) fn read(self, comm: &Comm) -> Result<MeshSlab> {
        let mesh = if comm.is_root() { self.parse() } else { Ok(mesh::SerialMesh::default()) };
        Ok(MeshSlab { has_unit: true, ..mesh::scatter(comm, comm.agree(mesh)?)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesh::quality::MeshQuality;

    #[test]
    fn every_built_in_mesh_has_good_elements_and_names() {
        for built_in in BUILT_IN {
            let mesh = built_in.parse().unwrap();
            assert!((4_000..=6_000).contains(&mesh.elements.len()), "{}", built_in.name);
            let mut quality = MeshQuality::default();
            for (nodes, element) in mesh.elements.iter().zip(0..) {
                quality.add(element, &nodes.map(|n| mesh.coordinates[n as usize]));
            }
            let (lowest, largest) = (quality.lowest.value, quality.slenderest.value);
            assert!(lowest > 0.5 && largest < 4.0, "{}: {lowest}, {largest}", built_in.name);
            assert!(mesh.tags.boundary_names.contains(&"inlet".to_owned()), "{}", built_in.name);
            assert_eq!(mesh.tags.region_names, ["fluid"]);
        }
    }

    #[test]
    fn names_are_found_as_they_are() {
        assert!(BUILT_IN.iter().all(|mesh| BuiltIn::find(mesh.name) == Some(*mesh)));
        assert_eq!(BuiltIn::find("Venturi"), None);
    }
}
