//! The kind of a request: one picture, or which many.

use serde_json::Value;

use super::event::EventOptions;
use crate::error::Error;

/// `kind` of an event's request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EventKind {
    /// One picture: without `kind` too.
    Snapshot,
    Many(ManyKind),
}

/// The kinds of many pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ManyKind {
    Sheet,
    Storyboard,
    Series,
    Animation,
}

impl EventKind {
    /// The kind of a request, and its options. Fails with `usage` for an unknown kind.
    pub fn split(request: &EventOptions) -> Result<(Self, EventOptions), Error> {
        let mut options = request.clone();
        let kind = match options.remove("kind") {
            None | Some(Value::Null) => Self::Snapshot,
            Some(Value::String(name)) => Self::named(&name)?,
            Some(_) => return Err(unknown("the kind is no text")),
        };
        // The head line, as on the command line; an HTTP header is text
        if kind == Self::Many(ManyKind::Sheet)
            && let Some(header) = options.remove("header")
        {
            let name = if header.is_boolean() { "header_line" } else { "header" };
            options.insert(name.to_owned(), header);
        }
        Ok((kind, options))
    }

    fn named(name: &str) -> Result<Self, Error> {
        match name {
            "snapshot" => Ok(Self::Snapshot),
            "sheet" => Ok(Self::Many(ManyKind::Sheet)),
            "storyboard" => Ok(Self::Many(ManyKind::Storyboard)),
            "series" => Ok(Self::Many(ManyKind::Series)),
            "animation" => Ok(Self::Many(ManyKind::Animation)),
            _ => Err(unknown(&format!("the kind {name:?} is not known"))),
        }
    }
}

fn unknown(message: &str) -> Error {
    Error::usage(message, "use snapshot, sheet, storyboard, series or animation")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn split(request: &Value) -> Option<(EventKind, Value)> {
        EventKind::split(request.as_object()?).ok().map(|(kind, options)| (kind, Value::Object(options)))
    }

    #[test]
    fn the_kind_is_no_option() {
        let url = json!({"url": "x"});
        for request in [json!({"url": "x"}), json!({"url": "x", "kind": "snapshot"}), json!({"url": "x", "kind": null})] {
            assert_eq!(split(&request), Some((EventKind::Snapshot, url.clone())), "{request}");
        }
        assert_eq!(split(&json!({"url": "x", "kind": "animation"})), Some((EventKind::Many(ManyKind::Animation), url)));
        for kind in [json!("sheets"), json!(""), json!(1), json!(["sheet"])] {
            assert_eq!(split(&json!({ "kind": kind })), None, "{kind}");
        }
    }

    #[test]
    fn a_boolean_header_of_a_sheet_is_its_head_line() {
        let options = |request: &Value| split(request).map(|(_, options)| options);
        assert_eq!(options(&json!({"kind": "sheet", "header": true})), Some(json!({"header_line": true})));
        assert_eq!(options(&json!({"kind": "sheet", "header": "A: b"})), Some(json!({"header": "A: b"})));
        assert_eq!(options(&json!({"kind": "storyboard", "header": true})), Some(json!({"header": true})));
    }
}
