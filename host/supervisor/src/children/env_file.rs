//! Environment files. Their grammar is in `docs/env-files.md`, each sentence with its test below. It is the common part
//! of what systemd's `EnvironmentFile=`, docker's `--env-file` and dotenv read; what they read differently is an error
//! here, as far as it can be detected.

use std::path::{Path, PathBuf};

use provost_files::{FileError, Problem};

/// The largest environment file, in bytes.
const BYTES_MAX: u64 = 1 << 20;

/// The blanks that may surround names and values.
const BLANKS: [char; 2] = [' ', '\t'];

/// Why an environment file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnvFileError {
    /// It cannot be read, or is not UTF-8 text.
    #[error("cannot read the environment file {0}")]
    Unread(#[from] FileError),
    /// It is larger than [`BYTES_MAX`].
    #[error("cannot read the environment file {}: it has more than {} MiB", .0.display(), BYTES_MAX >> 20)]
    TooLarge(PathBuf),
    /// Its text has an error.
    #[error("{}:{line}:{column}: {what}", path.display())]
    Wrong { path: PathBuf, line: usize, column: usize, what: What },
}

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum What {
    #[error("not a KEY=VALUE line, a comment or an empty line")]
    NoVariable,
    #[error("a name has no blanks, quotes or control characters")]
    Name,
    #[error(
        "this quote is never closed: a value in quotes ends with the same quote, on this line or a later one"
    )]
    Open,
    #[error(
        "something follows the closing quote: put the whole value into one pair of quotes, of the other kind if it contains some; a comment needs a blank before its `#`"
    )]
    Behind,
    #[error("a NUL character, which no variable can have")]
    Nul,
    #[error("a carriage return that ends no line: write \\r within double quotes if it is meant")]
    Return,
}

/// An error, and the byte of the text at which it begins.
#[derive(Debug, PartialEq, Eq)]
struct Wrong {
    at: usize,
    what: What,
}

/// Reads the variables of the file at `path`, in order.
///
/// # Errors
/// [`EnvFileError`] names the file, and the place if its text is wrong.
pub(crate) fn read(path: &Path) -> Result<Vec<(String, String)>, EnvFileError> {
    let text = provost_files::read_text(path, BYTES_MAX).map_err(|error| match error.problem {
        Problem::TooLarge { .. } => EnvFileError::TooLarge(error.path),
        _ => error.into(),
    })?;
    parse(&text).map_err(|Wrong { at, what }| {
        let before = text.get(..at).unwrap_or_default();
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        EnvFileError::Wrong { path: path.into(), line: before.matches('\n').count() + 1, column, what }
    })
}

/// Returns the variables in `text`, whose lines end in a line feed; or the first error.
fn parse(text: &str) -> Result<Vec<(String, String)>, Wrong> {
    let never = |character, what| text.find(character).map_or(Ok(()), |at| Err(Wrong { at, what }));
    never('\0', What::Nul)?;
    never('\r', What::Return)?;
    let mut variables = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let end = end_of_line(text, at);
        let line = text[at..end].trim_end_matches(BLANKS);
        let begin = at + (line.len() - line.trim_start_matches(BLANKS).len());
        let line = &text[begin..at + line.len()];
        at = end + 1;
        if !line.is_empty() && !line.starts_with('#') {
            let (name, value_at) = named(line, begin)?;
            let (value, next) = value(text, value_at, begin + line.len())?;
            variables.push((name.to_owned(), value));
            at = next;
        }
    }
    Ok(variables)
}

fn end_of_line(text: &str, from: usize) -> usize {
    text[from..].find('\n').map_or(text.len(), |length| from + length)
}

/// Returns the name in a line that begins at `at`, and where its value begins.
fn named(line: &str, at: usize) -> Result<(&str, usize), Wrong> {
    let rest = line.strip_prefix("export").filter(|rest| rest.starts_with(BLANKS));
    let rest = rest.unwrap_or(line).trim_start_matches(BLANKS);
    let at = at + (line.len() - rest.len());
    let (name, value) = rest.split_once('=').ok_or(Wrong { at, what: What::NoVariable })?;
    let name = name.trim_end_matches(BLANKS);
    let odd = |character: char| {
        character.is_whitespace() || character.is_control() || matches!(character, '"' | '\'')
    };
    if name.is_empty() {
        return Err(Wrong { at, what: What::NoVariable });
    }
    match name.find(odd) {
        Some(odd) => Err(Wrong { at: at + odd, what: What::Name }),
        None => Ok((name, at + (rest.len() - value.trim_start_matches(BLANKS).len()))),
    }
}

