//! A short fuzz test: files of the corpus of fuzz/, damaged by a pseudo-random sequence of fixed
//! seed, must not make a reader panic.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use zip::write::{SimpleFileOptions, ZipWriter};

use crate::io::mesh::{gmsh, npz, xlsx};
use crate::problem::expression::Expression;

/// Returns the bytes of an archive with these entries.
pub fn archive(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Pseudo-random numbers (Marsaglia, *Xorshift RNGs*, J. Stat. Softw. 8, 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}

/// Changes, repeats, swaps or drops some bytes.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..1 + random.below(4) {
        let at = random.below(bytes.len());
        let end = (at + random.below(16)).min(bytes.len());
        match random.below(6) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            3 => bytes[at..end].fill(0xff),
            4 => bytes[at..end].fill(b'9'),
            _ if at < bytes.len() => bytes[at] = random.below(256) as u8,
            _ => (),
        }
    }
}

/// Damages every file of a corpus many times and reads it by `is_good`.
pub fn try_all(format: &str, is_good: fn(&[u8]) -> bool) {
    const TIMES: usize = 1000;
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(format);
    let mut files: Vec<_> = fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let [mut good, mut refused] = [0, 0];
    for file in &files {
        let whole = fs::read(file).unwrap();
        good += usize::from(is_good(&whole));
        for _ in 0..TIMES {
            let mut bytes = whole.clone();
            damage(&mut bytes, &mut random);
            refused += usize::from(!is_good(&bytes));
        }
    }
    assert!(good > 1, "{good} of {} files", files.len());
    assert!(refused > files.len() * TIMES / 4, "{refused} of {}", files.len() * TIMES);
}

#[test]
fn damaged_gmsh_files_do_no_harm() {
    try_all("gmsh", |bytes| gmsh::parse(bytes).is_ok());
}

#[test]
fn damaged_archives_do_no_harm() {
    try_all("npz", |bytes| npz::parse(bytes).is_ok());
}

#[test]
fn damaged_spreadsheets_do_no_harm() {
    try_all("xlsx", |bytes| xlsx::parse(bytes).is_ok());
}

#[test]
fn damaged_expressions_do_no_harm() {
    try_all("expression", |bytes| {
        let formula = Expression::parse(&String::from_utf8_lossy(bytes));
        formula.map(|formula| formula.at(&[0.3], &[-0.7])).is_ok()
    });
}
