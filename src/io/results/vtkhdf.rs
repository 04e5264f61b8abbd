//! Results as a VTKHDF file, which ParaView reads in parallel: every rank writes its own elements
//! as a partition, with their nodes (VTK File Formats, section VTKHDF, UnstructuredGrid, version
//! 1.0).

use hdf5::types::FixedAscii;
use hdf5::{File, Group, H5Type};

use crate::io::hdf5::{Part, write_part};
use crate::io::results::Results;
use crate::parallel::Comm;
use crate::problem::Labels;

/// VTK_QUADRATIC_QUAD.
const CELL_TYPE: u8 = 23;

/// Writes all groups of the file. Returns whether every transfer was collective. **Collective.**
///
/// # Errors
/// An error of HDF5, possibly on some ranks only.
pub fn write(comm: &Comm, file: &File, results: &Results) -> hdf5::Result<bool> {
    let mesh = results.mesh;
    let root = file.create_group("VTKHDF")?;
    root.new_attr::<i64>().shape(2).create("Version")?.write_raw(&[1_i64, 0])?;
    let kind = FixedAscii::<16>::from_ascii("UnstructuredGrid").map_err(|e| hdf5::Error::from(e.to_string()))?;
    root.new_attr::<FixedAscii<16>>().create("Type")?.write_scalar(&kind)?;

    let (nodes, connectivity) = own_nodes(results);
    let labels = &results.record.names;
    let cells = 0..mesh.own_elements;
    let writer = Writer { comm, group: &root, labels };
    let count = |n: usize| [n as i64];
    let mut collective = writer.column("NumberOfPoints", &count(nodes.len()))?;
    collective &= writer.column("NumberOfCells", &count(mesh.own_elements))?;
    collective &= writer.column("NumberOfConnectivityIds", &count(connectivity.len()))?;
    let points: Vec<f64> = nodes.iter().flat_map(|&n| with_zero(mesh.coordinates[n])).collect();
    collective &= writer.rows("Points", 3, &points)?;
    collective &= writer.column("Connectivity", &connectivity)?;
    collective &= writer.column("Offsets", &(0..=mesh.own_elements).map(|e| 8 * e as i64).collect::<Vec<_>>())?;
    collective &= writer.column("Types", &vec![CELL_TYPE; mesh.own_elements])?;

    let group = root.create_group("PointData")?;
    let writer = Writer { comm, group: &group, labels };
    let at_nodes = || nodes.iter().map(|&n| &results.node_fields[n]);
    let u: Vec<f64> = nodes.iter().map(|&n| results.u.local()[n]).collect();
    collective &= writer.column("u", &u)?;
    collective &= writer.rows("vel_node", 3, &at_nodes().flat_map(|f| with_zero(f.velocity)).collect::<Vec<_>>())?;
    collective &= writer.column("abs_vel_node", &at_nodes().map(|f| f.speed).collect::<Vec<_>>())?;
    if results.has("pressure_node") {
        collective &= writer.column("pressure_node", &at_nodes().map(|f| f.pressure).collect::<Vec<_>>())?;
    }
    if let Some(flux) = results.flux {
        let flux: Vec<f64> = nodes.iter().flat_map(|&n| with_zero(flux.nodes[n])).collect();
        collective &= writer.rows("flux_node", 3, &flux)?;
    }
    let numbers: Vec<i64> = nodes.iter().map(|&n| mesh.node_ids[n] as i64).collect();
    collective &= writer.column("node", &numbers)?;

    let group = root.create_group("CellData")?;
    let writer = Writer { comm, group: &group, labels };
    let fields = results.fields;
    collective &= writer.rows("vel", 3, &fields.iter().flat_map(|f| with_zero(f.velocity)).collect::<Vec<_>>())?;
    collective &= writer.column("abs_vel", &fields.iter().map(|f| f.speed).collect::<Vec<_>>())?;
    if results.has("pressure") {
        collective &= writer.column("pressure", &fields.iter().map(|f| f.pressure).collect::<Vec<_>>())?;
    }
    if let Some(flux) = results.flux {
        let flux: Vec<f64> = flux.elements.iter().copied().flat_map(with_zero).collect();
        collective &= writer.rows("flux", 3, &flux)?;
    }
    collective &= writer.column("error", results.errors)?;
    collective &= writer
        .column("partition", &mesh.element_owners[cells.clone()].iter().map(|&rank| rank as i32).collect::<Vec<_>>())?;
    let numbers: Vec<i64> = cells.map(|e| mesh.element_ids[e] as i64).collect();
    collective &= writer.column("element", &numbers)?;
    Ok(collective)
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
}

impl Writer<'_> {
    fn column<T: H5Type>(&self, name: &str, values: &[T]) -> hdf5::Result<bool> {
        self.rows(name, 1, values)
    }

    fn rows<T: H5Type>(&self, name: &str, width: usize, values: &[T]) -> hdf5::Result<bool> {
        let count = (values.len() / width) as u64;
        let start = self.comm.exclusive_sum(count);
        let part = Part { total: self.comm.sum(count), rows: start..start + count };
        write_part(self.comm, self.group, name, part, width, values, self.labels.of(name))
    }
}
