//! The bytes of a job as the demuxers want them, whatever the origin sends.
//!
//! The first bytes tell the container. A transport stream is brought into order ([`Transport`]), movie fragments get offsets that fit
//! ([`Fragments`](super::Fragments)), and everything else passes as it is.

use bytes::Bytes;

use super::{sniff, source::Upstream};
use crate::{
    error::Error,
    media::{StreamStart, Transport, find_transport_stream},
};

/// Behind so many other bytes a transport stream is still found: origins put whole pictures before it.
const DISGUISE: usize = 256 << 10;

/// An upstream with its bytes in order.
pub struct Normalised<U> {
    upstream: U,
    transport: Transport,
    form: Form,
    ended: bool,
}

/// What the bytes are.
enum Form {
    /// Not known: what has come so far.
    Unknown(Vec<u8>),
    /// A transport stream.
    Transport,
    /// Anything else.
    Other,
}

impl<U: Upstream> Normalised<U> {
    /// Takes all bytes of `upstream`.
    pub fn new(upstream: U) -> Self {
        Self { upstream, transport: Transport::default(), form: Form::Unknown(Vec::new()), ended: false }
    }

    /// The first bytes, once they tell what they are.
    fn recognise(&mut self) -> Result<Option<Bytes>, Error> {
        let Form::Unknown(head) = &mut self.form else { return Ok(None) };
        while !is_telling(head) {
            let Some(bytes) = self.upstream.next()? else {
                self.ended = true;
                break;
            };
            head.extend_from_slice(&bytes);
        }
        let head = std::mem::take(head);
        let is_transport = !sniff::is_mp4(&head) && find_transport_stream(&head, DISGUISE).is_some();
        self.form = if is_transport { Form::Transport } else { Form::Other };
        Ok(Some(if is_transport { self.ordered(&head).into() } else { head.into() }))
    }

    fn ordered(&mut self, bytes: &[u8]) -> Vec<u8> {
        let upstream = &self.upstream;
        self.transport.push(bytes, |from, to| upstream.resource_start(from, to))
    }
}

/// Whether a resource's first bytes tell what it is.
fn is_telling(head: &[u8]) -> bool {
    if sniff::is_mp4(head) || head.len() >= DISGUISE {
        return true;
    }
    // A picture may hide a transport stream; a playlist, a page or sound does not
    let may_hide = head.len() < sniff::BOX || sniff::may_hide_a_stream(head);
    let enough = head.len() >= sniff::ENOUGH;
    enough && (!may_hide || find_transport_stream(head, head.len().saturating_sub(sniff::ENOUGH)).is_some())
}

impl<U: Upstream> Upstream for Normalised<U> {
    fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if let Some(head) = self.recognise()?.filter(|head| !head.is_empty()) {
            return Ok(Some(head));
        }
        let is_transport = matches!(self.form, Form::Transport);
        while !self.ended {
            match self.upstream.next()? {
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

    fn jump(&mut self, offset: u64) -> Result<bool, Error> {
        let jumped = matches!(self.form, Form::Other) && self.upstream.jump(offset)?;
        self.ended &= !jumped;
        Ok(jumped)
    }

    fn size(&self) -> Option<u64> {
        if matches!(self.form, Form::Transport) { None } else { self.upstream.size() }
    }

    fn check(&self) -> Result<(), Error> {
        self.upstream.check()
    }

    fn turn(&mut self) -> Result<(), Error> {
        self.upstream.turn()
    }

    fn pause(&mut self) {
        self.upstream.pause();
    }

    fn resource_start(&self, from: u64, to: u64) -> Option<u64> {
        self.upstream.resource_start(from, to)
    }

    fn origin(&self, position: u64) -> u64 {
        if matches!(self.form, Form::Transport) { self.transport.origin(position) } else { position }
    }

    fn starts(&self) -> Vec<StreamStart> {
        self.transport.starts().to_vec()
    }
}
