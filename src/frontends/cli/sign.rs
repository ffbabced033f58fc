//! `hlsnap sign`: signs URLs for `hlsnap serve` and the Lambda function, which have the same key.

use std::{
    io::{self, BufRead, Read},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    args::{Cli, EXPIRES, URLS},
    terminal::{self, Terminal},
};
use crate::{
    error::Error,
    frontends::{http, settings::Settings},
    request::parse_duration,
};

/// The longest line of stdin, in bytes. No server accepts a longer request line.
const MAX_LINE: u64 = 64 << 10;

pub(super) fn sign(cli: &Cli, terminal: &mut Terminal) -> Result<(), Error> {
    *terminal = Terminal::new(&cli.messages);
    let settings = cli.settings(Settings::from_environment()?)?;
    let expires = cli.text(EXPIRES).map(parse_expiry).transpose()?;
    let print = |url: &str| terminal::print_text(&format!("{}\n", http::signed(&settings, url, expires)?));
    for url in cli.texts(URLS) {
        if url == "-" { each_line(&mut io::stdin().lock(), print)? } else { print(url)? }
    }
    Ok(())
}

/// Passes on each line that is not empty. Errors name the line's number.
fn each_line(input: &mut impl BufRead, mut pass: impl FnMut(&str) -> Result<(), Error>) -> Result<(), Error> {
    let mut line = String::new();
    for number in 1_u64.. {
        line.clear();
        let failed = |what: &str| Error::usage(format!("line {number} of stdin {what}"), "give one URL a line, in UTF-8");
        let length = input.by_ref().take(MAX_LINE).read_line(&mut line).map_err(|e| failed("cannot be read").with_source(e))?;
        if length == 0 {
            break;
        }
        if length as u64 == MAX_LINE && !line.ends_with('\n') {
            return Err(failed("is too long"));
        }
        let url = line.trim();
        if !url.is_empty() {
            let in_line = |e: Error| Error::new(e.kind(), format!("line {number} of stdin: {}", e.one_line()));
            pass(url).map_err(in_line)?;
        }
    }
    Ok(())
}

/// `1h`, `90`, `1m30s` or `7d` from now, or a date and time (RFC 3339).
fn parse_expiry(text: &str) -> Result<DateTime<Utc>, Error> {
    if let Ok(date) = DateTime::parse_from_rfc3339(text) {
        return Ok(date.to_utc());
    }
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok());
    let length = days.map(|days| Duration::from_secs(u64::from(days) * 86_400)).or_else(|| parse_duration(text));
    let end = length.and_then(|length| Utc::now().checked_add_signed(TimeDelta::from_std(length).ok()?));
    end.ok_or_else(|| Error::usage(format!("--expires {text:?} is not a time"), "give 1h, 7d, or 2030-01-31T12:00:00Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_a_duration_or_a_date() {
        let seconds = |text: &str| parse_expiry(text).ok().map(|date| (date - Utc::now()).num_minutes());
        assert_eq!([seconds("1h"), seconds("7d"), seconds("600")], [Some(59), Some(7 * 1440 - 1), Some(9)]);
        assert_eq!(parse_expiry("2030-01-31T13:00:00+01:00").ok().map(|date| date.timestamp()), Some(1_896_091_200));
        for text in ["", "soon", "-5", "d", "9999999999d", "2030-01-31"] {
            assert!(parse_expiry(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lines_are_bounded_and_errors_name_them() {
        let read = |text: &[u8]| {
            let mut lines = Vec::new();
            let result = each_line(&mut &*text, |line| {
                lines.push(line.to_owned());
                if line == "bad" { Err(Error::usage("no", "hint")) } else { Ok(()) }
            });
            (lines, result.err().map(|e| e.message()))
        };
        assert_eq!(read(b"a\n\n  b\r\nc"), (vec!["a".to_owned(), "b".to_owned(), "c".to_owned()], None));
        assert_eq!(read(b"a\nbad\nc").1.as_deref(), Some("line 2 of stdin: no; hint"));
        let long = vec![b'x'; 70_000];
        assert_eq!(read(&long), (vec![], Some("line 1 of stdin is too long".to_owned())));
        assert!(read(b"\xff\n").1.is_some_and(|message| message.starts_with("line 1 of stdin cannot be read")));
    }
}
