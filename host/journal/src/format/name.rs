//! The names of segments: the number of the first record in 20 digits, so that their order is that of the records.

/// Whether a segment may still be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It is being written, or its host was killed.
    Open,
    /// It is complete.
    Sealed,
}

const OPEN: &str = ".seg";
const SEALED: &str = ".sealed";

/// Returns the name of the segment that begins with record `first_seq`.
pub(crate) fn file_name(first_seq: u64, state: State) -> String {
    let ending = match state {
        State::Open => OPEN,
        State::Sealed => SEALED,
    };
    format!("{first_seq:020}{ending}")
}

/// Returns what a name says; `None` if it is not that of a segment.
pub(crate) fn of_name(name: &str) -> Option<(u64, State)> {
    let (digits, state) = match (name.strip_suffix(OPEN), name.strip_suffix(SEALED)) {
        (Some(digits), _) => (digits, State::Open),
        (_, Some(digits)) => (digits, State::Sealed),
        _ => return None,
    };
    let is_number = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten().map(|first| (first, state))
}
