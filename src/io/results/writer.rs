//! Datasets of a results file: each rank sends its nodes and elements to the blocks of the file,
//! and all ranks write them together.

use hdf5::{File, H5Type};

use crate::io::hdf5::{Part, ToSlabs, write_part};
use crate::io::results::{Results, columns, index_bytes, named_parts, run_group};
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
}

impl Writer<'_> {
    /// Writes all datasets; returns whether all transfers were collective. **Collective.**
    ///
    /// # Errors
    /// An error of HDF5, possibly on some ranks only.
    pub fn write(&self) -> hdf5::Result<bool> {
        let nodes = self.write_nodes()?;
        let elements = self.write_elements()?;
        let mesh = self.results.mesh;
        columns::write(self.file, mesh.total_nodes as usize, mesh.total_elements as usize, |name| {
            self.results.has(name)
        })?;
        run_group::write(self.comm, self.file, self.results.record)?;
        Ok(nodes && elements)
    }

    fn write_nodes(&self) -> hdf5::Result<bool> {
        let Results { mesh, u, node_fields, .. } = self.results;
        let ids = mesh.node_ids[..mesh.owned_nodes].iter().copied().chain(mesh.orphans.iter().map(|orphan| orphan.0));
        let nodes = self.items(mesh.total_nodes, ids);
        let point =
            |n: usize| if n < mesh.owned_nodes { mesh.coordinates[n] } else { mesh.orphans[n - mesh.owned_nodes].1 };
        let mut is_collective = nodes.write("x", |n| [point(n)[0]], [f64::NAN])?;
        is_collective &= nodes.write("y", |n| [point(n)[1]], [f64::NAN])?;
        // Orphans have no values.
        let field = |n: usize| node_fields.get(n).filter(|_| n < mesh.owned_nodes);
        let scalar = |name, of: &(dyn Fn(&NodeFields) -> f64 + Sync)| {
            nodes.write(name, |n| [field(n).map_or(f64::NAN, of)], [f64::NAN])
        };
        is_collective &= nodes.write("u", |n| [u.owned().get(n).copied().unwrap_or(f64::NAN)], [f64::NAN])?;
        if self.results.has("pressure_node") {
            is_collective &= scalar("pressure_node", &|field| field.pressure)?;
        }
        let nan = [f64::NAN; 2];
        is_collective &= nodes.write("vel_node", |n| field(n).map_or(nan, |field| field.velocity), nan)?;
        is_collective &= scalar("abs_vel_node", &|field| field.speed)?;
        if let Some(flux) = self.results.flux {
            is_collective &= nodes.write("flux_node", |n| field(n).map_or(nan, |_| flux.nodes[n]), nan)?;
        }
        Ok(is_collective)
    }

    fn write_elements(&self) -> hdf5::Result<bool> {
        let Results { mesh, fields, errors, .. } = self.results;
        let elements = self.items(mesh.total_elements, mesh.element_ids[..mesh.own_elements].iter().copied());
        let mut is_collective = if index_bytes(mesh) == 4 {
            elements.write("quad8", |e| mesh.global_nodes(e).map(|n| n as i32), [0; 8])?
        } else {
            elements.write("quad8", |e| mesh.global_nodes(e).map(|n| n as i64), [0; 8])?
        };
        is_collective &= elements.write("partition", |e| [mesh.element_owners[e] as i32], [0])?;
        is_collective &= elements.write("vel", |e| fields[e].velocity, [f64::NAN; 2])?;
        is_collective &= elements.write("abs_vel", |e| [fields[e].speed], [f64::NAN])?;
        if self.results.has("pressure") {
            is_collective &= elements.write("pressure", |e| [fields[e].pressure], [f64::NAN])?;
        }
        is_collective &= elements.write("error", |e| [errors[e]], [f64::NAN])?;
        if let Some(flux) = self.results.flux {
            is_collective &= elements.write("flux", |e| flux.elements[e], [f64::NAN; 2])?;
        }
        Ok(is_collective & named_parts::write(self.comm, self.file, mesh, elements.blocks, &elements.to_slabs)?)
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
    /// Writes one dataset: `value(i)` of each item `i` of this rank, and `fill` for items of no
    /// rank. Returns whether the transfer was collective. **Collective.**
    fn write<T: H5Type + MpiType, const N: usize>(
        &self,
        name: &str,
        value: impl Fn(usize) -> [T; N] + Sync,
        fill: [T; N],
    ) -> hdf5::Result<bool> {
        let Writer { comm, file, results } = self.writer;
        let values = self.to_slabs.send(comm, value, fill);
        let part = Part { total: self.blocks.total(), rows: self.blocks.range(comm.rank()) };
        write_part(comm, file, name, part, N, values.as_flattened(), results.record.names.of(name))
    }
}
