//! NumPy archives of all arrays of a results file.

use std::io::{Cursor, Write};
use std::path::Path;

use zip::ZipWriter;
use zip::result::ZipResult;
use zip::write::SimpleFileOptions;

use crate::error::Result;
use crate::io::file::write_error;
use crate::io::mesh::{BOUNDARIES, REGIONS};
use crate::io::results::{Array, ResultsReader};

/// Returns the bytes of an archive of all datasets at the root, the boundaries and the regions, and
/// of the name of the program, as the Python programs store it.
///
/// # Errors
/// A dataset cannot be read.
pub fn archive(reader: &ResultsReader, path: &Path) -> Result<Vec<u8>> {
    let mut arrays: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |name: String, dataset: &str| -> Result<()> {
        arrays.push((name, encode(&reader.array(dataset)?)));
        Ok(())
    };
    for name in reader.datasets() {
        add(name.clone(), &name)?;
    }
    for group in [BOUNDARIES, REGIONS] {
        for (name, dataset) in reader.named(group) {
            add(format!("{group}/{name}"), &dataset)?;
        }
    }
    // A text in UTF-32, as NumPy stores it.
    let program: Vec<u8> = "quad8-mpi".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    arrays.push(("implementation_name".to_owned(), npy("<U9", &[], program)));
    pack(&arrays).map_err(|e| write_error(path, e))
}

fn pack(arrays: &[(String, Vec<u8>)]) -> ZipResult<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        let is_large = u32::try_from(bytes.len()).is_err();
        archive.start_file(format!("{name}.npy"), SimpleFileOptions::default().large_file(is_large))?;
        archive.write_all(bytes)?;
    }
    Ok(archive.finish()?.into_inner())
}

fn encode(array: &Array) -> Vec<u8> {
    match array {
        Array::Integers(shape, values) => npy("<i8", shape, values.iter().flat_map(|v| v.to_le_bytes()).collect()),
        Array::Numbers(shape, values) => npy("<f8", shape, values.iter().flat_map(|v| v.to_le_bytes()).collect()),
    }
}

/// Returns an array in the format .npy 1.0 (NumPy, *NPY format*).
fn npy(kind: &str, shape: &[usize], data: Vec<u8>) -> Vec<u8> {
    const PREFIX: usize = 10;
    let shape: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}").into_bytes();
    header.resize((PREFIX + header.len() + 1).next_multiple_of(64) - PREFIX - 1, b' ');
    header.push(b'\n');
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], &header, &data].concat()
}
