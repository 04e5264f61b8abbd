//! Datasets that all ranks write together.

use std::ops::Range;

use hdf5::dataset::FillTime;
use hdf5::types::VarLenUnicode;
use hdf5::{Group, H5Type, Location};

use crate::io::hdf5::write_rows;
use crate::parallel::Comm;

/// Bytes of a chunk of a compressed dataset: half the chunk cache of a reader.
const CHUNK: usize = 1 << 19;
/// Level of the compression (zlib): higher ones take longer and save little.
const LEVEL: u8 = 1;

/// Rows of a dataset that one rank writes.
pub struct Part {
    /// Number of rows over all ranks.
    pub total: u64,
    /// Rows of this rank.
    pub rows: Range<u64>,
    /// Whether the dataset is compressed.
    pub is_compressed: bool,
}

/// Creates a dataset, `width` values to a row, with its name and unit as attributes, and writes
/// this rank's rows. **Collective.**
///
/// # Errors
/// An error of HDF5, possibly on some ranks only.
pub fn write_part<T: H5Type>(
    comm: &Comm,
    group: &Group,
    name: &str,
    part: Part,
    width: usize,
    values: &[T],
    label: Option<[&str; 2]>,
) -> hdf5::Result<()> {
    let rows = part.total as usize;
    let builder = group.new_dataset::<T>();
    let chunk = (CHUNK / (width * size_of::<T>())).clamp(1, rows.max(1));
    let dataset = match width {
        // An empty dataset has no chunks.
        1 if part.is_compressed && rows > 0 => {
            builder.shape(rows).chunk(chunk).shuffle().deflate(LEVEL).create(name)?
        }
        _ if part.is_compressed && rows > 0 => {
            builder.shape((rows, width)).chunk((chunk, width)).shuffle().deflate(LEVEL).create(name)?
        }
        1 => builder.fill_time(FillTime::Never).shape(rows).create(name)?,
        _ => builder.fill_time(FillTime::Never).shape((rows, width)).create(name)?,
    };
    if let Some([name, unit]) = label {
        attribute(&dataset, "long_name", name)?;
        if !unit.is_empty() {
            // Readers expect one spelling or the other.
            attribute(&dataset, "unit", unit)?;
            attribute(&dataset, "units", unit)?;
        }
    }
    write_rows(comm, &dataset, part.rows, values)
}

/// Writes a text as an attribute. **Collective.**
///
/// # Errors
/// An error of HDF5, or a text with a NUL.
pub fn attribute(place: &Location, name: &str, text: &str) -> hdf5::Result<()> {
    place.new_attr::<VarLenUnicode>().create(name)?.write_scalar(&unicode(text)?)
}

/// Converts a text to the string type of HDF5.
///
/// # Errors
/// A text with a NUL.
pub fn unicode(text: &str) -> hdf5::Result<VarLenUnicode> {
    text.parse().map_err(|_| hdf5::Error::from("text with a NUL"))
}
