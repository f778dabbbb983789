//! The messages of `sd_notify`: lines of `NAME=value`, from a process that is not trusted. Whatever the bytes are, they become
//! a bounded list of what was said; what is not understood is left out.

use std::sync::Arc;

use provost_state::text;

/// The longest message in bytes. A longer one is dropped.
pub(crate) const MESSAGE_BYTES_MAX: usize = 4_096;

/// The most characters of a status that are kept.
const STATUS_CHARS_MAX: usize = 200;

/// The longest name of a stored descriptor in bytes, as systemd has it.
const NAME_BYTES_MAX: usize = 255;

/// The name of a stored descriptor that was given none, as systemd has it.
const NAME_OF_STORED: &str = "stored";

/// Something that a process has said about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// It is ready, or has finished reloading.
    Ready,
    /// It has written a line to its readiness descriptor, which has this number.
    Wrote(u32),
    /// It reads its configuration anew.
    Reloading,
    /// It is about to end.
    Stopping,
    /// What it does, in its own words: one line that is fit to be shown.
    Status(Arc<str>),
    /// It is alive.
    Alive,
    /// It has found out that it does not work any more (`WATCHDOG=trigger`).
    Failing,
    /// From now on it may be silent for this time, in milliseconds.
    SilentFor(u64),
    /// It needs this much more time to become ready, from now on, in milliseconds.
    MoreTime(u64),
    /// The process that may send messages for it, and knows most about it.
    MainPid(u32),
    /// It has failed with this error number.
    Errno(i32),
}

/// What is to become of its stored descriptors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Storing {
    /// Those beside the message are kept under this name.
    Keep(Arc<str>),
    /// Those of this name are dropped.
    Drop(Arc<str>),
}

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) said: Vec<Said>,
    pub(super) storing: Option<Storing>,
}

impl Message {
    /// Reads a message. Of names that occur several times, the last value counts where only one can.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let (mut said, mut keeps, mut drops, mut name) = (Vec::new(), false, false, None);
        for line in bytes.split(|byte| *byte == b'\n') {
            let Some(at) = line.iter().position(|byte| *byte == b'=') else { continue };
            let (key, value) = (line.get(..at).unwrap_or_default(), line.get(at + 1..).unwrap_or_default());
            match (key, value) {
                (b"READY", b"1") => said.push(Said::Ready),
                (b"RELOADING", b"1") => said.push(Said::Reloading),
                (b"STOPPING", b"1") => said.push(Said::Stopping),
                (b"STATUS", text) => said.push(Said::Status(status(text))),
                (b"WATCHDOG", b"1") => said.push(Said::Alive),
                (b"WATCHDOG", b"trigger") => said.push(Said::Failing),
                (b"WATCHDOG_USEC", number) => said.extend(milliseconds(number).map(Said::SilentFor)),
                (b"EXTEND_TIMEOUT_USEC", number) => said.extend(milliseconds(number).map(Said::MoreTime)),
                (b"MAINPID", number) => {
                    said.extend(whole(number).filter(|pid| *pid != 0).map(Said::MainPid));
                }
                (b"ERRNO", number) => said.extend(whole(number).map(Said::Errno)),
                (b"FDSTORE", b"1") => keeps = true,
                (b"FDSTOREREMOVE", b"1") => drops = true,
                (b"FDNAME", text) => name = stored_name(text).or(name),
                // `MONOTONIC_USEC`: when the reload began, which is when it is read here. `FDPOLL=0`: stored descriptors are
                // never watched. `BARRIER=1`: its descriptor is closed when everything before it was handled, as that of
                // each message is.
                _ => {}
            }
        }
        let named = || name.unwrap_or(NAME_OF_STORED).into();
        let storing = match (keeps, drops) {
            (true, _) => Some(Storing::Keep(named())),
            (false, true) => Some(Storing::Drop(named())),
            (false, false) => None,
        };
        Self { said, storing }
    }
}

/// Returns a text in one line of bounded length.
fn status(bytes: &[u8]) -> Arc<str> {
    let line = text::one_line(&String::from_utf8_lossy(bytes));
    let mut short: String = line.trim().chars().take(STATUS_CHARS_MAX).collect();
    if line.trim().chars().count() > STATUS_CHARS_MAX {
        short.push('…');
    }
    short.into()
}

