//! Reading a mesh from HDF5: each rank its slab, collectively.

use std::path::Path;

use hdf5::Dataset;
use hdf5::types::{FloatSize, IntSize, TypeDescriptor, VarLenUnicode};

use crate::error::{Error, Result};
use crate::io::hdf5::{read_rows, transfer};
use crate::io::mesh::{BOUNDARIES, REGIONS};
use crate::mesh::{MeshHeader, MeshSize, MeshSlab, Tags};
use crate::parallel::{BlockDistribution, Comm, fault_injection, work};

/// Reads x (N), y (N) and quad8 (E, 8) of any integer and float width, and the
/// names in `boundaries` and `regions`.
/// **Collective.**
///
/// # Errors
/// [`Error::Open`], [`Error::MissingDataset`], [`Error::BadShape`],
/// [`Error::BadType`], [`Error::NotThere`], [`Error::Read`], [`Error::BadFile`]
/// and those of [`MeshSlab`]; the same on every rank.
pub fn read(comm: &Comm, path: &Path) -> Result<MeshSlab> {
    with_reader(comm, path, |reader| reader.slab())?.check(comm)
}

/// The size and the names of the mesh, from the header alone. **Collective.**
///
/// # Errors
/// As [`read`], as far as the header tells; the same on every rank.
pub fn header(comm: &Comm, path: &Path) -> Result<MeshHeader> {
    let header = with_reader(comm, path, |reader| {
        let (x, _, quad8) = comm.agree(reader.datasets())?;
        let size = MeshSize { nodes: x.shape()[0] as u64, elements: quad8.shape()[0] as u64 };
        Ok(MeshHeader::new(size, reader.names(BOUNDARIES)?, reader.names(REGIONS)?))
    })?;
    if header.size.elements == 0 { Err(Error::EmptyMesh) } else { Ok(header) }
}

fn with_reader<T>(comm: &Comm, path: &Path, read: impl FnOnce(&Reader) -> Result<T>) -> Result<T> {
    let opened = transfer::open(comm, path).map_err(|e| Error::Open { path: path.into(), cause: e.to_string() });
    let file = comm.agree(opened)?;
    fault_injection::point(comm, "reading");
    let result = read(&Reader { comm, file: &file, path });
    let closed = file.close().map_err(|e| Error::Read { path: path.into(), name: "/".into(), cause: e.to_string() });
    let result = result?;
    comm.agree(closed)?;
    Ok(result)
}

/// An open file.
pub(crate) struct Reader<'a> {
    pub comm: &'a Comm,
    pub file: &'a hdf5::File,
    pub path: &'a Path,
}

struct Unchecked {
    nodes: BlockDistribution,
    elements: BlockDistribution,
    coordinates: Vec<[f64; 2]>,
    connectivity: Vec<[i64; 8]>,
    tags: Tags,
    has_unit: bool,
}

impl Unchecked {
    fn check(self, comm: &Comm) -> Result<MeshSlab> {
        let Self { nodes, elements, coordinates, connectivity, tags, has_unit } = self;
        let slab = MeshSlab::new(comm, nodes, elements, coordinates, &connectivity)?.with_tags(comm, tags)?;
        Ok(MeshSlab { has_unit, ..slab })
    }
}

