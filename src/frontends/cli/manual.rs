//! `hlsnap manual FOLDER`: the man pages. Names, options and descriptions are those of the help; `manual_text` has what only a manual says.

use std::{fs, io, path::Path};

use clap::Command;
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};

use super::{
    args, help,
    manual_text::{self, Entry, Example},
};
use crate::error::{Error, ErrorKind};

const MANUAL: &str = "User Commands";
/// How the lines begin that define an apostrophe.
const PREAMBLE: [&str; 2] = [".ie ", ".el "];
/// In bytes, as mandoc's style asks for.
const MAX_LINE: usize = 80;

/// Writes a page for the program and one for each command. `SOURCE_DATE_EPOCH` dates them, so that the same sources give the same pages.
pub(super) fn manual(folder: &Path) -> Result<(), Error> {
    let unwritable = |e| {
        let message = format!("the manual cannot be written to {}", folder.display());
        Error::new(ErrorKind::Output, message).with_source(e).with_hint("give a folder that exists and is writable")
    };
    for (name, page) in pages(&date()).map_err(unwritable)? {
        fs::write(folder.join(name), page).map_err(unwritable)?;
    }
    Ok(())
}

fn date() -> String {
    let seconds = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.parse().ok());
    let date = seconds.and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0)).unwrap_or_else(chrono::Utc::now);
    date.format("%Y-%m-%d").to_string()
}

/// The names and the texts of all pages.
fn pages(date: &str) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut top = args::command().disable_help_subcommand(true);
    top.build();
    let commands: Vec<_> = std::iter::once(&top).chain(top.get_subcommands()).collect();
    let names: Vec<_> = commands.iter().map(|command| page_name(command)).collect();
    let page = |command: &&Command| Ok((format!("{}.1", page_name(command)), page(command, &names, date)?));
    commands.iter().map(page).collect()
}

/// `hlsnap-watch` for `hlsnap watch`.
fn page_name(command: &Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}

fn page(command: &Command, names: &[String], date: &str) -> io::Result<Vec<u8>> {
    let name = page_name(command);
    let man = Man::new(with_short_texts(command.clone()))
        .title(name.to_uppercase())
        .date(date)
        .source(concat!("hlsnap ", env!("CARGO_PKG_VERSION")))
        .manual(MANUAL);
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let mut options = Vec::new();
    man.render_options_section(&mut options)?;
    page.extend(with_subsections(&String::from_utf8_lossy(&options)).into_bytes());

    let text = manual_text::of(command.get_name());
    let mut roff = Roff::new();
    exit_status(&mut roff);
    definitions(&mut roff, "ENVIRONMENT", text.environment.iter().copied().flatten());
    definitions(&mut roff, "FILES", text.files.iter());
    definitions(&mut roff, "SIGNALS", text.signals.iter());
    examples(&mut roff, text.examples);
    see_also(&mut roff, &name, names);
    roff.to_writer(&mut page)?;
    Ok(tidied(&String::from_utf8_lossy(&page)).into_bytes())
}

/// The description without its first line, which the section NAME has, and the usage without a list of all options.
fn with_short_texts(mut command: Command) -> Command {
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let description = about.split_once("\n\n").map_or(about.as_str(), |(_, description)| description).to_owned();
    let usage = command.render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage).to_owned();
    command.long_about(description).override_usage(usage)
}

/// Groups of options are parts of OPTIONS.
fn with_subsections(options: &str) -> String {
    let line = |line: &str| match line.strip_prefix(".SH ") {
        Some(heading) if heading != "OPTIONS" => format!(".SS {heading}\n"),
        _ => format!("{line}\n"),
    };
    options.lines().map(line).collect()
}

