//! Every `hlsnap` command line in the documentation: the program accepts it, and each of its values.

use std::{fs, path::Path};

use super::{super::args::Cli, path, text};
use crate::{frontends::settings::Settings, request::Options};

/// What may precede the program in a command: a wrapper, a shell's word, or a step of a workflow.
const BEFORE: [&str; 9] = ["$", "sudo", "if", "!", "while", "exec", "time", "-", "run:"];
/// Programs that run the image `hlsnap:VERSION`.
const CONTAINERS: [&str; 2] = ["podman", "docker"];

/// The lines of a Markdown text's code blocks, with continued lines joined.
fn code_lines(markdown: &str) -> Vec<String> {
    let (mut lines, mut is_fenced, mut continued) = (Vec::new(), false, String::new());
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
        } else if is_fenced || line.starts_with("    ") {
            match line.strip_suffix('\\') {
                Some(start) => continued.push_str(start),
                None => lines.push(std::mem::take(&mut continued) + line),
            }
        }
    }
    lines
}

/// The arguments of each run of the program in a line of shell, the program's name first.
fn commands(line: &str) -> Vec<Vec<String>> {
    let mut lexer = shlex::Shlex::new(line);
    let words: Vec<_> = lexer.by_ref().collect();
    let is_end = |word: &String| ["|", ">", "<", "&", ";", "2>", ")"].iter().any(|end| word.starts_with(end));
    words.split(is_end).filter_map(arguments).collect()
}

fn arguments(words: &[String]) -> Option<Vec<String>> {
    let is_container = words.first().is_some_and(|word| CONTAINERS.contains(&word.as_str()));
    let is_program = |word: &String| word == "hlsnap" || is_container && word.starts_with("hlsnap:");
    let (before, program) = words.split_at(words.iter().position(is_program)?);
    let arguments = program.get(1..)?;
    let is_schedule = |word: &str| word.chars().all(|c| c.is_ascii_digit() || "*/,-@".contains(c));
    let is_known = |word: &String| BEFORE.contains(&word.as_str()) || word.contains('=') || is_schedule(word);
    // Not a dependency in Cargo.toml
    let is_command = arguments.first().is_none_or(|word| word != "=");
    (is_command && (is_container || before.iter().all(is_known))).then(|| [&["hlsnap".to_owned()], arguments].concat())
}

fn check(arguments: &[String]) -> Result<(), String> {
    let cli = match Cli::parse(arguments) {
        Err(error) if error.use_stderr() => return Err(error.to_string()),
        Err(_help) => return Ok(()),
        Ok(cli) => cli,
    };
    // The file that --compare names is not here
    cli.options(Options::default(), Some("compare")).map_err(|e| e.one_line())?;
    cli.settings(Settings::default()).map_err(|e| e.one_line())?;
    cli.watch_options().map_err(|e| e.one_line())?;
    if cli.has_misplaced_options { Err("an option precedes the command".to_owned()) } else { Ok(()) }
}

/// The documents with command lines.
fn documents() -> Vec<String> {
    let names = fs::read_dir(path("docs")).expect("the folder").map(|entry| entry.expect("an entry").file_name());
    let pages = names.filter(|name| Path::new(name).extension().is_some_and(|ending| ending == "md"));
    pages
        .filter_map(|name| name.to_str().map(|name| format!("docs/{name}")))
        .chain(["README.md".to_owned(), "deploy/README.md".to_owned()])
        .collect()
}

#[test]
fn the_program_accepts_every_command_line_in_the_documentation() {
    let (mut count, mut wrong) = (0, Vec::new());
    for name in documents() {
        for arguments in code_lines(&text(&name)).iter().flat_map(|line| commands(line)) {
            count += 1;
            wrong.extend(check(&arguments).err().map(|error| format!("{name}: {}: {error}", arguments.join(" "))));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(count > 70, "only {count} command lines were found, so this test misses most of them");
}

#[test]
fn command_lines_are_found_and_wrong_ones_are_refused() {
    let found = |line: &str| commands(line).into_iter().map(|words| words.join(" ")).collect::<Vec<_>>();
    assert_eq!(found("*/5 * * * * hlsnap 'a b' -o x.jpg >> log"), ["hlsnap a b -o x.jpg"]);
    assert_eq!(found("cat list | HLSNAP_KEY=k hlsnap sign - # a comment"), ["hlsnap sign -"]);
    assert_eq!(found("podman run --rm hlsnap:1.0 URL | hlsnap inspect -"), ["hlsnap URL", "hlsnap inspect -"]);
    assert!(found("pip install hlsnap").is_empty() && found("hlsnap = { path = \"../hlsnap\" }").is_empty());
    assert_eq!(code_lines("text\n\n    a \\\n    b\n\n```sh\nc\n```\nd"), ["    a     b", "c"]);
    let refuses = |line: &str| check(&commands(line)[0]).is_err();
    assert!(refuses("hlsnap URL --no-such-option") && refuses("hlsnap URL --at yesterday") && refuses("hlsnap batch --shard 5/4"));
    assert!(!refuses("hlsnap URL --at -10s") && !refuses("hlsnap --help"));
}
