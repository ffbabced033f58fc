//! The page to try `hlsnap serve` in a browser, and `/options.json`, the table of options for its form.

use axum::{Router, http::HeaderMap, response::Response, routing::get};
use serde::Serialize;

use super::{
    page::{PageFile, with_page_headers},
    response::{self, problem},
};
use crate::{
    frontends::settings::Settings,
    request::{
        Options,
        options::{Commands, OPTIONS, OptionKind, OptionSpec},
    },
};

const PAGE: PageFile = PageFile::html(include_str!("../../../assets/try/index.html"));
const STYLE: PageFile = PageFile::css(include_str!("../../../assets/try/try.css"));
const SCRIPT: PageFile = PageFile::script(include_str!("../../../assets/try/try.js"));

/// The resources: the first part of the path, its endings, the command that does the same, and its options.
const RESOURCES: [(&str, &[&str], &str, Commands); 5] = [
    ("snapshot", &["jpg", "png", "webp", "avif"], "snap", Commands::SNAP),
    ("sheet", &["jpg", "png", "webp"], "sheet", Commands::SHEET),
    ("storyboard", &["jpg", "webp"], "storyboard", Commands::STORYBOARD),
    ("animated", &["webp", "gif"], "animate", Commands::ANIMATE),
    ("inspect", &["json"], "inspect", Commands::EVERY),
];

#[derive(Serialize)]
struct Catalog {
    version: &'static str,
    /// Whether requests need a signature. The key stays on the server.
    signed: bool,
    resources: Vec<ResourceRow>,
    options: Vec<OptionRow>,
}

#[derive(Serialize)]
struct ResourceRow {
    path: &'static str,
    endings: &'static [&'static str],
    command: &'static str,
    options: Vec<String>,
}

#[derive(Serialize)]
struct OptionRow {
    /// The name in queries.
    key: String,
    /// The name on the command line.
    name: &'static str,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<(u32, u32)>,
    value_name: &'static str,
    section: &'static str,
    help: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    long_help: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conflicts_with: Option<&'static str>,
}

/// The routes of the page.
pub(in crate::frontends) fn router(settings: &Settings) -> Router {
    let file = |file: PageFile| get(move |headers: HeaderMap| async move { file.response(&headers) });
    let signed = settings.key.is_some();
    Router::new()
        .route("/", file(PAGE))
        .route("/try.css", file(STYLE))
        .route("/try.js", file(SCRIPT))
        .route("/options.json", get(move || async move { options(signed) }))
}

fn options(signed: bool) -> Response {
    let resource = |(path, endings, command, commands): (_, _, _, Commands)| {
        let options = OPTIONS.iter().filter(|spec| spec.is_in_queries && spec.commands.include(commands));
        ResourceRow { path, endings, command, options: options.map(OptionSpec::key).collect() }
    };
    let catalog = Catalog {
        version: env!("CARGO_PKG_VERSION"),
        signed,
        resources: RESOURCES.into_iter().map(resource).collect(),
        options: OPTIONS.iter().filter(|spec| spec.is_in_queries).map(OptionRow::new).collect(),
    };
    with_page_headers(response::json(&catalog, &response::Caching::fixed("no-cache")).unwrap_or_else(|e| problem(&e)))
}

impl OptionRow {
    fn new(spec: &OptionSpec<Options>) -> Self {
        let (kind, range) = match spec.kind {
            OptionKind::Argument => ("argument", None),
            OptionKind::Switch => ("switch", None),
            OptionKind::Bool => ("bool", None),
            OptionKind::OptionalValue => ("optional", None),
            OptionKind::Integer(min, max) => ("integer", Some((min, max))),
            OptionKind::Value | OptionKind::SignedValue | OptionKind::Path => ("value", None),
            OptionKind::Repeatable | OptionKind::Fields => ("list", None),
        };
        Self {
            key: spec.key(),
            name: spec.name,
            kind,
            range,
            value_name: spec.value_name,
            section: spec.section.heading.unwrap_or_default(),
            help: spec.help,
            long_help: spec.long_help,
            conflicts_with: spec.conflicts_with,
        }
    }
}
