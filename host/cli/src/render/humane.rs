//! Formats times, sizes and foreign text for people.

pub(crate) use provost_state::text::one_line;

/// Formats a span of time in its two largest units: `850ms`, `12s`, `3m12s`, `2h05m`, `4d03h`.
pub(crate) fn span(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0 => format!("{ms}ms"),
        1..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// Formats a delay, with tenths of a second below ten seconds.
pub(crate) fn delay(ms: u64) -> String {
    match ms {
        0 => "now".into(),
        1..1_000 => format!("{ms}ms"),
        1_000..10_000 => format!("{}.{}s", ms / 1_000, ms / 100 % 10),
        _ => span(ms),
    }
}

/// Formats a span of time with milliseconds below a minute: `514ms`, `1.514s`, `3m12s`.
pub(crate) fn precise(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms}ms"),
        1_000..60_000 => format!("{}.{:03}s", ms / 1_000, ms % 1_000),
        _ => span(ms),
    }
}

/// Formats a number of things: `1 process`, `2 processes`, `0 failures`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    let ending = match (count, noun.ends_with('s') || noun.ends_with('x')) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{count} {noun}{ending}")
}

/// Formats the begin of a sentence about a number of things: `1 process is`, `2 processes are`.
pub(crate) fn counted_are(count: u64, noun: &str) -> String {
    format!("{} {}", counted(count, noun), if count == 1 { "is" } else { "are" })
}

/// Formats the sentence about forgotten things: `5 changes are no longer remembered`.
pub(crate) fn no_longer_remembered(count: u64, noun: &str) -> String {
    format!("{} no longer remembered", counted_are(count, noun))
}

/// Formats a size in binary units: `512 B`, `14 KiB`, `1.5 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let (mut tenths, mut unit) = (u128::from(bytes) * 10 / 1024, 0);
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    if tenths.is_multiple_of(10) || tenths >= 1_000 {
        return format!("{} {}", tenths / 10, UNITS[unit]);
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// Formats a number of cores as a percentage of one: `12.5%`.
pub(crate) fn cpu(cores: f64) -> String {
    format!("{:.1}%", cores * 100.0)
}

/// Converts a time of the API (RFC 3339) to milliseconds since the Unix epoch.
pub(crate) fn unix_ms(time: &str) -> Option<u64> {
    let time: jiff::Timestamp = time.parse().ok()?;
    u64::try_from(time.as_millisecond()).ok()
}

/// Formats how long ago a time of the API was.
pub(crate) fn ago(time: &str, now_ms: u64) -> Option<String> {
    Some(span(now_ms.saturating_sub(unix_ms(time)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_show_two_units() {
        for (ms, text) in [
            (0, "0ms"),
            (850, "850ms"),
            (12_900, "12s"),
            (192_000, "3m12s"),
            (7_500_000, "2h05m"),
            (356_400_000, "4d03h"),
        ] {
            assert_eq!(span(ms), text);
        }
    }

    #[test]
    fn delays_show_tenths_while_they_matter() {
        for (ms, text) in [(0, "now"), (200, "200ms"), (1_250, "1.2s"), (12_000, "12s"), (61_000, "1m01s")] {
            assert_eq!(delay(ms), text);
        }
    }

    #[test]
    fn sizes_show_what_matters() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (14_437, "14 KiB"),
            (14_500, "14.1 KiB"),
            (1_572_864, "1.5 MiB"),
            (16 << 20, "16 MiB"),
            (u64::MAX, "16777215 TiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn foreign_text_cannot_move_the_cursor_or_turn_the_line_around() {
        assert_eq!(one_line("a\x1b[2Jb\nc\u{202e}d"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d");
    }

    #[test]
    fn a_count_of_one_has_no_plural() {
        for (count, noun, text) in
            [(1, "process", "1 process"), (2, "process", "2 processes"), (0, "failure", "0 failures")]
        {
            assert_eq!(counted(count, noun), text);
        }
    }
}
