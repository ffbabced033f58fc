//! Where pictures go: a path or stdout.
//!
//! [`Output`] is what was asked for, with its `{name}` templates; [`Place`] is where one picture goes. A file is written whole under a
//! temporary name beside its place and then renamed, so that whoever reads it sees the old picture or the new one, never a part.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};

use crate::{
    error::{Error, ErrorKind},
    report::Report,
    request::Format,
};

/// Where pictures are asked to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// `-`
    Stdout,
    /// A path with templates.
    Path(Template),
}

impl Output {
    /// Reads a path with templates, or `-`.
    ///
    /// Fails with `usage` for names that no template has, and with `unsupported` for object stores.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "" => return Err(usage("--output is empty".to_owned(), "give a path, or - for stdout")),
            "-" => return Ok(Self::Stdout),
            _ => {}
        }
        match text.split_once("://") {
            Some((scheme @ ("s3" | "gs" | "az"), _)) => {
                let what = format!("--output: this version cannot write to the object store {scheme}://");
                Err(Error::new(ErrorKind::Unsupported, what).hint("write to a path, or to stdout with -o - and upload that"))
            }
            Some((scheme, _)) if scheme.chars().all(|c| c.is_ascii_alphanumeric()) => {
                Err(usage(format!("--output: nothing can be written to {scheme}://"), "give a path, or - for stdout"))
            }
            _ => Template::parse(text).map(Self::Path),
        }
    }

    /// The format that the path's ending names.
    pub fn format(&self) -> Option<Format> {
        match self {
            Self::Stdout => None,
            Self::Path(template) => Format::from_extension(Path::new(&template.text).extension()?.to_str()?),
        }
    }

    /// Fails with `output` where a picture could surely not be written, so that a typo costs no download. Leaves nothing behind.
    pub fn check(&self) -> Result<(), Error> {
        let Self::Path(template) = self else { return Ok(()) };
        let path = Path::new(&template.text);
        if template.is_plain() {
            return Place::Path(path.to_owned()).check();
        }
        // Of a path that is still to be made up, the folder is known where no template stands in it
        let folder = folder_of(path);
        if folder.to_str().is_some_and(|folder| folder.contains(['{', '}'])) { Ok(()) } else { check_folder(folder) }
    }

    /// Where the picture of `report`, taken `now`, goes.
    pub fn place(&self, report: &Report, now: DateTime<Utc>) -> Place {
        match self {
            Self::Stdout => Place::Stdout,
            Self::Path(template) => Place::Path(PathBuf::from(template.filled(report, now))),
        }
    }
}

/// A path in which `{name}` stands for something that is known once the picture is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Name(Name),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Now,
    ProgramDateTime,
    MediaSequenceNumber,
    Width,
    Height,
    Extension,
}

impl Template {
    /// Reads `{now}`, `{pdt}`, `{msn}`, `{width}`, `{height}` and `{ext}`; `{{` and `}}` are the braces themselves.
    fn parse(text: &str) -> Result<Self, Error> {
        const KNOWN: &str = "use {now}, {pdt}, {msn}, {width}, {height} or {ext}, and {{ or }} for a brace";
        let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some(place) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(place);
            plain.push_str(before);
            if let Some(after) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
                plain.extend(from.chars().next());
                rest = after;
                continue;
            }
            let name = from.strip_prefix('{').and_then(|inner| inner.split_once('}'));
            let Some((name, after)) = name else {
                return Err(usage(format!("--output {text:?}: a brace has no partner"), KNOWN));
            };
            let Some(known) = Name::parse(name) else {
                return Err(usage(format!("--output {text:?}: {{{name}}} is not known"), KNOWN));
            };
            parts.extend([Part::Text(std::mem::take(&mut plain)), Part::Name(known)]);
            rest = after;
        }
        plain.push_str(rest);
        parts.push(Part::Text(plain));
        Ok(Self { text: text.to_owned(), parts })
    }

    fn is_plain(&self) -> bool {
        !self.text.contains(['{', '}'])
    }

    fn filled(&self, report: &Report, now: DateTime<Utc>) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            // A picture is not lost for its name
            Part::Name(name) => name.value(report, now).unwrap_or_else(|| "unknown".to_owned()),
        };
        self.parts.iter().map(part).collect()
    }
}

impl Name {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "now" => Self::Now,
            "pdt" => Self::ProgramDateTime,
            "msn" => Self::MediaSequenceNumber,
            "width" => Self::Width,
            "height" => Self::Height,
            "ext" => Self::Extension,
            _ => return None,
        })
    }

    /// `None`: the stream does not tell.
    fn value(self, report: &Report, now: DateTime<Utc>) -> Option<String> {
        // No colons: not every file system has them
        let stamp = |moment: DateTime<Utc>| moment.format("%Y%m%dT%H%M%SZ").to_string();
        match self {
            Self::Now => Some(stamp(now)),
            Self::ProgramDateTime => {
                let date = report.frame.program_date_time.as_deref()?;
                DateTime::parse_from_rfc3339(date).ok().map(|date| stamp(date.to_utc()))
            }
            Self::MediaSequenceNumber => report.segment.media_sequence_number.map(|number| number.to_string()),
            Self::Width => Some(report.width.to_string()),
            Self::Height => Some(report.height.to_string()),
            Self::Extension => report.format.parse().ok().map(|format: Format| format.extension().to_owned()),
        }
    }
}

