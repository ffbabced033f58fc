//! The bytes of a job as the demuxers want them, whatever the origin sends.
//!
//! The first bytes tell the container. A transport stream is brought into order ([`Transport`]), movie fragments get offsets that fit
//! ([`Fragments`](super::Fragments)), and everything else passes as it is.

use bytes::Bytes;

use super::{byte_source::Upstream, container};
use crate::{
    error::Error,
    media::{StreamStart, TransportReader, find_transport_stream},
};

/// Behind so many other bytes a transport stream is still found: origins put whole pictures before it.
const DISGUISE: usize = 256 << 10;

/// An upstream with its bytes in order.
pub struct NormalisedStream<U> {
    upstream: U,
    transport: TransportReader,
    form: StreamForm,
    ended: bool,
}

/// What the bytes are.
enum StreamForm {
    /// Not known: what has come so far.
    Unknown(Vec<u8>),
    /// A transport stream.
    Transport,
    /// Anything else.
    Other,
}

impl<U: Upstream> NormalisedStream<U> {
    /// Takes all bytes of `upstream`.
    pub fn new(upstream: U) -> Self {
        Self { upstream, transport: TransportReader::default(), form: StreamForm::Unknown(Vec::new()), ended: false }
    }

    /// The first bytes, once they tell what they are.
    fn recognise(&mut self) -> Result<Option<Bytes>, Error> {
        let StreamForm::Unknown(head) = &mut self.form else { return Ok(None) };
        while !is_telling(head) {
            let Some(bytes) = self.upstream.next_chunk()? else {
                self.ended = true;
                break;
            };
            head.extend_from_slice(&bytes);
        }
        let head = std::mem::take(head);
        let is_transport = !container::is_mp4(&head) && find_transport_stream(&head, DISGUISE).is_some();
        self.form = if is_transport { StreamForm::Transport } else { StreamForm::Other };
        Ok(Some(if is_transport { self.ordered(&head).into() } else { head.into() }))
    }

    fn ordered(&mut self, bytes: &[u8]) -> Vec<u8> {
        let upstream = &self.upstream;
        self.transport.push(bytes, |from, to| upstream.resource_start(from, to))
    }
}

/// Whether a resource's first bytes tell what it is.
fn is_telling(head: &[u8]) -> bool {
    if container::is_mp4(head) || head.len() >= DISGUISE {
        return true;
    }
    // A picture may hide a transport stream; a playlist, a page or sound does not
    let may_hide = head.len() < container::BOX_HEADER || container::may_precede_transport_stream(head);
    let enough = head.len() >= container::PROBE_BYTES;
    enough && (!may_hide || find_transport_stream(head, head.len().saturating_sub(container::PROBE_BYTES)).is_some())
}

impl<U: Upstream> Upstream for NormalisedStream<U> {
    fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        if let Some(head) = self.recognise()?.filter(|head| !head.is_empty()) {
            return Ok(Some(head));
        }
        let is_transport = matches!(self.form, StreamForm::Transport);
        while !self.ended {
            match self.upstream.next_chunk()? {
                Some(bytes) if is_transport => {
                    let ordered = self.ordered(&bytes);
                    if !ordered.is_empty() {
                        return Ok(Some(ordered.into()));
                    }
                }
                Some(bytes) => return Ok(Some(bytes)),
                None => self.ended = true,
            }
        }
        let upstream = &self.upstream;
        let rest = if is_transport { self.transport.finish(|from, to| upstream.resource_start(from, to)) } else { Vec::new() };
        Ok((!rest.is_empty()).then(|| rest.into()))
    }

    fn seek_to(&mut self, offset: u64) -> Result<bool, Error> {
        let jumped = matches!(self.form, StreamForm::Other) && self.upstream.seek_to(offset)?;
        self.ended &= !jumped;
        Ok(jumped)
    }

    fn size(&self) -> Option<u64> {
        if matches!(self.form, StreamForm::Transport) { None } else { self.upstream.size() }
    }

    fn check_deadline(&self) -> Result<(), Error> {
        self.upstream.check_deadline()
    }

    fn acquire_permit(&mut self) -> Result<(), Error> {
        self.upstream.acquire_permit()
    }

    fn pause(&mut self) {
        self.upstream.pause();
    }

    fn resource_start(&self, from: u64, to: u64) -> Option<u64> {
        self.upstream.resource_start(from, to)
    }

    fn download_offset(&self, position: u64) -> u64 {
        if matches!(self.form, StreamForm::Transport) { self.transport.input_offset(position) } else { position }
    }

    fn stream_starts(&self) -> Vec<StreamStart> {
        self.transport.stream_starts().to_vec()
    }
}
