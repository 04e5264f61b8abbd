//! NumPy archives with the arrays x (N), y (N) and quad8 (E, 8), and with `boundaries/NAME` and
//! `regions/NAME` as in an HDF5 mesh.

use std::io::{Cursor, Read};

use npyz::{DType, Deserialize, NpyFile, Order, TypeChar};
use zip::ZipArchive;

use crate::io::LARGEST_DEFLATE_RATIO;
use crate::io::mesh::{FormatError, GivenNames, SerialMesh};
use crate::parallel::work;

/// Parses the bytes of a .npz file for a case without data.
///
/// # Errors
/// The first [`FormatError`].
pub fn parse(bytes: &[u8]) -> Result<SerialMesh, FormatError> {
    parse_for(bytes, &())
}

/// Parses the bytes of a .npz file, with the data of the case. The unpacked size, to which the
/// memory is proportional, is checked first.
///
/// # Errors
/// The first [`FormatError`].
pub(crate) fn parse_for(bytes: &[u8], given: &dyn GivenNames) -> Result<SerialMesh, FormatError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| FormatError::Archive { cause: e.to_string() })?;
    let names = array_names(&archive);
    let x = values(&mut archive, "x", "(N)")?;
    let y = values(&mut archive, "y", "(N)")?;
    if x.len() != y.len() {
        let (name, shape) = ("y".to_owned(), vec![y.len() as u64]);
        return Err(FormatError::Shape { name, shape, expected: format!("({}), as x has", x.len()) });
    }
    let (elements, _) = rows(&mut archive, "quad8", |width| width == 8, "(E, 8)")?;
    let mut mesh = SerialMesh {
        coordinates: x.into_iter().zip(y).map(|(x, y)| [x, y]).collect(),
        elements: elements.as_chunks::<8>().0.to_vec(),
        ..SerialMesh::default()
    };
    for entry in &names {
        if let Some(name) = entry.strip_prefix("boundaries/") {
            let (edges, width) = rows(&mut archive, entry, |width| width == 2 || width == 3, "(M, 2)")?;
            mesh.add_boundary(name.to_owned(), edges.chunks_exact(width).map(|row| [row[0], row[1]]))?;
        }
        if let Some(name) = entry.strip_prefix("regions/") {
            let (shape, elements) = integers(&mut archive, entry)?;
            if shape.len() != 1 {
                return Err(FormatError::Shape { name: entry.clone(), shape, expected: "(M)".to_owned() });
            }
            mesh.add_region(name.to_owned(), elements.into_iter())?;
        }
    }
    if given.takes_all_data() {
        let sizes = [mesh.elements.len(), mesh.coordinates.len()];
        for name in names.iter().filter(|name| !["x", "y", "quad8"].contains(&name.as_str()) && !name.contains('/')) {
            if let Some(values) = numbers(&mut archive, name).ok().filter(|values| sizes.contains(&values.len())) {
                mesh.add_data(name, values)?;
            }
        }
    }
    for name in given.data() {
        if !names.iter().any(|known| known == name) {
            return Err(FormatError::NoData { name: name.to_owned(), found: names.join(", ") });
        }
        mesh.add_data(name, numbers(&mut archive, name)?)?;
    }
    Ok(mesh)
}

/// Returns the names of the arrays; entries without a readable name are left out.
fn array_names(archive: &Archive) -> Vec<String> {
    let name = |entry: std::borrow::Cow<str>| entry.strip_suffix(".npy").map(str::to_owned);
    archive.file_names().flatten().filter_map(name).collect()
}

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// Reads the bytes of one array with its header.
fn entry(archive: &mut Archive, name: &str) -> Result<Vec<u8>, FormatError> {
    let found = array_names(archive);
    let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
    let broken = |cause: String| FormatError::Array { name: name.to_owned(), cause };
    let mut file = match archive.by_name(&format!("{name}.npy")) {
        Ok(file) => file,
        Err(zip::result::ZipError::FileNotFound) => {
            let what = format!("array '{name}': a mesh needs x (N), y (N) and quad8 (E, 8); found: {found}");
            return Err(FormatError::Missing { what });
        }
        Err(e) => return Err(broken(e.to_string())),
    };
    let limit = file.compressed_size().saturating_mul(LARGEST_DEFLATE_RATIO);
    if file.size() > limit {
        return Err(FormatError::TooMany { what: format!("array '{name}'"), count: file.size(), room: limit });
    }
    let mut bytes = Vec::new();
    file.by_ref().take(limit).read_to_end(&mut bytes).map_err(|e| broken(e.to_string()))?;
    work::done(file.compressed_size());
    Ok(bytes)
}

