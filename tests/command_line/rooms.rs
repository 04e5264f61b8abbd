//! Checks the layers of the sources: a file imports from its own folder of `src/` and from those below, never upwards.

use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;

use crate::trial;

/// The folders and files of `src/` from top to bottom; `lib.rs` only lists them.
const ROOMS: [&str; 14] = [
    "main", "app", "perf", "plot", "io", "post", "fem", "la", "mesh", "problem", "quad8", "parallel", "system", "error",
];

pub fn trials() -> Vec<Trial> {
    vec![trial("no_file_imports_from_a_room_above_its_own", || {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files = Vec::new();
        collect(&sources, &mut files);
        assert!(files.len() > 100, "{} files", files.len());
        let upward: Vec<String> = files.iter().flat_map(|file| upward(&sources, file)).collect();
        assert!(upward.is_empty(), "{}", upward.join("\n"));
    })]
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

/// Returns the paths in a file that lead upwards. Unit tests may import from anywhere.
fn upward(sources: &Path, file: &Path) -> Vec<String> {
    let relative = file.strip_prefix(sources).unwrap();
    let room = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
    if room == "lib" || relative.ends_with("damaged_inputs.rs") {
        return Vec::new();
    }
    let floor = ROOMS.iter().position(|known| *known == room).unwrap_or_else(|| panic!("no floor for {room}"));
    let text = fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let roots = code.split("crate::").skip(1).map(|path| path.split(|c: char| !c.is_alphanumeric()).next().unwrap());
    let above = roots.filter(|root| ROOMS[..floor].contains(root));
    above.map(|root| format!("{} imports from {root}", relative.display())).collect()
}
