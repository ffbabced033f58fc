//! The request: [`SnapshotRequest`] and its parts, validated when parsed, and the table of [`Options`] that every frontend reads.

mod background;
mod builder;
mod checks;
mod headers;
mod keys;
mod limits;
mod network_policy;
#[cfg(feature = "frontends")]
pub mod options;
mod picture;
mod position;
mod snapshot_request;
mod source;

pub use background::BackgroundColor;
pub use builder::SnapshotRequestBuilder;
pub use checks::{Checks, Crop, Finding, ReferencePicture, ToneMap};
pub use headers::RequestHeaders;
pub use keys::DecryptionKeys;
pub use limits::{Limits, RAISE_PLAYLIST_BYTES};
pub use network_policy::{HostPattern, NetworkPolicy};
#[cfg(feature = "frontends")]
pub use options::Options;
pub use picture::{Encoding, Fit, Format, Size, VariantChoice, parse_bytes};
pub use position::{Position, Precision, parse_duration};
pub use snapshot_request::SnapshotRequest;
pub use source::Source;