/// Returns the value that begins at `at`, in a line that ends at `end` apart from blanks; and where the next line
/// begins.
fn value(text: &str, at: usize, end: usize) -> Result<(String, usize), Wrong> {
    let (value, closed) = match text.get(at..end).and_then(|value| value.chars().next()) {
        Some('\'') => literal(text, at)?,
        Some('"') => escaped(text, at)?,
        _ => {
            let value = text.get(at..end).unwrap_or_default();
            return Ok((value.to_owned(), end_of_line(text, end) + 1));
        }
    };
    let end = end_of_line(text, closed);
    let behind = &text[closed..end];
    let comment = behind.trim_matches(BLANKS);
    if comment.is_empty() || comment.starts_with('#') && behind.starts_with(BLANKS) {
        return Ok((value, end + 1));
    }
    let at = closed + (behind.len() - behind.trim_start_matches(BLANKS).len());
    Err(Wrong { at, what: What::Behind })
}

/// Returns the text between the single quote at `at` and the next one, and where the rest begins.
fn literal(text: &str, at: usize) -> Result<(String, usize), Wrong> {
    let length = text[at + 1..].find('\'').ok_or(Wrong { at, what: What::Open })?;
    let closing = at + 1 + length;
    Ok((text[at + 1..closing].to_owned(), closing + 1))
}

