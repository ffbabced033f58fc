//! Opens lists of channels: a file, an http(s) URL, or stdin.

use std::{
    fs::File,
    io::{self, Read},
    thread,
};

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;
use url::Url;

use crate::{
    channels::{self, Channel, MAX_LIST_BYTES},
    error::{Error, ErrorKind, redacted},
    fetch::{Client, Job, Range},
    request::{Limits, Options, RequestHeaders, Source},
};

/// The size of a piece of a file, in bytes.
const PIECE_BYTES: usize = 64 << 10;
/// How many pieces are read ahead.
const PIECES: usize = 2;

/// An opened list of channels.
#[derive(Debug)]
pub(in crate::frontends) struct ChannelList {
    place: Place,
    /// The URL that relative URLs of an M3U list refer to.
    base: Option<Url>,
}

#[derive(Debug)]
enum Place {
    Stdin,
    File { file: File, name: String },
    Url(Url),
}

impl ChannelList {
    /// Opens a file; a URL or `-` for stdin is not read yet. Fails with `usage`, `not_found` and `unreachable`.
    pub fn open(text: &str) -> Result<Self, Error> {
        if text == "-" {
            return Ok(Self { place: Place::Stdin, base: None });
        }
        match Source::parse(text)? {
            Source::Url(url) => Ok(Self { base: Some(url.clone()), place: Place::Url(url) }),
            Source::File(path) => {
                let name = path.display().to_string();
                let file = File::open(&path).map_err(|e| unreadable(&name, e))?;
                let base = std::path::absolute(&path).ok().and_then(|path| Url::from_file_path(path).ok());
                Ok(Self { place: Place::File { file, name }, base })
            }
            Source::Text { .. } => Err(Error::internal("a list of channels is text")),
        }
    }

    /// The same list, whose relative URLs refer to `base`.
    #[must_use]
    pub fn with_base(self, base: Option<Url>) -> Self {
        Self { base: base.or(self.base), ..self }
    }

    /// The size of a regular file, in bytes.
    pub fn size(&self) -> Option<u64> {
        match &self.place {
            Place::File { file, .. } => file.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len()),
            Place::Stdin | Place::Url(_) => None,
        }
    }

    /// The list's own URL, if it has one.
    pub fn base(&self) -> Option<&Url> {
        self.base.as_ref()
    }

    /// Fails with `not_allowed` if a list from the network names a local file or an output. Only the user's own lists may do that.
    pub fn check(&self, channel: &Channel, defaults: &Options) -> Result<(), Error> {
        let refused = |what: &str| Error::new(ErrorKind::NotAllowed, format!("a list from the network may not name {what}"));
        let Place::Url(_) = &self.place else { return Ok(()) };
        if !matches!(channel.options.source()?, Source::Url(_)) {
            return Err(refused("local files").with_hint("give http:// or https:// URLs, or download the list first"));
        }
        let (own, given) = (&channel.options, defaults);
        if own.output != given.output || own.report_output != given.report_output {
            return Err(refused("outputs").with_hint("name them by --output, or download the list first"));
        }
        Ok(())
    }

    /// Starts to read the list. Downloads a list from the network as a whole.
    pub async fn pieces(&mut self, client: &Client, defaults: &Options) -> Result<Pieces, Error> {
        match &mut self.place {
            Place::Url(url) => download(url, client, defaults).await.map(|list| Pieces::Whole(Some(list))),
            Place::Stdin => read_in_thread(io::stdin(), "stdin".to_owned()),
            Place::File { file, name } => {
                let file = file.try_clone().map_err(|e| unreadable(name, e))?;
                read_in_thread(file, name.clone())
            }
        }
    }
}

/// Reads the whole list that `text` names. Fails as [`channels::parse`] does, and if the list cannot be read.
pub(in crate::frontends) async fn read_channels(text: &str, client: &Client, defaults: &Options) -> Result<Vec<Channel>, Error> {
    let mut list = ChannelList::open(text)?;
    let mut pieces = list.pieces(client, defaults).await?;
    let mut bytes = BytesMut::new();
    while let Some(piece) = pieces.next().await? {
        bytes.extend_from_slice(&piece);
        if bytes.len() as u64 > MAX_LIST_BYTES {
            break;
        }
    }
    let found = channels::parse(&bytes, defaults, list.base())?;
    found.iter().try_for_each(|channel| list.check(channel, defaults))?;
    Ok(found)
}

/// A list in pieces, in order.
#[derive(Debug)]
pub(in crate::frontends) enum Pieces {
    /// From a thread that reads.
    Read { pieces: mpsc::Receiver<io::Result<Bytes>>, name: String },
    /// All at once.
    Whole(Option<Bytes>),
}

impl Pieces {
    /// The next piece; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        match self {
            Self::Read { pieces, name } => pieces.recv().await.transpose().map_err(|e| unreadable(name, e)),
            Self::Whole(list) => Ok(list.take()),
        }
    }
}

/// Reads on a separate thread, because a read from a pipe may block forever. The thread ends with the program.
fn read_in_thread(mut list: impl Read + Send + 'static, name: String) -> Result<Pieces, Error> {
    let (sender, pieces) = mpsc::channel(PIECES);
    let read = move || {
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let result = match list.read(&mut piece) {
                Ok(0) => return,
                Ok(count) => Ok(Bytes::copy_from_slice(piece.get(..count).unwrap_or_default())),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
            let is_over = result.is_err();
            if sender.blocking_send(result).is_err() || is_over {
                return;
            }
        }
    };
    thread::Builder::new()
        .name("list".to_owned())
        .spawn(read)
        .map_err(|e| Error::internal("the thread that reads the list cannot be started").with_source(e))?;
    Ok(Pieces::Read { pieces, name })
}

async fn download(url: &Url, client: &Client, defaults: &Options) -> Result<Bytes, Error> {
    let limits = Limits { max_bytes: MAX_LIST_BYTES, max_segment_bytes: MAX_LIST_BYTES, ..defaults.limits() };
    // The user's headers are for the channels, not for the list
    let job = Job::new(client, url, &RequestHeaders::default(), &limits)?;
    let mut body = job.open(url, Range::ALL).await?;
    tracing::info!("reading the list of channels {}", redacted(url));
    body.read_to_end(BytesMut::new(), MAX_LIST_BYTES).await
}

fn unreadable(name: &str, error: io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::NotFound { ErrorKind::NotFound } else { ErrorKind::Unreachable };
    Error::new(kind, format!("the list {name} cannot be read")).with_source(error).with_hint("check the path")
}