/// The page with one preamble, instead of one for each part, and with short lines.
fn tidied(page: &str) -> String {
    let mut tidied = String::new();
    // The line after .TP is a term, which ends with the line
    let (mut is_literal, mut is_term) = (false, false);
    for line in page.lines() {
        if PREAMBLE.iter().any(|start| line.starts_with(start) && tidied.contains(start)) {
            continue;
        }
        is_literal = line == ".nf" || (is_literal && line != ".fi");
        if is_literal || is_term || line.starts_with('.') {
            tidied.push_str(line);
        } else {
            push_wrapped(&mut tidied, line);
        }
        tidied.push('\n');
        is_term = line == ".TP";
    }
    tidied
}

/// Breaks a line of text at spaces. A break means the same as a space, except in front of what would then be a control line.
fn push_wrapped(page: &mut String, line: &str) {
    let mut width = 0;
    for word in line.split(' ') {
        let must_break = width + word.len() >= MAX_LINE && !word.starts_with(['.', '\'']);
        match width {
            0 => {}
            _ if must_break => {
                page.push('\n');
                width = 0;
            }
            _ => {
                page.push(' ');
                width += 1;
            }
        }
        page.push_str(word);
        width += word.len();
    }
}

fn exit_status(roff: &mut Roff) {
    roff.control("SH", ["EXIT STATUS"]);
    for line in help::EXIT_CODES.lines().skip(1) {
        let (code, meaning) = line.trim().split_once("  ").unwrap_or((line.trim(), ""));
        roff.control("TP", []);
        roff.text([bold(code)]);
        roff.text([roman(meaning.trim())]);
    }
}

fn definitions<'a>(roff: &mut Roff, heading: &str, entries: impl Iterator<Item = &'a Entry>) {
    let mut entries = entries.peekable();
    if entries.peek().is_some() {
        roff.control("SH", [heading]);
    }
    for (name, meaning) in entries {
        roff.control("TP", []);
        roff.text([bold(*name)]);
        roff.text([roman(*meaning)]);
    }
}

fn examples(roff: &mut Roff, examples: &[Example]) {
    roff.control("SH", ["EXAMPLES"]);
    for (at, (purpose, command)) in examples.iter().enumerate() {
        if at > 0 {
            roff.control("PP", []);
        }
        roff.text([roman(*purpose)]);
        roff.control("RS", ["4"]);
        // So that no break and no hyphen gets into it
        roff.control("nf", []);
        roff.text([bold(*command)]);
        roff.control("fi", []);
        roff.control("RE", []);
    }
}

fn see_also(roff: &mut Roff, own: &str, names: &[String]) {
    roff.control("SH", ["SEE ALSO"]);
    let others: Vec<_> = names.iter().filter(|name| *name != own).collect();
    let mut line = Vec::new();
    for name in others {
        line.extend([if line.is_empty() { roman("") } else { roman(", ") }, bold(name), roman("(1)")]);
    }
    roff.text(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_with_all_sections() -> io::Result<()> {
        let pages = pages("2026-01-31")?;
        assert!(pages.iter().any(|(name, _)| name == "hlsnap.1") && pages.iter().any(|(name, _)| name == "hlsnap-snap.1"));
        assert!(pages.iter().all(|(name, _)| !name.contains("manual") && !name.contains("help")));
        for (name, page) in pages {
            let page = String::from_utf8_lossy(&page).into_owned();
            for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "\"EXIT STATUS\"", "ENVIRONMENT", "EXAMPLES", "\"SEE ALSO\""] {
                assert!(page.contains(&format!("\n.SH {section}\n")), "{name} has no section {section}");
            }
            assert!(page.contains("\\fB24 undecodable\\fR\nno clean frame"), "{name}");
        }
        Ok(())
    }

    #[test]
    fn every_example_is_a_valid_command_line() {
        let mut count = 0;
        for command in args::command().get_subcommands() {
            for (_, example) in manual_text::of(command.get_name()).examples {
                let line = example.split(" >").next().unwrap_or_default().replace('\'', "");
                let words = line.split_whitespace().skip_while(|word| *word != "hlsnap");
                let parsed = args::Cli::parse(words.map(str::to_owned));
                assert!(parsed.is_ok(), "{example}: {parsed:?}");
                count += 1;
            }
        }
        assert!(count > 10, "{count} examples");
    }
}
