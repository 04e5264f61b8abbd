//! Case files.

use std::path::Path;
use std::rc::Rc;

use quad8_mpi::app::case::Case;
use quad8_mpi::parallel::Comm;

/// Reads a case. No text may make the reader, or the problem that it states, panic.
pub fn read(_: &Rc<Comm>, bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(case) = Case::parse(Path::new("case.toml"), text) {
        let _ = case.problem(&["inlet".to_owned(), "outlet".to_owned()], &["clay".to_owned()]);
    }
}
