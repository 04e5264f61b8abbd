//! Names of a mesh to which a case gives conditions or materials.

/// Names to which a case gives a condition or a material. Where a file puts an edge or an element
/// into several named groups, such a group counts.
pub trait GivenNames {
    /// Returns whether the boundary of this name has a condition other than natural.
    fn has_condition(&self, _boundary: &str) -> bool {
        false
    }
    /// Returns whether the region of this name has a material of its own.
    fn has_material(&self, _region: &str) -> bool {
        false
    }
    /// Returns the names of the datasets of the mesh that materials take their values from.
    fn data(&self) -> Vec<&str> {
        Vec::new()
    }
    /// Returns whether all data of the mesh are read that are one number for each element or node.
    fn takes_all_data(&self) -> bool {
        false
    }
}

/// A case without conditions and materials.
impl GivenNames for () {}
