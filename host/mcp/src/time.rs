//! Times in arguments: a time, or a span before now.

use jiff::{Span, Timestamp, ToSpan};

use crate::fault::Fault;

/// Reads a time: RFC 3339, or a span ago such as `15m`. The result is RFC 3339 with milliseconds, as in the API.
///
/// # Errors
/// [`Fault`] names the argument and says how a time is written.
pub(crate) fn read(argument: &str, text: &str, now: Timestamp) -> Result<String, Fault> {
    let ago = |span: Span| {
        // Days and weeks have 24 and 168 hours here.
        let span = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
        (!span.is_negative()).then(|| now.checked_sub(span).unwrap_or(Timestamp::UNIX_EPOCH))
    };
    let time = text.parse::<Timestamp>().ok().or_else(|| ago(text.parse().ok()?));
    time.map(shown).ok_or_else(|| {
        Fault::bad_request(
            format!("`{argument}` is not a time"),
            "write a span before now, such as 15m or 2h, or RFC 3339, such as 2026-11-25T14:05:30Z",
        )
    })
}

/// Returns the current time.
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// Returns the millisecond after a time of the API, from which the lines of that time are excluded as lines before it.
pub(crate) fn just_after(time: &str) -> Option<String> {
    Some(shown(time.parse::<Timestamp>().ok()?.checked_add(1.millisecond()).ok()?))
}

/// Returns the seconds since a time of the API; `None` if it is in the future or no time.
pub(crate) fn seconds_since(time: &str, now: Timestamp) -> Option<u64> {
    u64::try_from(now.duration_since(time.parse().ok()?).as_secs()).ok()
}

/// Returns a time as the API writes it.
pub(crate) fn shown(time: Timestamp) -> String {
    format!("{time:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_span_ago_or_rfc_3339() {
        let now: Timestamp = "2026-11-25T14:30:00Z".parse().unwrap();
        for (text, time) in [
            ("15m", "2026-11-25T14:15:00.000Z"),
            ("1h30m", "2026-11-25T13:00:00.000Z"),
            ("2d", "2026-11-23T14:30:00.000Z"),
            ("2026-11-20T08:15:00.5+01:00", "2026-11-20T07:15:00.500Z"),
        ] {
            assert_eq!(read("since", text, now).unwrap(), time, "{text}");
        }
        for text in ["", "yesterday", "-5m", "14"] {
            assert!(read("since", text, now).is_err(), "{text}");
        }
        assert_eq!(just_after("2026-11-25T14:59:59.999Z").unwrap(), "2026-11-25T15:00:00.000Z");
        assert_eq!(seconds_since("2026-11-25T14:29:00.000Z", now), Some(60));
        assert_eq!(seconds_since("2026-11-25T14:31:00.000Z", now), None);
    }
}
