//! Types of elements in a MSH file.

use std::collections::BTreeMap;

use crate::io::mesh::FormatError;

/// Elements of one type on one entity.
pub struct Block {
    pub kind: Kind,
    pub entity: i64,
    /// Tag and node tags of each element.
    pub numbers: Vec<u64>,
}

impl Block {
    pub fn len(&self) -> usize {
        self.numbers.len() / (1 + self.kind.nodes())
    }

    /// Returns the tag and the nodes of each element.
    pub fn rows(&self) -> impl Iterator<Item = (u64, &[u64])> {
        self.numbers.chunks_exact(1 + self.kind.nodes()).map(|row| (row[0], &row[1..]))
    }
}

/// Type of element, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Line2,
    Line3,
    Quad8,
    Quad9,
    /// Points and lines of other orders, which are ignored; with their number of nodes.
    Unused(usize),
    /// Elements that the solver does not support: their name and their number of nodes.
    Wrong(&'static str, usize),
}

impl Kind {
    /// Returns the type of this number (Gmsh Reference Manual, *MSH file format*).
    pub fn of(number: i64) -> Result<Self, FormatError> {
        const TRIANGLES: &str = "triangles";
        const QUADRILATERALS: &str = "quadrilaterals of another order";
        const SOLIDS: &str = "solid elements";
        Ok(match number {
            1 => Self::Line2,
            8 => Self::Line3,
            16 => Self::Quad8,
            10 => Self::Quad9,
            15 => Self::Unused(1),
            26 => Self::Unused(4),
            27 => Self::Unused(5),
            28 => Self::Unused(6),
            2 => Self::Wrong("triangles with three nodes", 3),
            9 => Self::Wrong("triangles with six nodes", 6),
            20 => Self::Wrong(TRIANGLES, 9),
            21 => Self::Wrong(TRIANGLES, 10),
            22 => Self::Wrong(TRIANGLES, 12),
            23 | 24 => Self::Wrong(TRIANGLES, 15),
            25 => Self::Wrong(TRIANGLES, 21),
            3 => Self::Wrong("quadrilaterals with four nodes", 4),
            36 => Self::Wrong(QUADRILATERALS, 16),
            37 => Self::Wrong(QUADRILATERALS, 25),
            38 => Self::Wrong(QUADRILATERALS, 36),
            39 => Self::Wrong(QUADRILATERALS, 12),
            40 => Self::Wrong(QUADRILATERALS, 16),
            41 => Self::Wrong(QUADRILATERALS, 20),
            4 => Self::Wrong(SOLIDS, 4),
            5 => Self::Wrong(SOLIDS, 8),
            6 => Self::Wrong(SOLIDS, 6),
            7 => Self::Wrong(SOLIDS, 5),
            11 => Self::Wrong(SOLIDS, 10),
            12 => Self::Wrong(SOLIDS, 27),
            13 => Self::Wrong(SOLIDS, 18),
            14 => Self::Wrong(SOLIDS, 14),
            17 => Self::Wrong(SOLIDS, 20),
            18 => Self::Wrong(SOLIDS, 15),
            19 => Self::Wrong(SOLIDS, 13),
            29 => Self::Wrong(SOLIDS, 20),
            kind => return Err(FormatError::UnknownElement { kind }),
        })
    }

    pub fn nodes(self) -> usize {
        match self {
            Self::Line2 => 2,
            Self::Line3 => 3,
            Self::Quad8 => 8,
            Self::Quad9 => 9,
            Self::Unused(nodes) | Self::Wrong(_, nodes) => nodes,
        }
    }

    pub fn is_quadrilateral(self) -> bool {
        matches!(self, Self::Quad8 | Self::Quad9)
    }

    pub fn is_line(self) -> bool {
        matches!(self, Self::Line2 | Self::Line3)
    }
}

/// Refuses a mesh with elements other than eight- and nine-node quadrilaterals.
pub fn check_kinds(blocks: &[Block]) -> Result<(), FormatError> {
    let mut wrong: BTreeMap<&str, usize> = BTreeMap::new();
    for block in blocks {
        if let Kind::Wrong(name, _) = block.kind {
            *wrong.entry(name).or_default() += block.len();
        }
    }
    wrong.retain(|_, count| *count > 0);
    if wrong.is_empty() {
        return Ok(());
    }
    let found: Vec<String> = wrong.iter().map(|(name, count)| format!("{count} {name}")).collect();
    Err(FormatError::WrongElements { found: found.join(", ") })
}
