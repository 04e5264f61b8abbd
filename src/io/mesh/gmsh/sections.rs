//! Sections of a MSH file.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::io::mesh::FormatError;
use crate::io::mesh::gmsh::cursor::{Cursor, Encoding, shown};
use crate::io::mesh::gmsh::data;
use crate::io::mesh::gmsh::data::View;
use crate::io::mesh::gmsh::elements::{Block, Kind};

/// Node with its tag and coordinates.
pub struct Node {
    pub tag: u64,
    pub x: f64,
    pub y: f64,
    pub z: f64,
}

/// Content of a MSH file, as far as it is used.
#[derive(Default)]
pub struct File {
    pub nodes: Vec<Node>,
    pub blocks: Vec<Block>,
    /// Views of data, the wanted ones with their values.
    pub views: Vec<View>,
    /// Names of the physical groups by dimension and tag.
    names: FxHashMap<(i64, i64), String>,
    /// Physical tags of the entities by dimension and tag.
    entities: FxHashMap<(i64, i64), Vec<i64>>,
}

impl File {
    /// Returns the physical tags of an entity.
    pub fn groups_of(&self, dimension: i64, entity: i64) -> &[i64] {
        self.entities.get(&(dimension, entity)).map_or(&[], Vec::as_slice)
    }

    /// Returns the names of the physical groups with entities of one dimension, ascending.
    pub fn groups(&self, dimension: i64) -> BTreeSet<String> {
        let entities = self.entities.iter().filter(|((d, _), _)| *d == dimension);
        entities.flat_map(|(_, groups)| groups).map(|&physical| self.name(dimension, physical)).collect()
    }

    /// Returns the name of a physical group, or its number where it has none.
    pub fn name(&self, dimension: i64, physical: i64) -> String {
        self.names.get(&(dimension, physical)).cloned().unwrap_or_else(|| physical.to_string())
    }
}

/// Reads the sections that are used, data of the wanted names among them, and skips the others.
pub fn read(bytes: &[u8], wanted: &[&str]) -> Result<File, FormatError> {
    let mut cursor = Cursor::new(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
    let mut file = File::default();
    let mut encoding = None;
    while !cursor.is_at_end() {
        cursor.encoding = Encoding::Text;
        let word = cursor.word();
        let name = word.strip_prefix(b"$").and_then(|name| std::str::from_utf8(name).ok());
        let name =
            name.ok_or_else(|| FormatError::Unexpected { found: shown(word), expected: "a section".to_owned() })?;
        cursor.line();
        let end = format!("$End{name}");
        match (name, encoding) {
            ("MeshFormat", _) => encoding = Some(read_format(&mut cursor)?),
            ("PhysicalNames", _) => read_names(&mut cursor, &mut file)?,
            ("ElementData" | "NodeData", Some(encoding)) => {
                file.views.push(data::read(&mut cursor, encoding, name == "NodeData", wanted, &end)?);
                continue;
            }
            ("PartitionedEntities", _) => return Err(FormatError::GmshPartitioned),
            ("Entities" | "Nodes" | "Elements", None) => {
                return Err(FormatError::Missing { what: "$MeshFormat".to_owned() });
            }
            ("Entities" | "Nodes" | "Elements", Some(encoding)) => {
                cursor.encoding = encoding;
                match name {
                    "Entities" => read_entities(&mut cursor, &mut file)?,
                    "Nodes" => read_nodes(&mut cursor, &mut file)?,
                    _ => read_elements(&mut cursor, &mut file)?,
                }
            }
            _ => {
                cursor.skip_past(&end)?;
                continue;
            }
        }
        let word = cursor.word();
        if word != end.as_bytes() {
            return Err(FormatError::Unexpected { found: shown(word), expected: end });
        }
    }
    for (missing, what) in
        [(encoding.is_none(), "$MeshFormat"), (file.nodes.is_empty(), "nodes"), (file.blocks.is_empty(), "elements")]
    {
        if missing {
            return Err(FormatError::Missing { what: what.to_owned() });
        }
    }
    Ok(file)
}

fn read_format(cursor: &mut Cursor) -> Result<Encoding, FormatError> {
    let version = shown(cursor.word());
    if version != "4.1" {
        return Err(FormatError::GmshVersion { found: version });
    }
    let is_binary = cursor.int("the file type")? != 0;
    let size = shown(cursor.word());
    if size != "8" {
        return Err(FormatError::GmshDataSize { found: size });
    }
    cursor.line();
    if !is_binary {
        return Ok(Encoding::Text);
    }
    let one: [u8; 4] = cursor.take("the format")?;
    match (i32::from_le_bytes(one), i32::from_be_bytes(one)) {
        (1, _) => Ok(Encoding::LittleEndian),
        (_, 1) => Ok(Encoding::BigEndian),
        _ => Err(FormatError::Unexpected { found: format!("{one:?}"), expected: "a binary 1".to_owned() }),
    }
}

/// Reads the physical names, which are always text: dimension, tag and the name in quotes.
fn read_names(cursor: &mut Cursor, file: &mut File) -> Result<(), FormatError> {
    cursor.encoding = Encoding::Text;
    let count = cursor.count("$PhysicalNames", 3)?;
    for _ in 0..count {
        let (dimension, tag) = (cursor.int("a physical group")?, cursor.int("a physical group")?);
        let line = cursor.line().trim_ascii();
        let name = line.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\""));
        let name = name
            .ok_or_else(|| FormatError::Unexpected { found: shown(line), expected: "a name in quotes".to_owned() })?;
        // HDF5 ends names at a NUL.
        file.names.insert((dimension, tag), String::from_utf8_lossy(name).replace('\0', " "));
    }
    Ok(())
}

