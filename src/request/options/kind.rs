//! The form of an option's value.

/// The form of an option's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionKind {
    /// The command line's positional argument.
    Argument,
    /// On by its name alone.
    Switch,
    /// `true` or `false`; `true` if the value is omitted.
    Bool,
    /// One value.
    Value,
    /// One value that may begin with a minus sign.
    SignedValue,
    /// One value that may be omitted for a default.
    OptionalValue,
    /// A whole number from the first to the second.
    Integer(u32, u32),
    /// The path of a file.
    Path,
    /// Any number of values: a list in JSON, separated by commas in a variable.
    Repeatable,
    /// Any number of `Name: value`: a list or an object in JSON.
    Fields,
}
