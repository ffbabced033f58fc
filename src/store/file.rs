//! Files: whole under a temporary name beside their place, then renamed.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::{deferred_signals::defer_signals, exists};
use crate::error::{Error, ErrorKind};

/// Whether bytes go straight in: devices and FIFOs, which a rename would replace by a file, and names of this process's own descriptors.
fn is_written_directly(path: &Path) -> Result<bool, Error> {
    let unfit = |what: &str| Err(Error::new(ErrorKind::Output, format!("{} {what}", path.display())).with_hint("give the path of a file"));
    // A folder, there or not
    if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return unfit("names a folder");
    }
    let own = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc/self/fd"].iter().any(|name| path.starts_with(name));
    match fs::metadata(path).map(|facts| facts.file_type()) {
        Ok(kind) if kind.is_dir() => unfit("is a folder"),
        Ok(kind) if kind.is_block_device() => unfit("is a disk"),
        Ok(kind) => Ok(own || !kind.is_file()),
        // Not there yet, or not to be seen: writing says which
        Err(_) => Ok(own),
    }
}

/// The folder that a file's name is in.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) => Path::new("."),
        None => path,
    }
}

/// The folder of a file, and of what it is a link to.
pub(super) fn folders_of(path: &Path) -> Vec<PathBuf> {
    vec![folder_of(path).to_owned(), folder_of(&followed(path)).to_owned()]
}

/// Where a symbolic link leads, so that the link stays and its target is replaced.
fn followed(path: &Path) -> PathBuf {
    let Ok(target) = fs::read_link(path) else {
        return path.to_owned();
    };
    fs::canonicalize(path).unwrap_or_else(|_| folder_of(path).join(target))
}

/// Fails with `output` where no file can be written at `path`.
pub(super) fn check(path: &Path) -> Result<(), Error> {
    if is_written_directly(path)? { Ok(()) } else { check_folder(folder_of(&followed(path))) }
}

/// Of a path that is still to be made up, the folder is known where no template stands in it.
pub(super) fn check_folder_before(path: &Path) -> Result<(), Error> {
    let folder = folder_of(path);
    if folder.to_str().is_some_and(|folder| folder.contains(['{', '}'])) { Ok(()) } else { check_folder(folder) }
}

/// Writes the whole file or, but for what has no name to rename, nothing.
pub(super) fn put(path: &Path, bytes: &[u8], no_clobber: bool) -> Result<(), Error> {
    if is_written_directly(path)? { write_directly(path, bytes) } else { defer_signals(|| write_beside(path, bytes, no_clobber)) }
}

fn check_folder(folder: &Path) -> Result<(), Error> {
    // On Linux this file never has a name
    tempfile::tempfile_in(folder).map(drop).map_err(|e| in_folder(folder, e))
}

/// Writes under a temporary name in the same folder, then renames.
fn write_beside(path: &Path, bytes: &[u8], no_clobber: bool) -> Result<(), Error> {
    let path = followed(path);
    let folder = folder_of(&path);
    // 0666 less the umask, as any program's files have it
    let mut temporary = tempfile::Builder::new()
        .prefix(".hlsnap-")
        .suffix(".tmp")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .map_err(|e| in_folder(folder, e))?;
    let what = || format!("{} cannot be written", path.display());
    temporary.write_all(bytes).map_err(|e| failed(what(), e))?;
    let done = if no_clobber { temporary.persist_noclobber(&path) } else { temporary.persist(&path) };
    done.map(drop).map_err(|e| match e.error.kind() {
        io::ErrorKind::AlreadyExists if no_clobber => exists(&path.display().to_string()),
        _ => failed(what(), e.error),
    })
}

fn write_directly(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let written = OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(bytes));
    written.map_err(|e| failed(format!("{} cannot be written", path.display()), e))
}

fn in_folder(folder: &Path, error: io::Error) -> Error {
    let shown = folder.display();
    let (what, hint) = match error.kind() {
        io::ErrorKind::NotFound => (format!("the folder {shown} does not exist"), "make it first, or give another --output"),
        io::ErrorKind::NotADirectory => (format!("{shown} is not a folder"), "give another --output"),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            (format!("the folder {shown} may not be written to"), "give another --output")
        }
        _ => return failed(format!("nothing can be written in the folder {shown}"), error),
    };
    Error::new(ErrorKind::Output, what).with_hint(hint)
}

pub(super) fn failed(what: impl Into<String>, error: io::Error) -> Error {
    let hint = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room, or give another --output",
        io::ErrorKind::BrokenPipe => "whoever was to read it has gone",
        _ => "give another --output",
    };
    Error::new(ErrorKind::Output, what).with_source(error).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_replaces_a_file_whole_and_keeps_links() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let (file, link) = (folder.path().join("a.jpg"), folder.path().join("latest.jpg"));
        std::os::unix::fs::symlink("a.jpg", &link)?;
        for picture in [b"first".as_slice(), b"second"] {
            let done = check(&link).and_then(|()| put(&link, picture, false));
            assert!(done.is_ok(), "{done:?}");
            assert_eq!(fs::read(&file)?, picture);
        }
        assert!(fs::symlink_metadata(&link)?.is_symlink());
        assert_eq!(fs::read_dir(folder.path())?.count(), 2, "nothing else is left");
        Ok(())
    }

    #[test]
    fn what_cannot_be_written_is_told_before_and_after() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        for path in [folder.path().to_owned(), folder.path().join("none/a.jpg"), folder.path().join("new/")] {
            assert_eq!(check(&path).map_err(|e| e.kind()), Err(ErrorKind::Output), "{path:?}");
            assert_eq!(put(&path, b"x", false).map_err(|e| e.kind()), Err(ErrorKind::Output), "{path:?}");
        }
        assert_eq!(put(Path::new("/dev/full"), b"x", false).map_err(|e| e.kind()), Err(ErrorKind::Output));
        assert!(put(Path::new("/dev/null"), b"x", false).is_ok());
        assert_eq!(fs::read_dir(folder.path())?.count(), 0, "nothing is left");
        Ok(())
    }

    #[test]
    fn what_is_there_may_be_kept() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("a.jpg");
        assert!(put(&file, b"first", true).is_ok());
        assert_eq!(put(&file, b"second", true).map_err(|e| e.kind()), Err(ErrorKind::Output));
        assert_eq!(fs::read(&file)?, b"first");
        assert_eq!(fs::read_dir(folder.path())?.count(), 1, "nothing else is left");
        Ok(())
    }
}
