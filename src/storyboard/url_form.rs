//! The URLs of files as players need them: relative, absolute, or with a query.

use crate::error::Error;

/// How documents name files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlForm(Form);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// By file name, after a folder's URL and before a query. Both may be empty.
    InFolder { folder: String, query: String },
    /// All at one URL.
    Fixed(String),
}

impl UrlForm {
    /// `base` is the URL of the folder of the files, with or without `/` at its end, and with or without a query. Without it, URLs are
    /// relative. `query` is added to all URLs, with or without `?` at its start.
    ///
    /// # Errors
    ///
    /// `usage` if a value contains a character that no URL has, or a fragment, which belongs to the documents.
    pub fn new(base: Option<&str>, query: Option<&str>) -> Result<Self, Error> {
        let (base, query) = (checked("base", base)?, checked("query", query)?);
        let (folder, base_query) = base.split_once('?').unwrap_or((base, ""));
        let separator = if folder.is_empty() || folder.ends_with('/') { "" } else { "/" };
        let queries: Vec<_> =
            [base_query, query].into_iter().map(|query| query.trim_matches(['?', '&'])).filter(|query| !query.is_empty()).collect();
        Ok(Self(Form::InFolder { folder: format!("{folder}{separator}"), query: queries.join("&") }))
    }

    /// For documents of a single sheet that a server gives at this URL.
    ///
    /// # Errors
    ///
    /// As [`UrlForm::new`].
    pub fn fixed(url: &str) -> Result<Self, Error> {
        Ok(Self(Form::Fixed(checked("URL", Some(url))?.to_owned())))
    }

    /// The same with each text escaped.
    pub(super) fn escaped(&self, escape: impl Fn(&str) -> String) -> Self {
        Self(match &self.0 {
            Form::InFolder { folder, query } => Form::InFolder { folder: escape(folder), query: escape(query) },
            Form::Fixed(url) => Form::Fixed(escape(url)),
        })
    }

    /// The URL of a file.
    pub(super) fn url(&self, name: &str) -> String {
        match &self.0 {
            Form::InFolder { folder, query } if query.is_empty() => format!("{folder}{name}"),
            Form::InFolder { folder, query } => format!("{folder}{name}?{query}"),
            Form::Fixed(url) => url.clone(),
        }
    }
}

/// The value, if it can be written into every document without escaping. Only XML escapes what is left.
fn checked<'a>(what: &str, value: Option<&'a str>) -> Result<&'a str, Error> {
    let value = value.unwrap_or_default();
    let is_foreign =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '#' | '\\' | '^' | '`' | '{' | '|' | '}');
    match value.chars().find(|c| is_foreign(*c)) {
        Some(character) => Err(Error::usage(
            format!("the {what} of the storyboard's URLs contains {character:?}"),
            "encode it with %, and give no fragment",
        )),
        None => Ok(value),
    }
}
