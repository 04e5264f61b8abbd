//! Explains surplus arguments: two meshes, a subcommand that does not exist, or an option with one
//! dash.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};

use crate::app::cli::{Cli, Command};
use crate::system::nearest;

/// Returns the error about these arguments, with an explanation where one is surplus.
pub fn explained(error: clap::Error, args: &[OsString]) -> clap::Error {
    if let Some(word) = long_after_one_dash(&error, args) {
        let text = format!("there is no option '-{word}': did you mean --{word}?");
        return Cli::command().error(ErrorKind::UnknownArgument, text);
    }
    match surplus(&error) {
        Some(surplus) => Cli::command().error(ErrorKind::UnknownArgument, explain(&surplus, args)),
        None => error,
    }
}

/// Returns the name of an option that has one dash in place of two, if that may be the error.
fn long_after_one_dash(error: &clap::Error, args: &[OsString]) -> Option<String> {
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let command = Cli::command();
    let commands = std::iter::once(&command).chain(command.get_subcommands());
    let known: Vec<&str> = commands.flat_map(clap::Command::get_arguments).filter_map(clap::Arg::get_long).collect();
    let word = |argument: &OsString| Some(argument.to_str()?.strip_prefix('-')?.split('=').next()?.to_owned());
    args.iter().skip(1).filter_map(word).find(|word| known.contains(&word.as_str()))
}

/// Returns the surplus argument, if it is the error. After a mesh, clap takes it for a subcommand.
fn surplus(error: &clap::Error) -> Option<String> {
    let place = match error.kind() {
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        ErrorKind::ArgumentConflict => ContextKind::InvalidSubcommand,
        _ => return None,
    };
    match error.get(place) {
        Some(ContextValue::String(argument))
            if !argument.starts_with('-') && Cli::command().find_subcommand(argument).is_none() =>
        {
            Some(argument.clone())
        }
        _ => None,
    }
}

fn explain(surplus: &str, args: &[OsString]) -> String {
    let command = Cli::command();
    let first = args.get(1).map_or_else(String::new, |first| first.to_string_lossy().into_owned());
    match nearest(&first, command.get_subcommands().map(clap::Command::get_name)) {
        Some(near) if near != first => return format!("there is no subcommand '{first}': did you mean {near}?"),
        _ => (),
    }
    let others = args.iter().filter(|argument| *argument != surplus);
    let input = match Cli::try_parse_from(others).map(Cli::into_command) {
        Ok(Command::Solve(args)) => args.input,
        Ok(Command::Check(args)) => Some(args.mesh),
        _ => None,
    };
    match input {
        Some(input) if command.find_subcommand(&input).is_some() => {
            format!("the subcommand '{}' must come before all options", input.display())
        }
        Some(input) => {
            format!("one case file or mesh is expected: '{}' is it, '{surplus}' is one too many", input.display())
        }
        None => format!("'{surplus}' is one argument too many"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mesh_is_expected() {
        let message = |words: &str| {
            let args: Vec<OsString> = words.split(' ').map(OsString::from).collect();
            explained(Cli::try_parse_from(&args).unwrap_err(), &args).to_string()
        };
        for (words, expected) in [
            ("quad8-mpi chek mesh.h5", "there is no subcommand 'chek': did you mean check?"),
            ("quad8-mpi a.h5 -q b.h5", "one case file or mesh is expected: 'a.h5' is it, 'b.h5' is one too many"),
            ("quad8-mpi --rtol 1e-9 a.h5 b.h5", "'a.h5' is it, 'b.h5' is one too many"),
            ("quad8-mpi check a.h5 b.h5", "'a.h5' is it, 'b.h5' is one too many"),
            ("quad8-mpi plot a.h5 b.h5", "'b.h5' is one argument too many"),
            ("quad8-mpi -q check a.h5", "the subcommand 'check' must come before all options"),
            ("quad8-mpi --nonsense", "unexpected argument '--nonsense' found"),
        ] {
            let found = message(words);
            assert!(found.contains(expected), "{words}: {found}");
        }
    }
}
