//! hlsnap's options, for the types of the package.

use hlsnap::internals::{bindings::all_options, request::options::OptionKind};
use pyo3::pyfunction;

/// Name, kind and help of each option, whether `snapshot`, `pictures` and `inspect` take it, and whether a client does.
type Row = (String, &'static str, &'static str, [bool; 3], bool);

/// All options.
#[pyfunction]
pub fn options() -> Vec<Row> {
    let row = |option: hlsnap::internals::bindings::BindingOption| {
        let takes = option.calls.map(|(_, takes)| takes);
        (option.name.replace('-', "_"), kind(option.kind), option.help, takes, option.is_of_client)
    };
    all_options().map(row).collect()
}

fn kind(kind: OptionKind) -> &'static str {
    match kind {
        OptionKind::Argument => "argument",
        OptionKind::Switch | OptionKind::Bool => "bool",
        OptionKind::Value => "value",
        OptionKind::SignedValue => "moment",
        OptionKind::OptionalValue => "optional",
        OptionKind::Integer(..) => "integer",
        OptionKind::Path => "path",
        OptionKind::Repeatable => "list",
        OptionKind::Fields => "fields",
    }
}
