//! The state of the last line of a stream in the log file. It ensures that no line is glued to another and that no rest
//! of a line appears as a whole one, whatever could not be written.

/// The end of a record whose text was cut.
pub(crate) const CUT_RECORD: &[u8] = b" [provost: the rest of this line is missing]\n";

/// The end of a line that was begun in the file and cannot be continued: [`CUT_RECORD`] without the end of the record.
pub(crate) const CUT: &[u8] = CUT_RECORD.split_at(CUT_RECORD.len() - 1).0;

/// The state of the last line of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Line {
    /// The last line is complete.
    #[default]
    Whole,
    /// The file has the beginning of the line, and the next part continues it.
    Open,
    /// The file has nothing of the line, because a part could not be written: its other parts are left out, too.
    Lost,
    /// The last line in the file has no end and has to be [ended](CUT) before anything follows. None of its parts is
    /// still to come.
    Cut,
    /// The line in the file has to be ended, and the parts that still arrive are left out.
    CutLost,
}

/// The fate of a part of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The part was written, and the line continues.
    More,
    /// The part was written, and ends the line.
    Last,
    /// The part could not be written, and the line continues.
    LostMore,
    /// The part could not be written, and ends the line.
    LostLast,
}

impl Line {
    /// Returns the state after a part.
    pub(crate) fn after(self, part: Part) -> Self {
        match (self, part) {
            // The cut line is ended first; what is written after it begins a new one.
            (Self::Whole | Self::Open | Self::Cut, Part::More) => Self::Open,
            (Self::Whole | Self::Open | Self::Cut, Part::Last) => Self::Whole,
            (Self::Whole, Part::LostMore) => Self::Lost,
            (Self::Whole, Part::LostLast) => Self::Whole,
            (Self::Open | Self::Cut | Self::CutLost, Part::LostMore) => Self::CutLost,
            (Self::Open | Self::Cut | Self::CutLost, Part::LostLast) => Self::Cut,
            // No part of a lost line is written.
            (Self::Lost, Part::More | Part::LostMore) => Self::Lost,
            (Self::Lost, Part::Last | Part::LostLast) => Self::Whole,
            (Self::CutLost, Part::More) => Self::CutLost,
            (Self::CutLost, Part::Last) => Self::Cut,
        }
    }

    /// Returns the state after the line in the file has been ended.
    pub(crate) fn ended(self) -> Self {
        match self {
            Self::Whole | Self::Open | Self::Cut => Self::Whole,
            Self::Lost | Self::CutLost => Self::Lost,
        }
    }

    /// Returns true if the line in the file has to be ended before anything follows.
    pub(crate) fn is_cut(self) -> bool {
        matches!(self, Self::Cut | Self::CutLost)
    }

    /// Returns true if the next part is left out.
    pub(crate) fn is_lost(self) -> bool {
        matches!(self, Self::Lost | Self::CutLost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_leads_from_every_state_to_the_right_one() {
        use Line::{Cut, CutLost, Lost, Open, Whole};
        let parts = [Part::More, Part::Last, Part::LostMore, Part::LostLast];
        for (before, after) in [
            (Whole, [Open, Whole, Lost, Whole]),
            (Open, [Open, Whole, CutLost, Cut]),
            (Lost, [Lost, Whole, Lost, Whole]),
            (Cut, [Open, Whole, CutLost, Cut]),
            (CutLost, [CutLost, Cut, CutLost, Cut]),
        ] {
            assert_eq!(parts.map(|part| before.after(part)), after, "{before:?}");
        }
        assert_eq!([Whole, Open, Lost, Cut, CutLost].map(Line::ended), [Whole, Whole, Lost, Whole, Lost]);
    }
}
