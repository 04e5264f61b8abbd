//! Which names of a mesh a case speaks of.

/// Tells to which names a case gives something. Where a file puts an edge or an element into several named
/// groups, the group that is given something counts.
pub trait GivenNames {
    /// Whether the boundary of this name has a condition other than natural.
    fn has_condition(&self, boundary: &str) -> bool;
    /// Whether the region of this name has a material of its own.
    fn has_material(&self, region: &str) -> bool;
}

/// A case that gives nothing to any name.
impl GivenNames for () {
    fn has_condition(&self, _: &str) -> bool {
        false
    }

    fn has_material(&self, _: &str) -> bool {
        false
    }
}
