//! Environment files: `KEY=VALUE` lines, as systemd's `EnvironmentFile=` and docker's `--env-file` have them.
//!
//! A line is empty, a comment (`#` at its beginning) or a variable, with or without `export` before it. A value is what follows
//! the `=`, without the blanks around it; or what stands in one pair of quotes, after which only a comment may follow. There
//! are no escapes, and a value ends on its line. A mark of the byte order at the beginning is skipped.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The largest environment file, in bytes.
const BYTES_MAX: u64 = 1 << 20;

/// Why an environment file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnvFileError {
    #[error("cannot read the environment file {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("the environment file {} is no regular file of at most {BYTES_MAX} bytes", .0.display())]
    Unfit(PathBuf),
    #[error("{}:{line}: not a KEY=VALUE line, a comment or an empty line", path.display())]
    Line { path: PathBuf, line: usize },
    #[error(
        "{}:{line}: a quote that is not closed on its line: a value has one line",
        path.display()
    )]
    Open { path: PathBuf, line: usize },
    #[error(
        "{}:{line}: something follows the closing quote: put the whole value into one pair of quotes, of the other kind if it contains some",
        path.display()
    )]
    Behind { path: PathBuf, line: usize },
    #[error("{}:{line}: a NUL character, which no variable can have", path.display())]
    Nul { path: PathBuf, line: usize },
}

/// What is wrong with a line.
#[derive(Debug, PartialEq, Eq)]
enum Bad {
    Line(usize),
    Open(usize),
    Behind(usize),
    Nul(usize),
}

/// Reads the variables of `path`, in order.
pub(crate) fn read(path: &Path) -> Result<Vec<(String, String)>, EnvFileError> {
    let unread = |source| EnvFileError::Read { path: path.into(), source };
    // Without O_NONBLOCK the opening of a pipe waits for somebody who writes into it.
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(unread)?;
    let text = text_of(&file).map_err(unread)?.ok_or_else(|| EnvFileError::Unfit(path.into()))?;
    parse(&text).map_err(|bad| match bad {
        Bad::Line(line) => EnvFileError::Line { path: path.into(), line },
        Bad::Open(line) => EnvFileError::Open { path: path.into(), line },
        Bad::Behind(line) => EnvFileError::Behind { path: path.into(), line },
        Bad::Nul(line) => EnvFileError::Nul { path: path.into(), line },
    })
}

/// The text of the file that was opened, whatever stands at its path by now; `None` if it is no regular file of bounded
/// size. A pipe or a device might never end, and a file may grow while it is read.
fn text_of(file: &File) -> io::Result<Option<String>> {
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    let mut text = String::new();
    file.take(BYTES_MAX + 1).read_to_string(&mut text)?;
    Ok((text.len() as u64 <= BYTES_MAX).then_some(text))
}

/// The variables in `text`, or the first line that is none.
fn parse(text: &str) -> Result<Vec<(String, String)>, Bad> {
    let mut variables = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        if line.contains('\0') {
            return Err(Bad::Nul(at + 1));
        }
        let (key, value) = line.split_once('=').ok_or(Bad::Line(at + 1))?;
        let key = key.trim();
        if key.is_empty() || key.contains(char::is_whitespace) {
            return Err(Bad::Line(at + 1));
        }
        variables.push((key.to_owned(), unquoted(value.trim(), at + 1)?.to_owned()));
    }
    Ok(variables)
}

/// The value without the pair of quotes around it, if there is one.
fn unquoted(value: &str, line: usize) -> Result<&str, Bad> {
    let Some(quote) = value.chars().next().filter(|first| matches!(first, '"' | '\'')) else {
        return Ok(value);
    };
    let (inner, behind) = value[1..].split_once(quote).ok_or(Bad::Open(line))?;
    let comment = behind.trim_start();
    let ends = comment.is_empty() || comment.starts_with('#') && comment.len() < behind.len();
    if ends { Ok(inner) } else { Err(Bad::Behind(line)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_quotes_and_export_are_understood() {
        let text = "# c\n\nA=1\nexport B = two words \nC=\"quoted # not a comment\"\nD='x=y'\nE=\n";
        let pairs = parse(text).unwrap();
        let pairs: Vec<_> = pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(
            pairs,
            [("A", "1"), ("B", "two words"), ("C", "quoted # not a comment"), ("D", "x=y"), ("E", "")]
        );
    }

    #[test]
    fn a_byte_order_mark_is_skipped_and_a_comment_may_follow_a_quoted_value() {
        let pairs =
            parse("\u{feff}FIRST=1\nV=\"val #space\" # note\nW=plain # kept\nX='it is \"so\"'\n").unwrap();
        let pairs: Vec<_> = pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(
            pairs,
            [("FIRST", "1"), ("V", "val #space"), ("W", "plain # kept"), ("X", "it is \"so\"")]
        );
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        assert_eq!(parse("A=1\n\nnonsense\n"), Err(Bad::Line(3)));
        assert_eq!(parse("a b=1"), Err(Bad::Line(1)));
        assert_eq!(parse("=1"), Err(Bad::Line(1)));
        assert_eq!(parse("A=1\nK=\"first\nsecond\"\n"), Err(Bad::Open(2)));
        assert_eq!(parse("V='-Da=1' '-Db=2'\n"), Err(Bad::Behind(1)));
        assert_eq!(parse("V=\"a\"#b\n"), Err(Bad::Behind(1)));
        assert_eq!(parse("A=1\nB=a\0b\n"), Err(Bad::Nul(2)));
        assert_eq!(parse("A=1\n\nB\0=b\n"), Err(Bad::Nul(3)));
    }

    #[test]
    fn a_nul_is_told_with_file_and_line_and_a_pipe_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("nul.env");
        std::fs::write(&file, "A=\0\n").unwrap();
        let told = read(&file).unwrap_err().to_string();
        assert!(told.ends_with("nul.env:1: a NUL character, which no variable can have"), "{told}");

        let pipe = dir.path().join("pipe.env");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)
            .unwrap();
        assert!(matches!(read(&pipe), Err(EnvFileError::Unfit(_))));
        std::fs::write(&file, vec![b'#'; 1 + (1 << 20)]).unwrap();
        assert!(matches!(read(&file), Err(EnvFileError::Unfit(_))));
        assert!(matches!(read(dir.path()), Err(EnvFileError::Unfit(_))));
    }
}
