//! The options of a request. [`OPTIONS`] is the one table of them for every frontend: command line, JSON events, queries and variables.

mod from_json;
mod given;
mod given_many;
mod kind;
mod many_requests;
mod spec;
mod table;
mod value;

pub use given::Options;
pub use kind::OptionKind;
pub use spec::{Commands, OptionSpec, Section};
pub use table::{ACCESS, LIMITS, OPTIONS, OUTPUT};
pub use value::{InputValue, OptionValue};
