//! Whole numbers in JSON that would be changed by being read: those that no 64-bit integer holds. They are refused, because a
//! plugin would be handed another number than the operator has written.

/// A whole number that no 64-bit integer holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the number {shown} has more than 64 bits and would be changed: write it in quotes, or as a fraction (1e30) if it \
     may be rounded"
)]
pub struct InexactNumber {
    shown: String,
}

/// How many characters of a number are shown.
const SHOWN_CHARS: usize = 40;

/// Whether every whole number in the text of a JSON value is kept as it is written. What is no JSON has its own error elsewhere.
///
/// # Errors
/// [`InexactNumber`] names the first that is not.
pub fn exact_numbers(json: &str) -> Result<(), InexactNumber> {
    let mut rest = json;
    while let Some(at) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        let from = &rest[at..];
        if let Some(text) = from.strip_prefix('"') {
            rest = behind_string(text);
            continue;
        }
        let end =
            from.find(|c: char| !matches!(c, '-' | '+' | '.' | 'e' | 'E' | '0'..='9')).unwrap_or(from.len());
        let (number, next) = from.split_at(end);
        let digits = number.strip_prefix('-').unwrap_or(number);
        let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if whole && number.parse::<i64>().is_err() && number.parse::<u64>().is_err() {
            let shown = match number.char_indices().nth(SHOWN_CHARS) {
                Some((cut, _)) => format!("{}…", &number[..cut]),
                None => number.to_owned(),
            };
            return Err(InexactNumber { shown });
        }
        rest = next;
    }
    Ok(())
}

/// What follows the quote at the end of a string.
fn behind_string(text: &str) -> &str {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return &text[at + 1..],
            _ => {}
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_thirty_digits_is_refused_and_shown() {
        for number in ["123456789012345678901234567890", "18446744073709551616", "-9223372036854775809"] {
            let error = exact_numbers(&format!("{{\"a\": [1, {number}]}}")).unwrap_err();
            assert!(
                error.to_string().starts_with(&format!("the number {number} has more than 64 bits")),
                "{error}"
            );
        }
        let long = exact_numbers(&"9".repeat(10_000)).unwrap_err().to_string();
        assert!(long.len() < 250, "{long}");
    }

    #[test]
    fn what_is_kept_or_is_no_whole_number_is_let_through() {
        for json in [
            "18446744073709551615",
            "-9223372036854775808",
            "0",
            "-0",
            "1e300",
            "123456789012345678901234567890.5",
            "\"123456789012345678901234567890\"",
            "{\"a\\\"123456789012345678901234567890\": 1}",
            "\"unclosed 123456789012345678901234567890",
            "-",
            "",
        ] {
            assert_eq!(exact_numbers(json), Ok(()), "{json}");
        }
    }
}
