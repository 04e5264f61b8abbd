//! Reading a results file, on one process.

use std::path::{Path, PathBuf};

use hdf5::types::VarLenUnicode;
use hdf5::{Dataset, File, H5Type};

use crate::error::{Error, Result};
use crate::io::mesh::{check_stored, is_hdf5};
use crate::quad8::Coordinates;

/// A mesh as a picture needs it.
pub struct Mesh {
    /// Coordinates (m) of the nodes, used or not.
    pub points: Vec<[f64; 2]>,
    /// Nodes of the elements.
    pub elements: Vec<[u32; 8]>,
}

impl Mesh {
    /// Coordinates (m) of the nodes of an element.
    pub fn coordinates(&self, element: usize) -> Coordinates {
        self.elements[element].map(|n| self.points[n as usize])
    }
}

/// An open results file.
pub struct ResultsReader {
    path: PathBuf,
    file: File,
}

impl ResultsReader {
    /// Opens the file.
    ///
    /// # Errors
    /// [`Error::Open`], [`Error::NotHdf5`].
    pub fn open(path: &Path) -> Result<Self> {
        if !is_hdf5(path)? {
            return Err(Error::NotHdf5 { path: path.into() });
        }
        let file = File::open(path).map_err(|e| Error::Open { path: path.into(), cause: e.to_string() })?;
        Ok(Self { path: path.into(), file })
    }

    /// The mesh that was solved.
    ///
    /// # Errors
    /// [`Error::NotResults`], [`Error::BadShape`], [`Error::NotThere`],
    /// [`Error::Read`], [`Error::NodeOutOfRange`],
    /// [`Error::NotFiniteCoordinates`], [`Error::EmptyMesh`].
    pub fn mesh(&self) -> Result<Mesh> {
        let x = self.numbers("x", None)?;
        let y = self.numbers("y", Some(&[x.len()]))?;
        let points: Vec<[f64; 2]> = x.into_iter().zip(y).map(|(x, y)| [x, y]).collect();
        let dataset = self.dataset("quad8")?;
        let shape = dataset.shape();
        if shape.len() != 2 || shape[1] != 8 {
            return Err(self.bad_shape("quad8", &dataset, "(E, 8)".to_owned()));
        }
        let nodes: Vec<i64> = self.values("quad8", &dataset)?;
        let mut elements = Vec::with_capacity(shape[0]);
        for (row, element) in nodes.chunks_exact(8).zip(0..) {
            let mut nodes = [0; 8];
            for (node, &found) in nodes.iter_mut().zip(row) {
                let valid = u32::try_from(found).ok().filter(|&n| (n as usize) < points.len());
                let out_of_range = Error::NodeOutOfRange { element, node: found, nodes: points.len() as u64 };
                *node = valid.ok_or(out_of_range)?;
                let [x, y] = points[*node as usize];
                if !(x.is_finite() && y.is_finite()) {
                    return Err(Error::NotFiniteCoordinates { element, node: u64::from(*node), x, y });
                }
            }
            elements.push(nodes);
        }
        if elements.is_empty() {
            return Err(Error::EmptyMesh);
        }
        Ok(Mesh { points, elements })
    }

    /// A dataset of this shape (or of any with one axis) as f64.
    ///
    /// # Errors
    /// [`Error::NotResults`], [`Error::BadShape`], [`Error::NotThere`], [`Error::Read`].
    pub fn numbers(&self, name: &'static str, shape: Option<&[usize]>) -> Result<Vec<f64>> {
        let dataset = self.dataset(name)?;
        let fits = shape.map_or(dataset.ndim() == 1, |shape| dataset.shape() == shape);
        if !fits {
            let expected = shape.map_or("(N)".to_owned(), |shape| format!("{shape:?}"));
            return Err(self.bad_shape(name, &dataset, expected));
        }
        self.values(name, &dataset)
    }

    fn values<T: H5Type>(&self, name: &str, dataset: &Dataset) -> Result<Vec<T>> {
        check_stored(&self.path, &self.file, dataset, name)?;
        let read = dataset.read_raw();
        read.map_err(|e| Error::Read { path: self.path.clone(), name: name.to_owned(), cause: e.to_string() })
    }

    /// The unit that is written beside a dataset, "" if none is.
    pub fn unit(&self, name: &str) -> String {
        let unit = self.text(name, "units").or_else(|| self.text(name, "unit"));
        unit.map_or(String::new(), |unit| unit.replace("^2", "²").replace("^3", "³"))
    }

    /// Returns the relative residual of results that did not converge.
    pub fn unconverged(&self) -> Option<f64> {
        let run = self.file.group("run").ok()?;
        let converged: u64 = run.attr("converged").and_then(|a| a.read_scalar()).ok()?;
        let residual = || run.attr("relative_residual").and_then(|a| a.read_scalar()).unwrap_or(f64::NAN);
        (converged == 0).then(residual)
    }

    /// Returns the name that is written beside a dataset.
    pub fn name(&self, dataset: &str) -> Option<String> {
        self.text(dataset, "long_name")
    }

    fn text(&self, dataset: &str, attribute: &str) -> Option<String> {
        let text = self.file.dataset(dataset).and_then(|d| d.attr(attribute)?.read_scalar::<VarLenUnicode>());
        text.ok().map(|text| text.to_string())
    }

    fn dataset(&self, name: &'static str) -> Result<Dataset> {
        self.file.dataset(name).map_err(|_| {
            let found = self.file.member_names().unwrap_or_default();
            let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
            Error::NotResults { path: self.path.clone(), name, why: why_missing(name), found }
        })
    }

    fn bad_shape(&self, name: &'static str, dataset: &Dataset, expected: String) -> Error {
        Error::BadShape { path: self.path.clone(), name: name.to_owned(), shape: dataset.shape(), expected }
    }
}

/// Returns why a dataset may be missing, and what to do.
fn why_missing(dataset: &str) -> &'static str {
    match dataset {
        "flux_node" => {
            "the flux is written where k is not 1 everywhere or the physics is not flow (--physics); elsewhere it is the \
             velocity (--field speed)"
        }
        "pressure_node" => "a pressure is written for potential flow only (--physics flow)",
        _ => "this picture needs a results file of quad8-mpi (a mesh must be solved first)",
    }
}
