//! No text may make the reader of case files, or the problem that it states, panic.
#![no_main]

use std::path::Path;

use quad8_mpi::app::case::Case;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(case) = Case::parse(Path::new("case.toml"), text) {
        let _ = case.problem(&["inlet".to_owned(), "outlet".to_owned()], &["clay".to_owned()]);
    }
});
