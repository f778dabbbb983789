//! Formats the API's UTC times in the reader's time zone, with the offset from UTC (`08:26:17.123+02:00`) and with the date
//! unless it is today.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::humane::unix_ms;

/// The largest time zone file that is read, in bytes; the largest of the tz database have 4 KiB.
const ZONE_BYTES_MAX: u64 = 64 * 1024;

/// Returns the time zone of `TZ`, or else of the system. It is UTC for a system without a time zone, such as a small
/// container, and for a `TZ` that names a file that is not a regular one or is too large: a device would be read without end.
fn system_zone() -> TimeZone {
    let named = std::env::var("TZ").unwrap_or_default();
    let path = named.strip_prefix(':').unwrap_or(&named);
    if path.starts_with('/') && !may_be_zone(Path::new(path)) {
        return TimeZone::UTC;
    }
    TimeZone::try_system().unwrap_or(TimeZone::UTC)
}

fn may_be_zone(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() <= ZONE_BYTES_MAX)
}

/// The time zone of the reader. That of the system is looked up when a time is shown for the first time, because that reads
/// the directories of all time zones; most commands show none.
#[derive(Clone, Debug)]
pub(crate) struct Zone(Arc<OnceLock<TimeZone>>);

impl Zone {
    /// Returns the time zone of the system, see [`system_zone`].
    pub(crate) fn system() -> Self {
        Self(Arc::default())
    }

    #[cfg(test)]
    pub(crate) fn utc() -> Self {
        Self(Arc::new(TimeZone::UTC.into()))
    }

    /// Returns a zone `hours` ahead of UTC.
    #[cfg(test)]
    pub(crate) fn ahead(hours: i8) -> Self {
        Self(Arc::new(TimeZone::fixed(jiff::tz::offset(hours)).into()))
    }

    fn zone(&self) -> &TimeZone {
        self.0.get_or_init(system_zone)
    }

    /// Formats a time of the API in this zone as a full timestamp with its offset, so that commands accept it as an argument.
    pub(crate) fn stamp(&self, time: &str) -> String {
        match time.parse::<Timestamp>() {
            Ok(at) => {
                let at = at.to_zoned(self.zone().clone());
                format!("{}T{}", at.strftime("%Y-%m-%d"), with_offset(&at))
            }
            Err(_) => time.to_owned(),
        }
    }

    /// Converts milliseconds since the Unix epoch to a time in this zone.
    pub(crate) fn at(&self, unix_ms: u64) -> Zoned {
        timestamp(unix_ms).to_zoned(self.zone().clone())
    }

    fn date(&self, at: Timestamp) -> Date {
        self.zone().to_datetime(at).date()
    }
}

/// Formats times one after the other. From the first that is not today, all have a date.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    zone: Zone,
    today: Date,
    dated: bool,
}

impl Times {
    /// Creates a formatter for which today is the date of `now_ms` (milliseconds since the Unix epoch).
    pub(crate) fn new(zone: &Zone, now_ms: u64) -> Self {
        Self { zone: zone.clone(), today: zone.date(timestamp(now_ms)), dated: false }
    }

    /// Formats the times in a sentence of the host.
    pub(crate) fn in_text(&mut self, text: &str) -> String {
        let shown = text.split(' ').map(|word| {
            let time = word.trim_end_matches([':', ',', ';', '.', ')']);
            match unix_ms(time) {
                Some(_) => self.shown(time) + &word[time.len()..],
                None => word.to_owned(),
            }
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    /// Formats a time of the API (RFC 3339); anything else becomes `?`.
    pub(crate) fn shown(&mut self, time: &str) -> String {
        let Some(at) = unix_ms(time).map(timestamp) else { return "?".to_owned() };
        self.dated |= self.zone.date(at) != self.today;
        let local = at.to_zoned(self.zone.zone().clone());
        let date = if self.dated { local.strftime("%Y-%m-%d ").to_string() } else { String::new() };
        date + &with_offset(&local)
    }
}

/// Formats the time of day with its offset from UTC: `08:26:17.123+02:00` or `06:26:17.123Z`.
fn with_offset(at: &Zoned) -> String {
    let format = if at.offset().is_zero() { "%H:%M:%S%.3fZ" } else { "%H:%M:%S%.3f%:z" };
    at.strftime(format).to_string()
}

fn timestamp(unix_ms: u64) -> Timestamp {
    i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-10-23T06:26:17.123Z.
    const NOW: u64 = 1_792_736_777_123;

    #[test]
    fn a_time_has_its_offset_and_a_date_unless_it_is_today() {
        let mut times = Times::new(&Zone::ahead(2), NOW);
        assert_eq!(times.shown("2026-10-23T06:26:17.123Z"), "08:26:17.123+02:00");
        assert_eq!(times.shown("2026-10-22T22:00:00.000Z"), "00:00:00.000+02:00", "it is today there");
        assert_eq!(times.shown("2026-10-22T21:59:59.999Z"), "2026-10-22 23:59:59.999+02:00");
        assert_eq!(times.shown("2026-10-23T06:26:17.123Z"), "2026-10-23 08:26:17.123+02:00", "from then on");
    }

    #[test]
    fn the_times_in_a_sentence_are_in_the_zone_of_the_reader() {
        let mut times = Times::new(&Zone::ahead(2), NOW);
        let told = times.in_text("it starts at 2026-10-23T06:26:17.123Z: 2026 is a year, 10 a number");
        assert_eq!(told, "it starts at 08:26:17.123+02:00: 2026 is a year, 10 a number");
    }

    #[test]
    fn utc_is_shown_as_z_and_an_invalid_time_as_a_question_mark() {
        let mut times = Times::new(&Zone::utc(), NOW);
        assert_eq!(times.shown("2026-10-23T06:26:17.120Z"), "06:26:17.120Z");
        assert_eq!(times.shown("yesterday"), "?");
    }
}
