//! The documentation's links: each leads to a file that exists, and to a heading in it; each page of `docs/` is in its index. The command
//! lines, the tables and the schema in it are checked beside the code, in `src/frontends/cli/documents`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Component, Path, PathBuf},
};

const INDEX: &str = "docs/README.md";
/// Bytes that all pictures of the documentation may have.
const MAX_PICTURES: u64 = 150_000;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn markdown_files(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).expect("the folder").map(|entry| entry.expect("an entry").file_name());
    let pages = entries.filter(|name| Path::new(name).extension().is_some_and(|ending| ending == "md"));
    pages.filter_map(|name| name.into_string().ok()).map(|name| if folder.is_empty() { name } else { format!("{folder}/{name}") }).collect()
}

/// The documents, with the text of each.
fn documents() -> BTreeMap<String, String> {
    let names = ["", "docs", "deploy", "vendor"].into_iter().flat_map(markdown_files);
    names.map(|name| (name.clone(), fs::read_to_string(root().join(name)).expect("text"))).collect()
}

/// The lines of a text that are no code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_fenced = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_fenced ^= is_fence;
        !is_fence && !is_fenced && !line.starts_with("    ")
    })
}

/// A line without its `code`.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

/// The targets of the links and pictures in a text.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(text).map(without_code) {
        for start in ["](", "src=\"", "href=\""] {
            let targets = line.split(start).skip(1).filter_map(|rest| rest.split([')', '"', ' ']).next());
            found.extend(targets.map(str::to_owned));
        }
    }
    found
}

/// The anchors of a text's headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for heading in prose(text).filter(|line| line.starts_with('#')) {
        let title = heading.trim_start_matches('#').trim().to_lowercase();
        let slug: String = title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect();
        let slug = slug.replace(' ', "-");
        let numbered = (0..).map(|number| if number == 0 { slug.clone() } else { format!("{slug}-{number}") });
        let unique = numbered.into_iter().find(|anchor| !anchors.contains(anchor)).expect("a number");
        anchors.insert(unique);
    }
    anchors
}

/// The path of a link's target, from the root of the repository.
fn resolve(document: &str, target: &str) -> String {
    if target.is_empty() {
        return document.to_owned();
    }
    let mut path = PathBuf::new();
    for component in Path::new(document).parent().expect("a folder").join(target).components() {
        match component {
            Component::ParentDir => assert!(path.pop(), "{document}: {target} leads out of the repository"),
            other => path.push(other),
        }
    }
    path.to_str().expect("text").to_owned()
}

/// What is wrong with a link, if anything.
fn fault(documents: &BTreeMap<String, String>, document: &str, link: &str) -> Option<String> {
    let (target, anchor) = link.split_once('#').map_or((link, None), |(target, anchor)| (target, Some(anchor)));
    let path = resolve(document, target);
    if !root().join(&path).exists() {
        return Some(format!("{document}: there is no {path}"));
    }
    let anchor = anchor?;
    let has_anchor = documents.get(&path).is_some_and(|text| anchors(text).contains(anchor));
    (!has_anchor).then(|| format!("{document}: {path} has no heading #{anchor}"))
}

/// All links within the repository, each with the document that has it.
fn inner_links(documents: &BTreeMap<String, String>) -> Vec<(&str, String)> {
    let all = documents.iter().flat_map(|(name, text)| links(text).into_iter().map(move |link| (name.as_str(), link)));
    all.filter(|(_, link)| !link.contains("://") && !link.starts_with("mailto:")).collect()
}

#[test]
fn every_link_in_the_documentation_leads_somewhere() {
    let documents = documents();
    let inner = inner_links(&documents);
    let faults: Vec<_> = inner.iter().filter_map(|(name, link)| fault(&documents, name, link)).collect();
    assert_eq!(faults, Vec::<String>::new());
    assert!(inner.len() > 100, "only {} links were found, so this test misses most of them", inner.len());
}

#[test]
fn every_page_is_in_the_index() {
    let documents = documents();
    let listed = inner_links(&documents).into_iter().filter(|(name, _)| *name == INDEX).map(|(_, link)| resolve(INDEX, &link));
    let listed: BTreeSet<_> = listed.map(|path| path.split('#').next().unwrap_or_default().to_owned()).collect();
    let missing: Vec<_> = documents.keys().filter(|name| name.starts_with("docs/") && *name != INDEX && !listed.contains(*name)).collect();
    assert_eq!(missing, Vec::<&String>::new());
}

#[test]
fn pictures_of_the_documentation_stay_small_and_are_all_shown() {
    let documents = documents();
    let shown: BTreeSet<_> = inner_links(&documents).iter().map(|(name, link)| resolve(name, link)).collect();
    let mut bytes = 0;
    for entry in fs::read_dir(root().join("docs/images")).expect("the folder") {
        let entry = entry.expect("an entry");
        let name = format!("docs/images/{}", entry.file_name().to_str().expect("text"));
        assert!(shown.contains(&name), "{name} is not shown anywhere");
        bytes += entry.metadata().expect("its size").len();
    }
    assert!((1..MAX_PICTURES).contains(&bytes), "{bytes} bytes of pictures");
}

#[test]
fn wrong_links_are_found() {
    let a = "# A `b`: c, d\n[x](b.md#two) ![y](z.png) `[code](none)`\n```\n[code](none)\n```\n    [code](none)\n<img src=\"w.webp\">\n";
    let documents = BTreeMap::from([("README.md".to_owned(), a.to_owned())]);
    assert_eq!(links(a), ["b.md#two", "z.png", "w.webp"]);
    assert_eq!(anchors("# A `b`: c, d\n## Is it?\n## Is it?\n"), ["a-b-c-d", "is-it", "is-it-1"].map(str::to_owned).into());
    assert_eq!(fault(&documents, "README.md", "#a-b-c-d"), None);
    assert_eq!(fault(&documents, "README.md", "#two").as_deref(), Some("README.md: README.md has no heading #two"));
    assert_eq!(fault(&documents, "docs/x.md", "../no-such-file").as_deref(), Some("docs/x.md: there is no no-such-file"));
}