/// Opens an array, with the kind and width of its numbers, and checks that its data is complete.
fn open<'b>(name: &str, bytes: &'b [u8]) -> Result<(NpyFile<&'b [u8]>, TypeChar, usize), FormatError> {
    let broken = |cause: String| FormatError::Array { name: name.to_owned(), cause };
    let array = NpyFile::new(bytes).map_err(|e| broken(e.to_string()))?;
    let unknown =
        || FormatError::ArrayType { name: name.to_owned(), found: array.dtype().descr(), expected: "numbers" };
    let DType::Plain(kind) = array.dtype() else { return Err(unknown()) };
    let (letter, width) = (kind.type_char(), kind.num_bytes().ok_or_else(unknown)?);
    let count = array.shape().iter().try_fold(1_u64, |product, &n| product.checked_mul(n));
    let claimed = count.and_then(|count| count.checked_mul(width as u64)).unwrap_or(u64::MAX);
    if claimed > bytes.len() as u64 {
        return Err(FormatError::TooMany { what: format!("array '{name}'"), count: claimed, room: bytes.len() as u64 });
    }
    Ok((array, letter, width))
}

fn decode<T: Deserialize, U: From<T>>(name: &str, array: NpyFile<&[u8]>) -> Result<Vec<U>, FormatError> {
    let broken = |cause: String| FormatError::Array { name: name.to_owned(), cause };
    let values = array.into_vec::<T>().map_err(|e| broken(e.to_string()))?;
    Ok(values.into_iter().map(U::from).collect())
}

fn values(archive: &mut Archive, name: &str, expected: &str) -> Result<Vec<f64>, FormatError> {
    let bytes = entry(archive, name)?;
    let (array, letter, width) = open(name, &bytes)?;
    if array.shape().len() != 1 {
        return Err(FormatError::Shape {
            name: name.to_owned(),
            shape: array.shape().to_vec(),
            expected: expected.to_owned(),
        });
    }
    match (letter, width) {
        (TypeChar::Float, 4) => decode::<f32, f64>(name, array),
        (TypeChar::Float, 8) => decode::<f64, f64>(name, array),
        _ => Err(bad_type(name, &array, "floating-point numbers")),
    }
}

/// Reads a list of numbers of any type.
fn numbers(archive: &mut Archive, name: &str) -> Result<Vec<f64>, FormatError> {
    let expected = "(E) or (N)";
    match values(archive, name, expected) {
        Err(FormatError::ArrayType { .. }) => (),
        found => return found,
    }
    match integers(archive, name)? {
        (shape, values) if shape.len() == 1 => Ok(values.into_iter().map(|value| value as f64).collect()),
        (shape, _) => Err(FormatError::Shape { name: name.to_owned(), shape, expected: expected.to_owned() }),
    }
}

/// Reads the shape and the values, row by row; unsigned numbers too large for i64 become -1, which
/// no node has.
fn integers(archive: &mut Archive, name: &str) -> Result<(Vec<u64>, Vec<i64>), FormatError> {
    let bytes = entry(archive, name)?;
    let (array, letter, width) = open(name, &bytes)?;
    let (shape, order) = (array.shape().to_vec(), array.order());
    let values = match (letter, width) {
        (TypeChar::Int, 1) => decode::<i8, i64>(name, array),
        (TypeChar::Int, 2) => decode::<i16, i64>(name, array),
        (TypeChar::Int, 4) => decode::<i32, i64>(name, array),
        (TypeChar::Int, 8) => decode::<i64, i64>(name, array),
        (TypeChar::Uint, 1) => decode::<u8, i64>(name, array),
        (TypeChar::Uint, 2) => decode::<u16, i64>(name, array),
        (TypeChar::Uint, 4) => decode::<u32, i64>(name, array),
        (TypeChar::Uint, 8) => decode::<u64, u64>(name, array)
            .map(|list| list.into_iter().map(|n| i64::try_from(n).unwrap_or(-1)).collect()),
        _ => Err(bad_type(name, &array, "integers")),
    }?;
    match (order, shape.as_slice()) {
        (Order::Fortran, &[rows, columns]) => {
            let at = |i: u64| values[(i % columns * rows + i / columns) as usize];
            Ok((shape.clone(), (0..rows * columns).map(at).collect()))
        }
        _ => Ok((shape, values)),
    }
}

/// Reads the rows of a table, and their width.
fn rows(
    archive: &mut Archive,
    name: &str,
    fits: fn(u64) -> bool,
    expected: &str,
) -> Result<(Vec<i64>, usize), FormatError> {
    let (shape, values) = integers(archive, name)?;
    match shape.as_slice() {
        &[_, width] if fits(width) => Ok((values, width as usize)),
        _ => Err(FormatError::Shape { name: name.to_owned(), shape, expected: expected.to_owned() }),
    }
}

