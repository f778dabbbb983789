//! Reads text files in UTF-8. Other encodings are recognised, so that the error can say what to do.

use std::fs::File;
use std::path::Path;

use crate::error::{FileError, Problem};
use crate::open::{open_named, read_open};

/// The byte order mark, which some editors put before UTF-8.
const MARK: &str = "\u{feff}";

/// The number of bytes that are examined to recognise UTF-16 without a byte order mark.
const LOOK_BYTES: usize = 1_024;

/// Reads the text of the whole file at `path`, which the operator has named and which has at most `most` bytes. A byte
/// order mark at its beginning is removed, and each carriage return with a line feed becomes a line feed.
///
/// # Errors
/// [`FileError`], with [`Problem::Encoding`] or [`Problem::NotUtf8`] if it is not UTF-8.
pub fn read_text(path: &Path, most: u64) -> Result<String, FileError> {
    read_open_text(path, open_named(path)?, most)
}

/// Reads the text of an open file like [`read_text`]. The `path` is only for the error.
///
/// # Errors
/// As for [`read_text`].
pub fn read_open_text(path: &Path, file: File, most: u64) -> Result<String, FileError> {
    text_of(read_open(path, file, most)?).map_err(|problem| FileError::new(path, problem))
}

fn text_of(bytes: Vec<u8>) -> Result<String, Problem> {
    if let Some(name) = encoding(&bytes) {
        return Err(Problem::Encoding(name));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let before = String::from_utf8_lossy(good);
        Problem::NotUtf8 {
            line: before.matches('\n').count() + 1,
            column: before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1,
        }
    })?;
    let text = text.strip_prefix(MARK).map(str::to_owned).unwrap_or(text);
    Ok(if text.contains("\r\n") { text.replace("\r\n", "\n") } else { text })
}

/// Returns the encoding of these bytes as `iconv` calls it, if it is recognised and not UTF-8.
fn encoding(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => return Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Some("UTF-16"),
        _ => {}
    }
    // UTF-16 without a mark: more than half of the byte pairs have a zero, always in the same place.
    let pairs = bytes.get(..bytes.len().min(LOOK_BYTES)).unwrap_or_default().as_chunks().0;
    let zeros = |side: usize| pairs.iter().filter(|pair: &&[u8; 2]| pair[side] == 0).count();
    let (first, second) = (zeros(0), zeros(1));
    match () {
        () if pairs.len() < 2 => None,
        () if first == 0 && second * 2 > pairs.len() => Some("UTF-16LE"),
        () if second == 0 && first * 2 > pairs.len() => Some("UTF-16BE"),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(bytes: &[u8]) -> String {
        text_of(bytes.to_vec()).unwrap_err().to_string()
    }

    fn utf16(text: &str, to: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to).collect()
    }

    #[test]
    fn byte_order_marks_and_carriage_returns_at_line_ends_are_removed() {
        for text in ["a\nb\n", "\u{feff}a\nb\n", "a\r\nb\r\n", "\u{feff}a\r\nb\n"] {
            assert_eq!(text_of(text.into()).unwrap(), "a\nb\n", "{text:?}");
        }
        assert_eq!(text_of(b"a\rb".to_vec()).unwrap(), "a\rb", "a carriage return alone does not end a line");
        assert_eq!(text_of(Vec::new()).unwrap(), "");
    }

    #[test]
    fn the_error_for_another_encoding_names_it_and_the_conversion() {
        let text = "A=caf\u{e9}\n";
        for (marked, name) in [
            (utf16(&format!("{MARK}{text}"), u16::to_le_bytes), "UTF-16"),
            (utf16(&format!("{MARK}{text}"), u16::to_be_bytes), "UTF-16"),
            (utf16(text, u16::to_le_bytes), "UTF-16LE"),
            (utf16(text, u16::to_be_bytes), "UTF-16BE"),
            (vec![0xff, 0xfe, 0, 0, b'A', 0, 0, 0], "UTF-32"),
        ] {
            let told = says(&marked);
            assert!(told.starts_with(&format!("it is {name}, not UTF-8: save it as UTF-8")), "{told}");
            assert!(told.contains(&format!("iconv -f {name} -t UTF-8")), "{told}");
        }
        let told = says(b"# ok\n# caf\xe9\n");
        assert!(told.starts_with("it is not UTF-8: the first invalid byte is at 2:6"), "{told}");
    }

    #[test]
    fn a_few_zero_bytes_are_not_taken_for_utf_16() {
        for text in ["A=\0\n", "\0", "\0\0\0\0", "A\0B\0", ""] {
            let is_utf16 = text == "A\0B\0";
            assert_eq!(text_of(text.into()).is_err(), is_utf16, "{text:?}");
        }
    }
}