/// Where one picture goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// `-`
    Stdout,
    /// A file, or a device or a FIFO that takes bytes as they come.
    Path(PathBuf),
}

impl Place {
    /// The name in reports: the path, or `-`.
    pub fn name(&self) -> String {
        match self {
            Self::Stdout => "-".to_owned(),
            Self::Path(path) => path.display().to_string(),
        }
    }

    /// Writes the picture: the whole of it or, but for what has no name to rename, nothing.
    pub fn put(&self, picture: &[u8]) -> Result<(), Error> {
        match self {
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(picture).and_then(|()| stdout.flush()).map_err(|e| failed("the picture cannot be written to stdout", e))
            }
            Self::Path(path) if is_written_directly(path)? => write_directly(path, picture),
            Self::Path(path) => write_beside(path, picture),
        }
    }

    fn check(&self) -> Result<(), Error> {
        match self {
            Self::Path(path) if !is_written_directly(path)? => check_folder(folder_of(&followed(path))),
            _ => Ok(()),
        }
    }
}

/// Whether bytes go straight in: devices and FIFOs, which a rename would replace by a file, and names of this process's own descriptors.
fn is_written_directly(path: &Path) -> Result<bool, Error> {
    let unfit = |what: &str| Err(Error::new(ErrorKind::Output, format!("{} {what}", path.display())).hint("give the path of a file"));
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

/// Where a symbolic link leads, so that the link stays and its target is replaced.
fn followed(path: &Path) -> PathBuf {
    let Ok(target) = fs::read_link(path) else {
        return path.to_owned();
    };
    fs::canonicalize(path).unwrap_or_else(|_| folder_of(path).join(target))
}

fn check_folder(folder: &Path) -> Result<(), Error> {
    // On Linux this file never has a name
    tempfile::tempfile_in(folder).map(drop).map_err(|e| in_folder(folder, e))
}

/// Writes under a temporary name in the same folder, then renames.
fn write_beside(path: &Path, picture: &[u8]) -> Result<(), Error> {
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
    temporary.write_all(picture).map_err(|e| failed(what(), e))?;
    temporary.persist(&path).map(drop).map_err(|e| failed(what(), e.error))
}

fn write_directly(path: &Path, picture: &[u8]) -> Result<(), Error> {
    let written = OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(picture));
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
    Error::new(ErrorKind::Output, what).hint(hint)
}

fn failed(what: impl Into<String>, error: io::Error) -> Error {
    let hint = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room, or give another --output",
        io::ErrorKind::BrokenPipe => "whoever was to read it has gone",
        _ => "give another --output",
    };
    Error::new(ErrorKind::Output, what).because(error).hint(hint)
}

fn usage(what: String, hint: &str) -> Error {
    Error::new(ErrorKind::Usage, what).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Output, ErrorKind> {
        Output::parse(text).map_err(|e| e.kind())
    }

    #[test]
    fn places_in_every_spelling() {
        assert_eq!(parsed("-"), Ok(Output::Stdout));
        assert!(matches!(parsed("a/b://c.jpg"), Ok(Output::Path(_))));
        for text in ["", "http://host/x.jpg", "{nope}.jpg", "a{now", "a}b", "{}", "{now}}"] {
            assert_eq!(parsed(text), Err(ErrorKind::Usage), "{text}");
        }
        assert_eq!(parsed("s3://bucket/key.jpg"), Err(ErrorKind::Unsupported));
    }

    #[test]
    fn templates_fall_into_parts() {
        let parts = Template::parse("a{{b}}-{msn}{ext}").map(|template| template.parts).unwrap_or_default();
        let text = |text: &str| Part::Text(text.to_owned());
        let wanted = [text("a{b}-"), Part::Name(Name::MediaSequenceNumber), text(""), Part::Name(Name::Extension), text("")];
        assert_eq!(parts, wanted);
    }

    #[test]
    fn the_ending_tells_the_format() {
        let format = |text: &str| Output::parse(text).ok().and_then(|output| output.format());
        assert_eq!(format("a.PNG"), Some(Format::Png));
        assert_eq!(format("{now}.webp"), Some(Format::WebP));
        assert_eq!((format("a.{ext}"), format("png"), format("-")), (None, None, None));
    }

    #[test]
    fn a_picture_replaces_a_file_whole_and_keeps_links() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let (file, link) = (folder.path().join("a.jpg"), folder.path().join("latest.jpg"));
        std::os::unix::fs::symlink("a.jpg", &link)?;
        for picture in [b"first".as_slice(), b"second"] {
            let place = Place::Path(link.clone());
            let done = place.check().and_then(|()| place.put(picture));
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
            let place = Place::Path(path);
            assert_eq!(place.check().map_err(|e| e.kind()), Err(ErrorKind::Output), "{place:?}");
            assert_eq!(place.put(b"x").map_err(|e| e.kind()), Err(ErrorKind::Output), "{place:?}");
        }
        assert_eq!(Place::Path("/dev/full".into()).put(b"x").map_err(|e| e.kind()), Err(ErrorKind::Output));
        assert!(Place::Path("/dev/null".into()).put(b"x").is_ok());
        assert_eq!(fs::read_dir(folder.path())?.count(), 0, "nothing is left");
        Ok(())
    }
}
