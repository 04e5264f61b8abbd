//! Data of elements and nodes in a MSH file: sections `$ElementData` and `$NodeData`.

use rustc_hash::FxHashMap;

use crate::io::mesh::FormatError;
use crate::io::mesh::gmsh::cursor::{Cursor, Encoding};

/// Values of a view by the tags of elements or nodes.
pub struct View {
    pub name: String,
    pub is_nodal: bool,
    pub values: FxHashMap<i64, f64>,
}

/// Reads a section up to its end mark. The values of a view without one of the wanted names are
/// skipped; where all are wanted, those of a view with several components.
pub fn read(
    cursor: &mut Cursor,
    encoding: Encoding,
    is_nodal: bool,
    wanted: Option<&[&str]>,
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
    if wanted.is_some_and(|names| !names.contains(&view.name.as_str())) {
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
    if components != 1 && wanted.is_none() {
        cursor.skip_past(end)?;
        return Ok(view);
    }
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
