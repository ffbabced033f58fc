//! Files: written under a temporary name in the same folder, then renamed.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::{deferred_signals::defer_signals, put_options::already_exists};
use crate::error::{Error, ErrorKind};

/// Whether the file is written in place: devices and FIFOs, which a rename would replace with a file, and the process's own descriptors.
fn is_written_directly(path: &Path) -> Result<bool, Error> {
    let refuse = |what: &str| Err(Error::new(ErrorKind::Output, format!("{} {what}", path.display())).with_hint("give the path of a file"));
    // Even if no such folder exists
    if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return refuse("names a folder");
    }
    let is_descriptor = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc/self/fd"].iter().any(|name| path.starts_with(name));
    match fs::metadata(path).map(|metadata| metadata.file_type()) {
        Ok(kind) if kind.is_dir() => refuse("is a folder"),
        Ok(kind) if kind.is_block_device() => refuse("is a block device"),
        Ok(kind) => Ok(is_descriptor || !kind.is_file()),
        // Missing or inaccessible: writing finds out
        Err(_) => Ok(is_descriptor),
    }
}

/// The folder of a file.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) => Path::new("."),
        None => path,
    }
}

/// The folder of a file, and that of the file a symbolic link points to.
pub(super) fn folders_of(path: &Path) -> Vec<PathBuf> {
    vec![folder_of(path).to_owned(), folder_of(&resolved(path)).to_owned()]
}

/// The target of a symbolic link, so that writing replaces the target and keeps the link.
fn resolved(path: &Path) -> PathBuf {
    let Ok(target) = fs::read_link(path) else {
        return path.to_owned();
    };
    fs::canonicalize(path).unwrap_or_else(|_| folder_of(path).join(target))
}

/// Fails with `output` if no file can be written at `path`.
pub(super) fn check(path: &Path) -> Result<(), Error> {
    if is_written_directly(path)? { Ok(()) } else { check_folder(folder_of(&resolved(path))) }
}

/// Fails with `output` if no file can be written in the folder of a path with placeholders. Passes if the folder has placeholders, too.
pub(super) fn check_template(path: &Path) -> Result<(), Error> {
    let folder = folder_of(path);
    if folder.to_str().is_some_and(|folder| folder.contains(['{', '}'])) { Ok(()) } else { check_folder(folder) }
}

/// Writes the whole file or nothing. Only files that are written in place may be incomplete after a failure.
pub(super) fn put(path: &Path, bytes: &[u8], no_clobber: bool) -> Result<(), Error> {
    if is_written_directly(path)? { write_directly(path, bytes) } else { defer_signals(|| write_and_rename(path, bytes, no_clobber)) }
}

/// Removes a file, if it exists.
pub(super) fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            let message = format!("{} cannot be removed", path.display());
            Err(Error::new(ErrorKind::Output, message).with_source(error).with_hint("check the permissions of the folder"))
        }
        _ => Ok(()),
    }
}

fn check_folder(folder: &Path) -> Result<(), Error> {
    // On Linux this file never gets a name
    tempfile::tempfile_in(folder).map(drop).map_err(|e| folder_error(folder, e))
}

/// Writes under a temporary name in the same folder, then renames.
fn write_and_rename(path: &Path, bytes: &[u8], no_clobber: bool) -> Result<(), Error> {
    let path = resolved(path);
    let folder = folder_of(&path);
    // The umask applies, as for any new file
    let mut temporary = tempfile::Builder::new()
        .prefix(".hlsnap-")
        .suffix(".tmp")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .map_err(|e| folder_error(folder, e))?;
    let failed = |e| write_error(format!("{} cannot be written", path.display()), e);
    temporary.write_all(bytes).map_err(failed)?;
    let renamed = if no_clobber { temporary.persist_noclobber(&path) } else { temporary.persist(&path) };
    renamed.map(drop).map_err(|e| match e.error.kind() {
        io::ErrorKind::AlreadyExists if no_clobber => already_exists(&path.display().to_string()),
        _ => failed(e.error),
    })
}

fn write_directly(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let written = OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(bytes));
    written.map_err(|e| write_error(format!("{} cannot be written", path.display()), e))
}

fn folder_error(folder: &Path, error: io::Error) -> Error {
    let name = folder.display();
    let (what, hint) = match error.kind() {
        io::ErrorKind::NotFound => (format!("the folder {name} does not exist"), "create it, or give another --output"),
        io::ErrorKind::NotADirectory => (format!("{name} is not a folder"), "give another --output"),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            (format!("no permission to write to the folder {name}"), "give another --output")
        }
        _ => return write_error(format!("no file can be written in the folder {name}"), error),
    };
    Error::new(ErrorKind::Output, what).with_hint(hint)
}

/// The error for a failed write.
pub(super) fn write_error(what: impl Into<String>, error: io::Error) -> Error {
    let hint = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space, or give another --output",
        io::ErrorKind::BrokenPipe => "the reader closed the pipe",
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
        assert_eq!(fs::read_dir(folder.path())?.count(), 2, "no other file is left");
        Ok(())
    }

    #[test]
    fn an_unwritable_path_fails_before_and_during_the_write() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        for path in [folder.path().to_owned(), folder.path().join("none/a.jpg"), folder.path().join("new/")] {
            assert_eq!(check(&path).map_err(|e| e.kind()), Err(ErrorKind::Output), "{path:?}");
            assert_eq!(put(&path, b"x", false).map_err(|e| e.kind()), Err(ErrorKind::Output), "{path:?}");
        }
        assert_eq!(put(Path::new("/dev/full"), b"x", false).map_err(|e| e.kind()), Err(ErrorKind::Output));
        assert!(put(Path::new("/dev/null"), b"x", false).is_ok());
        assert_eq!(fs::read_dir(folder.path())?.count(), 0, "no file is left");
        Ok(())
    }

    #[test]
    fn no_clobber_keeps_an_existing_file() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("a.jpg");
        assert!(put(&file, b"first", true).is_ok());
        assert_eq!(put(&file, b"second", true).map_err(|e| e.kind()), Err(ErrorKind::Output));
        assert_eq!(fs::read(&file)?, b"first");
        assert_eq!(fs::read_dir(folder.path())?.count(), 1, "no other file is left");
        Ok(())
    }
}
