//! The operator's settings, from flags and `HLSNAP_` variables: network policy, limits, outputs, and the defaults of requests.

mod table;
mod values;

use std::path::PathBuf;

use crate::{
    error::{Error, ErrorKind},
    frontends::sandbox,
    request::{
        Options,
        options::{InputValue, OptionKind, OptionSpec},
    },
    store::{self, Output},
};
pub(super) use table::SETTINGS;
pub(super) use values::{Serving, Settings};

const PREFIX: &str = "HLSNAP_";
/// Variables of the scripts that build and test.
const FOREIGN: [&str; 2] = ["HLSNAP_LIBAV", "HLSNAP_SOURCES"];

impl Settings {
    /// Reads this process's variables.
    pub fn from_environment() -> Result<Self, Error> {
        Self::default().with_environment()
    }

    /// These settings, with those of this process's variables.
    pub fn with_environment(self) -> Result<Self, Error> {
        self.read(std::env::vars_os().filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?))))
    }

    /// Fails with `usage` for an unknown variable: a misspelled limit would not apply.
    fn read(self, variables: impl Iterator<Item = (String, String)>) -> Result<Self, Error> {
        let mut settings = self;
        for (variable, text) in variables {
            let Some(name) = variable.strip_prefix(PREFIX).filter(|_| !FOREIGN.contains(&variable.as_str())) else { continue };
            // Deployment templates leave unused variables empty
            if !text.is_empty() {
                settings.set(&name.to_ascii_lowercase(), &text).map_err(|e| in_variable(&variable, &e))?;
            }
        }
        Ok(settings)
    }

    fn set(&mut self, name: &str, text: &str) -> Result<(), Error> {
        let inputs = |kind| {
            let list = text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(InputValue::from);
            if kind == OptionKind::Repeatable { list.collect() } else { vec![InputValue::from(text)] }
        };
        if let Some(spec) = OptionSpec::find(SETTINGS, name) {
            return inputs(spec.kind).iter().try_for_each(|input| spec.set(self, input));
        }
        let spec = Options::spec(name)?;
        inputs(spec.kind).iter().try_for_each(|input| spec.set(&mut self.defaults, input))
    }

    /// Enters the sandbox; allowed outputs stay writable.
    pub fn enter_sandbox(&self) -> Result<(), Error> {
        if self.sandbox == Some(false) {
            return Ok(());
        }
        let writable: Vec<_> = self.allow_outputs.iter().filter_map(|pattern| store::folder_of_pattern(&pattern.pattern())).collect();
        let readable: Vec<PathBuf> = self.network.cacert.iter().cloned().collect();
        let entered = sandbox::enter(&readable, &writable, self.sandbox == Some(true))?;
        tracing::debug!("sandbox: {entered}");
        Ok(())
    }

    /// Fails with `not_allowed` for local files and stdout, and for outputs that are missing from the operator's list.
    pub fn check_output(&self, output: &Output, name: &str) -> Result<(), Error> {
        let refused = |why: &str, hint: &str| Err(Error::new(ErrorKind::NotAllowed, format!("the output {name:?} {why}")).with_hint(hint));
        let is_listed = self.allow_outputs.iter().any(|pattern| pattern.matches(name));
        match output {
            Output::Object(_) if self.allow_outputs.is_empty() || is_listed => Ok(()),
            Output::Path(_) if is_listed && !name.split('/').any(|part| part == "..") => Ok(()),
            Output::Object(_) => refused("is not on the operator's list", "the operator lists allowed outputs in HLSNAP_ALLOW_OUTPUT"),
            _ => refused("is not an object store", "give s3://bucket/key, gs://bucket/key or az://container/key"),
        }
    }
}

/// Adds the variable's name. The message never shows values of variables that may be secret.
fn in_variable(variable: &str, error: &Error) -> Error {
    let named = Error::new(error.kind(), format!("the variable {variable}: {}", error.message()));
    match error.hint() {
        Some(hint) => named.with_hint(hint),
        None => named,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::options::OPTIONS;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, String> {
        let owned = variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Settings::default().read(owned).map_err(|e| e.to_string())
    }

    #[test]
    fn variables_are_named_as_the_options() {
        let settings = read(&[
            ("PATH", "/bin"),
            ("HLSNAP_LIBAV", "system"),
            ("HLSNAP_ALLOW_HOST", "a.example.com, *.b.example.com,"),
            ("HLSNAP_TIMEOUT", "5"),
            ("HLSNAP_JOBS", "3"),
            ("HLSNAP_DROP_PERMANENT", "true"),
            ("HLSNAP_OUTPUT", ""),
            ("HLSNAP_HEADER", "Accept: a, b"),
        ]);
        let Ok(settings) = settings else { panic!("{settings:?}") };
        assert_eq!(settings.network.allow_hosts.len(), 2);
        assert!(!settings.network.allow_private && settings.drop_permanent);
        assert_eq!(settings.jobs, Some(3));
        assert_eq!(settings.defaults.limits().timeout.as_secs(), 5);
        assert_eq!(settings.defaults.output, None);
        assert!(settings.defaults.sends_secrets());
    }

    #[test]
    fn settings_and_options_share_no_name() {
        for spec in SETTINGS {
            assert!(OptionSpec::find(OPTIONS, spec.name).is_none(), "{}", spec.name);
            assert!(spec.after.is_none_or(|other| OptionSpec::find(OPTIONS, other).is_some()), "{}", spec.name);
        }
    }

    #[test]
    fn errors_name_the_variable() {
        for (name, text) in [
            ("HLSNAP_ALOW_HOST", "a"),
            ("HLSNAP_JOBS", "0"),
            ("HLSNAP_ALLOW_PRIVATE", "maybe"),
            ("HLSNAP_ALLOW_HOST", "https://a/"),
            ("HLSNAP_TIMEOUT", "soon"),
            ("HLSNAP_LOG", "loud"),
        ] {
            let message = read(&[(name, text)]).err().unwrap_or_default();
            assert!(message.contains(name), "{name}: {message}");
        }
    }

    #[test]
    fn pictures_go_only_to_allowed_outputs() {
        let check = |variables: &[(&str, &str)], text: &str| {
            let output = Output::parse("--output", text).map_err(|e| e.to_string())?;
            read(variables)?.check_output(&output, text).map_err(|e| e.kind().to_string())
        };
        let refused = Err("not_allowed".to_owned());
        assert_eq!(check(&[], "s3://a/b.jpg"), Ok(()));
        assert_eq!(check(&[], "/tmp/b.jpg"), refused);
        assert_eq!(check(&[], "-"), refused);
        let list = [("HLSNAP_ALLOW_OUTPUT", "s3://mine/*,/mnt/pictures/*")];
        assert_eq!(check(&list, "s3://mine/b.jpg"), Ok(()));
        assert_eq!(check(&list, "/mnt/pictures/b.jpg"), Ok(()));
        assert_eq!(check(&list, "/mnt/pictures/../b.jpg"), refused);
        assert_eq!(check(&list, "s3://other/b.jpg"), refused);
        assert_eq!(check(&list, "-"), refused);
    }
}
