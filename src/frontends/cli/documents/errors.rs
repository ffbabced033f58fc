//! The table of `docs/errors.md`, compared with [`ErrorKind::TABLE`].

use super::text;
use crate::error::ErrorKind;

/// The cells of the rows of the first Markdown table with this header.
fn rows<'a>(text: &'a str, header: &str) -> Vec<Vec<&'a str>> {
    let table = text.lines().skip_while(|line| !line.starts_with(header)).skip(2).take_while(|line| line.starts_with('|'));
    table.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

#[test]
fn the_page_of_errors_has_every_kind_with_its_codes() {
    let text = text("docs/errors.md");
    let documented: Vec<_> = rows(&text, "| kind | exit code |").into_iter().map(|cells| cells[..4].join(" ")).collect();
    let known = ErrorKind::TABLE.map(|(kind, name, exit_code, status)| {
        let again = if kind.is_permanent() { "no" } else { "yes" };
        format!("`{name}` {exit_code} {status} {again}")
    });
    assert_eq!(documented, known);
}
