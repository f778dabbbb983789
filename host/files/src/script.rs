//! Scripts, whose first line names the program that reads them.

use std::io::Read;
use std::path::Path;

use crate::open::open_named;

/// The length of the beginning of a script in which Linux looks for that line, in bytes (`BINPRM_BUF_SIZE`).
const BEGINNING_BYTES: u64 = 256;

/// Returns the first line of a script behind `#!`: its interpreter, and what that is given before the name of the script. A carriage
/// return is a part of it, as it is for the kernel. Returns `None` if the file is no script or cannot be read.
#[must_use]
pub fn script_line(path: &Path) -> Option<String> {
    let mut start = Vec::new();
    open_named(path).ok()?.take(BEGINNING_BYTES).read_to_end(&mut start).ok()?;
    let line = start.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    Some(String::from_utf8_lossy(line).trim_start_matches([' ', '\t']).to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn the_line_of_a_script_is_read_with_its_carriage_return_and_what_is_none_has_none() {
        let dir = tempfile::tempdir().unwrap();
        let script = dir.path().join("script");
        for (text, line) in [
            ("#!/bin/sh\r\necho hi\r\n", Some("/bin/sh\r")),
            ("#! \t/usr/bin/env -S python3 -u\n", Some("/usr/bin/env -S python3 -u")),
            ("#!/bin/sh", Some("/bin/sh")),
            ("#!\n", Some("")),
            ("echo hi\n", None),
            ("", None),
        ] {
            fs::write(&script, text).unwrap();
            assert_eq!(script_line(&script).as_deref(), line, "{text:?}");
        }
        fs::write(&script, "#!".to_owned() + &"x".repeat(10_000)).unwrap();
        assert_eq!(script_line(&script).unwrap().len(), 254);
        assert_eq!(script_line(&dir.path().join("none")), None);
        assert_eq!(script_line(dir.path()), None);
    }

    #[test]
    fn a_pipe_is_no_script_and_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        assert_eq!(script_line(&pipe), None);
    }
}
