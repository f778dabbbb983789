//! The places in logs from which a stream of lines can be resumed: what was handed out of each of them.
//!
//! A file is known by a label that does not change when it is renamed, so a place is found again after rotations and
//! after a restart of the host. A label or an offset that is not there any more is a gap, and is never guessed.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The most logs of which a text may have the places.
pub const POSITIONS_MAX: usize = 16;

/// What was handed out of one log: everything before a place in a file, and a number of records after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The label of the file; 0 if the log had no line.
    pub(super) file: u64,
    pub(super) offset: u64,
    /// The number of records of each stream after that offset that were handed out.
    pub(super) seen: [u64; 2],
    /// The time of the last line that was handed out; 0 if there was none.
    pub(super) at_ms: u64,
}

impl Mark {
    /// The place before the first line of a log.
    pub(super) const BEGINNING: Self = Self { file: 0, offset: 0, seen: [0; 2], at_ms: 0 };

    pub(super) fn at(file: u64, offset: u64) -> Self {
        Self { file, offset, ..Self::BEGINNING }
    }
}

/// The places in several logs, by the names of their processes. As a text it is the id of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions(BTreeMap<Arc<str>, Mark>);

impl Positions {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has a place in the log of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn of(&self, process: &str) -> Option<Mark> {
        self.0.get(process).copied()
    }

    pub(super) fn set(&mut self, process: &Arc<str>, mark: Mark) {
        match self.0.get_mut(process) {
            Some(known) => *known = mark,
            None => drop(self.0.insert(process.clone(), mark)),
        }
    }

    /// Takes over the places of `other`. The time of the last line stays where the other has none.
    pub(super) fn update(&mut self, other: Self) {
        for (process, mark) in other.0 {
            let at_ms = mark.at_ms.max(self.of(&process).map_or(0, |known| known.at_ms));
            self.set(&process, Mark { at_ms, ..mark });
        }
    }
}

impl fmt::Display for Positions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (process, Mark { file, offset, seen: [out, err], at_ms })) in self.0.iter().enumerate() {
            let comma = if number > 0 { "," } else { "" };
            write!(f, "{comma}{process}={file:x}.{offset:x}.{out:x}.{err:x}.{at_ms:x}")?;
        }
        Ok(())
    }
}

/// The text does not name places in logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text does not name places in logs")]
pub struct NoPositions;

impl FromStr for Positions {
    type Err = NoPositions;

    fn from_str(text: &str) -> Result<Self, NoPositions> {
        let mut positions = Self::default();
        for one in text.split(',') {
            let (process, place) = one.split_once('=').ok_or(NoPositions)?;
            let mut numbers = [0; 5];
            let mut texts = place.split('.');
            for number in &mut numbers {
                let text = texts.next().ok_or(NoPositions)?;
                *number = u64::from_str_radix(text, 16).map_err(|_| NoPositions)?;
            }
            let [file, offset, out, err, at_ms] = numbers;
            positions.set(&Arc::from(process), Mark { file, offset, seen: [out, err], at_ms });
            if texts.next().is_some() || positions.len() > POSITIONS_MAX {
                return Err(NoPositions);
            }
        }
        Ok(positions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read_as_they_are_written_and_nothing_else_is() {
        let mut positions = Positions::default();
        positions.set(&Arc::from("web.1"), Mark { file: u64::MAX, offset: 31, seen: [1, 0], at_ms: 4_096 });
        positions.set(&Arc::from("db"), Mark::BEGINNING);
        let text = positions.to_string();
        assert_eq!(text, "db=0.0.0.0.0,web.1=ffffffffffffffff.1f.1.0.1000");
        assert_eq!(text.parse(), Ok(positions));
        let many: Vec<String> = (0..=POSITIONS_MAX).map(|number| format!("p{number}=0.0.0.0.0")).collect();
        for text in
            ["", "web", "web=", "web=1.2.3.4", "web=1.2.3.4.5.6", "web=1.2.3.4.x", "5f0c.7", &many.join(",")]
        {
            assert_eq!(text.parse::<Positions>(), Err(NoPositions), "{text}");
        }
    }
}
