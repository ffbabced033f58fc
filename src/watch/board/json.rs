//! Serializes dates and kinds for the board's JSON.

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use crate::{error::ErrorKind, time::rfc3339};

/// RFC 3339 with milliseconds.
pub(super) fn date<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*time))
}

/// RFC 3339 with milliseconds, or null.
#[expect(clippy::ref_option, reason = "serde's signature")]
pub(super) fn optional_date<S: Serializer>(time: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(rfc3339).serialize(serializer)
}

/// A kind's name, or null.
#[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
pub(super) fn kind_name<S: Serializer>(kind: &Option<ErrorKind>, serializer: S) -> Result<S::Ok, S::Error> {
    kind.map(ErrorKind::name).serialize(serializer)
}
