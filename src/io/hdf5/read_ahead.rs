//! Reading in the background.

use std::fs::File;
use std::ops::Range;
use std::path::Path;

use hdf5::Dataset;
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};

use crate::io::hdf5::declared_bytes;

/// Asks the operating system to fetch rows of datasets from the disk in the background, so that a
/// rank that checks what it has read does not wait for the next dataset. This is only advice: where
/// it cannot be given or taken, nothing happens.
pub fn read_ahead(path: &Path, parts: [(&Dataset, Range<u64>); 3]) {
    let Ok(file) = File::open(path) else { return };
    for (dataset, rows) in parts {
        if let Some([start, length]) = place(dataset, &rows) {
            let _ = posix_fadvise(&file, start, length, PosixFadviseAdvice::POSIX_FADV_WILLNEED);
        }
    }
}

/// Returns the first byte and the number of bytes of rows in the file; none where they have no
/// single place.
fn place(dataset: &Dataset, rows: &Range<u64>) -> Option<[i64; 2]> {
    let row = declared_bytes(dataset).checked_div(*dataset.shape().first()? as u64)?;
    let start = dataset.offset()?.checked_add(rows.start.checked_mul(row)?)?;
    let length = (rows.end - rows.start).checked_mul(row)?;
    Some([i64::try_from(start).ok()?, i64::try_from(length).ok()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.h5");
        let file = hdf5::File::create(&path).unwrap();
        let values: Vec<i16> = (0..10).collect();
        let rows = file.new_dataset::<i16>().shape((5, 2)).create("rows").unwrap();
        rows.write_raw(&values).unwrap();
        let chunks = file.new_dataset::<i16>().shape((5, 2)).chunk((1, 2)).create("chunks").unwrap();
        file.flush().unwrap();
        let [start, length] = place(&rows, &(1..4)).unwrap().map(|number| number as usize);
        let bytes = std::fs::read(&path).unwrap();
        let expected: Vec<u8> = values[2..8].iter().flat_map(|value| value.to_ne_bytes()).collect();
        assert_eq!(bytes[start..start + length], expected);
        assert_eq!(place(&chunks, &(1..4)), None);
        assert_eq!(place(&rows, &(u64::MAX - 1..u64::MAX)), None);
    }
}
