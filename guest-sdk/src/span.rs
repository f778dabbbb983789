//! Durations as operators write them, in the config and in the settings of plugins: `"100ms"`, `"1.5s"`, `"1h30m"`, `"1d"`.
//!
//! A duration is a sum of numbers with units, `ms`, `s`, `m`, `h` or `d`. A number may have a decimal point, blanks may
//! stand between numbers and units, and `0` alone needs no unit. The sum is rounded to whole milliseconds and is at most
//! 36,500 days, so that sums of times never overflow. The parser uses no floating point, which would cost a component
//! kilobytes.

use core::fmt;
use core::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// The number of nanoseconds in a millisecond.
const MS_NS: u64 = 1_000_000;

/// The longest duration in nanoseconds: a hundred years of 365 days, a sixth of what 64 bits can hold.
const MAX_NS: u64 = 36_500 * 86_400_000 * MS_NS;

/// A span of time in settings and in reasons: read from `"100ms"`, `"1.5s"`, `"5m"`, `"1h30m"`, `"1d"` or from a whole
/// number of milliseconds, and shown as `100 ms`, `1.5 s` or `5 min 0 s`.
///
/// ```
/// use provost_guest::Span;
///
/// let span: Span = "1m30s".parse()?;
/// assert_eq!((span, span.ms()), (Span::from_ms(90_000), 90_000));
/// assert_eq!(span.to_string(), "90 s");
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span(u64);

impl Span {
    /// How to write a duration, for error messages.
    ///
    /// ```
    /// use provost_guest::Span;
    ///
    /// assert!("soon".parse::<Span>().is_err() && Span::HINT.contains("\"100ms\""));
    /// ```
    pub const HINT: &'static str = "write a duration as a text of numbers with units, such as \"100ms\", \"10s\", \"5m\", \"1h30m\" or \"1d\"";

    /// Creates a span from milliseconds.
    #[must_use]
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// Returns the length in milliseconds.
    #[must_use]
    pub const fn ms(self) -> u64 {
        self.0
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        read(text).map(Self).ok_or_else(|| format!("\"{text}\" is not a duration: {}", Self::HINT))
    }
}

/// Parses a duration and returns its milliseconds.
fn read(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let mut rest = text.as_bytes().trim_ascii();
    let mut total_ns = None;
    while !rest.is_empty() {
        let number = beginning(rest, |byte| byte.is_ascii_digit() || byte == b'.');
        let tail = rest.get(number.len()..)?.trim_ascii_start();
        let unit = beginning(tail, |byte| byte.is_ascii_alphabetic());
        rest = tail.get(unit.len()..)?.trim_ascii_start();
        let sum_ns = total_ns.unwrap_or(0_u64).checked_add(nanoseconds(number, unit_ns(unit)?)?)?;
        if sum_ns > MAX_NS {
            return None;
        }
        total_ns = Some(sum_ns);
    }
    Some((total_ns? + MS_NS / 2) / MS_NS)
}

