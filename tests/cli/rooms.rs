//! Checks the layers of the sources: a file imports from its own folder of `src/` and from those
//! below it.

use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;

use crate::test;

/// Folders and files of `src/` from top to bottom, side by side on one floor where neither imports
/// from the other. `lib.rs` only lists them.
const FLOORS: [&[&str]; 12] = [
    &["main"],
    &["app"],
    &["perf"],
    &["plot"],
    &["io"],
    &["post"],
    &["fem"],
    &["la", "mesh"],
    &["problem", "quad8"],
    &["parallel"],
    &["system"],
    &["error"],
];

pub fn tests() -> Vec<Trial> {
    vec![test("no_file_imports_from_a_room_above_its_own", || {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files = Vec::new();
        collect(&sources, &mut files);
        assert!(files.len() > 100, "{} files", files.len());
        let upward: Vec<String> = files.iter().flat_map(|file| upward(&sources, file)).collect();
        assert!(upward.is_empty(), "{}", upward.join("\n"));
    })]
}

/// Collects the Rust files of a folder and its folders.
pub fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

/// Returns the imports of a file that do not lead downwards. Unit tests may import from anywhere.
fn upward(sources: &Path, file: &Path) -> Vec<String> {
    let relative = file.strip_prefix(sources).unwrap();
    let room = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
    if room == "lib" {
        return Vec::new();
    }
    let floor = FLOORS.iter().position(|rooms| rooms.contains(&room)).unwrap_or_else(|| panic!("no floor for {room}"));
    let text = fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let roots = code.split("crate::").skip(1).map(|path| path.split(|c: char| !c.is_alphanumeric()).next().unwrap());
    let above = roots.filter(|root| *root != room && FLOORS[..=floor].iter().any(|rooms| rooms.contains(root)));
    above.map(|root| format!("{} imports from {root}", relative.display())).collect()
}
