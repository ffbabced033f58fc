//! Local files, readable only for local playlists.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use bytes::Bytes;
use url::Url;

use super::job::Job;
use crate::error::{Error, ErrorKind};

const PIECE: usize = 64 << 10;

/// A file below the folder of the playlist.
#[derive(Debug)]
pub(super) struct LocalFile {
    file: File,
    size: Option<u64>,
}

impl LocalFile {
    pub fn open(job: &Job, url: &Url, offset: u64) -> Result<Self, Error> {
        let not_allowed = |why: &str| Error::new(ErrorKind::NotAllowed, why.to_owned()).with_url(url);
        let Some(root) = &job.local_root else {
            return Err(not_allowed("a remote playlist may not name local files"));
        };
        let path = url.to_file_path().map_err(|()| not_allowed("the file: URL names no local path"))?;
        // Resolves symbolic links first, so that none leads out of the folder
        let real = path.canonicalize().map_err(|e| unreadable(&e).with_url(url))?;
        if !real.starts_with(root) {
            return Err(not_allowed("a local playlist may name only files below its own folder"));
        }
        let mut file = File::open(real).map_err(|e| unreadable(&e).with_url(url))?;
        let metadata = file.metadata().map_err(|e| unreadable(&e).with_url(url))?;
        if metadata.is_dir() {
            return Err(Error::new(ErrorKind::NotFound, "the path is a folder")
                .with_url(url)
                .with_hint("give the path of a playlist in it"));
        }
        if offset > 0 {
            file.seek(SeekFrom::Start(offset)).map_err(|e| unreadable(&e).with_url(url))?;
        }
        Ok(Self { file, size: metadata.is_file().then_some(metadata.len()) })
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

fn unreadable(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => Error::new(ErrorKind::NotFound, "the file does not exist").with_hint("check the path"),
        io::ErrorKind::PermissionDenied => Error::new(ErrorKind::NotAllowed, "no permission to read the file"),
        _ => Error::new(ErrorKind::Unreachable, format!("the file cannot be read: {error}")),
    }
}
