//! Signals: their names for people, as in the config and in `provost status`, and their numbers in the kernel.

use core::fmt;
use core::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error};

/// The names of the signals 1 to 31 on Linux, without `SIG`.
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// Other common names of some signals.
const ALIASES: [(&str, i32); 4] = [("IOT", 6), ("CLD", 17), ("POLL", 29), ("UNUSED", 31)];

/// The first and the last real-time signal that programs can use: `SIGRTMIN` and `SIGRTMAX` of the C library.
const REAL_TIME: (i32, i32) = (34, 64);

/// A signal: 1 to 31, or 34 to 64. The contract has only the number; this type knows the name.
///
/// ```
/// use provost_guest::Signal;
///
/// assert_eq!(Signal::new(9), Some(Signal::KILL));
/// assert_eq!((Signal::TERM.number(), Signal::TERM.to_string().as_str()), (15, "SIGTERM"));
/// assert_eq!("hup".parse(), Ok(Signal::HUP));
/// assert_eq!((Signal::INT.number(), Signal::PIPE.number()), (2, 13));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(i32);

impl Signal {
    /// By convention, asks a process to reload.
    pub const HUP: Self = Self(1);
    /// Interrupts a process, as Ctrl-C does.
    pub const INT: Self = Self(2);
    /// Kills a process, which cannot prevent it.
    pub const KILL: Self = Self(9);
    /// Reports a write to a pipe without a reader.
    pub const PIPE: Self = Self(13);
    /// Asks a process to end.
    pub const TERM: Self = Self(15);

    /// Returns the signal with this number, if there is one.
    #[must_use]
    pub const fn new(number: i32) -> Option<Self> {
        match number {
            1..=31 => Some(Self(number)),
            _ if REAL_TIME.0 <= number && number <= REAL_TIME.1 => Some(Self(number)),
            _ => None,
        }
    }

    /// Returns the number of the signal.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }
}

/// Shows the name: `SIGTERM`, `SIGRTMIN`, `SIGRTMIN+3`.
impl fmt::Display for Signal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = usize::try_from(self.0 - 1).ok().and_then(|at| NAMES.get(at));
        match (named, self.0 - REAL_TIME.0) {
            (Some(name), _) => write!(out, "SIG{name}"),
            (None, 0) => out.write_str("SIGRTMIN"),
            (None, above) => write!(out, "SIGRTMIN+{above}"),
        }
    }
}

impl FromStr for Signal {
    type Err = String;

    /// Reads `TERM`, `SIGTERM`, `sigterm`, `15`, `RTMIN+3` or `SIGRTMAX-1`.
    fn from_str(text: &str) -> Result<Self, String> {
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        let plain =
            || NAMES.iter().position(|known| *known == name).and_then(|at| i32::try_from(at + 1).ok());
        let alias = || ALIASES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number);
        let number = text.parse().ok().or_else(plain).or_else(alias).or_else(|| real_time(name));
        number.and_then(Self::new).ok_or_else(|| format!("there is no signal \"{text}\""))
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

impl<'de> Deserialize<'de> for Signal {
    /// Reads the name of a signal from settings.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_is_read_back_from_its_name_and_its_number() {
        let all: Vec<Signal> = (-1..100).filter_map(Signal::new).collect();
        assert_eq!(all.len(), 62);
        for signal in all {
            assert_eq!(signal.to_string().parse(), Ok(signal));
            assert_eq!(signal.to_string().to_lowercase().parse(), Ok(signal));
            assert_eq!(signal.number().to_string().parse(), Ok(signal));
        }
        for (text, number) in [("RTMIN+3", 37), ("rtmax-1", 63), ("SIGRTMAX", 64), ("POLL", 29)] {
            assert_eq!(text.parse::<Signal>().map(Signal::number), Ok(number), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_sent_is_no_signal() {
        for text in ["0", "32", "33", "65", "-1", "", "SIG", "RTMIN+31", "RTMIN-1", "RTMIN+", "RTMIN++1"] {
            assert!(text.parse::<Signal>().is_err(), "{text}");
        }
    }
}