impl Reader<'_> {
    fn slab(&self) -> Result<Unchecked> {
        let (x, y, quad8) = self.comm.agree(self.datasets())?;
        let nodes = BlockDistribution::new(x.shape()[0] as u64, self.comm.size());
        let elements = BlockDistribution::new(quad8.shape()[0] as u64, self.comm.size());
        let whole = [&x, &y, &quad8].map(bytes).into_iter().fold(0, u64::saturating_add);
        work::expect(whole / self.comm.size() as u64, whole, work::BYTES);
        let has_unit = has_unit(&x);
        let x = self.floats(&x, "x", nodes)?;
        let y = self.floats(&y, "y", nodes)?;
        let quad8 = self.integers(&quad8, "quad8", elements)?;
        let tags = self.tags(elements)?;
        Ok(Unchecked {
            nodes,
            elements,
            coordinates: x.into_iter().zip(y).map(|(x, y)| [x, y]).collect(),
            connectivity: quad8.chunks_exact(8).map(|row| std::array::from_fn(|i| row[i])).collect(),
            tags,
            has_unit,
        })
    }

    fn datasets(&self) -> Result<(Dataset, Dataset, Dataset)> {
        let (x, y, quad8) = (self.dataset("x")?, self.dataset("y")?, self.dataset("quad8")?);
        self.expect_shape(&x, "x", x.ndim() == 1, "(N)")?;
        let nodes = x.shape()[0];
        self.expect_shape(&y, "y", y.shape() == [nodes], &format!("({nodes}), as x has"))?;
        self.expect_shape(&quad8, "quad8", quad8.ndim() == 2 && quad8.shape()[1] == 8, "(E, 8)")?;
        Ok((x, y, quad8))
    }

    fn dataset(&self, name: &'static str) -> Result<Dataset> {
        self.file.dataset(name).map_err(|_| {
            let found = self.file.member_names().unwrap_or_default();
            let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
            Error::MissingDataset { path: self.path.into(), name, found }
        })
    }

    pub(crate) fn expect_shape(&self, dataset: &Dataset, name: &str, fits: bool, expected: &str) -> Result<()> {
        if fits {
            return Ok(());
        }
        Err(Error::BadShape {
            path: self.path.into(),
            name: name.into(),
            shape: dataset.shape(),
            expected: expected.into(),
        })
    }

    /// This rank's rows as f64. The memory type is the file's own, since HDF5
    /// silently gives up collective transfer when it has to convert.
    fn floats(&self, dataset: &Dataset, name: &str, blocks: BlockDistribution) -> Result<Vec<f64>> {
        let rows = blocks.range(self.comm.rank());
        let read = match self.descriptor(dataset, name) {
            Ok(TypeDescriptor::Float(FloatSize::U4)) => widen(read_rows::<f32>(self.comm, dataset, rows)),
            Ok(TypeDescriptor::Float(FloatSize::U8)) => read_rows::<f64>(self.comm, dataset, rows),
            Ok(other) => return self.bad_type(name, &other, "floating-point numbers"),
            Err(e) => return Err(e),
        };
        self.finish(read, name)
    }

    /// This rank's rows as i64; unsigned numbers too large for it become -1,
    /// which no node has.
    pub(crate) fn integers(&self, dataset: &Dataset, name: &str, blocks: BlockDistribution) -> Result<Vec<i64>> {
        use IntSize::{U1, U2, U4, U8};
        use TypeDescriptor::{Integer, Unsigned};
        let rows = blocks.range(self.comm.rank());
        let read = match self.descriptor(dataset, name) {
            Ok(Integer(U1)) => widen(read_rows::<i8>(self.comm, dataset, rows)),
            Ok(Integer(U2)) => widen(read_rows::<i16>(self.comm, dataset, rows)),
            Ok(Integer(U4)) => widen(read_rows::<i32>(self.comm, dataset, rows)),
            Ok(Integer(U8)) => read_rows::<i64>(self.comm, dataset, rows),
            Ok(Unsigned(U1)) => widen(read_rows::<u8>(self.comm, dataset, rows)),
            Ok(Unsigned(U2)) => widen(read_rows::<u16>(self.comm, dataset, rows)),
            Ok(Unsigned(U4)) => widen(read_rows::<u32>(self.comm, dataset, rows)),
            Ok(Unsigned(U8)) => read_rows::<u64>(self.comm, dataset, rows)
                .map(|list| list.into_iter().map(|n| i64::try_from(n).unwrap_or(-1)).collect()),
            Ok(other) => return self.bad_type(name, &other, "integers"),
            Err(e) => return Err(e),
        };
        self.finish(read, name)
    }

    fn descriptor(&self, dataset: &Dataset, name: &str) -> Result<TypeDescriptor> {
        self.comm.agree(check_stored(self.path, self.file, dataset, name))?;
        let descriptor = dataset.dtype().and_then(|t| t.to_descriptor());
        self.comm.agree(descriptor.map_err(|e| self.unreadable(name, &e)))
    }

    fn bad_type<T>(&self, name: &str, found: &TypeDescriptor, expected: &'static str) -> Result<T> {
        Err(Error::BadType { path: self.path.into(), name: name.into(), found: found.to_string(), expected })
    }

    fn finish<T>(&self, read: hdf5::Result<Vec<T>>, name: &str) -> Result<Vec<T>> {
        self.comm.agree(read.map_err(|e| self.unreadable(name, &e)))
    }

    pub(crate) fn unreadable(&self, name: &str, cause: &hdf5::Error) -> Error {
        Error::Read { path: self.path.into(), name: name.into(), cause: cause.to_string() }
    }
}

/// Refuses a dataset that claims far more than the file holds: filters
/// make at most 1032 bytes of one (zlib, *Technical Details*).
///
/// # Errors
/// [`Error::NotThere`].
pub fn check_stored(path: &Path, file: &hdf5::File, dataset: &Dataset, name: &str) -> Result<()> {
    const LARGEST_RATIO: u64 = 1032;
    let claimed = bytes(dataset);
    let stored = dataset.storage_size().min(file.size());
    if claimed > stored.saturating_mul(LARGEST_RATIO) {
        return Err(Error::NotThere { path: path.into(), name: name.into(), claimed, stored });
    }
    Ok(())
}

/// Whether an attribute says that the coordinates are in metres, as in a results file.
fn has_unit(x: &Dataset) -> bool {
    let names = x.attr_names().unwrap_or_default();
    let unit = |name: &String| x.attr(name).and_then(|unit| unit.read_scalar::<VarLenUnicode>());
    let units = names.iter().filter(|name| ["unit", "units"].contains(&name.as_str()));
    units.filter_map(|name| unit(name).ok()).any(|unit| unit.as_str() == "m")
}

/// Bytes of the values that a dataset claims to have.
fn bytes(dataset: &Dataset) -> u64 {
    let value = dataset.dtype().map_or(1, |t| t.size() as u64);
    dataset.shape().iter().fold(value, |bytes, &n| bytes.saturating_mul(n as u64))
}

fn widen<T: Into<U>, U>(list: hdf5::Result<Vec<T>>) -> hdf5::Result<Vec<U>> {
    list.map(|list| list.into_iter().map(Into::into).collect())
}
