//! HDF5 meshes, read collectively: each rank reads its slab.

use std::path::Path;

use hdf5::types::{FloatSize, IntSize, TypeDescriptor, VarLenUnicode};
use hdf5::{Dataset, H5Type};

use crate::error::{Error, Result};
use crate::io::file::open_error;
use crate::io::hdf5::{bad_shape, check_stored, declared_bytes, open, read_ahead, read_error, read_parts};
use crate::io::mesh::{BOUNDARIES, GivenNames, REGIONS};
use crate::mesh::{Location, MeshData, MeshHeader, MeshSize, MeshSlab, Tags, empty_mesh};
use crate::parallel::{BlockDistribution, Comm, GlobalIndex, fault_injection, loops, work};
use crate::system::did_you_mean;

/// Reads x (N), y (N) and quad8 (E, 8) of any integer and float width, the names in `boundaries`
/// and `regions`, and the datasets (E) or (N) that `given` takes as data. **Collective.**
///
/// # Errors
/// The file cannot be read, a dataset is missing or has another shape or type, a dataset is larger
/// than the file, or the mesh is not valid; the same on every rank.
pub fn read(comm: &Comm, path: &Path, given: &dyn GivenNames) -> Result<MeshSlab> {
    with_reader(comm, path, |reader| reader.slab(given))?.check(comm)
}

/// Reads the size and the names of the mesh from the header alone, and checks the headers of the
/// datasets that `given` takes as data. **Collective.**
///
/// # Errors
/// As [`read`], as far as the header shows; the same on every rank.
pub fn header(comm: &Comm, path: &Path, given: &dyn GivenNames) -> Result<MeshHeader> {
    let header = with_reader(comm, path, |reader| {
        let (x, _, quad8) = comm.agree(reader.datasets())?;
        let size = MeshSize { nodes: x.shape()[0] as u64, elements: quad8.shape()[0] as u64 };
        given.data().into_iter().try_for_each(|name| reader.data_header(name, size).map(drop))?;
        Ok(MeshHeader::new(size, reader.names(BOUNDARIES)?, reader.names(REGIONS)?))
    })?;
    if header.size.elements == 0 { Err(empty_mesh()) } else { Ok(header) }
}

