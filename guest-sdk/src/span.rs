//! A span of time as operators write it: `"100ms"`, `"30s"`, `"5m"`, `"1h"`.

use core::fmt;
use core::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A span of time in settings and in reasons: read from `"100ms"`, `"30s"`, `"5m"`, `"1h"` or from a whole
/// number of milliseconds, and shown as `100 ms`, `1.5 s` or `5 min`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span(u64);

impl Span {
    /// A span of this many milliseconds.
    #[must_use]
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// Its length in milliseconds.
    #[must_use]
    pub const fn ms(self) -> u64 {
        self.0
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let unit_ms = match unit.trim_start() {
            "ms" => Some(1),
            "s" => Some(1000),
            "m" => Some(60_000),
            "h" => Some(3_600_000),
            _ => None,
        };
        let ms = unit_ms.and_then(|unit_ms| number.parse::<u64>().ok()?.checked_mul(unit_ms));
        ms.map(Self).ok_or_else(|| {
            format!("{text:?} is not a duration: write a whole number and ms, s, m or h, such as \"100ms\"")
        })
    }
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
        let cases =
            [("0ms", 0), ("100ms", 100), ("30s", 30_000), ("5m", 300_000), ("1h", 3_600_000), ("2 s", 2000)];
        for (text, ms) in cases {
            assert_eq!(text.parse(), Ok(Span::from_ms(ms)), "{text}");
        }
        assert_eq!(serde_json::from_str::<Span>("250").ok(), Some(Span::from_ms(250)));
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for text in ["", "5", "ms", "1.5s", "-1s", "1d", "99999999999999999999s", "18446744073709551615h"] {
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
