//! Group `vtk` of a results file: points and vectors with three columns, which the readers of VTK
//! require. The datasets are virtual (HDF5 1.10): they refer to those with one and two columns and
//! hold no data of their own.

use hdf5::{File, Group, H5Type, Selection};

use crate::io::results::fields::{CELL_FIELDS, NODE_FIELDS, vectors};

/// Coordinates of the nodes.
pub const POINTS: &str = "vtk/points";
const GROUP: &str = "vtk";
const COLUMNS: usize = 3;
/// Name in HDF5 of the file that holds the virtual dataset.
const SAME_FILE: &str = ".";

/// Returns the path of a vector field with three columns.
pub fn path(field: &str) -> String {
    format!("{GROUP}/{field}")
}

/// Writes the group for so many nodes and elements, with the vector fields of numbers `T` for which
/// `has` is true. The third column is zero. **Collective.**
///
/// # Errors
/// An error of HDF5.
pub fn write<T: H5Type>(file: &File, nodes: usize, elements: usize, has: impl Fn(&str) -> bool) -> hdf5::Result<()> {
    file.create_group(GROUP)?;
    let axis = |name: &'static str| Source { name, extents: vec![nodes], column: Selection::from(..) };
    link::<f64>(file, POINTS, nodes, ["x", "y"].map(axis))?;
    let fields =
        vectors(&NODE_FIELDS).map(|name| (name, nodes)).chain(vectors(&CELL_FIELDS).map(|name| (name, elements)));
    for (name, rows) in fields.filter(|(name, _)| has(name)) {
        let column = |c: usize| Source { name, extents: vec![rows, 2], column: Selection::from((.., c..c + 1)) };
        link::<T>(file, &path(name), rows, [0, 1].map(column))?;
    }
    Ok(())
}

/// Column of a dataset at the root.
struct Source {
    name: &'static str,
    extents: Vec<usize>,
    column: Selection,
}

/// Creates a virtual dataset with these columns.
fn link<T: H5Type>(file: &Group, path: &str, rows: usize, sources: [Source; 2]) -> hdf5::Result<()> {
    let extents = vec![rows, COLUMNS];
    let mut builder = file.new_dataset::<T>();
    for (Source { name, extents: from, column }, c) in sources.into_iter().zip(0..) {
        builder = builder.virtual_map(SAME_FILE, name, from, column, extents.clone(), (.., c..c + 1));
    }
    builder.shape(extents).create(path)?;
    Ok(())
}
