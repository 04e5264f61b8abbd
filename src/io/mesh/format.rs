//! Which format a file has.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use crate::error::{Error, Result};
use crate::io::file::open;
use crate::io::mesh::{Flaw, WholeMesh, gmsh, npz, xlsx};
use crate::mesh::GivenNames;

/// From the bytes of a file to the mesh.
pub type Parser = fn(&[u8], &dyn GivenNames) -> std::result::Result<WholeMesh, Flaw>;

/// The formats that can be read.
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
    /// The name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hdf5 => "HDF5",
            Self::Gmsh => "Gmsh MSH",
            Self::Npz => "NumPy .npz",
            Self::Xlsx => ".xlsx",
        }
    }

    /// What reads a whole file of this format; none for HDF5, which ranks read together.
    pub fn parser(self) -> Option<Parser> {
        match self {
            Self::Hdf5 => None,
            Self::Gmsh => Some(gmsh::parse_for),
            Self::Npz => Some(|bytes, _| npz::parse(bytes)),
            Self::Xlsx => Some(|bytes, _| xlsx::parse(bytes)),
        }
    }

    /// The format of a file: by its first bytes, and by its name where these do
    /// not tell.
    ///
    /// # Errors
    /// [`Error::Open`]; [`Error::UnknownFormat`] where the content fits none.
    pub fn recognise(path: &Path) -> Result<Self> {
        let failed = |e: std::io::Error| Error::Open { path: path.into(), cause: e.to_string() };
        let mut file = open::open(path)?;
        let mut head = Vec::new();
        file.by_ref().take(4096).read_to_end(&mut head).map_err(failed)?;
        let claimed = Self::claimed(path);
        if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
            let is_sheet =
                contains(&head, b"[Content_Types].xml") || contains(&head, b"xl/") || contains(&head, b"docProps/");
            let content = if is_sheet { Self::Xlsx } else { Self::Npz };
            let both = [Self::Npz, Self::Xlsx];
            return Ok(claimed.filter(|format| both.contains(format) && !is_sheet).unwrap_or(content));
        }
        let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head).trim_ascii_start();
        if [&b"$MeshFormat"[..], b"$Comments"].iter().any(|start| text.starts_with(start)) {
            return Ok(Self::Gmsh);
        }
        if has_signature(&mut file).map_err(failed)? {
            return Ok(Self::Hdf5);
        }
        Err(Error::UnknownFormat { path: path.into(), claim: claim(claimed) })
    }

    /// The format that the name of a file stands for.
    fn claimed(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_lowercase().as_str() {
            "h5" | "hdf5" | "hdf" => Some(Self::Hdf5),
            "msh" => Some(Self::Gmsh),
            "npz" => Some(Self::Npz),
            "xlsx" => Some(Self::Xlsx),
            _ => None,
        }
    }
}

fn claim(format: Option<Format>) -> String {
    match format {
        Some(Format::Hdf5) => "is not an HDF5 file, whatever its name says".to_owned(),
        Some(format) => format!("is not a {} file, whatever its name says", format.name()),
        None => "has a format that quad8-mpi does not know".to_owned(),
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// Whether a file has the signature of HDF5.
///
/// # Errors
/// [`Error::Open`].
pub fn is_hdf5(path: &Path) -> Result<bool> {
    let failed = |e: std::io::Error| Error::Open { path: path.into(), cause: e.to_string() };
    has_signature(&mut open::open(path)?).map_err(failed)
}

/// The signature stands at byte 0, 512, 1024, 2048 and so on (HDF5 File Format
/// Specification, section II.A).
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
