//! Errors of the bytes of a mesh file, found before any element is checked.

/// Error of the content of a mesh file.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum FormatError {
    #[error("it ends inside {what}")]
    Ends { what: String },
    #[error("{what} is '{found}' instead of a number")]
    NotANumber { what: String, found: String },
    #[error("{what} claims {count} entries, the file has room for {room}")]
    TooMany { what: String, count: u64, room: u64 },
    #[error("'{found}' stands where {expected} should")]
    Unexpected { found: String, expected: String },
    #[error("it has no {what}")]
    Missing { what: String },
    #[error("it has no {what} '{name}'; found: {found}")]
    NotFound { what: &'static str, name: &'static str, found: String },

    #[error("it has no data '{name}' for k or f; found: {found}")]
    NoData { name: String, found: String },

    #[error("its version is {found}: save it as 4.1 with gmsh old.msh -save -format msh41 -o new.msh")]
    GmshVersion { found: String },
    #[error("its numbers have {found} bytes, only 8 are known")]
    GmshDataSize { found: String },
    #[error("it is partitioned: save the mesh without partitions (quad8-mpi makes its own)")]
    GmshPartitioned,
    #[error("node {tag} occurs twice")]
    NodeTwice { tag: u64 },
    #[error("element {tag} has node {node}, which the file does not list")]
    UnknownNode { tag: u64, node: u64 },
    #[error(
        "{part} is in two physical groups that both have a {given}, {names}, and one can hold: take it out of one \
         group, or give only one of them a {given}"
    )]
    TwoGiven { part: String, given: &'static str, names: String },
    #[error(
        "it holds {lines} lines and no surface elements: where there are physical groups Gmsh saves only what is in \
         one. Add Physical Surface(\"domain\") = {{1}}; with the surfaces of the domain (or set Mesh.SaveAll=1), and \
         mesh in two dimensions (gmsh -2)"
    )]
    NoSurface { lines: usize },
    #[error("elements of the unknown type {kind}")]
    UnknownElement { kind: i64 },
    #[error(
        "it holds {found}: quad8-mpi needs quadrilaterals with eight nodes. In Gmsh set Mesh.ElementOrder=2, \
         Mesh.SecondOrderIncomplete=1 and Mesh.RecombineAll=1 (with Mesh.SubdivisionAlgorithm=1 where triangles \
         remain)"
    )]
    WrongElements { found: String },
    #[error("it is not plane: z goes from {low} to {high} m, and must be the same everywhere")]
    NotPlane { low: f64, high: f64 },

    #[error("its archive is damaged: {cause}")]
    Archive { cause: String },
    #[error("array '{name}' has shape {shape:?}: expected {expected}")]
    Shape { name: String, shape: Vec<u64>, expected: String },
    #[error("array '{name}' holds {found}: expected {expected}")]
    ArrayType { name: String, found: String, expected: &'static str },
    #[error("array '{name}' cannot be read: {cause}")]
    Array { name: String, cause: String },
    #[error("region '{name}' holds element {element}, the mesh has {elements} (indices start at 0)")]
    RegionOutOfRange { name: String, element: i64, elements: u64 },
    #[error("element {element} is in two regions, '{first}' and '{second}'")]
    RegionsOverlap { element: u64, first: String, second: String },
    #[error("sheet '{sheet}' has '{found}' in row {row}, column {column}: expected {expected}")]
    Cell { sheet: &'static str, row: u32, column: u32, found: String, expected: &'static str },
    #[error("sheet '{sheet}' has {found} columns: expected {expected}")]
    Columns { sheet: &'static str, found: usize, expected: &'static str },
    #[error("there are {count} names of one kind, more than the {limit} that can be told apart")]
    TooManyNames { count: usize, limit: usize },
}
