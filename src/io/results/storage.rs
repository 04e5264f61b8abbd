//! What a results file holds, and how it is stored.

use std::iter::once;

use crate::error::{Error, Result};
use crate::io::results::fields::{CELL_FIELDS, NODE_FIELDS};
use crate::system::did_you_mean;

/// Choice of the fields of a results file, their precision and their compression.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Storage {
    /// Datasets of the fields to write; none for all.
    pub fields: Option<Vec<String>>,
    /// Whether fields are stored in single precision. Coordinates are not, since a results file is
    /// a mesh.
    pub is_single: bool,
    /// Whether datasets are compressed.
    pub is_compressed: bool,
}

impl Storage {
    /// Returns whether a field is chosen.
    pub fn wants(&self, field: &str) -> bool {
        self.fields.as_ref().is_none_or(|fields| fields.iter().any(|wanted| wanted == field))
    }

    /// Checks that all chosen fields exist, and that the HDF5 library can compress.
    ///
    /// # Errors
    /// A field that does not exist, with the near ones, or no filter for the compression.
    pub fn check(&self) -> Result<()> {
        let known = || NODE_FIELDS.iter().chain(&CELL_FIELDS).map(|(name, _)| *name);
        let fields = self.fields.iter().flatten();
        if let Some(unknown) = fields.into_iter().find(|field| !known().any(|name| name == field.as_str())) {
            let hint = did_you_mean(unknown, known());
            let known: Vec<&str> = known().collect();
            return Err(Error::input(format!(
                "there is no field '{unknown}': {hint}the fields are {}",
                known.join(", ")
            )));
        }
        if self.is_compressed && !hdf5::filters::deflate_available() {
            return Err(Error::input("this HDF5 library has no deflate filter: leave out --compress"));
        }
        Ok(())
    }

    /// Checks that all chosen fields are among those of the run, for which `has` is true.
    ///
    /// # Errors
    /// A field that this run does not compute.
    pub fn check_available(&self, has: impl Fn(&str) -> bool) -> Result<()> {
        match self.fields.iter().flatten().find(|field| !has(field)) {
            Some(field) => Err(Error::input(format!(
                "this run computes no '{field}': a pressure is computed with --physics flow alone, and the flux where it \
                 is not the velocity"
            ))),
            None => Ok(()),
        }
    }

    /// Returns the bytes of the mesh and of the chosen fields for which `has` is true, before any
    /// compression, with indices of so many bytes.
    pub fn bytes(&self, nodes: u64, elements: u64, index: usize, has: impl Fn(&str) -> bool) -> u64 {
        let real = if self.is_single { size_of::<f32>() } else { size_of::<f64>() };
        let width = |&(name, components): &(&str, usize)| match name {
            _ if !(self.wants(name) && has(name)) => 0,
            "partition" => size_of::<i32>(),
            _ => components * real,
        };
        let sum =
            |fields: &[(&str, usize)], mesh: usize| fields.iter().map(width).chain(once(mesh)).sum::<usize>() as u64;
        nodes * sum(&NODE_FIELDS, 2 * size_of::<f64>()) + elements * sum(&CELL_FIELDS, 8 * index)
    }
}
