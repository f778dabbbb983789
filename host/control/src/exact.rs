//! Refuses whole numbers in JSON that do not fit in 64 bits. Reading would change them, and a plugin would receive another
//! number than the operator wrote.

/// A whole number that does not fit in 64 bits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the number {shown} has more than 64 bits and would be changed: write it in quotes, or with an exponent (1e30) if it \
     may be rounded"
)]
pub struct InexactNumber {
    shown: String,
}

/// At most this many characters of a number are shown.
const SHOWN_CHARS: usize = 40;

/// Checks that every whole number in a JSON text fits in 64 bits. Text that is not JSON is accepted; its parser reports it.
///
/// # Errors
/// [`InexactNumber`] shows the first number that does not fit.
pub fn exact_numbers(json: &str) -> Result<(), InexactNumber> {
    let mut rest = json;
    while let Some(at) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        let from = &rest[at..];
        if let Some(text) = from.strip_prefix('"') {
            rest = after_string(text);
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

/// Returns the text after the closing quote of a string.
fn after_string(text: &str) -> &str {
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
    fn numbers_of_64_bits_fractions_and_other_text_are_accepted() {
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
