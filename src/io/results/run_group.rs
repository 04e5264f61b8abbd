//! Group `run` of a results file: program, options and figures of the run.

use hdf5::types::VarLenUnicode;
use hdf5::{File, Group};

use crate::io::hdf5::{attribute, unicode, write_rows};
use crate::io::record::RunRecord;
use crate::parallel::Comm;
use crate::post::BoundaryFlow;
use crate::system::arguments::value_name;

/// Writes the group. **Collective.**
///
/// # Errors
/// An error of HDF5.
pub fn write(comm: &Comm, file: &File, record: &RunRecord) -> hdf5::Result<()> {
    let group = file.create_group("run")?;
    let text = |name: &str, value: &str| attribute(&group, name, value);
    let number = |name: &str, value: f64| group.new_attr::<f64>().create(name)?.write_scalar(&value);
    let count = |name: &str, value: u64| group.new_attr::<u64>().create(name)?.write_scalar(&value);
    let config = &record.solver_config;
    text("program", &format!("quad8-mpi {}", record.version))?;
    text("mpi", &record.libraries.mpi)?;
    text("hdf5", &record.libraries.hdf5)?;
    text("metis", &record.libraries.metis)?;
    text("mesh", &record.mesh_info.source)?;
    number("scale", record.mesh_info.scale)?;
    count("refine", u64::from(record.mesh_info.refine))?;
    text("operator", &config.operator)?;
    text("preconditioner", &config.preconditioner)?;
    if let Some(last) = record.convergence.preconditioners.last() {
        text("preconditioner_used", &last.to_string())?;
    }
    if let Some(ranks) = config.reproducible {
        count("reproducible", u64::from(ranks.get()))?;
    }
    number("rtol", config.rtol)?;
    count("max_iterations", config.max_iterations as u64)?;
    text("physics", &value_name(&record.physics))?;
    text("geometry", &value_name(&record.geometry))?;
    number("gamma", config.gamma)?;
    number("p0", config.p0)?;
    number("density", config.density)?;
    count("converged", u64::from(record.converged))?;
    count("iterations", record.iterations as u64)?;
    if let Some(restart) = &record.restart {
        count("restarted_after_iteration", restart.iteration as u64)?;
    }
    number("error_estimate_percent", record.solution_stats.error_estimate_percent)?;
    number("rhs_norm", record.convergence.rhs_norm)?;
    number("relative_residual", record.solution_stats.relative_residual)?;
    count("ranks", record.parallel.layout.ranks as u64)?;
    count("threads_per_rank", record.parallel.layout.threads_per_rank as u64)?;
    count("hosts", record.parallel.layout.hosts as u64)?;
    text("host", &record.parallel.first_host)?;
    text("case", &record.case)?;
    write_flow(&group, record)?;

    let history = &record.residual_history;
    let dataset = group.new_dataset::<f64>().shape(history.len()).create("residual_history")?;
    let rows = if comm.is_root() { 0..history.len() as u64 } else { 0..0 };
    write_rows(comm, &dataset, rows.clone(), &history[..rows.end as usize])
}

/// Writes the flow through each named boundary, as attributes of one length.
fn write_flow(run: &Group, RunRecord { flow, names, .. }: &RunRecord) -> hdf5::Result<()> {
    let group = run.create_group("flow")?;
    attribute(&group, "long_name", &names.flow.name)?;
    if !names.flow.unit.is_empty() {
        attribute(&group, "units", &names.flow.unit)?;
    }
    let list = |name: &str, of: fn(&BoundaryFlow) -> f64| {
        let values: Vec<f64> = flow.boundaries.iter().map(of).collect();
        group.new_attr::<f64>().shape(values.len()).create(name)?.write_raw(&values)
    };
    let names: Vec<_> = flow.boundaries.iter().map(|boundary| unicode(&boundary.name)).collect::<hdf5::Result<_>>()?;
    group.new_attr::<VarLenUnicode>().shape(names.len()).create("boundary")?.write_raw(&names)?;
    list("flow", |boundary| boundary.flow)?;
    list("sampled", |boundary| boundary.sampled)?;
    for (name, value) in [
        ("walls_sampled", flow.walls_sampled),
        ("source", flow.source),
        ("inflow", flow.inflow),
        ("imbalance", flow.imbalance),
        ("relative_imbalance", flow.relative_imbalance),
    ] {
        group.new_attr::<f64>().create(name)?.write_scalar(&value)?;
    }
    Ok(())
}