fn read_entities(cursor: &mut Cursor, file: &mut File) -> Result<(), FormatError> {
    const WHAT: &str = "$Entities";
    let mut counts = [0; 4];
    for count in &mut counts {
        *count = cursor.count(WHAT, 4)?;
    }
    for (count, dimension) in counts.into_iter().zip(0..) {
        for _ in 0..count {
            let tag = cursor.int(WHAT)?;
            // The coordinates of a point, or a bounding box.
            for _ in 0..if dimension == 0 { 3 } else { 6 } {
                cursor.float(WHAT)?;
            }
            let mut groups = Vec::new();
            for _ in 0..cursor.count(WHAT, 1)? {
                // A minus sign reverses the orientation of the entity.
                groups.push(cursor.int(WHAT)?.abs());
            }
            file.entities.insert((dimension, tag), groups);
            if dimension > 0 {
                for _ in 0..cursor.count(WHAT, 1)? {
                    cursor.int(WHAT)?;
                }
            }
        }
    }
    Ok(())
}

fn read_nodes(cursor: &mut Cursor, file: &mut File) -> Result<(), FormatError> {
    const WHAT: &str = "$Nodes";
    let blocks = cursor.count(WHAT, 4)?;
    for _ in 0..3 {
        cursor.size(WHAT)?;
    }
    for _ in 0..blocks {
        let dimension = cursor.int(WHAT)?;
        cursor.int(WHAT)?;
        let is_parametric = cursor.int(WHAT)? != 0;
        let parameters = if is_parametric { dimension.clamp(0, 3) } else { 0 };
        let first = file.nodes.len();
        for _ in 0..cursor.count(WHAT, 4)? {
            file.nodes.push(Node { tag: cursor.size(WHAT)?, x: 0.0, y: 0.0, z: 0.0 });
        }
        for (i, node) in file.nodes[first..].iter_mut().enumerate() {
            cursor.count_work(i);
            (node.x, node.y, node.z) = (cursor.float(WHAT)?, cursor.float(WHAT)?, cursor.float(WHAT)?);
            for _ in 0..parameters {
                cursor.float(WHAT)?;
            }
        }
    }
    Ok(())
}

fn read_elements(cursor: &mut Cursor, file: &mut File) -> Result<(), FormatError> {
    const WHAT: &str = "$Elements";
    let blocks = cursor.count(WHAT, 4)?;
    for _ in 0..3 {
        cursor.size(WHAT)?;
    }
    for _ in 0..blocks {
        cursor.int(WHAT)?;
        let entity = cursor.int(WHAT)?;
        let kind = Kind::of(cursor.int(WHAT)?)?;
        let width = 1 + kind.nodes() as u64;
        let count = cursor.count(WHAT, width)?;
        let mut numbers = Vec::new();
        for i in 0..count as usize {
            cursor.count_work(i);
            for _ in 0..width {
                numbers.push(cursor.size(WHAT)?);
            }
        }
        file.blocks.push(Block { kind, entity, numbers });
    }
    Ok(())
}
