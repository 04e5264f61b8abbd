//! Formats of mesh files and their detection.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use crate::error::{Error, Result};
use crate::io::file::{open, open_error};
use crate::io::mesh::{FormatError, GivenNames, SerialMesh, gmsh, npz, xlsx};

/// Parser of the bytes of a mesh file.
pub type Parser = fn(&[u8], &dyn GivenNames) -> std::result::Result<SerialMesh, FormatError>;

/// Formats of mesh files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// HDF5 with the datasets x, y and quad8.
    Hdf5,
    /// Gmsh MSH 4.1.
    Gmsh,
    /// NumPy archive with the arrays x, y and quad8.
    Npz,
    /// Spreadsheet with the sheets coord and conec.
    Xlsx,
}

impl Format {
    /// Returns the name for messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hdf5 => "HDF5",
            Self::Gmsh => "Gmsh MSH",
            Self::Npz => "NumPy .npz",
            Self::Xlsx => ".xlsx",
        }
    }

    /// Returns the parser for whole files of this format; none for HDF5, which all ranks read
    /// together.
    pub fn parser(self) -> Option<Parser> {
        match self {
            Self::Hdf5 => None,
            Self::Gmsh => Some(gmsh::parse_for),
            Self::Npz => Some(npz::parse_for),
            Self::Xlsx => Some(|bytes, given| match given.data().first() {
                Some(name) => Err(FormatError::Missing { what: format!("data '{name}': a spreadsheet holds none") }),
                None => xlsx::parse(bytes),
            }),
        }
    }

    /// Detects the format of a file from its first bytes, or from its name where the bytes fit
    /// several formats.
    ///
    /// # Errors
    /// The file cannot be opened, is empty, or has an unknown format.
    pub fn detect(path: &Path) -> Result<Self> {
        let failed = |e: std::io::Error| open_error(path, e);
        let mut file = open::open(path)?;
        let mut head = Vec::new();
        file.by_ref().take(4096).read_to_end(&mut head).map_err(failed)?;
        if head.is_empty() {
            return Err(Error::input(format!("{} is empty: it holds no byte", path.display())));
        }
        let by_name = Self::by_name(path);
        if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
            let is_sheet =
                contains(&head, b"[Content_Types].xml") || contains(&head, b"xl/") || contains(&head, b"docProps/");
            let content = if is_sheet { Self::Xlsx } else { Self::Npz };
            let both = [Self::Npz, Self::Xlsx];
            return Ok(by_name.filter(|format| both.contains(format) && !is_sheet).unwrap_or(content));
        }
        let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head).trim_ascii_start();
        if [&b"$MeshFormat"[..], b"$Comments"].iter().any(|start| text.starts_with(start)) {
            return Ok(Self::Gmsh);
        }
        if has_signature(&mut file).map_err(failed)? {
            return Ok(Self::Hdf5);
        }
        Err(unknown_format(path, by_name))
    }

    /// Returns the format that the file name extension stands for.
    fn by_name(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_lowercase().as_str() {
            "h5" | "hdf5" | "hdf" => Some(Self::Hdf5),
            "msh" => Some(Self::Gmsh),
            "npz" => Some(Self::Npz),
            "xlsx" => Some(Self::Xlsx),
            _ => None,
        }
    }
}

fn unknown_format(path: &Path, by_name: Option<Format>) -> Error {
    let problem = match by_name {
        Some(Format::Hdf5) => "is not an HDF5 file, whatever its name says".to_owned(),
        Some(format) => format!("is not a {} file, whatever its name says", format.name()),
        None => "has a format that quad8-mpi does not know".to_owned(),
    };
    let path = path.display();
    Error::input(format!(
        "{path} {problem}: quad8-mpi reads HDF5 (datasets x, y, quad8), Gmsh MSH 4.1 (.msh), NumPy (.npz with x, y, \
         quad8) and spreadsheets (.xlsx with the sheets coord, conec). Others can be converted: \
         meshio convert {path} mesh.msh --output-format gmsh (docs/manual.md has lines of Python for a file with other \
         cells beside quadrilaterals)"
    ))
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// Returns whether a file has the signature of HDF5.
///
/// # Errors
/// The file cannot be read.
pub fn is_hdf5(path: &Path) -> Result<bool> {
    has_signature(&mut open::open(path)?).map_err(|e| open_error(path, e))
}

/// Searches the signature at bytes 0, 512, 1024, 2048 and so on (HDF5 File Format Specification,
/// section II.A).
fn has_signature(file: &mut File) -> std::io::Result<bool> {
    const SIGNATURE: [u8; 8] = *b"\x89HDF\r\n\x1a\n";
    let mut at = 0;
    loop {
        let mut bytes = [0; 8];
        file.seek(SeekFrom::Start(at))?;
        match file.read_exact(&mut bytes) {
            Ok(()) if bytes == SIGNATURE => return Ok(true),
            Ok(()) => at = if at == 0 { 512 } else { 2 * at },
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => return Ok(false),
            Err(e) => return Err(e),
        }
    }
}
