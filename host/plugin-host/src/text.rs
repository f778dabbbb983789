//! Text for people: plugin text sanitized for a line of a log or of status, sizes, and errors with their causes.

use provost_state::text;

/// The longest message about a fault, in bytes.
pub(crate) const MESSAGE_BYTES_MAX: usize = 512;

/// Makes text of a plugin fit for a log or a terminal: one line, cut to `bytes_max` bytes at a character boundary, with
/// a space for each character that a terminal would obey or a reader would not see ([`provost_state::text`]).
pub(crate) fn sanitize(text: &str, bytes_max: usize) -> String {
    let cut = &text[..text.floor_char_boundary(bytes_max)];
    text::fit(cut.trim_end(), ' ').collect()
}

/// Formats an error and its causes in one line.
pub(crate) fn one_line(error: &wasmtime::Error) -> String {
    let causes: Vec<String> = error
        .chain()
        .map(|cause| cause.to_string().lines().map(str::trim).collect::<Vec<_>>().join(" "))
        .collect();
    causes.join(": ")
}

/// Formats a size, as whole MiB or KiB if it is a multiple of that.
pub(crate) fn size(bytes: usize) -> String {
    const KIB: usize = 1 << 10;
    const MIB: usize = 1 << 20;
    match bytes {
        0 => "0 bytes".to_owned(),
        _ if bytes.is_multiple_of(MIB) => format!("{} MiB", bytes / MIB),
        _ if bytes.is_multiple_of(KIB) => format!("{} KiB", bytes / KIB),
        _ => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_at_a_character_and_cannot_steer_a_terminal() {
        assert_eq!(sanitize("äöü", 3), "ä");
        assert_eq!(sanitize("two\nlines\n", 100), "two lines");
        assert_eq!(sanitize("\u{1b}[2Jgone", 100), " [2Jgone");
        assert_eq!(sanitize("a\u{202e}b\u{200b}c\u{feff}", 100), "a b c ");
    }

    #[test]
    fn sizes_read_as_people_write_them() {
        assert_eq!(size(16 << 20), "16 MiB");
        assert_eq!(size(64 << 10), "64 KiB");
        assert_eq!(size(1_000), "1000 bytes");
    }
}
