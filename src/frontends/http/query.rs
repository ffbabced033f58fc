//! From a query string to options.

use axum::http::Uri;
use url::form_urlencoded;

use super::routes::Resource;
use crate::{
    error::Error,
    frontends::{remote_limits, settings::Settings},
    request::{
        Limits, Options,
        options::{Commands, InputValue, OPTIONS, OptionSpec},
    },
};

/// The parameters of [`auth`](super::auth).
pub(super) const AUTH_PARAMETERS: [&str; 2] = ["sig", "expires"];

impl Resource {
    /// The name of a parameter in the table of options.
    fn canonical_name(self, name: String) -> String {
        match self {
            Self::Pictures(Commands::SHEET) if name == "header" => "header_line".to_owned(),
            _ => name,
        }
    }

    /// The operator's limits.
    fn limits(self, settings: &Settings) -> Limits {
        match self {
            Self::Pictures(commands) if Commands::MANY.include(commands) => remote_limits::of_many(&settings.defaults),
            _ => settings.defaults.limits(),
        }
    }

    fn has_parameter(self, spec: &OptionSpec<Options>) -> bool {
        let commands = if let Self::Pictures(commands) = self { commands } else { Commands::EVERY };
        spec.is_in_queries && spec.commands.include(commands)
    }

    /// The rows of the options that its query may set.
    pub fn parameters(self) -> impl Iterator<Item = &'static OptionSpec<Options>> {
        OPTIONS.iter().filter(move |spec| self.has_parameter(spec))
    }
}

/// Reads the query over the operator's defaults, and limits it to the operator's limits.
pub(super) fn options(settings: &Settings, uri: &Uri, resource: Resource) -> Result<Options, Error> {
    let mut options = settings.defaults.clone();
    let mut seen: Vec<String> = Vec::new();
    for (name, text) in pairs(uri) {
        if AUTH_PARAMETERS.contains(&name.as_str()) {
            continue;
        }
        let name = resource.canonical_name(name);
        let Some(spec) = resource.parameters().find(|spec| spec.key() == name) else {
            let known: Vec<_> = resource.parameters().map(OptionSpec::key).collect();
            return Err(Error::usage(format!("the parameter {name:?} is not known here"), format!("use {}", known.join(", "))));
        };
        if seen.contains(&name) {
            return Err(Error::usage(format!("the parameter {name} is repeated"), "percent-encode the & in the url's own query as %26"));
        }
        spec.set(&mut options, &InputValue::Text(text))?;
        seen.push(name);
    }
    options.limit(&resource.limits(settings));
    Ok(options)
}

/// The key of a result: requests with the same key get the same result. `kind` names the result. The signature is not part of the key.
pub(super) fn key(kind: &str, uri: &Uri) -> String {
    format!("{kind} {}", canonical_with(uri, &["expires"], &[]))
}

/// The query without its signature, sorted by name and encoded in one way, so that equal requests have equal text.
pub(super) fn canonical(uri: &Uri) -> String {
    canonical_with(uri, &[], &[])
}

/// [`canonical`] without the parameters `dropped`, and with others.
pub(super) fn canonical_with(uri: &Uri, dropped: &[&str], added: &[(&str, String)]) -> String {
    let is_kept = |name: &str| name != "sig" && !dropped.contains(&name);
    let added = added.iter().map(|(name, text)| ((*name).to_owned(), text.clone()));
    let mut pairs: Vec<_> = pairs(uri).filter(|(name, _)| is_kept(name)).chain(added).collect();
    pairs.sort_by(|one, other| one.0.cmp(&other.0));
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn pairs(uri: &Uri) -> impl Iterator<Item = (String, String)> + '_ {
    form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).map(|(name, text)| (name.into_owned(), text.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_take_no_options_that_write_or_send_secrets() {
        let keys = |resource: Resource| resource.parameters().map(OptionSpec::key).collect::<Vec<_>>();
        for name in ["output", "report_output", "no_clobber", "cache_control", "format", "header", "cookie", "referer", "user_agent"] {
            assert!(!keys(Resource::Pictures(Commands::SNAP)).iter().any(|key| key == name), "{name}");
        }
        let playlists = ["url", "variant", "width", "height", "timeout", "max_bytes", "max_playlist_bytes", "retries"];
        assert_eq!(keys(Resource::Playlists), playlists);
    }
}
