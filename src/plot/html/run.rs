//! What a page tells about a run: attributes of the results, the case, and run records.

use std::path::Path;

use serde_json::{Value, json};

use crate::error::Result;
use crate::io::record::{RunRecord, Stage, not_record, read as read_json, relative_residuals};
use crate::io::results::{ResultsMesh as Mesh, ResultsReader};
use crate::plot::html::ViewArgs;

/// Largest number of residuals in a page.
const RESIDUALS: usize = 1000;

/// Reads a run record, without what a page does not show.
///
/// # Errors
/// A file that cannot be opened, or that is no run record.
pub fn read(path: &Path) -> Result<Value> {
    let mut record: Value = read_json(path)?;
    let run: RunRecord = serde_json::from_value(record.clone()).map_err(|e| not_record(path, e))?;
    if let Some(iterations) = record.pointer_mut("/breakdown/iterations").and_then(Value::as_object_mut) {
        iterations.retain(|key, _| !["compute", "halo", "reductions"].contains(&key.as_str()));
    }
    record.as_object_mut().and_then(|keys| keys.remove("residual_history"));
    record["relative_residuals"] = json!(thinned(&run.relative_residuals()));
    record["file"] = name(path).into();
    Ok(record)
}

/// Returns the file, the sizes of the mesh, the attributes of the run, its case, the records, and
/// the names of the stages with their keys in these.
pub fn summary(args: &ViewArgs, reader: &ResultsReader, mesh: &Mesh, runs: Vec<Value>) -> Value {
    let attributes = reader.attributes("run");
    let case = attributes.get("case").and_then(Value::as_str);
    let case = case.and_then(|text| toml::from_str::<Value>(text).ok());
    let rhs_norm = attributes.get("rhs_norm").and_then(Value::as_f64).unwrap_or(0.0);
    let residuals = reader.numbers("run/residual_history", None).unwrap_or_default();
    json!({
        "file": name(&args.results),
        "nodes": mesh.points.len(),
        "elements": mesh.elements.len(),
        "window": args.window.map(|bounds| [bounds.low, bounds.high]),
        "unconverged": reader.unconverged().is_some(),
        "run": attributes,
        "flow": reader.attributes("run/flow"),
        "case": case,
        "relative_residuals": thinned(&relative_residuals(&residuals, rhs_norm)),
        "runs": runs,
        "stages": Stage::ALL.map(|stage| json!({ "name": stage.name(), "keys": stage.keys() })),
    })
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// Returns pairs of an iteration and its residual, the first and the last ones among them.
fn thinned(values: &[f64]) -> Vec<(usize, f64)> {
    let every = values.len().div_ceil(RESIDUALS).max(1);
    let is_shown = |i: usize| i.is_multiple_of(every) || i + 1 == values.len();
    values.iter().copied().enumerate().filter(|(i, _)| is_shown(*i)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_history_keeps_its_ends() {
        let values: Vec<f64> = (0..5001).map(f64::from).collect();
        let thin = thinned(&values);
        assert!(thin.len() <= RESIDUALS + 1);
        assert_eq!([thin[0].0, thin[thin.len() - 1].0], [0, 5000]);
        assert_eq!(thinned(&values[..3]).len(), 3);
    }
}
