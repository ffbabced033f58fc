//! Errors in JSON.

use serde::Serialize;

use crate::{error::Error, report::ErrorReport};

/// A failure. With `--json` it is printed instead of a report.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ErrorObject {
    /// What happened.
    error: ErrorReport,
}

impl From<&Error> for ErrorObject {
    fn from(error: &Error) -> Self {
        Self { error: error.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn errors_in_json_show_no_secrets() {
        let url = url::Url::parse("https://user:secret@host/x.m3u8?token=secret#secret");
        let error = Error::new(ErrorKind::HttpStatus, "the origin answered 403").with_origin_status(403).with_hint("check the token");
        let json = url.map(|url| serde_json::to_string(&ErrorObject::from(&error.with_url(&url))));
        let wanted = concat!(
            r#"{"error":{"kind":"http_status","message":"the origin answered 403","url":"https://host/x.m3u8?...","#,
            r#""status":403,"hint":"check the token"}}"#
        );
        assert_eq!(json.ok().and_then(Result::ok).as_deref(), Some(wanted));
    }
}
