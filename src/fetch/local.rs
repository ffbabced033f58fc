//! Local files, for playlists that are local themselves.

use std::{
    fs::File,
    io::{ErrorKind as Io, Read, Seek, SeekFrom},
};

use bytes::Bytes;
use url::Url;

use super::Job;
use crate::error::{Error, ErrorKind};

const PIECE: usize = 64 << 10;

/// A file below the playlist's folder.
#[derive(Debug)]
pub(super) struct LocalFile {
    file: File,
    size: Option<u64>,
}

impl LocalFile {
    pub fn open(job: &Job, url: &Url, offset: u64) -> Result<Self, Error> {
        let not_allowed = |why: &str| Error::new(ErrorKind::NotAllowed, why.to_owned()).with_url(url);
        let Some(root) = &job.local_root else {
            return Err(not_allowed("a playlist from elsewhere may not name local files"));
        };
        let path = url.to_file_path().map_err(|()| not_allowed("the file: URL names no local path"))?;
        // Symbolic links are followed first, so that none leads out of the folder.
        let real = path.canonicalize().map_err(|e| unreadable(&e).with_url(url))?;
        if !real.starts_with(root) {
            return Err(not_allowed("a local playlist may only name files below its own folder"));
        }
        let mut file = File::open(real).map_err(|e| unreadable(&e).with_url(url))?;
        let facts = file.metadata().map_err(|e| unreadable(&e).with_url(url))?;
        if facts.is_dir() {
            return Err(Error::new(ErrorKind::NotFound, "it is a folder").with_url(url).with_hint("name the playlist in it"));
        }
        if offset > 0 {
            file.seek(SeekFrom::Start(offset)).map_err(|e| unreadable(&e).with_url(url))?;
        }
        Ok(Self { file, size: facts.is_file().then_some(facts.len()) })
    }

    pub fn size(&self) -> Option<u64> {
        self.size
    }

    pub fn read(&mut self) -> Result<Option<Bytes>, Error> {
        let mut piece = vec![0; PIECE];
        let count = self.file.read(&mut piece).map_err(|e| unreadable(&e))?;
        piece.truncate(count);
        Ok((count > 0).then(|| piece.into()))
    }
}

fn unreadable(error: &std::io::Error) -> Error {
    match error.kind() {
        Io::NotFound => Error::new(ErrorKind::NotFound, "there is no such file").with_hint("check the path"),
        Io::PermissionDenied => Error::new(ErrorKind::NotAllowed, "the file may not be read"),
        _ => Error::new(ErrorKind::Unreachable, format!("the file cannot be read: {error}")),
    }
}
