//! Data of elements and nodes in a MSH file: sections `$ElementData` and `$NodeData`.

use rustc_hash::FxHashMap;

use crate::io::mesh::gmsh::Numbering;
use crate::io::mesh::gmsh::cursor::{Cursor, Encoding};
use crate::io::mesh::gmsh::sections::File;
use crate::io::mesh::{FormatError, SerialMesh};

/// Values of a view by the tags of elements or nodes.
pub struct View {
    pub name: String,
    pub is_nodal: bool,
    pub values: FxHashMap<i64, f64>,
}

/// Reads a section up to its end mark. The values of a view without one of the wanted names are
/// skipped.
pub fn read(
    cursor: &mut Cursor,
    encoding: Encoding,
    is_nodal: bool,
    wanted: &[&str],
    end: &str,
) -> Result<View, FormatError> {
    const WHAT: &str = "a section of data";
    let mut names = Vec::new();
    let strings = cursor.count(WHAT, 1)?;
    cursor.line();
    for _ in 0..strings {
        names.push(String::from_utf8_lossy(cursor.line().trim_ascii()).trim_matches('"').to_owned());
    }
    let mut view = View { name: names.into_iter().next().unwrap_or_default(), is_nodal, values: FxHashMap::default() };
    if !wanted.contains(&view.name.as_str()) {
        cursor.skip_past(end)?;
        return Ok(view);
    }
    for _ in 0..cursor.count(WHAT, 1)? {
        cursor.float(WHAT)?;
    }
    // The time step, the number of components, the number of values, and more that is not used.
    let mut integers = [0; 3];
    for i in 0..cursor.count(WHAT, 1)? as usize {
        let value = cursor.size(WHAT)?;
        integers.iter_mut().skip(i).take(1).for_each(|integer| *integer = value);
    }
    let [_, components, count] = integers;
    if components != 1 {
        let shape = vec![count, components];
        return Err(FormatError::Shape { name: view.name, shape, expected: "one value each".to_owned() });
    }
    cursor.line();
    cursor.encoding = encoding;
    cursor.check_room(WHAT, count, 2)?;
    for i in 0..count as usize {
        cursor.count_work(i);
        view.values.insert(cursor.int(WHAT)?, cursor.float(WHAT)?);
    }
    cursor.encoding = Encoding::Text;
    cursor.skip_past(end)?;
    Ok(view)
}

/// Adds the views of these names, of several steps the last. An element or node without a value gets
/// NaN, which is an error where it is used.
pub fn add(file: &File, numbers: &Numbering, wanted: &[&str], mesh: &mut SerialMesh) -> Result<(), FormatError> {
    for &name in wanted {
        let Some(view) = file.views.iter().rev().find(|view| view.name == name) else {
            let found: Vec<&str> = file.views.iter().map(|view| view.name.as_str()).collect();
            let found = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
            return Err(FormatError::NoData { name: name.to_owned(), found });
        };
        let value =
            |tag: u64| i64::try_from(tag).ok().and_then(|tag| view.values.get(&tag)).copied().unwrap_or(f64::NAN);
        let values = if view.is_nodal {
            numbers.kept(&file.nodes).map(|node| value(node.tag)).collect()
        } else {
            let blocks = file.blocks.iter().filter(|block| block.kind.is_quadrilateral());
            blocks.flat_map(|block| block.rows().map(|(tag, _)| value(tag))).collect()
        };
        mesh.add_data(name, values)?;
    }
    Ok(())
}
