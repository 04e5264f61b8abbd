//! HDF5 files that are sound for the library and wrong for the program.
//!
//! Bytes that are wrong for the library are no use here: HDF5 1.10 reads beyond
//! its own buffers where the metadata of a file is damaged, before the program sees any of it.

use std::path::Path;

use arbitrary::{Result, Unstructured};
use hdf5::types::{FloatSize, IntSize, TypeDescriptor};
use hdf5::{File, Location};
use quad8_mpi::parallel::Comm;

use super::files::temporary;

/// Most values that are written to one dataset.
const VALUES: usize = 1024;

/// Calls `read` with a copy of the file at `valid` in which some of these
/// datasets and attributes are missing or others, as `bytes` say.
pub fn with_changed_file(
    comm: &Comm,
    valid: impl AsRef<Path>,
    [datasets, attributes]: [&[&str]; 2],
    bytes: &[u8],
    read: impl FnOnce(&Comm, &Path),
) {
    let path = temporary("changed.h5");
    std::fs::copy(valid, &path).expect("the folder for temporary files can be written");
    let file = File::open_rw(&path).expect("the file is valid");
    let mut source = Unstructured::new(bytes);
    // Where the bytes end, so do the changes.
    let _ = change(&file, datasets, attributes, &mut source);
    file.close().expect("the file can be closed");
    read(comm, &path);
    let _ = std::fs::remove_file(&path);
}

fn change(file: &File, datasets: &[&str], attributes: &[&str], source: &mut Unstructured) -> Result<()> {
    while !source.is_empty() {
        if attributes.is_empty() || source.arbitrary()? {
            let name = source.choose(datasets)?;
            let _ = file.unlink(name);
            if source.arbitrary()? {
                dataset(file, name, source)?;
            }
        } else {
            let name = source.choose(attributes)?;
            let _ = file.delete_attr(name);
            if source.arbitrary()? {
                attribute(file, name, source)?;
            }
        }
    }
    Ok(())
}

fn dataset(file: &File, name: &str, source: &mut Unstructured) -> Result<()> {
    let descriptor = any_type(source)?;
    let dimensions = source.int_in_range(0..=3)?;
    let shape: Vec<usize> = (0..dimensions).map(|_| any_length(source)).collect::<Result<_>>()?;
    // hdf5-metno multiplies without a check when it makes a dataset.
    let Some(count) = shape.iter().try_fold(8_usize, |product, &n| product.checked_mul(n)).map(|bytes| bytes / 8)
    else {
        return Ok(());
    };
    // What the library refuses to make is no case.
    let Ok(dataset) = file.new_dataset_builder().empty_as(&descriptor).shape(shape.clone()).create(name) else {
        return Ok(());
    };
    if count <= VALUES {
        let values: Vec<i64> = (0..count).map(|_| any_value(source)).collect::<Result<_>>()?;
        let _ = match descriptor {
            TypeDescriptor::Float(_) => {
                dataset.write_raw(&values.iter().map(|&v| f64::from_bits(v as u64)).collect::<Vec<f64>>())
            }
            _ => dataset.write_raw(&values),
        };
    }
    Ok(())
}

fn attribute(of: &Location, name: &str, source: &mut Unstructured) -> Result<()> {
    let shape: Vec<usize> = if source.arbitrary()? { vec![source.int_in_range(0..=3)?] } else { Vec::new() };
    let descriptor = any_type(source)?;
    if let Ok(attribute) = of.new_attr_builder().empty_as(&descriptor).shape(shape.clone()).create(name) {
        let count = shape.iter().product::<usize>();
        let values: Vec<i64> = (0..count).map(|_| any_value(source)).collect::<Result<_>>()?;
        let _ = attribute.write_raw(&values);
    }
    Ok(())
}

fn any_type(source: &mut Unstructured) -> Result<TypeDescriptor> {
    use TypeDescriptor::{Boolean, Float, Integer, Unsigned, VarLenUnicode as Text};
    let size = *source.choose(&[IntSize::U1, IntSize::U2, IntSize::U4, IntSize::U8])?;
    let float = *source.choose(&[FloatSize::U4, FloatSize::U8])?;
    Ok(source.choose(&[Integer(size), Unsigned(size), Float(float), Boolean, Text])?.clone())
}

/// As in the files of the corpus, small, or far too much.
fn any_length(source: &mut Unstructured) -> Result<usize> {
    let small = source.int_in_range(0..=20)?;
    Ok(*source.choose(&[0, 1, 2, 3, 8, 18, 73, small, 1 << 20, 1 << 40, usize::MAX >> 4])?)
}

fn any_value(source: &mut Unstructured) -> Result<i64> {
    let small = i64::from(source.arbitrary::<u8>()?);
    Ok(match source.arbitrary::<u8>()? {
        0 => source.arbitrary()?,
        1 => -small,
        _ => small,
    })
}