/// Returns the text between the double quote at `at` and the next one that is not escaped, and where the rest begins.
fn escaped(text: &str, at: usize) -> Result<(String, usize), Wrong> {
    let mut value = String::new();
    let mut rest = text[at + 1..].char_indices();
    while let Some((offset, character)) = rest.next() {
        match character {
            '"' => return Ok((value, at + 1 + offset + 1)),
            '\\' => match rest.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 'r')) => value.push('\r'),
                Some((_, 't')) => value.push('\t'),
                // An escaped end of a line: the value goes on as if there were none.
                Some((_, '\n')) => {}
                Some((_, meant @ ('"' | '\\' | '$' | '`'))) => value.push(meant),
                Some((_, other)) => value.extend(['\\', other]),
                None => break,
            },
            other => value.push(other),
        }
    }
    Err(Wrong { at, what: What::Open })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap()
    }

    /// The value of the only variable.
    fn one(text: &str) -> String {
        let pairs = pairs(text);
        assert_eq!(pairs.len(), 1, "{pairs:?}");
        pairs.into_iter().next().unwrap().1
    }

    /// The line, the column and what is wrong.
    fn wrong(text: &str) -> (usize, usize, What) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.env");
        std::fs::write(&path, text).unwrap();
        match read(&path).unwrap_err() {
            EnvFileError::Wrong { line, column, what, .. } => (line, column, what),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_line_is_empty_a_comment_or_a_variable() {
        let text = "# c\n\n  \t\n  # indented = comment\nA=1\n  B=2\nC=\n\nA=3";
        let expected = [("A", "1"), ("B", "2"), ("C", ""), ("A", "3")];
        assert_eq!(pairs(text), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(pairs(""), []);
        assert_eq!(wrong("A=1\n\n  nonsense\n"), (3, 3, What::NoVariable));
        assert_eq!(wrong("export A\n"), (1, 8, What::NoVariable));
        assert_eq!(wrong("=1"), (1, 1, What::NoVariable));
    }

    #[test]
    fn a_name_is_what_is_before_the_first_equals_sign_without_export_and_blanks() {
        for text in ["A=1=2", "export A=1=2", "export\tA = 1=2", "  export   A\t=\t1=2  "] {
            assert_eq!(pairs(text), [("A".to_owned(), "1=2".to_owned())], "{text:?}");
        }
        assert_eq!(pairs("export=1\nexported=2\na.b-c=3\n\u{e9}=4")[3].0, "\u{e9}");
        assert_eq!(wrong("a b=1"), (1, 2, What::Name));
        assert_eq!(wrong("A=1\nexport \"B\"=1"), (2, 8, What::Name));
        assert_eq!(wrong("A\u{a0}=1"), (1, 2, What::Name));
    }

    #[test]
    fn a_value_without_quotes_is_the_rest_of_its_line_as_it_stands() {
        assert_eq!(one("B = two words \t\n"), "two words");
        assert_eq!(one("W=plain # kept\n"), "plain # kept");
        assert_eq!(one("W=it's \"so\" $HOME \\n\n"), "it's \"so\" $HOME \\n");
        assert_eq!(one("W=\u{a0}\u{e9}\u{a0}"), "\u{a0}\u{e9}\u{a0}");
    }

    #[test]
    fn single_quotes_keep_everything_between_them() {
        assert_eq!(one(r#"A='it is "so" \n $HOME # no comment'"#), r#"it is "so" \n $HOME # no comment"#);
        assert_eq!(one("A='' \t"), "");
        assert_eq!(one("A='  blanks  '"), "  blanks  ");
    }

    #[test]
    fn double_quotes_know_a_few_escapes_and_keep_other_backslashes() {
        assert_eq!(one(r#"A="a\"b\\c\$d\`e'f""#), "a\"b\\c$d`e'f");
        assert_eq!(one(r#"A="line\nnext\ttab\rend""#), "line\nnext\ttab\rend");
        assert_eq!(one(r#"A="\d+\.\w \é""#), r"\d+\.\w \é");
        assert_eq!(one("A=\"one \\\ntwo\""), "one two");
        assert_eq!(one(r#"A="$HOME ${HOME} `id`""#), "$HOME ${HOME} `id`");
    }

    #[test]
    fn a_value_in_quotes_may_have_many_lines() {
        let key = "-----BEGIN-----\nabc=\n# no comment\n-----END-----\n";
        for quote in ['"', '\''] {
            let text = format!("K={quote}{key}{quote} # of a server\nB=2\n");
            assert_eq!(pairs(&text), [("K".to_owned(), key.to_owned()), ("B".to_owned(), "2".to_owned())]);
        }
        assert_eq!(wrong("A=1\nK=\"first\nsecond\n\nB=2\n"), (2, 3, What::Open));
        assert_eq!(wrong("K='never\n"), (1, 3, What::Open));
        assert_eq!(wrong("K=\"a\\\""), (1, 3, What::Open));
        assert_eq!(wrong("K=\"a\\"), (1, 3, What::Open));
    }

    #[test]
    fn after_the_closing_quote_only_a_comment_may_follow() {
        assert_eq!(one("V=\"val #space\" # note\n"), "val #space");
        assert_eq!(one("V='val'\t# note"), "val");
        assert_eq!(wrong("V='-Da=1' '-Db=2'\n"), (1, 11, What::Behind));
        assert_eq!(wrong("V=\"a\"#b\n"), (1, 6, What::Behind));
        assert_eq!(wrong("A=1\nV=\"a\nb\"c\n"), (3, 3, What::Behind));
        assert_eq!(wrong("V=\"a\"'b'\n"), (1, 6, What::Behind));
    }

    #[test]
    fn a_byte_order_mark_and_windows_line_ends_are_no_part_of_any_value() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("windows.env");
        std::fs::write(&path, "\u{feff}FIRST=1\r\nQUOTED=\"a\r\nb\"\r\n\r\n# c\r\nLAST=2").unwrap();
        let expected = [("FIRST", "1"), ("QUOTED", "a\nb"), ("LAST", "2")];
        assert_eq!(read(&path).unwrap(), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(wrong("A=1\rB=2\r"), (1, 4, What::Return));
    }

    #[test]
    fn a_nul_is_reported_with_file_line_and_column() {
        assert_eq!(wrong("A=1\nB=a\0b\n"), (2, 4, What::Nul));
        assert_eq!(wrong("A=1\n\nB\0=b\n"), (3, 2, What::Nul));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("nul.env");
        std::fs::write(&path, "A=\0\n").unwrap();
        let told = read(&path).unwrap_err().to_string();
        assert_eq!(told, format!("{}:1:3: a NUL character, which no variable can have", path.display()));
    }

    #[test]
    fn other_encodings_other_kinds_and_large_files_are_refused_with_the_reason() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.env");
        let says = || read(&path).unwrap_err().to_string();
        std::fs::write(&path, b"A=1\nB=caf\xe9\n").unwrap();
        assert!(says().contains("x.env: it is not UTF-8: the first invalid byte is at 2:6;"), "{}", says());
        std::fs::write(&path, b"A\0=\x001\0\n\0").unwrap();
        assert!(says().contains("x.env: it is UTF-16LE, not UTF-8"), "{}", says());
        std::fs::write(&path, vec![b'#'; 1 + (1 << 20)]).unwrap();
        assert!(says().ends_with("x.env: it has more than 1 MiB"), "{}", says());
        std::fs::remove_file(&path).unwrap();
        assert!(says().starts_with("cannot read the environment file /"), "{}", says());
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR).unwrap();
        assert!(says().ends_with("x.env: it is a pipe, not a regular file"), "{}", says());
        let told = read(dir.path()).unwrap_err().to_string();
        assert!(told.ends_with("it is a directory, not a regular file"), "{told}");
    }
}
