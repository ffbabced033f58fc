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

/// The picture of a line.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::frontends) struct BatchPicture<'a> {
    /// The number of the line, from 1.
    line: u64,
    /// The channel's id without secrets.
    id: &'a Option<String>,
    #[serde(flatten)]
    report: &'a Report,
}

/// Why a line has no picture.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::frontends) struct BatchFailure<'a> {
    /// The number of the line, from 1.
    line: u64,
    /// The channel's id without secrets; `None` if the line is unreadable.
    id: &'a Option<String>,
    /// What happened.
    error: ErrorReport,
}

impl LineResult {
    /// The report with `line` and `id`, or `{"line", "id", "error"}`, with a line break.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        let Self { line, id, .. } = self;
        let json = match &self.result {
            Ok(report) => serde_json::to_vec(&BatchPicture { line: *line, id, report }),
            Err(error) => serde_json::to_vec(&BatchFailure { line: *line, id, error: error.into() }),
        };
        let mut json = json.map_err(|e| Error::internal("the report cannot be written as JSON").with_source(e))?;
        json.push(b'\n');
        Ok(json)
    }
}
