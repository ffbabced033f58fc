//! Which call takes which options.

use serde_json::{Map, Value};

use crate::{
    error::Error,
    frontends::settings::{SETTINGS, Settings},
    request::{
        Options,
        options::{ACCESS, Commands, LIMITS, OPTIONS, OUTPUT, OptionKind, OptionSpec},
    },
};

/// A setting of connections that has no section of its own.
const ALLOW_HOST: &str = "allow-host";

/// A call of the library that takes options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// One picture.
    Snapshot,
    /// Many pictures.
    Pictures,
    /// Playlists alone.
    Inspect,
}

/// An option, for the types and the documentation of a package.
#[derive(Debug, Clone, Copy)]
pub struct BindingOption {
    /// Its name on the command line, without `--`.
    pub name: &'static str,
    /// The form of its value.
    pub kind: OptionKind,
    /// One line.
    pub help: &'static str,
    /// The calls that take it.
    pub calls: [(Call, bool); 3],
    /// Whether a client takes it.
    pub is_of_client: bool,
}

impl Call {
    const ALL: [Self; 3] = [Self::Snapshot, Self::Pictures, Self::Inspect];

    fn takes(self, spec: &OptionSpec<Options>) -> bool {
        let command = match self {
            Self::Snapshot => Commands::SNAP,
            Self::Pictures => Commands::SERIES,
            Self::Inspect => Commands::EVERY,
        };
        spec.commands.include(command) && !is_output(spec) && spec.kind != OptionKind::Argument
    }

    fn command(self) -> &'static str {
        match self {
            Self::Snapshot => "snap",
            Self::Pictures => "series",
            Self::Inspect => "inspect",
        }
    }
}

/// The options of all calls and of a client.
pub fn all_options() -> impl Iterator<Item = BindingOption> {
    let of_requests = OPTIONS.iter().map(|spec| BindingOption {
        name: spec.name,
        kind: spec.kind,
        help: spec.help,
        calls: Call::ALL.map(|call| (call, call.takes(spec))),
        is_of_client: is_default(spec),
    });
    let of_connections = SETTINGS.iter().filter(|spec| is_of_connections(spec)).map(|spec| BindingOption {
        name: spec.name,
        kind: spec.kind,
        help: spec.help,
        calls: Call::ALL.map(|call| (call, false)),
        is_of_client: true,
    });
    of_connections.chain(of_requests).filter(|option| option.is_of_client || option.calls.iter().any(|(_, takes)| *takes))
}

/// Sets the options of a client. Fails with `usage` for those of pictures.
pub(super) fn set_settings(settings: &mut Settings, object: &Map<String, Value>) -> Result<(), Error> {
    for (name, value) in given(object) {
        if let Some(spec) = OptionSpec::find(SETTINGS, name).filter(|spec| is_of_connections(spec)) {
            spec.set_json(settings, name, value)?;
            continue;
        }
        let spec = Options::spec(name)?;
        if !is_default(spec) {
            let message = format!("the option {name:?} is not one of a client");
            return Err(Error::usage(message, "give it to each call"));
        }
        spec.set_json(&mut settings.defaults, name, value)?;
    }
    Ok(())
}

/// Sets the options of a call. Fails with `usage` for those of other calls and of a client.
pub(super) fn set_options(options: &mut Options, call: Call, object: &Map<String, Value>) -> Result<(), Error> {
    for (name, value) in given(object) {
        if OptionSpec::find(SETTINGS, name).is_some_and(is_of_connections) {
            return Err(Error::usage(format!("the option {name:?} belongs to the connections"), "give it to the client"));
        }
        let spec = Options::spec(name)?;
        if is_output(spec) {
            return Err(Error::usage(format!("the option {name:?} is for programs that write files"), "save the picture instead"));
        }
        if !call.takes(spec) {
            let message = format!("the option {name:?} does not apply here");
            return Err(Error::usage(message, format!("use the options of `hlsnap {} --help`", call.command())));
        }
        if let Some(other) = spec.conflicts_with
            && given(object).any(|(name, _)| OptionSpec::find(OPTIONS, name).is_some_and(|spec| spec.name == other))
        {
            return Err(Error::usage(format!("{name} and {} exclude each other", other.replace('-', "_")), "give one of them"));
        }
        spec.set_json(options, name, value)?;
    }
    Ok(())
}

fn given(object: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    object.iter().filter(|(_, value)| !value.is_null())
}

fn is_output(spec: &OptionSpec<Options>) -> bool {
    spec.section.heading == OUTPUT.heading
}

/// Whether a client may give all its requests this option.
fn is_default(spec: &OptionSpec<Options>) -> bool {
    spec.section.heading == ACCESS.heading || spec.section.heading == LIMITS.heading
}

fn is_of_connections(spec: &OptionSpec<Settings>) -> bool {
    spec.section.heading == ACCESS.heading || spec.name == ALLOW_HOST
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn message(result: Result<(), Error>) -> String {
        result.map_err(|e| if e.kind() == ErrorKind::Usage { e.one_line() } else { e.kind().to_string() }).err().unwrap_or_default()
    }

    #[test]
    fn options_of_other_calls_are_usage_errors() {
        for (call, json, part) in [
            (Call::Snapshot, r#"{"widht": 1}"#, "\"widht\" is not known"),
            (Call::Snapshot, r#"{"every": 10}"#, "does not apply here"),
            (Call::Snapshot, r#"{"proxy": "http://h"}"#, "give it to the client"),
            (Call::Snapshot, r#"{"output": "x.jpg"}"#, "save the picture"),
            (Call::Snapshot, r#"{"strip": true, "describe": true}"#, "exclude each other"),
            (Call::Snapshot, r#"{"url": "x"}"#, "does not apply here"),
            (Call::Pictures, r#"{"at": 3}"#, "hlsnap series --help"),
            (Call::Pictures, r#"{"to": 3, "for": 2}"#, "exclude each other"),
            (Call::Inspect, r#"{"quality": 3}"#, "does not apply here"),
            (Call::Snapshot, r#"{"sandbox": true}"#, "is not known"),
        ] {
            let object = serde_json::from_str(json).expect("an object");
            let message = message(set_options(&mut Options::default(), call, &object));
            assert!(message.contains(part), "{json}: {message:?}");
        }
        for json in [r#"{"width": 3}"#, r#"{"sandbox": true}"#, r#"{"cacert": [1]}"#, r#"{"nonsense": 1}"#] {
            let object = serde_json::from_str(json).expect("an object");
            assert!(!message(set_settings(&mut Settings::for_user(), &object)).is_empty(), "{json}");
        }
    }

    #[test]
    fn every_call_takes_its_options() {
        let takes = |name: &str| {
            let option = all_options().find(|option| option.name == name);
            option.map(|option| (option.calls.map(|(_, takes)| takes), option.is_of_client))
        };
        assert_eq!(takes("at"), Some(([true, false, false], false)));
        assert_eq!(takes("every"), Some(([false, true, false], false)));
        assert_eq!(takes("timeout"), Some(([true, true, true], true)));
        assert_eq!(takes("allow-host"), Some(([false, false, false], true)));
        assert_eq!((takes("output"), takes("url"), takes("sandbox"), takes("key")), (None, None, None, None));
    }
}
