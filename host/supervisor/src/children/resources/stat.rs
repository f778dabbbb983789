//! `/proc/PID/stat`: one line of numbers about one process.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Long enough for any line: 52 fields of at most 20 digits, and a name of at most 64 bytes.
const LINE_BYTES_MAX: usize = 1_280;

/// Some fields of `/proc/PID/stat`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) parent: u32,
    pub(super) session: u32,
    /// The CPU time of the process, in ticks.
    pub(super) own_ticks: u64,
    /// The CPU time of its descendants that were reaped by their parents, in ticks.
    pub(super) reaped_ticks: u64,
    pub(super) threads: u32,
    /// When it was started, in ticks after the boot: tells it from a later process with its number.
    pub(super) started: u64,
    pub(super) resident_pages: u64,
    /// Whether it has ended and only waits to be reaped.
    pub(super) ended: bool,
}

impl Stat {
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        // The name before these fields may contain anything, even a parenthesis.
        let end = line.iter().rposition(|byte| *byte == b')')?;
        let mut fields = line.get(end + 2..)?.split(|byte| *byte == b' ');
        let state = *fields.next()?.first()?;
        let mut numbers = [0; 21];
        for number in &mut numbers {
            *number = number_of(fields.next()?)?;
        }
        // The fields 4 to 24 of proc(5), of which some can be negative, which are not used.
        let [parent, _, session, .., started, _, resident_pages] = numbers;
        let [.., user, system, reaped_user, reaped_system, _, _, threads, _, _, _, _] = numbers;
        Some(Self {
            parent: u32::try_from(parent).ok()?,
            session: u32::try_from(session).ok()?,
            own_ticks: user.saturating_add(system),
            reaped_ticks: reaped_user.saturating_add(reaped_system),
            threads: u32::try_from(threads).ok()?,
            started,
            resident_pages,
            ended: matches!(state, b'Z' | b'X'),
        })
    }

    /// Reads it by an open descriptor, which is bound to the process and not to its number.
    ///
    /// # Errors
    /// That of the kernel: `ESRCH` if the process is gone.
    pub(super) fn read(file: &File) -> io::Result<Self> {
        let mut line = [0; LINE_BYTES_MAX];
        let length = file.read_at(&mut line, 0)?;
        Self::parse(line.get(..length).unwrap_or_default()).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// Reads that of a process once.
    pub(super) fn of(pid: u32) -> io::Result<Self> {
        Self::read(&Self::open(pid)?)
    }

    pub(super) fn open(pid: u32) -> io::Result<File> {
        File::open(format!("/proc/{pid}/stat"))
    }
}

/// Reads a number; a negative one counts as 0.
fn number_of(digits: &[u8]) -> Option<u64> {
    if digits.first() == Some(&b'-') {
        return Some(0);
    }
    let digits = digits.strip_suffix(b"\n").unwrap_or(digits);
    (!digits.is_empty()).then_some(())?;
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_found_behind_a_name_with_parentheses_and_spaces() {
        let line = b"4711 (a) (b 7) S 10 4711 4712 0 -1 4194560 1 2 3 4 50 6 70 8 20 0 9 0 12345 999 321 \
                     18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
        let expected = Stat {
            parent: 10,
            session: 4712,
            own_ticks: 56,
            reaped_ticks: 78,
            threads: 9,
            started: 12_345,
            resident_pages: 321,
            ended: false,
        };
        assert_eq!(Stat::parse(line), Some(expected));
    }

    #[test]
    fn a_line_that_is_cut_or_strange_is_not_a_stat() {
        for line in [
            &b""[..],
            b"1 (x",
            b"1 (x)",
            b"1 (x) S 1 2",
            b"1 (x) S a b c d e f g h i j k l m n o p q r s t u",
        ] {
            assert_eq!(Stat::parse(line), None, "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn the_stat_of_this_process_is_that_of_this_process() {
        let stat = Stat::of(std::process::id()).unwrap();
        assert_eq!(stat.parent, std::os::unix::process::parent_id());
        assert!(stat.threads >= 1 && stat.resident_pages > 0 && !stat.ended);
    }
}
