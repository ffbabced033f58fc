//! clap's errors as the contract's single line.

use clap::error::{ContextKind, ContextValue, ErrorKind as ClapErrorKind};
use url::Url;

use crate::error::{self, Error};

/// The first paragraph of clap's text, and its tip as the hint.
pub(super) fn from_clap(error: &clap::Error) -> Error {
    let is_second_url = match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ClapErrorKind::UnknownArgument, Some(ContextValue::String(arg))) => !arg.starts_with('-'),
        _ => false,
    };
    if is_second_url {
        // The message leaves it out: it may be half of a secret header
        return Error::usage("there is more than one URL", "quote what holds spaces or &; `hlsnap --help` shows examples");
    }
    let text = error.render().to_string();
    let mut paragraphs = text.split("\n\n");
    let message = paragraphs.next().unwrap_or_default();
    let message = redacted_line(message.strip_prefix("error: ").unwrap_or(message));
    let tips = paragraphs.flat_map(str::lines).filter_map(|line| line.trim_start().strip_prefix("tip: "));
    // Skip clap's tip to pass a misspelled option as a value
    let tip = tips.into_iter().find(|tip| !tip.starts_with("to pass "));
    let hint = match tip {
        Some(tip) => format!("{}; see `hlsnap --help`", redacted_line(tip)),
        None => "see `hlsnap --help`".to_owned(),
    };
    Error::usage(message, hint)
}

/// The text on one line, with URLs redacted.
fn redacted_line(text: &str) -> String {
    let word = |word: &str| {
        let bare = word.trim_matches('\'');
        let url = bare.find("http").and_then(|start| bare.get(start..)).and_then(|text| Url::parse(text).ok());
        url.map_or_else(|| word.to_owned(), |url| error::redacted(&url))
    };
    text.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frontends::cli::args::Cli;

    fn line(args: &[&str]) -> String {
        Cli::parse(args.iter().copied()).map_err(|e| from_clap(&e).one_line()).err().unwrap_or_default()
    }

    #[test]
    fn clap_errors_take_one_line() {
        assert_eq!(
            line(&["hlsnap", "--widht", "3", "x"]),
            "unexpected argument '--widht' found; a similar argument exists: '--width'; see `hlsnap --help`"
        );
        assert!(line(&["hlsnap", "-q", "0", "x"]).starts_with("invalid value '0' for '--quality <N>'"));
        assert!(line(&["hlsnap", "--exact", "--key-frame", "x"]).contains("cannot be used with"));
    }

    #[test]
    fn errors_show_no_secrets() {
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
