//! How the last line of a stream stands in the log file, so that no line is glued to another and no rest of a line is
//! shown as a whole one, whatever could not be written.

/// What ends a record whose text was cut.
pub(crate) const CUT_RECORD: &[u8] = b" [provost: the rest of this line is missing]\n";

/// What a line ends with that was begun in the file and could not be gone on with: the same, without the end of the record.
pub(crate) const CUT: &[u8] = CUT_RECORD.split_at(CUT_RECORD.len() - 1).0;

/// How the last line of a stream stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Line {
    /// Between two lines.
    #[default]
    Whole,
    /// The file has its beginning; the next part goes on with it.
    Open,
    /// The file has nothing of it, because a part could not be written: its other parts are left out, too.
    Lost,
    /// Between two lines, and the last one in the file has no end: it is to be [ended](CUT) before anything follows.
    Cut,
    /// Both: the line in the file is to be ended, and what still comes of it is left out.
    CutLost,
}

/// What has become of a part of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Written, and the line goes on.
    More,
    /// Written, and it was the end of the line.
    Last,
    /// Could not be written, and the line goes on.
    LostMore,
    /// Could not be written, and it was the end of the line.
    LostLast,
}

impl Line {
    /// How it stands after a part.
    pub(crate) fn after(self, part: Part) -> Self {
        match (self, part) {
            // What ends the cut line comes first; what is written behind it begins anew.
            (Self::Whole | Self::Open | Self::Cut, Part::More) => Self::Open,
            (Self::Whole | Self::Open | Self::Cut, Part::Last) => Self::Whole,
            (Self::Whole, Part::LostMore) => Self::Lost,
            (Self::Whole, Part::LostLast) => Self::Whole,
            (Self::Open | Self::Cut | Self::CutLost, Part::LostMore) => Self::CutLost,
            (Self::Open | Self::Cut | Self::CutLost, Part::LostLast) => Self::Cut,
            // Of a lost line nothing is written.
            (Self::Lost, Part::More | Part::LostMore) => Self::Lost,
            (Self::Lost, Part::Last | Part::LostLast) => Self::Whole,
            (Self::CutLost, Part::More) => Self::CutLost,
            (Self::CutLost, Part::Last) => Self::Cut,
        }
    }

    /// How it stands when the line in the file has been ended.
    pub(crate) fn ended(self) -> Self {
        match self {
            Self::Whole | Self::Open | Self::Cut => Self::Whole,
            Self::Lost | Self::CutLost => Self::Lost,
        }
    }

    /// Is the line in the file to be ended before anything follows?
    pub(crate) fn is_cut(self) -> bool {
        matches!(self, Self::Cut | Self::CutLost)
    }

    /// Is the next part left out?
    pub(crate) fn is_lost(self) -> bool {
        matches!(self, Self::Lost | Self::CutLost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_after_every_standing() {
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
