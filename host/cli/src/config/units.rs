//! Durations and sizes as people write them.

use self::span::Span;

/// The parser of the guest SDK, so that a config and the settings of plugins have the same grammar of durations. It is included
/// by path, because the SDK as a dependency would add its binding generator to the build of the host.
#[path = "../../../../guest-sdk/src/span.rs"]
#[cfg_attr(not(test), expect(dead_code, reason = "the config needs the parser alone"))]
mod span;

/// The longest duration that is accepted, in milliseconds: a hundred years of 365 days. It is the bound of the parser.
pub(crate) const DURATION_MS_MAX: u64 = 36_500 * 86_400_000;

/// The same for people.
pub(crate) const DURATION_MOST: &str = "36500d, a hundred years";

/// The largest size that is accepted: 1 EiB.
const SIZE_BYTES_MAX: f64 = (1_u64 << 60) as f64;

const SIZE_UNITS: [(&str, f64); 9] = [
    ("B", 1.0),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
];

/// Parses a text with a unit, and says why one that cannot be parsed is not a value.
pub(crate) type Parser = (fn(&str) -> Option<u64>, fn(&str) -> String);

/// How to write a duration.
pub(crate) const DURATION_HINT: &str = Span::HINT;

/// How to write a size.
pub(crate) const SIZE_HINT: &str =
    "write a size as a text with a unit, such as \"512B\", \"64KB\" (1000) or \"16MiB\" (1024 × 1024)";

/// Parses a text such as `100ms`, `10s` or `1h30m` into milliseconds. The grammar is that of the settings of plugins.
pub(crate) fn duration_ms(text: &str) -> Option<u64> {
    text.parse().ok().map(Span::ms)
}

/// Whether a text is a duration but for its numbers, which are too large.
pub(crate) fn is_too_long(text: &str) -> bool {
    duration_ms(text).is_none() && duration_ms(&with_ones(text)).is_some()
}

/// Says why a text is not a duration.
pub(crate) fn not_a_duration(text: &str) -> String {
    match is_too_long(text) {
        true => format!("`{text}` is too long: a duration is at most {DURATION_MOST}"),
        false => format!("`{text}` is not a duration"),
    }
}

/// Says why a text is not a size.
pub(crate) fn not_a_size(text: &str) -> String {
    match size_bytes(&with_ones(text)) {
        Some(_) => format!("`{text}` is too large: a size is at most 1048576TiB"),
        None => format!("`{text}` is not a size"),
    }
}

/// Returns a text with a 1 in place of each run of digits: it can be read if only the numbers were too large.
fn with_ones(text: &str) -> String {
    let mut ones = String::with_capacity(text.len());
    let mut is_in_number = false;
    for c in text.chars() {
        if !c.is_ascii_digit() {
            ones.push(c);
        } else if !is_in_number {
            ones.push('1');
        }
        is_in_number = c.is_ascii_digit();
    }
    ones
}

/// Parses a text such as `64KB` or `16MiB` into bytes.
pub(crate) fn size_bytes(text: &str) -> Option<u64> {
    let total = sum(text)?;
    (total <= SIZE_BYTES_MAX).then_some(whole(total))
}

/// Parses the bits of a mode or of a umask: octal digits and nothing else, up to `777`.
pub(crate) fn octal(text: &str) -> Option<u32> {
    // The parser of the standard library takes a sign as well.
    let is_octal = text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    let number = u32::from_str_radix(text, 8).ok().filter(|number| *number <= 0o777);
    number.filter(|_| is_octal)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the caller has checked that it is small enough, and it has no sign"
)]
fn whole(number: f64) -> u64 {
    number.round() as u64
}

/// Parses and adds up numbers with units of size. There must be at least one number, and each must have a unit.
fn sum(text: &str) -> Option<f64> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let number: f64 = number.parse().ok()?;
        let tail = tail.trim_start();
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let (_, factor) = SIZE_UNITS.iter().find(|(name, _)| *name == unit)?;
        total += number * factor;
        rest = tail.trim_start();
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, ms) in [
            ("100ms", 100),
            ("10s", 10_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
            ("1h30m", 5_400_000),
            ("1d", 86_400_000),
            ("1.5s", 1_500),
            ("0", 0),
            ("0s", 0),
            ("2 s", 2_000),
        ] {
            assert_eq!(duration_ms(text), Some(ms), "{text}");
        }
    }

    #[test]
    fn a_malformed_duration_and_one_without_a_unit_are_refused() {
        for text in ["", "10", "s", "10 seconds", "-1s", "1s2", "1..5s", "1000000d", "nan", "ten s"] {
            assert_eq!(duration_ms(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_too_long_or_too_large_is_told_with_the_bound() {
        assert_eq!(duration_ms("36500d"), Some(DURATION_MS_MAX));
        for text in ["36501d", "36500d1ms", "99999999999999999999999s", "876001h"] {
            assert_eq!(duration_ms(text), None, "{text}");
            assert_eq!(
                not_a_duration(text),
                format!("`{text}` is too long: a duration is at most 36500d, a hundred years")
            );
        }
        for text in ["", "10", "1..5s", "ten s", "-1s", "1y"] {
            assert_eq!(not_a_duration(text), format!("`{text}` is not a duration"));
        }
        assert_eq!(size_bytes("1048576TiB"), Some(1 << 60));
        assert_eq!(not_a_size("1048577TiB"), "`1048577TiB` is too large: a size is at most 1048576TiB");
        assert_eq!(not_a_size("16mib"), "`16mib` is not a size");
    }

    #[test]
    fn a_mode_has_octal_digits_and_no_sign() {
        for (text, mode) in [("0660", 0o660), ("660", 0o660), ("0", 0), ("00777", 0o777)] {
            assert_eq!(octal(text), Some(mode), "{text}");
        }
        for text in ["", "+660", "-0", "0o660", "0888", "1000", "6 0", "77777777777777"] {
            assert_eq!(octal(text), None, "{text}");
        }
    }

    #[test]
    fn a_size_may_have_decimal_and_binary_units() {
        assert_eq!(size_bytes("16MiB"), Some(16 << 20));
        assert_eq!(size_bytes("64KB"), Some(64_000));
        assert_eq!(size_bytes("1B"), Some(1));
        for text in ["", "16", "16mib", "-1B", "99999999TiB"] {
            assert_eq!(size_bytes(text), None, "{text}");
        }
    }
}
