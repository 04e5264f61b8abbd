//! Names of the fields in a results file.

/// Names of the nodal values, with their number of components.
pub const NODE_FIELDS: [(&str, usize); 5] =
    [("u", 1), ("vel_node", 2), ("abs_vel_node", 1), ("pressure_node", 1), ("flux_node", 2)];
/// Names of the cell values, with their number of components.
pub const CELL_FIELDS: [(&str, usize); 6] =
    [("vel", 2), ("abs_vel", 1), ("pressure", 1), ("error", 1), ("partition", 1), ("flux", 2)];

/// Returns the names of the fields with two components.
pub fn vectors(fields: &[(&'static str, usize)]) -> impl Iterator<Item = &'static str> {
    fields.iter().filter(|(_, components)| *components == 2).map(|(name, _)| *name)
}
