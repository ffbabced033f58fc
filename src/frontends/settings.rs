//! The operator's settings, from `HLSNAP_…` variables: what `hlsnap serve` and Lambda are allowed, and what a request that says nothing
//! gets.

use std::fmt;

use wildmatch::WildMatch;

use crate::{
    error::{Error, ErrorKind},
    frontends::sandbox,
    request::{NetworkPolicy, Options, flag},
    store::{self, Output},
};

const PREFIX: &str = "HLSNAP_";
/// Read by the scripts that build and test.
const NOT_OURS: [&str; 2] = ["HLSNAP_LIBAV", "HLSNAP_SOURCES"];

/// What an operator has said.
#[derive(Clone)]
pub(super) struct Settings {
    /// Private addresses are refused unless the operator says otherwise.
    pub reach: NetworkPolicy,
    /// What a request gets that does not say; its limits are the most that one may ask for over HTTP.
    pub defaults: Options,
    /// Whether the HTTP face answers without hosts and without a key.
    pub allow_any: bool,
    /// The key that HTTP requests are signed with.
    pub key: Option<String>,
    /// Where events may have pictures written; empty is any object store.
    allow_outputs: Vec<WildMatch>,
    /// Pictures at once.
    pub jobs: Option<usize>,
    /// Whether files and other programs are given up; where nothing is said, as far as the kernel can.
    pub sandbox: Option<bool>,
    /// Whether queued messages that can never work are let go.
    pub drop_permanent: bool,
    /// `error`, `warn`, `info`, `debug`.
    pub log: tracing::Level,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("reach", &self.reach).field("allow_any", &self.allow_any).finish_non_exhaustive()
    }
}

impl Default for Settings {
    /// Nothing was said.
    fn default() -> Self {
        Self {
            reach: NetworkPolicy { allow_private: false, ..NetworkPolicy::default() },
            defaults: Options::default(),
            allow_any: false,
            key: None,
            allow_outputs: Vec::new(),
            jobs: None,
            sandbox: None,
            drop_permanent: false,
            log: tracing::Level::INFO,
        }
    }
}

impl Settings {
    /// Reads the variables of this process.
    pub fn from_environment() -> Result<Self, Error> {
        Self::read(std::env::vars_os().filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?))))
    }

    /// Fails with `usage` for a variable that is not known: a mistyped limit would not hold.
    fn read(variables: impl Iterator<Item = (String, String)>) -> Result<Self, Error> {
        let mut settings = Self::default();
        for (variable, text) in variables {
            let Some(name) = variable.strip_prefix(PREFIX).filter(|_| !NOT_OURS.contains(&variable.as_str())) else { continue };
            // Templates of deployments set what is not wanted to nothing
            if !text.is_empty() {
                settings.set(&name.to_ascii_lowercase(), &text).map_err(|e| named(&variable, &e))?;
            }
        }
        Ok(settings)
    }

    fn set(&mut self, name: &str, text: &str) -> Result<(), Error> {
        let list = || text.split(',').map(str::trim).filter(|part| !part.is_empty());
        match name {
            "allow_host" => self.reach.allow_hosts = list().map(str::parse).collect::<Result<_, _>>()?,
            "allow_private" => self.reach.allow_private = flag(name, text)?,
            "allow_downgrade" => self.reach.allow_downgrade = flag(name, text)?,
            "proxy" => self.reach.proxy = Some(text.to_owned()),
            "cacert" => self.reach.cacert = Some(text.into()),
            "insecure" => self.reach.insecure = flag(name, text)?,
            "allow_any" => self.allow_any = flag(name, text)?,
            "key" => self.key = Some(text.to_owned()),
            "allow_output" => self.allow_outputs = list().map(WildMatch::new).collect(),
            "jobs" => {
                let jobs = text.parse().ok().filter(|jobs| (1..=1000).contains(jobs));
                self.jobs = Some(jobs.ok_or_else(|| usage("is no number from 1 to 1000", "give how many pictures may be taken at once"))?);
            }
            "sandbox" => self.sandbox = Some(flag(name, text)?),
            "drop_permanent" => self.drop_permanent = flag(name, text)?,
            "log" => self.log = text.parse().map_err(|_| usage("is no level", "use error, warn, info or debug"))?,
            "decryption_key" => list().try_for_each(|key| self.defaults.set(name, key))?,
            _ => self.defaults.set(name, text)?,
        }
        Ok(())
    }

    /// Enters the sandbox, in which pictures can still be written where they may go.
    pub fn enter_sandbox(&self) -> Result<(), Error> {
        if self.sandbox == Some(false) {
            return Ok(());
        }
        let written = self.allow_outputs.iter().filter_map(|pattern| store::folder_of_pattern(&pattern.pattern()));
        let read: Vec<_> = self.reach.cacert.iter().cloned().collect();
        let how = sandbox::enter(&read, &written.collect::<Vec<_>>(), self.sandbox == Some(true))?;
        tracing::debug!("sandbox: {how}");
        Ok(())
    }

    /// Fails with `not_allowed` where pictures may not go: this machine's own files, and what the operator's list leaves out.
    pub fn check_output(&self, output: &Output, name: &str) -> Result<(), Error> {
        let refused = |why: &str, hint: &str| Err(Error::new(ErrorKind::NotAllowed, format!("the output {name:?} {why}")).with_hint(hint));
        let listed = self.allow_outputs.iter().any(|pattern| pattern.matches(name));
        match output {
            Output::Object(_) if self.allow_outputs.is_empty() || listed => Ok(()),
            Output::Path(_) if listed && !name.split('/').any(|part| part == "..") => Ok(()),
            Output::Object(_) => refused("is not among those that may be written", "the operator allows places by HLSNAP_ALLOW_OUTPUT"),
            _ => refused("is no object store", "give s3://bucket/key, gs://bucket/key or az://container/key"),
        }
    }
}

