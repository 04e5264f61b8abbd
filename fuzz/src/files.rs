//! Files of the readers.

use std::path::{Path, PathBuf};

/// Returns the path of a temporary file of this process.
pub fn temporary(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("quad8-mpi-fuzz-{}-{name}", std::process::id()))
}

/// Returns the path of a file of the repository. The crate of the fuzz targets is a folder of it,
/// and the tests are those of the main crate.
pub fn repository(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.parent().filter(|_| root.ends_with("fuzz")).unwrap_or(root).join(path)
}