fn bad_type(name: &str, array: &NpyFile<&[u8]>, expected: &'static str) -> FormatError {
    FormatError::ArrayType { name: name.to_owned(), found: array.dtype().descr(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::mesh::damaged_inputs::archive;
    use crate::mesh::Location;

    /// Builds an array of version 1.0 (NumPy, *NPY format*).
    fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}").into_bytes();
        header.resize(117, b' ');
        header.push(b'\n');
        [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], &header, data].concat()
    }

    fn square(changed: &str, array: Vec<u8>) -> Vec<u8> {
        let floats: Vec<u8> = (0..8).flat_map(|n| f64::from(n).to_le_bytes()).collect();
        let nodes: Vec<u8> = (0..8).collect();
        let mut entries = vec![
            ("x.npy", npy("<f8", "(8,)", &floats)),
            ("y.npy", npy("<f8", "(8,)", &floats)),
            ("quad8.npy", npy("|u1", "(1, 8)", &nodes)),
        ];
        entries.retain(|(name, _)| *name != changed);
        entries.push((changed, array));
        archive(&entries)
    }

    fn flaw(changed: &str, array: Vec<u8>) -> String {
        parse(&square(changed, array)).expect_err("a flaw").to_string()
    }

    #[test]
    fn arrays_of_any_width_and_order_are_a_mesh() {
        let plain = parse(include_bytes!("../../../tests/data/meshes/plain.npz")).unwrap();
        let named = parse(include_bytes!("../../../tests/data/meshes/names.npz")).unwrap();
        assert_eq!((plain.coordinates.len(), plain.elements.len()), (73, 18));
        assert_eq!((&plain.coordinates, &plain.elements), (&named.coordinates, &named.elements));
        assert_eq!((named.tags.boundary_names.len(), named.tags.region_names.len()), (4, 2));
    }

    #[test]
    fn arrays_that_are_missing_or_wrong_are_named() {
        let missing = archive(&[("a.npy", Vec::new())]);
        let message = parse(&missing).unwrap_err().to_string();
        assert!(message.contains("array 'x'") && message.ends_with("found: a"), "{message}");
        assert!(flaw("x.npy", npy("<i4", "(8,)", &[0; 32])).contains("expected floating-point numbers"));
        assert!(flaw("y.npy", npy("<f8", "(1,)", &[0; 8])).contains("shape [1]: expected (8), as x has"));
        assert!(flaw("quad8.npy", npy("<i4", "(2, 4)", &[0; 32])).contains("shape [2, 4]: expected (E, 8)"));
        assert!(flaw("quad8.npy", b"nonsense".to_vec()).contains("array 'quad8' cannot be read"));
        assert!(parse(b"PK\x03\x04").unwrap_err().to_string().starts_with("its archive is damaged"));
    }

    /// A case that takes the data of this name.
    struct Takes(&'static str);

    impl GivenNames for Takes {
        fn data(&self) -> Vec<&str> {
            vec![self.0]
        }
    }

    #[test]
    fn data_of_elements_and_nodes_are_read_where_a_case_takes_them() {
        let with = |shape: &str, values: Vec<u8>, descr: &str| square("k.npy", npy(descr, shape, &values));
        let of_element = with("(1,)", vec![7], "|u1");
        assert!(parse(&of_element).unwrap().data.is_empty());
        let read = |bytes: &[u8]| parse_for(bytes, &Takes("k")).map(|mesh| mesh.data).map_err(|e| e.to_string());
        let found = read(&of_element).unwrap();
        assert_eq!((found[0].location, &found[0].values[..]), (Location::Elements, &[7.0][..]));
        let nodes: Vec<u8> = (0..8).flat_map(|n| f64::from(n).to_le_bytes()).collect();
        assert_eq!(read(&with("(8,)", nodes, "<f8")).unwrap()[0].location, Location::Nodes);
        let message = read(&with("(2,)", vec![1, 2], "|u1")).unwrap_err();
        assert!(message.contains("shape [2]: expected (1), a value for each element, or (8)"), "{message}");
        let message = parse_for(&of_element, &Takes("f")).unwrap_err().to_string();
        assert!(message.starts_with("it has no data 'f' for k or f; found: ") && message.contains("k"), "{message}");
    }

    #[test]
    fn shapes_that_lie_are_found_before_memory_is_taken() {
        for shape in ["(1000000000000,)", "(18446744073709551615, 18446744073709551615)"] {
            let message = flaw("x.npy", npy("<f8", shape, &[0; 64]));
            assert!(message.contains("the file has room for"), "{message}");
        }
    }
}
