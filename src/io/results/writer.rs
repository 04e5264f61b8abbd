//! Datasets of a results file: each rank sends its nodes and elements to the blocks of the file,
//! and all ranks write them together.

use hdf5::{File, H5Type};

use crate::io::hdf5::{Part, ToSlabs, write_part};
use crate::io::results::{Results, Storage, columns, index_bytes, named_parts, run_group};
use crate::parallel::{BlockDistribution, Comm, GlobalIndex, MpiType};
use crate::post::NodeFields;

/// Writer of the datasets of a results file.
pub struct Writer<'a> {
    /// Ranks that write together.
    pub comm: &'a Comm,
    /// Results file.
    pub file: &'a File,
    /// Results of this rank.
    pub results: &'a Results<'a>,
    /// What is written, and how.
    pub storage: &'a Storage,
}

impl Writer<'_> {
    /// Writes all datasets. **Collective.**
    ///
    /// # Errors
    /// An error of HDF5, possibly on some ranks only.
    pub fn write(&self) -> hdf5::Result<()> {
        self.write_nodes()?;
        self.write_elements()?;
        let mesh = self.results.mesh;
        let [total_nodes, total_elements] = [mesh.total_nodes, mesh.total_elements].map(|total| total as usize);
        let has = |name: &str| self.writes(name);
        if self.storage.is_single {
            columns::write::<f32>(self.file, total_nodes, total_elements, has)?;
        } else {
            columns::write::<f64>(self.file, total_nodes, total_elements, has)?;
        }
        run_group::write(self.comm, self.file, self.results.record)
    }

    /// Returns whether a field is written.
    fn writes(&self, field: &str) -> bool {
        self.storage.wants(field) && self.results.has(field)
    }

    fn write_nodes(&self) -> hdf5::Result<()> {
        let Results { mesh, u, node_fields, .. } = self.results;
        let ids = mesh.node_ids[..mesh.owned_nodes].iter().copied().chain(mesh.orphans.iter().map(|orphan| orphan.0));
        let nodes = self.items(mesh.total_nodes, ids);
        let point =
            |n: usize| if n < mesh.owned_nodes { mesh.coordinates[n] } else { mesh.orphans[n - mesh.owned_nodes].1 };
        nodes.write("x", |n| [point(n)[0]], [f64::NAN])?;
        nodes.write("y", |n| [point(n)[1]], [f64::NAN])?;
        // Orphans have no values.
        let field = |n: usize| node_fields.get(n).filter(|_| n < mesh.owned_nodes);
        let value = |n: usize, of: fn(&NodeFields) -> f64| [field(n).map_or(f64::NAN, of)];
        let nan = [f64::NAN; 2];
        nodes.field("u", |n| [u.owned().get(n).copied().unwrap_or(f64::NAN)])?;
        nodes.field("pressure_node", |n| value(n, |field| field.pressure))?;
        nodes.field("vel_node", |n| field(n).map_or(nan, |field| field.velocity))?;
        nodes.field("abs_vel_node", |n| value(n, |field| field.speed))?;
        if let Some(flux) = self.results.flux {
            nodes.field("flux_node", |n| field(n).map_or(nan, |_| flux.nodes[n]))?;
        }
        Ok(())
    }

    fn write_elements(&self) -> hdf5::Result<()> {
        let Results { mesh, fields, errors, .. } = self.results;
        let elements = self.items(mesh.total_elements, mesh.element_ids[..mesh.own_elements].iter().copied());
        if index_bytes(mesh) == 4 {
            elements.write("quad8", |e| mesh.global_nodes(e).map(|n| n as i32), [0; 8])?;
        } else {
            elements.write("quad8", |e| mesh.global_nodes(e).map(|n| n as i64), [0; 8])?;
        }
        if self.writes("partition") {
            elements.write("partition", |e| [mesh.element_owners[e] as i32], [0])?;
        }
        elements.field("vel", |e| fields[e].velocity)?;
        elements.field("abs_vel", |e| [fields[e].speed])?;
        elements.field("pressure", |e| [fields[e].pressure])?;
        elements.field("error", |e| [errors[e]])?;
        if let Some(flux) = self.results.flux {
            elements.field("flux", |e| flux.elements[e])?;
        }
        named_parts::write(self.comm, self.file, mesh, elements.blocks, &elements.to_slabs)
    }

    /// Prepares the datasets of items, of which this rank has those with these numbers.
    /// **Collective.**
    fn items(&self, total: GlobalIndex, ids: impl Iterator<Item = GlobalIndex> + Clone) -> Items<'_> {
        let blocks = BlockDistribution::new(total, self.comm.size());
        Items { writer: self, blocks, to_slabs: ToSlabs::new(self.comm, blocks, ids) }
    }
}

/// Nodes or elements of a file, in the numbering of the input.
struct Items<'a> {
    writer: &'a Writer<'a>,
    blocks: BlockDistribution,
    to_slabs: ToSlabs,
}

impl Items<'_> {
    /// Writes a field, if it is written at all, in the precision of the file; items of no rank are
    /// NaN. **Collective.**
    fn field<const N: usize>(&self, name: &str, value: impl Fn(usize) -> [f64; N] + Sync) -> hdf5::Result<()> {
        match self.writer.storage.is_single {
            _ if !self.writer.writes(name) => Ok(()),
            true => self.write(name, |item| value(item).map(|value| value as f32), [f32::NAN; N]),
            false => self.write(name, value, [f64::NAN; N]),
        }
    }

    /// Writes one dataset: `value(i)` of each item `i` of this rank, and `fill` for items of no
    /// rank. **Collective.**
    fn write<T: H5Type + MpiType, const N: usize>(
        &self,
        name: &str,
        value: impl Fn(usize) -> [T; N] + Sync,
        fill: [T; N],
    ) -> hdf5::Result<()> {
        let Writer { comm, file, results, storage } = self.writer;
        let values = self.to_slabs.send(comm, value, fill);
        let part = Part {
            total: self.blocks.total(),
            rows: self.blocks.range(comm.rank()),
            is_compressed: storage.is_compressed,
        };
        write_part(comm, file, name, part, N, values.as_flattened(), results.record.names.of(name))
    }
}
