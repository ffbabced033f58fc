//! The result of one line, as JSON.

use serde::Serialize;

use crate::{
    error::Error,
    report::{ErrorReport, Report},
};

/// The result of one line of a list.
pub(in crate::frontends) struct LineResult {
    /// From 1.
    pub line: u64,
    /// The id without secrets; `None` if the line is unreadable.
    pub id: Option<String>,
    pub result: Result<Report, Error>,
}

#[derive(Serialize)]
struct Success<'a> {
    line: u64,
    id: &'a Option<String>,
    #[serde(flatten)]
    report: &'a Report,
}

#[derive(Serialize)]
struct Failure<'a> {
    line: u64,
    id: &'a Option<String>,
    error: ErrorReport,
}

impl LineResult {
    /// The report with `line` and `id`, or `{"line", "id", "error"}`, with a line break.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        let Self { line, id, .. } = self;
        let json = match &self.result {
            Ok(report) => serde_json::to_vec(&Success { line: *line, id, report }),
            Err(error) => serde_json::to_vec(&Failure { line: *line, id, error: error.into() }),
        };
        let mut json = json.map_err(|e| Error::internal("the report cannot be written as JSON").with_source(e))?;
        json.push(b'\n');
        Ok(json)
    }
}
