//! Times on the command line: durations, and the times of `logs --since` and `--until`.

use jiff::civil::{DateTime, Time};
use jiff::{Span, Timestamp, Zoned};

use crate::config::units;
use crate::render::local::Zone;

/// How to write a time.
const HINT: &str = "a time is a span ago (10m), a time of day (14:05 or 14:05:30), a date with or without one \
                    (2026-11-25 14:05), or RFC 3339 (2026-11-25T14:05:30Z)";

/// How to write a duration.
const DURATION_HINT: &str = "write a duration as a number with a unit, such as 100ms, 10s, 5m or 1h30m";

/// Parses a duration as people write it, into milliseconds.
pub(super) fn duration_ms(text: &str) -> Result<u64, String> {
    units::duration_ms(text).ok_or_else(|| match units::is_too_long(text) {
        true => format!("a duration is at most {}", units::DURATION_MOST),
        false => DURATION_HINT.to_owned(),
    })
}

/// Parses a duration that is longer than nothing, into milliseconds.
pub(super) fn some_time_ms(text: &str) -> Result<u64, String> {
    match duration_ms(text)? {
        0 => Err("it must be longer than 0".to_owned()),
        time_ms => Ok(time_ms),
    }
}

/// Parses a time as people write it, into milliseconds since the Unix epoch.
pub(super) fn unix_ms(text: &str) -> Result<u64, String> {
    let time = at(text.trim(), &now()).ok_or(HINT)?;
    Ok(u64::try_from(time.as_millisecond()).unwrap_or(0))
}

fn now() -> Zoned {
    Zone::system().at(provost_supervisor::Clock::new().now().wall_ms)
}

fn at(text: &str, now: &Zoned) -> Option<Timestamp> {
    if let Some(ago_ms) = units::duration_ms(text) {
        let ago = Span::new().try_milliseconds(i64::try_from(ago_ms).ok()?).ok()?;
        // A time before the range of the calendar becomes the epoch, before which nothing happened.
        return Some(now.timestamp().checked_sub(ago).unwrap_or(Timestamp::UNIX_EPOCH));
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let local = |time: DateTime| Some(time.to_zoned(now.time_zone().clone()).ok()?.timestamp());
    if text.starts_with(|c: char| c.is_ascii_digit()) && text.contains(':') && text.len() <= "HH:MM:SS".len()
    {
        let time: Time = text.parse().ok()?;
        let today = local(now.date().to_datetime(time))?;
        // A time of day that is still in the future means yesterday.
        return if today <= now.timestamp() {
            Some(today)
        } else {
            local(now.date().yesterday().ok()?.to_datetime(time))
        };
    }
    local(text.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_that_is_too_long_is_refused_with_the_bound() {
        assert_eq!(duration_ms("36500d"), Ok(units::DURATION_MS_MAX));
        assert_eq!(duration_ms("36501d").unwrap_err(), "a duration is at most 36500d, a hundred years");
        assert_eq!(duration_ms("10").unwrap_err(), DURATION_HINT);
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(2));
        let now = "2026-11-25T14:30:00Z".parse::<Timestamp>().unwrap().to_zoned(zone);
        for (text, time) in [
            ("10m", "2026-11-25T14:20:00Z"),
            ("1h30m", "2026-11-25T13:00:00Z"),
            ("16:05", "2026-11-25T14:05:00Z"),
            ("16:05:30", "2026-11-25T14:05:30Z"),
            ("23:50", "2026-11-24T21:50:00Z"),
            ("2026-11-20", "2026-11-19T22:00:00Z"),
            ("2026-11-20 08:15", "2026-11-20T06:15:00Z"),
            ("2026-11-20 08:15:59", "2026-11-20T06:15:59Z"),
            ("2026-11-20T08:15:00Z", "2026-11-20T08:15:00Z"),
            ("2026-11-20T08:15:00.5+01:00", "2026-11-20T07:15:00.5Z"),
        ] {
            assert_eq!(at(text, &now).map(|time| time.to_string()).as_deref(), Some(time), "{text}");
        }
        for text in ["", "yesterday", "25:00", "2026-13-01", "12", "16:05 tomorrow", "::"] {
            assert_eq!(at(text, &now), None, "{text}");
        }
    }
}
