//! Results in other formats, with the layout of the Python programs that quad8-mpi replaces: CSV,
//! NumPy archives and spreadsheets. One process reads the results whole.

mod npz;
mod table;
mod xlsx;

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::io::file::write_atomic;
use crate::io::results::ResultsReader;

/// Format of exported results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// Two tables, NAME_nodes.csv and NAME_elements.csv.
    Csv,
    /// All arrays, as `numpy.savez_compressed` writes them.
    Npz,
    /// One sheet with nodes and elements side by side.
    Xlsx,
}

impl ExportFormat {
    /// Returns the files that are written for the output `path`.
    pub fn files(self, path: &Path) -> Vec<PathBuf> {
        if self != Self::Csv {
            return vec![path.into()];
        }
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        ["nodes", "elements"].map(|what| path.with_file_name(format!("{stem}_{what}.csv"))).into()
    }

    /// Writes results to the files of the output `path`.
    ///
    /// # Errors
    /// A dataset is missing, there are too many rows for a sheet, or a file cannot be written.
    pub fn write(self, reader: &ResultsReader, path: &Path) -> Result<()> {
        let files = self.files(path);
        match self {
            Self::Csv => {
                let [nodes, elements] = table::of_csv(reader)?;
                write_atomic(&files[0], nodes.to_csv())?;
                write_atomic(&files[1], elements.to_csv())
            }
            Self::Npz => write_atomic(path, npz::archive(reader, path)?),
            Self::Xlsx => write_atomic(path, xlsx::book(&table::of_sheet(reader)?, path)?),
        }
    }
}
