//! Signals, as people write them and as the kernel numbers them. The config, the API, the command line and the spawner
//! share this type.

use std::fmt;
use std::str::FromStr;

/// The names of the signals 1 to 31 on Linux, without `SIG`.
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// Other names in use for some of these signals.
const ALIASES: [(&str, i32); 4] = [("IOT", 6), ("CLD", 17), ("POLL", 29), ("UNUSED", 31)];

/// The first and the last real-time signal that programs may use. The C library keeps 32 and 33 for its threads, so
/// `SIGRTMIN` is 34, as with glibc, `kill -l` and systemd.
const REAL_TIME: (i32, i32) = (34, 64);

/// A signal that can be sent: 1 to 31, or 34 to 64 (`SIGRTMIN` to `SIGRTMAX`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(i32);

impl Signal {
    /// SIGHUP, which by convention requests a reload.
    pub const HUP: Self = Self(1);
    /// SIGINT, which Ctrl-C sends.
    pub const INT: Self = Self(2);
    /// SIGKILL, which ends a process and cannot be caught.
    pub const KILL: Self = Self(9);
    /// SIGTERM, which requests the end of a process.
    pub const TERM: Self = Self(15);
    /// SIGCONT, which continues a stopped process.
    pub const CONT: Self = Self(18);

    /// Returns the signal with this number; `None` if there is none, or if the C library reserves it.
    #[must_use]
    pub fn new(number: i32) -> Option<Self> {
        let known = (1..=31).contains(&number) || (REAL_TIME.0..=REAL_TIME.1).contains(&number);
        known.then_some(Self(number))
    }

    /// Returns the number of the signal.
    #[must_use]
    pub fn number(self) -> i32 {
        self.0
    }

    /// Returns all signals, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..=REAL_TIME.1).filter_map(Self::new)
    }
}

impl Default for Signal {
    /// Returns SIGTERM.
    fn default() -> Self {
        Self::TERM
    }
}

/// Writes the usual name: `SIGTERM`, `SIGRTMIN`, `SIGRTMIN+3`.
impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&signal_name(self.0))
    }
}

/// A text that names no signal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no signal `{0}`: write a name such as TERM, SIGHUP or SIGRTMIN+3, or a number from 1 to 31 or 34 to 64"
)]
pub struct NoSuchSignal(pub String);

impl FromStr for Signal {
    type Err = NoSuchSignal;

    /// Reads `TERM`, `SIGTERM`, `sigterm`, `15`, `RTMIN+3` or `SIGRTMAX-1`.
    fn from_str(text: &str) -> Result<Self, NoSuchSignal> {
        let none = || NoSuchSignal(text.chars().take(40).collect());
        if text.len() > 16 {
            return Err(none());
        }
        if let Ok(number) = text.parse::<i32>() {
            return Self::new(number).ok_or_else(none);
        }
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        let plain = NAMES.iter().position(|known| *known == name).and_then(|at| i32::try_from(at + 1).ok());
        let alias = || ALIASES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number);
        plain.or_else(alias).or_else(|| real_time(name)).and_then(Self::new).ok_or_else(none)
    }
}

/// Returns the number of `RTMIN`, `RTMIN+n`, `RTMAX` or `RTMAX-n`.
fn real_time(name: &str) -> Option<i32> {
    let offset = |rest: &str, sign: char| match rest.strip_prefix(sign) {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse::<i32>().ok(),
        Some(_) => None,
        None => rest.is_empty().then_some(0),
    };
    let number = match (name.strip_prefix("RTMIN"), name.strip_prefix("RTMAX")) {
        (Some(rest), _) => REAL_TIME.0.checked_add(offset(rest, '+')?)?,
        (_, Some(rest)) => REAL_TIME.1.checked_sub(offset(rest, '-')?)?,
        _ => return None,
    };
    (REAL_TIME.0..=REAL_TIME.1).contains(&number).then_some(number)
}

/// Returns the usual name of a Linux signal, such as `SIGKILL` or `SIGRTMIN+3`; `signal 32` for one without a name.
#[must_use]
pub fn signal_name(number: i32) -> String {
    if let Some(name) = usize::try_from(number - 1).ok().and_then(|at| NAMES.get(at)) {
        return format!("SIG{name}");
    }
    match number {
        _ if number == REAL_TIME.0 => "SIGRTMIN".to_owned(),
        _ if (REAL_TIME.0..=REAL_TIME.1).contains(&number) => format!("SIGRTMIN+{}", number - REAL_TIME.0),
        _ => format!("signal {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_is_read_back_from_its_name_and_its_number() {
        assert_eq!(Signal::all().count(), 62);
        for signal in Signal::all() {
            assert_eq!(signal.to_string().parse(), Ok(signal));
            assert_eq!(signal.to_string().to_lowercase().trim_start_matches("sig").parse(), Ok(signal));
            assert_eq!(signal.number().to_string().parse(), Ok(signal));
        }
    }

    #[test]
    fn real_time_signals_are_counted_from_either_end() {
        for (text, number) in
            [("SIGRTMIN+3", 37), ("RTMIN", 34), ("rtmax", 64), ("RTMAX-1", 63), ("RTMIN+30", 64)]
        {
            assert_eq!(text.parse::<Signal>().map(Signal::number), Ok(number), "{text}");
        }
        assert_eq!((signal_name(34), signal_name(40)), ("SIGRTMIN".into(), "SIGRTMIN+6".into()));
    }

    #[test]
    fn text_that_names_no_signal_is_refused() {
        for text in [
            "0",
            "32",
            "33",
            "65",
            "-1",
            "",
            "SIG",
            "RTMIN+31",
            "RTMIN-1",
            "RTMIN+",
            "RTMIN++1",
            "TERMX",
            "RTMIN+2147483647",
        ] {
            assert!(text.parse::<Signal>().is_err(), "{text}");
        }
        let long = "x".repeat(100_000).parse::<Signal>().unwrap_err().to_string();
        assert!(long.len() < 300, "{}", long.len());
    }
}
