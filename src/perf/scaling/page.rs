//! Pages of scaling studies for a browser: charts of speed-up and efficiency, bars of the stages,
//! and tables.

use serde_json::{Value, json};

use crate::perf::scaling::study::{Point, STAGES, Study, WHOLE_RUN};
use crate::perf::scaling::table::Table;
use crate::plot::{Curve, Document};

/// Returns the page of a study with its title, its curves and their quantity, and tables with their
/// captions.
pub fn page(study: &Study, title: &str, curves: &[Curve], quantity: &str, tables: &[(&str, Table)]) -> String {
    let curve = |curve: &Curve| json!({ "label": curve.label, "points": curve.points });
    let stages = &STAGES[..STAGES.len() - 1];
    let point = |point: &Point| {
        let seconds: Vec<f64> = point.stages[..stages.len()].iter().map(|figures| figures.seconds).collect();
        json!({ "layout": point.parallel, "seconds": seconds, "total": point.stage(WHOLE_RUN).seconds })
    };
    let data = json!({
        "title": title,
        "quantity": quantity,
        "curves": curves.iter().map(curve).collect::<Value>(),
        "stages": stages.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        "points": study.points.iter().map(point).collect::<Value>(),
        "tables": tables.iter().map(|(caption, table)| json!({ "caption": caption, "table": table })).collect::<Value>(),
    });
    Document { body: include_str!("study.html"), scripts: &[include_str!("study.js")], data: &data }.write()
}
