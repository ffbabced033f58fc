//! From a row of a table of options to clap's argument, and from clap's matches back to what the row sets.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, parser::ValueSource, value_parser};

use crate::{
    error::Error,
    request::options::{InputValue, OptionKind, OptionSpec},
};

/// The argument of a row. Values stay text, so that [`OptionSpec::set`] reads them, every frontend reports the same error, and clap never
/// prints a secret. clap parses only numbers, booleans and paths.
pub(super) fn arg<T>(spec: &OptionSpec<T>) -> Arg {
    let arg = Arg::new(spec.name).help(spec.help).help_heading(spec.section.heading);
    let arg = match spec.long_help {
        Some(text) => arg.long_help(format!("{}\n\n{text}", spec.help)),
        None => arg,
    };
    let arg = if spec.kind == OptionKind::Argument { arg } else { arg.long(spec.name).short(spec.short) };
    let arg = if spec.kind == OptionKind::Switch { arg } else { arg.value_name(spec.value_name) };
    let arg = match spec.conflicts_with {
        Some(other) => arg.conflicts_with(other),
        None => arg,
    };
    match spec.kind {
        OptionKind::Switch => arg.action(ArgAction::SetTrue),
        OptionKind::Bool => optional(arg, "true").value_parser(value_parser!(bool)).hide_possible_values(true),
        OptionKind::OptionalValue => optional(arg, ""),
        OptionKind::SignedValue => arg.allow_hyphen_values(true),
        OptionKind::Integer(min, max) => arg.value_parser(value_parser!(i64).range(i64::from(min)..=i64::from(max))),
        OptionKind::Path => arg.value_parser(value_parser!(PathBuf)),
        OptionKind::Repeatable | OptionKind::Fields => arg.action(ArgAction::Append),
        OptionKind::Argument | OptionKind::Value => arg,
    }
}

/// `--name` or `--name=VALUE`; `--name VALUE` would leave it open whether VALUE is the URL.
fn optional(arg: Arg, default: &'static str) -> Arg {
    arg.num_args(0..=1).require_equals(true).default_missing_value(default)
}

/// Sets every option of `rows` that the command line gives.
pub(super) fn apply<T: 'static>(
    matches: &ArgMatches,
    mut rows: impl Iterator<Item = &'static OptionSpec<T>>,
    target: &mut T,
) -> Result<(), Error> {
    rows.try_for_each(|spec| inputs(matches, spec).iter().try_for_each(|input| spec.set(target, input)))
}

/// Whether the command line gives the argument. Commands need not know it.
pub(super) fn is_given(matches: &ArgMatches, name: &str) -> bool {
    matches.try_contains_id(name).unwrap_or(false) && matches.value_source(name) == Some(ValueSource::CommandLine)
}

/// The text of an argument, if the command line gives it.
pub(super) fn text<'a>(matches: &'a ArgMatches, name: &str) -> Option<&'a str> {
    is_given(matches, name).then(|| matches.get_one::<String>(name)).flatten().map(String::as_str)
}

fn inputs<T>(matches: &ArgMatches, spec: &OptionSpec<T>) -> Vec<InputValue> {
    let name = spec.name;
    if !is_given(matches, name) {
        return Vec::new();
    }
    let one = match spec.kind {
        OptionKind::Switch => Some(InputValue::Bool(true)),
        OptionKind::Bool => matches.get_one(name).copied().map(InputValue::Bool),
        OptionKind::Integer(..) => matches.get_one::<i64>(name).map(|number| InputValue::Number((*number).into())),
        OptionKind::Path => matches.get_one(name).cloned().map(InputValue::Path),
        _ => return matches.get_many(name).into_iter().flatten().cloned().map(InputValue::Text).collect(),
    };
    one.into_iter().collect()
}
