//! Names of a mesh to which a case gives conditions or materials.

/// Names to which a case gives a condition or a material. Where a file puts an edge or an element
/// into several named groups, such a group counts.
pub trait GivenNames {
    /// Returns whether the boundary of this name has a condition other than natural.
    fn has_condition(&self, boundary: &str) -> bool;
    /// Returns whether the region of this name has a material of its own.
    fn has_material(&self, region: &str) -> bool;
    /// Returns the names of the datasets of the mesh that materials take their values from.
    fn data(&self) -> Vec<&str> {
        Vec::new()
    }
}

/// A case without conditions and materials.
impl GivenNames for () {
    fn has_condition(&self, _: &str) -> bool {
        false
    }

    fn has_material(&self, _: &str) -> bool {
        false
    }
}
