//! Reader of results files, on one process.

use std::path::{Path, PathBuf};

use hdf5::types::{TypeDescriptor, VarLenUnicode};
use hdf5::{Attribute, Dataset, File, H5Type};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::io::file::open_error;
use crate::io::hdf5::{bad_shape, check_stored, read_error};
use crate::io::mesh::{NAME, is_hdf5};
use crate::mesh::{empty_mesh, node_out_of_range, not_finite};
use crate::quad8::Coordinates;

/// Mesh of a results file.
pub struct ResultsMesh {
    /// Coordinates (m) of the nodes, used or not.
    pub points: Vec<[f64; 2]>,
    /// Nodes of each element.
    pub elements: Vec<[u32; 8]>,
}

impl ResultsMesh {
    /// Returns the coordinates (m) of the nodes of an element.
    pub fn coordinates(&self, element: usize) -> Coordinates {
        self.elements[element].map(|n| self.points[n as usize])
    }
}

/// Array of any numbers, with its shape.
pub enum Array {
    /// Whole numbers.
    Integers(Vec<usize>, Vec<i64>),
    /// Floating-point numbers.
    Numbers(Vec<usize>, Vec<f64>),
}

/// Open results file.
pub struct ResultsReader {
    path: PathBuf,
    file: File,
}

impl ResultsReader {
    /// Opens a results file.
    ///
    /// # Errors
    /// The file cannot be opened, or is no HDF5 file.
    pub fn open(path: &Path) -> Result<Self> {
        if !is_hdf5(path)? {
            return Err(not_hdf5(path));
        }
        let file = File::open(path).map_err(|e| open_error(path, e))?;
        Ok(Self { path: path.into(), file })
    }

    /// Reads the mesh.
    ///
    /// # Errors
    /// A dataset is missing, cannot be read or has another shape, or the mesh is not valid.
    pub fn mesh(&self) -> Result<ResultsMesh> {
        let x = self.numbers("x", None)?;
        let y = self.numbers("y", Some(&[x.len()]))?;
        let points: Vec<[f64; 2]> = x.into_iter().zip(y).map(|(x, y)| [x, y]).collect();
        let dataset = self.dataset("quad8")?;
        let shape = dataset.shape();
        if shape.len() != 2 || shape[1] != 8 {
            return Err(bad_shape(&self.path, "quad8", &dataset, "(E, 8)"));
        }
        let nodes: Vec<i64> = self.values("quad8", &dataset)?;
        let mut elements = Vec::with_capacity(shape[0]);
        for (row, element) in nodes.chunks_exact(8).zip(0..) {
            let mut nodes = [0; 8];
            for (node, &found) in nodes.iter_mut().zip(row) {
                let valid = u32::try_from(found).ok().filter(|&n| (n as usize) < points.len());
                *node = valid.ok_or_else(|| node_out_of_range(element, found, points.len() as u64))?;
                let [x, y] = points[*node as usize];
                if !(x.is_finite() && y.is_finite()) {
                    return Err(not_finite(element, u64::from(*node), [x, y]));
                }
            }
            elements.push(nodes);
        }
        if elements.is_empty() {
            return Err(empty_mesh());
        }
        Ok(ResultsMesh { points, elements })
    }

    /// Reads a dataset of this shape, or of any shape with one axis, as f64.
    ///
    /// # Errors
    /// The dataset is missing, cannot be read or has another shape.
    pub fn numbers(&self, name: &str, shape: Option<&[usize]>) -> Result<Vec<f64>> {
        let dataset = self.dataset(name)?;
        let fits = shape.map_or(dataset.ndim() == 1, |shape| dataset.shape() == shape);
        if !fits {
            let expected = shape.map_or("(N)".to_owned(), |shape| format!("{shape:?}"));
            return Err(bad_shape(&self.path, name, &dataset, &expected));
        }
        self.values(name, &dataset)
    }

    /// Reads a dataset of any shape.
    ///
    /// # Errors
    /// The dataset is missing or cannot be read.
    pub(crate) fn array(&self, name: &str) -> Result<Array> {
        let dataset = self.dataset(name)?;
        let kind =
            dataset.dtype().and_then(|kind| kind.to_descriptor()).map_err(|e| read_error(&self.path, name, e))?;
        let shape = dataset.shape();
        Ok(match kind {
            TypeDescriptor::Integer(_) | TypeDescriptor::Unsigned(_) => {
                Array::Integers(shape, self.values(name, &dataset)?)
            }
            _ => Array::Numbers(shape, self.values(name, &dataset)?),
        })
    }