fn with_reader<T>(comm: &Comm, path: &Path, read: impl FnOnce(&Reader) -> Result<T>) -> Result<T> {
    let file = open(comm, path, |cause| open_error(path, cause))?;
    fault_injection::point(comm, "reading");
    let result = read(&Reader { comm, file: &file, path });
    let closed = file.close().map_err(|e| read_error(path, "/", &e));
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

/// A dataset with its name in messages and the type of its values.
pub(crate) struct Column {
    pub dataset: Dataset,
    pub name: String,
    pub kind: TypeDescriptor,
}

struct Unchecked {
    nodes: BlockDistribution,
    elements: BlockDistribution,
    coordinates: Vec<[f64; 2]>,
    /// Nodes of each element; negative ones are cast.
    connectivity: Vec<[GlobalIndex; 8]>,
    tags: Tags,
    data: Vec<MeshData>,
    has_unit: bool,
}

impl Unchecked {
    fn check(self, comm: &Comm) -> Result<MeshSlab> {
        let Self { nodes, elements, coordinates, connectivity, tags, data, has_unit } = self;
        let slab = MeshSlab::new(comm, nodes, elements, coordinates, connectivity)?.with_tags(comm, tags)?;
        Ok(MeshSlab { data, has_unit, ..slab })
    }
}

impl Reader<'_> {
    fn slab(&self, given: &dyn GivenNames) -> Result<Unchecked> {
        let [x, y, quad8] = self.comm.agree(self.columns())?;
        let nodes = BlockDistribution::new(x.dataset.shape()[0] as u64, self.comm.size());
        let elements = BlockDistribution::new(quad8.dataset.shape()[0] as u64, self.comm.size());
        let datasets = [&x, &y, &quad8].map(|column| &column.dataset);
        let whole = datasets.map(declared_bytes).into_iter().fold(0, u64::saturating_add);
        work::expect(whole / self.comm.size() as u64, whole, work::BYTES);
        // On several hosts another one may read the rows of this rank.
        if self.comm.is_one_host()? {
            let [node_rows, element_rows] = [nodes, elements].map(|blocks| blocks.range(self.comm.rank()));
            let [x, y, quad8] = datasets;
            read_ahead(self.path, [(x, node_rows.clone()), (y, node_rows), (quad8, element_rows)]);
        }
        let has_unit = has_unit(&x.dataset);
        // All are read before an error ends that, since every read is collective.
        let (coordinates, connectivity) = (self.coordinates([&x, &y], nodes), self.connectivity(&quad8, elements));
        let (coordinates, connectivity) =
            self.comm.agree(coordinates.and_then(|points| Ok((points, connectivity?))))?;
        let tags = self.tags(elements)?;
        let all = if given.takes_all_data() { self.data_names(nodes, elements)? } else { Vec::new() };
        let names = given.data().into_iter().chain(all.iter().map(String::as_str));
        let data = names.map(|name| self.data(name, nodes, elements)).collect::<Result<_>>()?;
        Ok(Unchecked { nodes, elements, coordinates, connectivity, tags, data, has_unit })
    }

    /// Reads the coordinates of this rank's nodes. An error may be one of this rank only.
    /// **Collective.**
    fn coordinates(&self, columns: [&Column; 2], nodes: BlockDistribution) -> Result<Vec<[f64; 2]>> {
        let mut points = loops::filled(self.length(nodes), [0.0; 2]);
        let mut result = Ok(());
        for (axis, column) in columns.into_iter().enumerate() {
            let mut rest = &mut points[..];
            let set = |point: &mut [f64; 2], value: &f64| point[axis] = *value;
            result = result.and(self.floats(column, nodes, |values| update_first(&mut rest, values, set)));
        }
        result.map(|()| points)
    }

    /// Reads the nodes of this rank's elements. An error may be one of this rank only.
    /// **Collective.**
    fn connectivity(&self, column: &Column, elements: BlockDistribution) -> Result<Vec<[GlobalIndex; 8]>> {
        let mut connectivity = loops::filled(self.length(elements), [0; 8]);
        let mut rest = &mut connectivity[..];
        let set = |nodes: &mut [GlobalIndex; 8], row: &[i64; 8]| *nodes = row.map(|node| node as GlobalIndex);
        self.integers(column, elements, |values| update_first(&mut rest, values.as_chunks().0, set))?;
        Ok(connectivity)
    }

    /// Returns the number of this rank's rows.
    pub(crate) fn length(&self, blocks: BlockDistribution) -> usize {
        let range = blocks.range(self.comm.rank());
        (range.end - range.start) as usize
    }

    fn datasets(&self) -> Result<(Dataset, Dataset, Dataset)> {
        let (x, y, quad8) = (self.dataset("x")?, self.dataset("y")?, self.dataset("quad8")?);
        self.expect_shape(&x, "x", x.ndim() == 1, "(N)")?;
        let nodes = x.shape()[0];
        self.expect_shape(&y, "y", y.shape() == [nodes], &format!("({nodes}), as x has"))?;
        self.expect_shape(&quad8, "quad8", quad8.ndim() == 2 && quad8.shape()[1] == 8, "(E, 8)")?;
        Ok((x, y, quad8))
    }

    /// Opens x, y and quad8, and checks what can be checked before they are read. An error may be one
    /// of this rank only.
    fn columns(&self) -> Result<[Column; 3]> {
        let (x, y, quad8) = self.datasets()?;
        Ok([self.column(x, "x")?, self.column(y, "y")?, self.column(quad8, "quad8")?])
    }

    /// Returns the names of the datasets that are one number for each element or node.
    /// **Collective.**
    fn data_names(&self, nodes: BlockDistribution, elements: BlockDistribution) -> Result<Vec<String>> {
        let shapes = [nodes, elements].map(|blocks| vec![blocks.total() as usize]);
        let is_data = |name: &String| {
            let dataset = self.file.dataset(name).ok().filter(|dataset| shapes.contains(&dataset.shape()));
            let kind = dataset.and_then(|dataset| dataset.dtype().and_then(|kind| kind.to_descriptor()).ok());
            matches!(kind, Some(TypeDescriptor::Float(_) | TypeDescriptor::Integer(_) | TypeDescriptor::Unsigned(_)))
        };
        let members = self.file.member_names().map_err(|e| read_error(self.path, "/", &e));
        let names = self.comm.agree(members)?.into_iter();
        Ok(names.filter(|name| !["x", "y"].contains(&name.as_str()) && is_data(name)).collect())
    }

    /// Opens data of the elements or of the nodes, whichever have their number, and checks that
    /// they are numbers. **Collective.**
    fn data_header(&self, name: &str, size: MeshSize) -> Result<(Column, Location)> {
        let dataset = self.comm.agree(self.file.dataset(name).map_err(|_| {
            let found = self.file.member_names().unwrap_or_default();
            let hint = did_you_mean(name, found.iter().map(String::as_str));
            let path = self.path.display();
            Error::input(format!("{path} has no dataset '{name}' for k or f: {hint}found: {}", found.join(", ")))
        }))?;
        let [of_elements, of_nodes] = [size.elements, size.nodes].map(|count| [count as usize]);
        let location = if dataset.shape() == of_elements { Location::Elements } else { Location::Nodes };
        let fits = dataset.shape() == of_elements || dataset.shape() == of_nodes;
        let expected = format!("{of_elements:?}, a value for each element, or {of_nodes:?}, one for each node");
        self.comm.agree(self.expect_shape(&dataset, name, fits, &expected))?;
        let column = self.comm.agree(self.column(dataset, name))?;
        match column.kind {
            TypeDescriptor::Float(_) | TypeDescriptor::Integer(_) | TypeDescriptor::Unsigned(_) => {
                Ok((column, location))
            }
            _ => self.bad_type(&column, "numbers"),
        }
    }

    /// Reads data of the elements or of the nodes. **Collective.**
    fn data(&self, name: &str, nodes: BlockDistribution, elements: BlockDistribution) -> Result<MeshData> {
        let size = MeshSize { nodes: nodes.total(), elements: elements.total() };
        let (column, location) = self.data_header(name, size)?;
        let blocks = if location == Location::Elements { elements } else { nodes };
        let mut values = Vec::with_capacity(self.length(blocks));
        let read = match column.kind {
            TypeDescriptor::Float(_) => self.floats(&column, blocks, |part| values.extend_from_slice(part)),
            _ => self.integers(&column, blocks, |part| values.extend(part.iter().map(|&value| value as f64))),
        };
        self.comm.agree(read)?;
        Ok(MeshData { name: name.to_owned(), location, values })
    }

    fn dataset(&self, name: &'static str) -> Result<Dataset> {
        self.file.dataset(name).map_err(|_| {
            let found = self.file.member_names().unwrap_or_default();
            let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
            let path = self.path.display();
            Error::input(format!(
                "{path} has no dataset '{name}': a mesh needs x (N), y (N) and quad8 (E, 8); found: {found}"
            ))
        })
    }

    pub(crate) fn expect_shape(&self, dataset: &Dataset, name: &str, fits: bool, expected: &str) -> Result<()> {
        if fits { Ok(()) } else { Err(bad_shape(self.path, name, dataset, expected)) }
    }

    /// Checks the size and the type that a dataset declares. An error may be one of this rank only.
    pub(crate) fn column(&self, dataset: Dataset, name: &str) -> Result<Column> {
        check_stored(self.path, self.file, &dataset, name)?;
        let kind = dataset.dtype().and_then(|t| t.to_descriptor()).map_err(|e| self.unreadable(name, &e))?;
        Ok(Column { dataset, name: name.to_owned(), kind })
    }

    /// Reads this rank's rows as f64 and passes them to `take` in parts. The memory type is that of
    /// the file: HDF5 silently gives up collective transfer for a conversion. An error may be one of
    /// this rank only, which takes part in what the others read even so. **Collective.**
    fn floats(&self, column: &Column, blocks: BlockDistribution, mut take: impl FnMut(&[f64])) -> Result<()> {
        match column.kind {
            TypeDescriptor::Float(FloatSize::U4) => self.converted(column, blocks, |value: f32| value.into(), take),
            TypeDescriptor::Float(FloatSize::U8) => self.parts(column, blocks, &mut take),
            _ => self.bad_type(column, "floating-point numbers"),
        }
    }

    /// Reads this rank's rows of integers of any width, as [`floats`](Self::floats) does. Unsigned
    /// ones too large for 64 bits with a sign become -1, which no node has. **Collective.**
    pub(crate) fn integers(
        &self,
        column: &Column,
        blocks: BlockDistribution,
        mut take: impl FnMut(&[i64]),
    ) -> Result<()> {
        use IntSize::{U1, U2, U4, U8};
        use TypeDescriptor::{Integer, Unsigned};
        match column.kind {
            Integer(U1) => self.converted(column, blocks, |value: i8| value.into(), take),
            Integer(U2) => self.converted(column, blocks, |value: i16| value.into(), take),
            Integer(U4) => self.converted(column, blocks, |value: i32| value.into(), take),
            Integer(U8) => self.parts(column, blocks, &mut take),
            Unsigned(U1) => self.converted(column, blocks, |value: u8| value.into(), take),
            Unsigned(U2) => self.converted(column, blocks, |value: u16| value.into(), take),
            Unsigned(U4) => self.converted(column, blocks, |value: u32| value.into(), take),
            Unsigned(U8) => self.converted(column, blocks, |value: u64| value.try_into().unwrap_or(-1), take),
            _ => self.bad_type(column, "integers"),
        }
    }

    /// Reads this rank's rows and passes them to `take` in parts, with each value converted.
    /// **Collective.**
    fn converted<T: H5Type + Default + Copy + Send + Sync, U: Send>(
        &self,
        column: &Column,
        blocks: BlockDistribution,
        convert: impl Fn(T) -> U + Sync,
        mut take: impl FnMut(&[U]),
    ) -> Result<()> {
        self.parts(column, blocks, &mut |part: &[T]| {
            take(&loops::collect(part.len(), loops::CHUNK, |i| convert(part[i])));
        })
    }

    /// Reads this rank's rows of type `T` and passes them to `take` in parts. **Collective.**
    fn parts<T: H5Type + Default + Copy + Send + Sync>(
        &self,
        column: &Column,
        blocks: BlockDistribution,
        take: &mut dyn FnMut(&[T]),
    ) -> Result<()> {
        // Where nothing was ever stored, as h5py leaves a dataset without rows, HDF5 cannot read it.
        if blocks.total() == 0 {
            return Ok(());
        }
        let read = read_parts(self.comm, &column.dataset, blocks.range(self.comm.rank()), take);
        read.map_err(|e| self.unreadable(&column.name, &e))
    }

    fn bad_type<T>(&self, column: &Column, expected: &'static str) -> Result<T> {
        let (path, Column { name, kind, .. }) = (self.path.display(), column);
        Err(Error::input(format!("dataset '{name}' of {path} holds {kind}: expected {expected}")))
    }

    pub(crate) fn unreadable(&self, name: &str, cause: &hdf5::Error) -> Error {
        read_error(self.path, name, cause)
    }
}

/// Updates the first items of `rest`, one for each value, and removes them from it.
fn update_first<T: Send, V: Sync>(rest: &mut &mut [T], values: &[V], set: impl Fn(&mut T, &V) + Sync) {
    let items = rest.split_off_mut(..values.len()).unwrap_or_default();
    loops::update(items, |range, items| {
        items.iter_mut().zip(&values[range]).for_each(|(item, value)| set(item, value));
        []
    });
}

/// Returns whether an attribute gives the coordinates in metres, as in a results file.
fn has_unit(x: &Dataset) -> bool {
    let names = x.attr_names().unwrap_or_default();
    let unit = |name: &String| x.attr(name).and_then(|unit| unit.read_scalar::<VarLenUnicode>());
    let units = names.iter().filter(|name| ["unit", "units"].contains(&name.as_str()));
    units.filter_map(|name| unit(name).ok()).any(|unit| unit.as_str() == "m")
}