/// Says which variable it is; values may be secret, so the text of theirs is not repeated for those that are.
fn named(variable: &str, error: &Error) -> Error {
    let told = Error::new(error.kind(), format!("the variable {variable}: {}", error.message()));
    match error.hint() {
        Some(hint) => told.with_hint(hint),
        None => told,
    }
}

fn usage(what: &str, hint: &str) -> Error {
    Error::new(ErrorKind::Usage, what).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, String> {
        let owned = variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Settings::read(owned).map_err(|e| e.to_string())
    }

    #[test]
    fn settings_are_named_as_the_options() {
        let settings = read(&[
            ("PATH", "/bin"),
            ("HLSNAP_LIBAV", "system"),
            ("HLSNAP_ALLOW_HOST", "a.example.com, *.b.example.com,"),
            ("HLSNAP_TIMEOUT", "5"),
            ("HLSNAP_JOBS", "3"),
            ("HLSNAP_DROP_PERMANENT", "true"),
            ("HLSNAP_OUTPUT", ""),
        ]);
        let Ok(settings) = settings else { panic!("{settings:?}") };
        assert_eq!(settings.reach.allow_hosts.len(), 2);
        assert!(!settings.reach.allow_private && settings.drop_permanent);
        assert_eq!(settings.jobs, Some(3));
        assert_eq!(settings.defaults.limits().timeout.as_secs(), 5);
        assert_eq!(settings.defaults.output, None);
    }

    #[test]
    fn mistakes_are_told_with_the_variable() {
        for (name, text) in [
            ("HLSNAP_ALOW_HOST", "a"),
            ("HLSNAP_JOBS", "0"),
            ("HLSNAP_ALLOW_PRIVATE", "maybe"),
            ("HLSNAP_ALLOW_HOST", "https://a/"),
            ("HLSNAP_TIMEOUT", "soon"),
            ("HLSNAP_LOG", "loud"),
        ] {
            let said = read(&[(name, text)]).err().unwrap_or_default();
            assert!(said.contains(name), "{name}: {said}");
        }
    }

    #[test]
    fn pictures_go_only_where_they_may() {
        let may = |variables: &[(&str, &str)], text: &str| {
            let output = Output::parse("--output", text).map_err(|e| e.to_string())?;
            read(variables)?.check_output(&output, text).map_err(|e| e.kind().to_string())
        };
        let refused = Err("not_allowed".to_owned());
        assert_eq!(may(&[], "s3://a/b.jpg"), Ok(()));
        assert_eq!(may(&[], "/tmp/b.jpg"), refused);
        assert_eq!(may(&[], "-"), refused);
        let list = [("HLSNAP_ALLOW_OUTPUT", "s3://mine/*,/mnt/pictures/*")];
        assert_eq!(may(&list, "s3://mine/b.jpg"), Ok(()));
        assert_eq!(may(&list, "/mnt/pictures/b.jpg"), Ok(()));
        assert_eq!(may(&list, "/mnt/pictures/../b.jpg"), refused);
        assert_eq!(may(&list, "s3://other/b.jpg"), refused);
        assert_eq!(may(&list, "-"), refused);
    }
}
