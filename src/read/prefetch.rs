//! Downloads byte spans that touch each other by one request.

use bytes::BytesMut;

use super::{
    byte_spans::ByteSpan,
    download_cache::{CachedDownload, DownloadCache},
};
use crate::{
    error::{Error, ErrorKind},
    fetch::{Job, Range},
};

/// Downloads consecutive byte spans of one resource into the cache. Fails if the spans do not touch, or if the response is shorter than they
/// are.
pub(crate) async fn prefetch(job: &Job, spans: &[ByteSpan], cache: &DownloadCache) -> Result<(), Error> {
    let Some(first) = spans.first() else { return Ok(()) };
    let mut end = first.offset;
    for span in spans {
        let length = span.length.filter(|_| span.url == first.url && span.offset == end);
        end = length.and_then(|length| end.checked_add(length)).ok_or_else(|| Error::internal("the spans to prefetch do not touch"))?;
    }
    let total = end - first.offset;
    let mut body = job.open(&first.url, Range::of(first.offset, total)).await?;
    let validators = body.validators().clone();
    let mut bytes = body.read_to_end(BytesMut::new(), total).await?;
    if (bytes.len() as u64) < total {
        return Err(Error::new(ErrorKind::Unreachable, "the response is shorter than the range").with_url(&first.url));
    }
    for span in spans {
        let length = span.length.and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
        let chunk = bytes.split_to(length.min(bytes.len()));
        let length = chunk.len() as u64;
        cache.put(span, CachedDownload { chunks: vec![chunk], length, is_complete: true, validators: Some(validators.clone()) });
    }
    Ok(())
}
