//! Spans of time as people write them in a config: without rounding.

/// Formats a span in the largest units that represent it exactly: `500ms`, `30s`, `1m30s`, `2h`.
#[must_use]
pub fn exact(ms: u64) -> String {
    if ms == 0 || !ms.is_multiple_of(1_000) {
        return format!("{ms}ms");
    }
    let seconds = ms / 1_000;
    let parts = [(seconds / 3_600, 'h'), (seconds / 60 % 60, 'm'), (seconds % 60, 's')];
    parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_rounded() {
        let shown = [0, 1, 500, 1_500, 30_000, 90_000, 7_200_000, 3_601_000].map(exact);
        assert_eq!(shown, ["0ms", "1ms", "500ms", "1500ms", "30s", "1m30s", "2h", "1h1s"]);
    }
}
