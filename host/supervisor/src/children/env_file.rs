//! Environment files: `KEY=VALUE` lines, as systemd's `EnvironmentFile=` and docker's `--env-file` have them.

use std::path::{Path, PathBuf};

/// The largest environment file, in bytes.
const BYTES_MAX: u64 = 1 << 20;

/// Why an environment file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnvFileError {
    #[error("cannot read the environment file {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("the environment file {} is no regular file of at most {BYTES_MAX} bytes", .0.display())]
    Unfit(PathBuf),
    #[error("{}:{line}: not a KEY=VALUE line, a comment or an empty line", path.display())]
    Line { path: PathBuf, line: usize },
}

/// Reads the variables of `path`, in order.
pub(crate) fn read(path: &Path) -> Result<Vec<(String, String)>, EnvFileError> {
    let unread = |source| EnvFileError::Read { path: path.into(), source };
    let metadata = std::fs::metadata(path).map_err(unread)?;
    // A pipe or a device might never end.
    if !metadata.is_file() || metadata.len() > BYTES_MAX {
        return Err(EnvFileError::Unfit(path.into()));
    }
    let text = std::fs::read_to_string(path).map_err(unread)?;
    parse(&text).map_err(|line| EnvFileError::Line { path: path.into(), line })
}

/// The variables in `text`, or the number of the first line that is none.
fn parse(text: &str) -> Result<Vec<(String, String)>, usize> {
    let mut variables = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (key, value) = line.split_once('=').ok_or(at + 1)?;
        let key = key.trim();
        if key.is_empty() || key.contains(char::is_whitespace) {
            return Err(at + 1);
        }
        variables.push((key.to_owned(), unquoted(value.trim()).to_owned()));
    }
    Ok(variables)
}

/// The value without one pair of quotes around it.
fn unquoted(value: &str) -> &str {
    ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote)).unwrap_or(value)
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
    fn a_line_that_is_none_is_named() {
        assert_eq!(parse("A=1\n\nnonsense\n"), Err(3));
        assert_eq!(parse("a b=1"), Err(1));
        assert_eq!(parse("=1"), Err(1));
    }
}