/// Returns the longest prefix whose bytes all satisfy `belongs`.
fn beginning(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> &[u8] {
    let count = bytes.iter().take_while(|byte| belongs(**byte)).count();
    bytes.get(..count).unwrap_or_default()
}

/// Returns the number of nanoseconds in a unit.
fn unit_ns(unit: &[u8]) -> Option<u64> {
    let ms = match unit {
        b"ms" => 1,
        b"s" => 1000,
        b"m" => 60_000,
        b"h" => 3_600_000,
        b"d" => 86_400_000,
        _ => return None,
    };
    Some(ms * MS_NS)
}

/// Returns `number` units in nanoseconds, truncated to whole ones. Each digit after the decimal point is worth a tenth of
/// the one before it.
fn nanoseconds(number: &[u8], unit_ns: u64) -> Option<u64> {
    let (mut count, mut fraction_ns, mut worth_ns) = (0_u64, 0, unit_ns);
    let (mut digits, mut behind_the_point) = (0_u32, false);
    for byte in number {
        match byte.wrapping_sub(b'0') {
            digit @ 0..=9 => {
                let digit = u64::from(digit);
                digits = digits.saturating_add(1);
                if behind_the_point {
                    worth_ns /= 10;
                    fraction_ns += digit * worth_ns;
                } else {
                    count = count.checked_mul(10)?.checked_add(digit)?;
                }
            }
            _ if behind_the_point => return None,
            _ => behind_the_point = true,
        }
    }
    if digits == 0 {
        return None;
    }
    count.checked_mul(unit_ns)?.checked_add(fraction_ns)
}

impl fmt::Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ms @ 0..1000 => write!(out, "{ms} ms"),
            ms @ 1000..120_000 if ms % 1000 == 0 => write!(out, "{} s", ms / 1000),
            ms @ 1000..120_000 => {
                // Milliseconds without their trailing zeros: 1.5, 1.05, 1.005.
                let (whole, mut part, mut digits) = (ms / 1000, ms % 1000, 3);
                while part % 10 == 0 {
                    (part, digits) = (part / 10, digits - 1);
                }
                write!(out, "{whole}.{part:0digits$} s")
            }
            ms @ 120_000..7_200_000 => write!(out, "{} min {} s", ms / 60_000, ms % 60_000 / 1000),
            ms => write!(out, "{} h {} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;

        impl Visitor<'_> for Written {
            type Value = Span;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a duration such as \"100ms\" or \"30s\"")
            }

            fn visit_u64<E: Error>(self, ms: u64) -> Result<Span, E> {
                Ok(Span(ms))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Span, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_operators_write_them() {
        let cases = [
            ("0ms", 0),
            ("100ms", 100),
            ("10s", 10_000),
            ("30s", 30_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
            ("1h30m", 5_400_000),
            (" 1h 30m ", 5_400_000),
            ("1d", 86_400_000),
            ("1.5s", 1_500),
            (".5s", 500),
            ("2.s", 2_000),
            ("0.1d", 8_640_000),
            ("0", 0),
            ("0s", 0),
            ("2 s", 2_000),
        ];
        for (text, ms) in cases {
            assert_eq!(text.parse(), Ok(Span::from_ms(ms)), "{text}");
        }
        assert_eq!(serde_json::from_str::<Span>("250").ok(), Some(Span::from_ms(250)));
    }

    #[test]
    fn fractions_of_a_millisecond_are_summed_before_they_are_rounded() {
        for (text, ms) in
            [("0.4ms", 0), ("0.5ms", 1), ("0.4ms0.4ms", 1), ("1.0004999s", 1000), ("1.0005s", 1001)]
        {
            assert_eq!(text.parse(), Ok(Span::from_ms(ms)), "{text}");
        }
        let third = format!("0.{}s", "3".repeat(10_000));
        assert_eq!(third.parse(), Ok(Span::from_ms(333)));
    }

    #[test]
    fn a_hundred_years_are_the_longest_span() {
        assert_eq!("36500d".parse(), Ok(Span::from_ms(3_153_600_000_000)));
        assert_eq!("36499d24h".parse(), Ok(Span::from_ms(3_153_600_000_000)));
        for text in ["36500d1ms", "36500d0.1ms", "1000000d", "36500d36500d36500d36500d36500d36500d36500d"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    #[test]
    fn malformed_spans_are_refused() {
        for text in [
            "",
            " ",
            "5",
            "10",
            "s",
            "ms",
            ".",
            ".s",
            "-1s",
            "+1s",
            "1s2",
            "1..5s",
            "1.5.5s",
            "1e3s",
            "10 seconds",
            "1S",
            "nan",
            "ten s",
            "１s",
            "99999999999999999999s",
            "18446744073709551615h",
        ] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
        assert!(serde_json::from_str::<Span>("-1").is_err());
        assert!(serde_json::from_str::<Span>("1.5").is_err());
    }

    #[test]
    fn spans_are_shown_for_people() {
        let cases = [
            (0, "0 ms"),
            (999, "999 ms"),
            (1000, "1 s"),
            (1600, "1.6 s"),
            (1005, "1.005 s"),
            (60_000, "60 s"),
            (150_000, "2 min 30 s"),
            (3_600_000, "60 min 0 s"),
            (7_260_000, "2 h 1 min"),
        ];
        for (ms, shown) in cases {
            assert_eq!(Span::from_ms(ms).to_string(), shown);
        }
    }
}
