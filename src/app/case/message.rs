//! Translates the errors of the TOML reader into the terms of a case file.

use std::ops::Range;

use crate::system::did_you_mean;

/// Message about a value of another type than that of its key.
const OTHER_FORM: &str = "must have another form, which quad8-mpi case shows";
/// Length of the longest value that a message repeats.
const LONGEST: usize = 40;

/// Returns the message about the error at `place` in the text of a case file.
pub fn plain(message: &str, text: &str, place: Range<usize>) -> String {
    let before = text.get(..place.start).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    let said = explain(message);
    let is_short = |value: &&str| (1..=LONGEST).contains(&value.len()) && !value.contains('\n');
    match (key(line), text.get(place).filter(is_short)) {
        (Some(key), Some(value)) => format!("{key} = {value}: {said}"),
        (Some(key), None) => format!("{key}: {said}"),
        (None, _) => said,
    }
}

/// Returns the key to which the value at the end of this text belongs.
fn key(before: &str) -> Option<&str> {
    let keys = before.trim_end().strip_suffix('=')?;
    keys.rsplit(['{', ',']).next().map(str::trim)
}

fn explain(message: &str) -> String {
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match &names[..] {
        [word, known @ ..] if message.starts_with("unknown field") => return no_key(word, known),
        [word, known @ ..] if message.starts_with("unknown variant") => {
            let hint = did_you_mean(word, known.iter().copied());
            return format!("'{word}' is not known: {hint}it must be {}", or(known));
        }
        [key] if message.starts_with("missing field") => return format!("the key '{key}' is missing"),
        _ => (),
    }
    if let Some((unknown, known)) =
        message.strip_prefix("unexpected keys in table: ").and_then(|m| m.split_once(", available keys: "))
    {
        return no_key(unknown, &known.split(", ").collect::<Vec<_>>());
    }
    if message.starts_with("string values must be quoted") {
        return "texts stand in quotes".to_owned();
    }
    match message.split_once(", expected ") {
        Some((found, expected)) if found.starts_with("invalid type") || found.starts_with("invalid value") => {
            format!("must be {}", kind(expected))
        }
        _ if message.starts_with("wanted ") || message.starts_with("expected table") => OTHER_FORM.to_owned(),
        _ => message.replace('\n', "; ").replace('`', "'"),
    }
}

fn no_key(unknown: &str, known: &[&str]) -> String {
    format!(
        "there is no key '{unknown}' here: {}the keys are {}",
        did_you_mean(unknown, known.iter().copied()),
        known.join(", ")
    )
}

/// Returns the type that the reader expected, in plain words.
fn kind(expected: &str) -> &str {
    match expected {
        "f64" => "a number",
        "u32" | "usize" => "a whole number, 0 or more",
        "a nonzero u16" => "a whole number, 1 or more",
        "path string" => "a text in quotes",
        "a map" => "a table",
        "newtype variant" => "a table with a value, as in { dirichlet = 0 }",
        expected if expected.starts_with("struct ") => "a table",
        expected => expected,
    }
}

/// Joins names with 'or' before the last one.
fn or(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [name] => (*name).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
