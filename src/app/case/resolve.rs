//! Resolves the command line and the case file into one case.

use std::num::NonZeroU16;

use crate::app::case::args::BoundaryOption;
use crate::app::case::{Case, DryRun, PartitionSource, RunOptions, SolveArgs, find_case};
use crate::error::{Error, Result};
use crate::io::file::resolve_symlink;
use crate::parallel::Comm;

impl Case {
    /// Resolves the options of a solve: an option replaces the value of the case file, and that the
    /// default. **Collective.**
    ///
    /// # Errors
    /// A case file that cannot be read or parsed; a missing file whose name is near to another one;
    /// two conditions for one boundary; an option that does not go with `--reproducible`. The same
    /// on every rank.
    pub fn resolve(comm: &Comm, args: &SolveArgs) -> Result<Self> {
        let mut case = find_case(comm, args.input.as_deref(), &args.channel, args.refine)?;
        case.set_conditions(&args.bc)?;
        case.scale = args.scale.or(case.scale);
        set(&mut case.physics, args.physics);
        set(&mut case.geometry, args.geometry);
        set(&mut case.solver.preconditioner, args.preconditioner);
        set(&mut case.solver.operator, args.operator);
        set(&mut case.solver.rtol, args.rtol);
        set(&mut case.solver.max_iterations, args.max_iterations);
        set(&mut case.material.conductivity, args.k.clone());
        set(&mut case.material.source, args.f.clone().map(Into::into));
        set(&mut case.constants.gamma, args.gamma);
        set(&mut case.constants.p0, args.p0);
        set(&mut case.constants.density, args.density);
        set(&mut case.output.format, args.format);
        set(&mut case.output.results, args.output.clone());
        case.output.results = resolve_symlink(&case.output.results);
        case.output.fields = args.fields.clone().or(case.output.fields);
        case.output.single |= args.single;
        case.output.compress |= args.compress;
        case.output.storage().check()?;
        case.solver.threads = args.threads.and_then(NonZeroU16::new).or(case.solver.threads);
        case.solver.reproducible = args.reproducible.and_then(NonZeroU16::new).or(case.solver.reproducible);
        if case.solver.reproducible.is_some() {
            check_reproducible(args)?;
        }
        case.output.json = args.json.clone().or(case.output.json);
        case.run = RunOptions::new(args);
        Ok(case)
    }

    /// Sets the conditions that the command line gives.
    fn set_conditions(&mut self, options: &[BoundaryOption]) -> Result<()> {
        for (i, BoundaryOption { name, condition }) in options.iter().enumerate() {
            if options[..i].iter().any(|other| other.name == *name) {
                return Err(Error::input(format!("--bc is given twice for boundary '{name}'")));
            }
            self.boundary.insert(name.clone(), condition.clone());
        }
        Ok(())
    }
}

impl RunOptions {
    fn new(args: &SolveArgs) -> Self {
        let computed = || PartitionSource::Partitioner(args.partitioner);
        Self {
            partition: args.partition.clone().map_or_else(computed, PartitionSource::File),
            until_error: args.until_error,
            checkpoint_every: args.checkpoint_every,
            restart: args.restart.clone(),
            trace: args.trace.clone(),
            dry_run: args.dry_run.then_some(DryRun { ranks: args.ranks, bandwidth: args.bandwidth }),
            quiet: args.quiet,
            conditions: args.bc.iter().map(|option| option.name.clone()).collect(),
        }
    }
}

/// Checks that no option depends on the number of ranks or needs a file that virtual ranks cannot
/// share.
fn check_reproducible(args: &SolveArgs) -> Result<()> {
    let refused = [
        ("--partition", args.partition.is_some()),
        ("--max-time", args.max_time.is_some()),
        ("--checkpoint-every", args.checkpoint_every.is_some()),
        ("--restart", args.restart.is_some()),
        ("--dry-run", args.dry_run),
    ];
    match refused.into_iter().find(|(_, is_given)| *is_given) {
        Some((option, _)) => {
            Err(Error::input(format!("--reproducible does not go with {option}: leave one of them out")))
        }
        None => Ok(()),
    }
}

fn set<T>(value: &mut T, option: Option<T>) {
    if let Some(option) = option {
        *value = option;
    }
}
