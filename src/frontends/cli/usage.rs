//! What clap finds wrong, in the contract's one line.

use clap::error::{ContextKind, ContextValue, ErrorKind as Found};
use url::Url;

use crate::error::{self, Error, ErrorKind};

/// What happened without clap's layout, and what to do.
pub(super) fn told(found: &clap::Error) -> Error {
    let stray = match (found.kind(), found.get(ContextKind::InvalidArg)) {
        (Found::UnknownArgument, Some(ContextValue::String(arg))) => !arg.starts_with('-'),
        _ => false,
    };
    if stray {
        // Not shown: it may be half a header
        return Error::new(ErrorKind::Usage, "there is more than one URL")
            .with_hint("quote what holds spaces or &; `hlsnap --help` shows examples");
    }
    let text = found.render().to_string();
    let mut paragraphs = text.split("\n\n");
    let what = paragraphs.next().unwrap_or_default();
    let what = safe(what.strip_prefix("error: ").unwrap_or(what));
    let tips = paragraphs.flat_map(str::lines).filter_map(|line| line.trim_start().strip_prefix("tip: "));
    // An unknown option was hardly meant as a value
    let tip = tips.into_iter().find(|tip| !tip.starts_with("to pass "));
    let hint = match tip {
        Some(tip) => format!("{}; see `hlsnap --help`", safe(tip)),
        None => "see `hlsnap --help`".to_owned(),
    };
    Error::new(ErrorKind::Usage, what).with_hint(hint)
}

/// On one line, and with URLs redacted.
fn safe(text: &str) -> String {
    let word = |word: &str| {
        let bare = word.trim_matches('\'');
        let url = bare.find("http").and_then(|place| bare.get(place..)).and_then(|text| Url::parse(text).ok());
        url.map_or_else(|| word.to_owned(), |url| error::redacted(&url))
    };
    text.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::frontends::cli::args::Cli;

    fn line(args: &[&str]) -> String {
        Cli::try_parse_from(args).map_err(|e| told(&e).one_line()).err().unwrap_or_default()
    }

    #[test]
    fn clap_speaks_in_one_line() {
        assert_eq!(
            line(&["hlsnap", "--widht", "3", "x"]),
            "unexpected argument '--widht' found; a similar argument exists: '--width'; see `hlsnap --help`"
        );
        assert!(line(&["hlsnap", "-q", "0", "x"]).starts_with("invalid value '0' for '--quality <N>'"));
        assert!(line(&["hlsnap", "--exact", "--key-frame", "x"]).contains("cannot be used with"));
    }

    #[test]
    fn secrets_stay_out() {
        for args in [
            ["hlsnap", "a", "http://u:secret@host/?t=secret"],
            ["hlsnap", "a", "Cookie: secret"],
            ["hlsnap", "-q", "http://u:secret@host/?t=secret"],
        ] {
            let line = line(&args);
            assert!(!line.is_empty() && !line.contains("secret"), "{line}");
        }
    }
}
