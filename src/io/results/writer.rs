//! Datasets of a results file: each rank sends its nodes and elements to the blocks of the file,
//! and all ranks write them together.

use hdf5::{File, H5Type};

use crate::io::hdf5::{Part, ToSlabs, write_part};
use crate::io::results::{Results, columns, index_bytes, named_parts, run_group};
use crate::parallel::{BlockDistribution, Comm, GlobalIndex};

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
        let tags = named_parts::write(self.comm, self.file, self.results.mesh)?;
        let mesh = self.results.mesh;
        columns::write(self.file, mesh.total_nodes as usize, mesh.total_elements as usize, |name| {
            self.results.has(name)
        })?;
        run_group::write(self.comm, self.file, self.results.record)?;
        Ok(nodes && elements && tags)
    }

    fn write_nodes(&self) -> hdf5::Result<bool> {
        let mesh = self.results.mesh;
        let blocks = BlockDistribution::new(mesh.total_nodes, self.comm.size());
        let used = &mesh.node_ids[..mesh.owned_nodes];
        let ids = used.iter().copied().chain(mesh.orphans.iter().map(|o| o.0)).collect();
        let slabs = ToSlabs::new(self.comm, blocks, ids);
        // Two values of each node at a time: all at once would need more memory than the solve.
        let send = |value: &dyn Fn(usize) -> [f64; 2], orphan: &dyn Fn([f64; 2]) -> [f64; 2]| {
            let values = (0..mesh.owned_nodes).map(value).chain(mesh.orphans.iter().map(|o| orphan(o.1)));
            slabs.send(self.comm, values, f64::NAN)
        };
        let column = |slab: &[[f64; 2]], c: usize| slab.iter().map(|row| row[c]).collect::<Vec<f64>>();
        let nan = |_| [f64::NAN; 2];
        let Results { u, node_fields, .. } = self.results;

        let slab = send(&|n| mesh.coordinates[n], &|point| point);
        let x = self.dataset("x", blocks, 1, &column(&slab, 0))?;
        let y = self.dataset("y", blocks, 1, &column(&slab, 1))?;
        let slab = send(&|n| [u.owned()[n], node_fields[n].pressure], &nan);
        let u = self.dataset("u", blocks, 1, &column(&slab, 0))?;
        let pressure =
            !self.results.has("pressure_node") || self.dataset("pressure_node", blocks, 1, &column(&slab, 1))?;
        let slab = send(&|n| node_fields[n].velocity, &nan);
        let vel = self.dataset("vel_node", blocks, 2, slab.as_flattened())?;
        let slab = send(&|n| [node_fields[n].speed; 2], &nan);
        let speed = self.dataset("abs_vel_node", blocks, 1, &column(&slab, 0))?;
        let flux = self.results.flux.map(|flux| {
            let slab = send(&|n| flux.nodes[n], &nan);
            self.dataset("flux_node", blocks, 2, slab.as_flattened())
        });
        Ok(x && y && u && vel && speed && pressure && flux.unwrap_or(Ok(true))?)
    }

    fn write_elements(&self) -> hdf5::Result<bool> {
        let mesh = self.results.mesh;
        let blocks = BlockDistribution::new(mesh.total_elements, self.comm.size());
        let to_slabs = ToSlabs::new(self.comm, blocks, mesh.element_ids[..mesh.own_elements].to_vec());

        let is_collective = self.write_connectivity(blocks, &to_slabs)?;

        let fields = self.results.fields.iter().zip(self.results.errors);
        let values = fields.map(|(f, error)| [f.velocity[0], f.velocity[1], f.speed, f.pressure, *error]);
        let slab = to_slabs.send(self.comm, values, f64::NAN);
        let velocity: Vec<f64> = slab.iter().flat_map(|row| [row[0], row[1]]).collect();
        let column = |c: usize| slab.iter().map(|row| row[c]).collect::<Vec<f64>>();
        let vel = self.dataset("vel", blocks, 2, &velocity)?;
        let speed = self.dataset("abs_vel", blocks, 1, &column(2))?;
        let pressure = !self.results.has("pressure") || self.dataset("pressure", blocks, 1, &column(3))?;
        let error = self.dataset("error", blocks, 1, &column(4))?;
        let flux = self.results.flux.map(|flux| {
            let slab = to_slabs.send(self.comm, flux.elements.iter().copied(), f64::NAN);
            self.dataset("flux", blocks, 2, slab.as_flattened())
        });
        Ok(is_collective && vel && speed && pressure && error && flux.unwrap_or(Ok(true))?)
    }

    /// Writes the nodes of the elements and the rank of each. **Collective.**
    fn write_connectivity(&self, blocks: BlockDistribution, to_slabs: &ToSlabs) -> hdf5::Result<bool> {
        let mesh = self.results.mesh;
        let row = |e: usize| {
            let nodes = mesh.global_nodes(e);
            std::array::from_fn(|i| if i < 8 { nodes[i] } else { GlobalIndex::from(mesh.element_owners[e]) })
        };
        let slab: Vec<[GlobalIndex; 9]> = to_slabs.send(self.comm, (0..mesh.own_elements).map(row), 0);
        let quad8 = if index_bytes(mesh) == 4 {
            self.dataset("quad8", blocks, 8, stored_nodes(&slab, |n| n as i32).as_flattened())?
        } else {
            self.dataset("quad8", blocks, 8, stored_nodes(&slab, |n| n as i64).as_flattened())?
        };
        let ranks: Vec<i32> = slab.iter().map(|row| row[8] as i32).collect();
        let partition = self.dataset("partition", blocks, 1, &ranks)?;
        Ok(quad8 && partition)
    }

    /// Writes one dataset of all ranks' rows, `width` values each. **Collective.**
    fn dataset<T: H5Type>(
        &self,
        name: &str,
        blocks: BlockDistribution,
        width: usize,
        values: &[T],
    ) -> hdf5::Result<bool> {
        let part = Part { total: blocks.total(), rows: blocks.range(self.comm.rank()) };
        write_part(self.comm, self.file, name, part, width, values, self.results.record.names.of(name))
    }
}

/// Returns the nodes of each element as the file stores them, from rows that start with them.
fn stored_nodes<T>(rows: &[[GlobalIndex; 9]], stored: fn(GlobalIndex) -> T) -> Vec<[T; 8]> {
    rows.iter().map(|row| std::array::from_fn(|i| stored(row[i]))).collect()
}