    /// Returns whether a dataset exists.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.file.link_exists(name)
    }

    /// Returns the names of the datasets at the root.
    pub(crate) fn datasets(&self) -> Vec<String> {
        let names = self.file.member_names().unwrap_or_default();
        names.into_iter().filter(|name| self.file.dataset(name).is_ok()).collect()
    }

    /// Returns name and path of the datasets of a group, which may be missing.
    pub(crate) fn named(&self, group: &str) -> Vec<(String, String)> {
        let members = self.file.group(group).and_then(|group| group.member_names()).unwrap_or_default();
        let path = |member: String| format!("{group}/{member}");
        members
            .into_iter()
            .map(|name| (self.text(&path(name.clone()), NAME).unwrap_or_else(|| name.clone()), path(name)))
            .collect()
    }

    fn values<T: H5Type>(&self, name: &str, dataset: &Dataset) -> Result<Vec<T>> {
        check_stored(&self.path, &self.file, dataset, name)?;
        dataset.read_raw().map_err(|e| read_error(&self.path, name, e))
    }

    /// Returns the unit of a dataset, "" if it has none.
    pub fn unit(&self, name: &str) -> String {
        let unit = self.text(name, "units").or_else(|| self.text(name, "unit"));
        unit.map_or(String::new(), |unit| unit.replace("^2", "²").replace("^3", "³"))
    }

    /// Reads the flow through each named boundary: that of the discrete system, and that of the
    /// velocities at its edges.
    ///
    /// # Errors
    /// The file holds no flows.
    pub fn flows(&self) -> Result<Vec<(String, [f64; 2])>> {
        let read = || -> hdf5::Result<_> {
            let group = self.file.group("run/flow")?;
            let names = group.attr("boundary")?.read_raw::<VarLenUnicode>()?;
            let [flow, sampled] = [group.attr("flow")?.read_raw()?, group.attr("sampled")?.read_raw()?];
            let values = flow.into_iter().zip(sampled).map(|(flow, sampled)| [flow, sampled]);
            Ok(names.iter().map(ToString::to_string).zip(values).collect())
        };
        read().map_err(|_| Error::input(format!("{} holds no flows: it is no results file", self.path.display())))
    }

    /// Returns the relative residual of results that did not converge.
    pub fn unconverged(&self) -> Option<f64> {
        let run = self.file.group("run").ok()?;
        let converged: u64 = run.attr("converged").and_then(|a| a.read_scalar()).ok()?;
        let residual = || run.attr("relative_residual").and_then(|a| a.read_scalar()).unwrap_or(f64::NAN);
        (converged == 0).then(residual)
    }

    /// Returns the attributes of a group: texts and numbers, of which null stands for one that is
    /// not finite; none of a missing group.
    pub(crate) fn attributes(&self, group: &str) -> Map<String, Value> {
        let Ok(group) = self.file.group(group) else { return Map::new() };
        let names = group.attr_names().unwrap_or_default();
        names.into_iter().filter_map(|name| Some((name.clone(), value_of(&group.attr(&name).ok()?)?))).collect()
    }

    /// Returns the name of the quantity in a dataset.
    pub fn name(&self, dataset: &str) -> Option<String> {
        self.text(dataset, "long_name")
    }

    fn text(&self, dataset: &str, attribute: &str) -> Option<String> {
        let text = self.file.dataset(dataset).and_then(|d| d.attr(attribute)?.read_scalar::<VarLenUnicode>());
        text.ok().map(|text| text.to_string())
    }

    fn dataset(&self, name: &str) -> Result<Dataset> {
        self.file.dataset(name).map_err(|_| {
            let found = self.file.member_names().unwrap_or_default();
            let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
            no_dataset(&self.path, name, &found)
        })
    }
}

/// Reads a text or a number, or a list of them.
fn value_of(attribute: &Attribute) -> Option<Value> {
    let values: Vec<Value> = match attribute.dtype().ok()?.to_descriptor().ok()? {
        TypeDescriptor::VarLenUnicode => {
            attribute.read_raw::<VarLenUnicode>().ok()?.iter().map(|text| text.as_str().into()).collect()
        }
        _ => attribute.read_raw::<f64>().ok()?.into_iter().map(Value::from).collect(),
    };
    if attribute.is_scalar() { values.into_iter().next() } else { Some(values.into()) }
}

fn not_hdf5(path: &Path) -> Error {
    let path = path.display();
    Error::input(format!("{path} is not an HDF5 file: a results file (OUT.h5) is expected"))
}

fn no_dataset(path: &Path, name: &str, found: &str) -> Error {
    let (path, why) = (path.display(), why_missing(name));
    Error::input(format!("{path} has no dataset '{name}': {why}; found: {found}"))
}

/// Returns the reason why a dataset may be missing, and the remedy.
fn why_missing(dataset: &str) -> &'static str {
    match dataset {
        "flux_node" => {
            "the flux is written where k is not 1 everywhere or the physics is not flow (--physics); elsewhere it is the \
             velocity (--field speed)"
        }
        "pressure_node" => "a pressure is written for potential flow only (--physics flow)",
        _ => {
            "this needs a results file of quad8-mpi with that field (a mesh must be solved first, and --fields must not leave it out)"
        }
    }
}