fn whole<N: std::str::FromStr>(bytes: &[u8]) -> Option<N> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// Returns a time that is given in microseconds, at least a millisecond.
fn milliseconds(bytes: &[u8]) -> Option<u64> {
    whole::<u64>(bytes).filter(|time| *time != 0 && *time != u64::MAX).map(|time| time.div_ceil(1_000))
}

/// Returns the name of a stored descriptor, if it can be one: printable ASCII without a colon, which separates names.
fn stored_name(bytes: &[u8]) -> Option<&str> {
    let is_fit = |byte: &u8| (b' '..=b'~').contains(byte) && *byte != b':';
    let fits = !bytes.is_empty() && bytes.len() <= NAME_BYTES_MAX && bytes.iter().all(is_fit);
    std::str::from_utf8(bytes).ok().filter(|_| fits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(text: &str) -> Vec<Said> {
        Message::read(text.as_bytes()).said
    }

    #[test]
    fn each_line_says_one_thing_and_what_is_not_known_says_nothing() {
        let all = "READY=1\nSTATUS=serving\nRELOADING=1\nMONOTONIC_USEC=7\nSTOPPING=1\nWATCHDOG=1\nWATCHDOG=trigger\n\
                   WATCHDOG_USEC=2500000\nEXTEND_TIMEOUT_USEC=1\nMAINPID=12\nERRNO=2\nX_OWN=5\nBARRIER=1";
        assert_eq!(
            said(all),
            [
                Said::Ready,
                Said::Status("serving".into()),
                Said::Reloading,
                Said::Stopping,
                Said::Alive,
                Said::Failing,
                Said::SilentFor(2_500),
                Said::MoreTime(1),
                Said::MainPid(12),
                Said::Errno(2)
            ]
        );
        for nothing in [
            "",
            "READY",
            "READY=0",
            "READY=1 ",
            " READY=1",
            "ready=1",
            "WATCHDOG=0",
            "MAINPID=0",
            "MAINPID=-1",
            "MAINPID=x",
            "WATCHDOG_USEC=0",
            "WATCHDOG_USEC=18446744073709551615",
            "ERRNO=99999999999",
            "=",
        ] {
            assert_eq!(said(nothing), [], "{nothing}");
        }
    }

    #[test]
    fn a_status_is_one_line_of_bounded_length_without_anything_that_controls_a_terminal() {
        let Said::Status(text) = said("STATUS= \u{1b}[31mred\u{7} ").remove(0) else { panic!() };
        assert_eq!(&*text, "\u{fffd}[31mred\u{fffd}");
        let Said::Status(text) = said(&format!("STATUS={}", "ä".repeat(300))).remove(0) else { panic!() };
        assert_eq!(text.chars().count(), STATUS_CHARS_MAX + 1);
    }

    #[test]
    fn descriptors_are_kept_or_dropped_by_name() {
        let storing = |text: &str| Message::read(text.as_bytes()).storing;
        assert_eq!(storing("FDSTORE=1"), Some(Storing::Keep("stored".into())));
        assert_eq!(storing("FDNAME=db 1\nFDSTORE=1\nFDPOLL=0"), Some(Storing::Keep("db 1".into())));
        assert_eq!(storing("FDSTOREREMOVE=1\nFDNAME=db"), Some(Storing::Drop("db".into())));
        for bad in ["a:b", "", "\u{e4}", "a\tb", &"n".repeat(256)] {
            assert_eq!(storing(&format!("FDSTORE=1\nFDNAME={bad}")), Some(Storing::Keep("stored".into())));
        }
        assert_eq!(storing("FDNAME=db"), None);
    }

    proptest! {
        #[test]
        fn whatever_the_bytes_are_what_is_read_is_bounded_and_fit_to_be_shown(
            bytes in proptest::collection::vec(any::<u8>(), 0..MESSAGE_BYTES_MAX),
            status in "\\PC*|(STATUS=.*\n)*",
        ) {
            for bytes in [bytes, format!("STATUS={status}").into_bytes()] {
                let message = Message::read(&bytes);
                prop_assert!(message.said.len() <= bytes.len() / 7 + 1);
                for said in message.said {
                    if let Said::Status(text) = said {
                        prop_assert!(text.chars().count() <= STATUS_CHARS_MAX + 1);
                        prop_assert_eq!(text::one_line(&text), &*text);
                    }
                }
            }
        }
    }
}
