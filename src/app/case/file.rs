//! Reads case files.

use std::path::Path;

use crate::app::case::Case;
use crate::app::case::message::plain;
use crate::error::{Error, Result};
use crate::io::file::open;
use crate::parallel::Comm;

impl Case {
    /// Reads a case file on rank 0 and broadcasts it. Paths in it are relative to the file.
    /// **Collective.**
    ///
    /// # Errors
    /// A file that cannot be opened, or that is no case file, with the line; the same on every
    /// rank.
    pub(crate) fn read(comm: &Comm, path: &Path) -> Result<Self> {
        let bytes = comm.agree(if comm.is_root() { open::text(path) } else { Ok(Vec::new()) })?;
        let text = comm.agree(String::from_utf8(bytes).map_err(|e| {
            let read = &e.as_bytes()[..e.utf8_error().valid_up_to()];
            bad(path, read, "this is not UTF-8 text".to_owned())
        }))?;
        Self::parse(path, &comm.broadcast_strings(vec![text]).concat())
    }

    /// Parses the text of a case file. Paths in it are relative to the file.
    ///
    /// # Errors
    /// The line that cannot be parsed, and why.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let mut case: Self = toml::from_str(text).map_err(|e| {
            let place = e.span().unwrap_or_default();
            let read = text.as_bytes().get(..place.start).unwrap_or_default();
            bad(path, read, plain(e.message(), text, place))
        })?;
        let names_mesh = toml::from_str::<toml::Table>(text).is_ok_and(|table| table.contains_key("mesh"));
        if !names_mesh {
            case.hints.push(format!("{} names no mesh: this is {}", path.display(), case.mesh.name()));
        }
        case.relative_to(path.parent().unwrap_or(Path::new("")));
        Ok(case)
    }
}

/// Returns the error on the line after the bytes that could be read.
fn bad(path: &Path, read: &[u8], cause: String) -> Error {
    let line = read.iter().filter(|byte| **byte == b'\n').count() + 1;
    Error::input(format!("{}, line {line}: {cause}", path.display()))
}
