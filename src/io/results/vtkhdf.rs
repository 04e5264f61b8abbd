//! Results as a VTKHDF file, which ParaView reads in parallel: every rank writes its own elements
//! as a partition, with their nodes (VTK File Formats, section VTKHDF, UnstructuredGrid, version
//! 1.0).

use hdf5::types::FixedAscii;
use hdf5::{File, Group, H5Type};

use crate::io::hdf5::{Part, write_part};
use crate::io::results::{Results, Storage};
use crate::parallel::Comm;
use crate::problem::Labels;

/// VTK_QUADRATIC_QUAD.
const CELL_TYPE: u8 = 23;

/// Writes all groups of the file. **Collective.**
///
/// # Errors
/// An error of HDF5, possibly on some ranks only.
pub fn write(comm: &Comm, file: &File, results: &Results, storage: &Storage) -> hdf5::Result<()> {
    let mesh = results.mesh;
    let root = file.create_group("VTKHDF")?;
    root.new_attr::<i64>().shape(2).create("Version")?.write_raw(&[1_i64, 0])?;
    let kind = FixedAscii::<16>::from_ascii("UnstructuredGrid").map_err(|e| hdf5::Error::from(e.to_string()))?;
    root.new_attr::<FixedAscii<16>>().create("Type")?.write_scalar(&kind)?;

    let (nodes, connectivity) = own_nodes(results);
    let labels = &results.record.names;
    let cells = 0..mesh.own_elements;
    let writer = Writer { comm, group: &root, labels, storage };
    let count = |n: usize| [n as i64];
    writer.column("NumberOfPoints", &count(nodes.len()))?;
    writer.column("NumberOfCells", &count(mesh.own_elements))?;
    writer.column("NumberOfConnectivityIds", &count(connectivity.len()))?;
    let points: Vec<f64> = nodes.iter().flat_map(|&n| with_zero(mesh.coordinates[n])).collect();
    writer.rows("Points", 3, &points)?;
    writer.column("Connectivity", &connectivity)?;
    writer.column("Offsets", &(0..=mesh.own_elements).map(|e| 8 * e as i64).collect::<Vec<_>>())?;
    writer.column("Types", &vec![CELL_TYPE; mesh.own_elements])?;

    let group = root.create_group("PointData")?;
    let writer = Writer { comm, group: &group, labels, storage };
    let at_nodes = || nodes.iter().map(|&n| &results.node_fields[n]);
    let u: Vec<f64> = nodes.iter().map(|&n| results.u.local()[n]).collect();
    writer.field("u", 1, u)?;
    writer.field("vel_node", 3, at_nodes().flat_map(|f| with_zero(f.velocity)).collect())?;
    writer.field("abs_vel_node", 1, at_nodes().map(|f| f.speed).collect())?;
    if results.has("pressure_node") {
        writer.field("pressure_node", 1, at_nodes().map(|f| f.pressure).collect())?;
    }
    if let Some(flux) = results.flux {
        writer.field("flux_node", 3, nodes.iter().flat_map(|&n| with_zero(flux.nodes[n])).collect())?;
    }
    let numbers: Vec<i64> = nodes.iter().map(|&n| mesh.node_ids[n] as i64).collect();
    writer.column("node", &numbers)?;

    let group = root.create_group("CellData")?;
    let writer = Writer { comm, group: &group, labels, storage };
    let fields = results.fields;
    writer.field("vel", 3, fields.iter().flat_map(|f| with_zero(f.velocity)).collect())?;
    writer.field("abs_vel", 1, fields.iter().map(|f| f.speed).collect())?;
    if results.has("pressure") {
        writer.field("pressure", 1, fields.iter().map(|f| f.pressure).collect())?;
    }
    if let Some(flux) = results.flux {
        writer.field("flux", 3, flux.elements.iter().copied().flat_map(with_zero).collect())?;
    }
    writer.field("error", 1, results.errors.to_vec())?;
    if storage.wants("partition") {
        let owners: Vec<i32> = cells.clone().map(|cell| mesh.element_owners[cell] as i32).collect();
        writer.column("partition", &owners)?;
    }
    let numbers: Vec<i64> = cells.map(|e| mesh.element_ids[e] as i64).collect();
    writer.column("element", &numbers)
}

/// Returns the local nodes of the own elements, and the connectivity in terms of them.
fn own_nodes(results: &Results) -> (Vec<usize>, Vec<i64>) {
    let mesh = results.mesh;
    let own = &mesh.elements[..mesh.own_elements];
    let mut places = vec![-1_i64; mesh.coordinates.len()];
    own.iter().flatten().for_each(|&n| places[n as usize] = 0);
    let nodes: Vec<usize> = (0..places.len()).filter(|&n| places[n] == 0).collect();
    for (&node, place) in nodes.iter().zip(0..) {
        places[node] = place;
    }
    let connectivity = own.iter().flatten().map(|&n| places[n as usize]).collect();
    (nodes, connectivity)
}

/// Appends a zero as third component, which VTK requires.
fn with_zero([x, y]: [f64; 2]) -> [f64; 3] {
    [x, y, 0.0]
}

/// Writer of lists of which each rank holds a part, in rank order.
struct Writer<'a> {
    comm: &'a Comm,
    group: &'a Group,
    labels: &'a Labels,
    storage: &'a Storage,
}

impl Writer<'_> {
    /// Writes a field, if it is chosen, in the precision of the file.
    fn field(&self, name: &str, width: usize, values: Vec<f64>) -> hdf5::Result<()> {
        match self.storage.is_single {
            _ if !self.storage.wants(name) => Ok(()),
            true => self.rows(name, width, &values.iter().map(|&value| value as f32).collect::<Vec<_>>()),
            false => self.rows(name, width, &values),
        }
    }

    fn column<T: H5Type>(&self, name: &str, values: &[T]) -> hdf5::Result<()> {
        self.rows(name, 1, values)
    }

    fn rows<T: H5Type>(&self, name: &str, width: usize, values: &[T]) -> hdf5::Result<()> {
        let count = (values.len() / width) as u64;
        let start = self.comm.exclusive_sum(count);
        let part =
            Part { total: self.comm.sum(count), rows: start..start + count, is_compressed: self.storage.is_compressed };
        write_part(self.comm, self.group, name, part, width, values, self.labels.of(name))
    }
}
