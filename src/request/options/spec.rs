//! One row of a table of options.

use super::{
    kind::OptionKind,
    value::{InputValue, OptionValue},
};
use crate::error::Error;

/// One option of every frontend: its spelling, its help, and the field of `T` that it sets.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct OptionSpec<T: 'static> {
    /// The name on the command line, without `--`. JSON, queries and variables spell it with `_`.
    pub name: &'static str,
    /// Another name in JSON and variables.
    pub alias: Option<&'static str>,
    /// The short flag.
    pub short: Option<char>,
    /// The form of its value.
    pub kind: OptionKind,
    /// The placeholder in the help; empty for a switch.
    pub value_name: &'static str,
    /// The part of the help it belongs to.
    pub section: Section,
    /// One line for `-h`.
    pub help: &'static str,
    /// The text for `--help`, if it says more.
    pub long_help: Option<&'static str>,
    /// An option that cannot be given too.
    pub conflicts_with: Option<&'static str>,
    /// The option of another table that precedes it in the help.
    pub after: Option<&'static str>,
    /// Whether HTTP queries may set it.
    pub is_in_queries: bool,
    /// The commands that take it.
    pub commands: Commands,
    setter: fn(&mut T, &OptionValue<'_>) -> Result<(), Error>,
}

/// A part of the help, and the commands that share its options.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// The heading in the help; `None` for clap's own.
    pub heading: Option<&'static str>,
    /// The commands that take its options, unless a row says otherwise. JSON events and `HLSNAP_` variables take all options.
    pub commands: Commands,
    /// Whether HTTP queries may set its options. Those that write, or send secrets, are left to the operator.
    pub is_in_queries: bool,
}

/// A set of commands of the command line, which take an option. HTTP's paths and Lambda's kinds are named after them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commands(u8);

impl Commands {
    /// Variables alone.
    pub const NONE: Self = Self(0);
    /// One picture.
    pub const SNAP: Self = Self(1);
    /// `sheet`.
    pub const SHEET: Self = Self(1 << 1);
    /// `storyboard`.
    pub const STORYBOARD: Self = Self(1 << 2);
    /// `series`.
    pub const SERIES: Self = Self(1 << 3);
    /// `animate`.
    pub const ANIMATE: Self = Self(1 << 4);
    /// `serve`.
    pub const SERVE: Self = Self(1 << 5);
    /// `batch`. It also takes the options of one picture.
    pub const BATCH: Self = Self(1 << 6);
    /// `watch`.
    pub const WATCH: Self = Self(1 << 7);
    /// Every command; of HTTP's paths, those for playlists too.
    pub const EVERY: Self = Self(u8::MAX);
    /// Those that take many pictures.
    pub const MANY: Self = Self::SHEET.and(Self::STORYBOARD).and(Self::SERIES).and(Self::ANIMATE);
    /// Those that take pictures.
    pub const PICTURES: Self = Self::SNAP.and(Self::MANY);

    /// These commands and others.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are among these.
    pub const fn include(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl<T> OptionSpec<T> {
    /// A row; `setter` reads the value and stores it.
    pub const fn new(
        section: Section,
        name: &'static str,
        kind: OptionKind,
        value_name: &'static str,
        help: &'static str,
        setter: fn(&mut T, &OptionValue<'_>) -> Result<(), Error>,
    ) -> Self {
        let (alias, short, long_help, conflicts_with, after) = (None, None, None, None, None);
        let (is_in_queries, commands) = (section.is_in_queries, section.commands);
        Self { name, alias, short, kind, value_name, section, help, long_help, conflicts_with, after, is_in_queries, commands, setter }
    }

    /// Adds a short flag.
    pub const fn short(mut self, short: char) -> Self {
        self.short = Some(short);
        self
    }

    /// Adds the text for `--help`.
    pub const fn long_help(mut self, long_help: &'static str) -> Self {
        self.long_help = Some(long_help);
        self
    }

    /// Adds another name.
    pub const fn alias(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    /// Excludes another option.
    pub const fn conflicts_with(mut self, other: &'static str) -> Self {
        self.conflicts_with = Some(other);
        self
    }

    /// Places it in the help after an option of another table.
    pub const fn after(mut self, other: &'static str) -> Self {
        self.after = Some(other);
        self
    }

    /// Gives it to other commands than its section.
    pub const fn only_for(mut self, commands: Commands) -> Self {
        self.commands = commands;
        self
    }

    /// Keeps it out of HTTP queries.
    pub const fn not_in_queries(mut self) -> Self {
        self.is_in_queries = false;
        self
    }

    /// The row called `name`, whose words may be joined by `-` or `_`.
    pub fn find<'a>(table: &'a [Self], name: &str) -> Option<&'a Self> {
        let is =
            |known: &str| known.len() == name.len() && known.bytes().eq(name.bytes().map(|byte| if byte == b'_' { b'-' } else { byte }));
        table.iter().find(|spec| is(spec.name) || spec.alias.is_some_and(is))
    }

    /// The name as JSON, queries and variables spell it.
    pub fn key(&self) -> String {
        self.name.replace('-', "_")
    }

    /// Sets the option. Fails with `usage`; values that may be secret are not shown.
    pub fn set(&self, target: &mut T, input: &InputValue) -> Result<(), Error> {
        (self.setter)(target, &OptionValue { name: self.name, kind: self.kind, input })
    }
}
