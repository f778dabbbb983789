//! A child's own terminal, for programs that write line by line only to a terminal: a pseudo-terminal whose other side
//! is read like a pipe. It translates nothing (no carriage returns) and echoes nothing.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize};

/// The child's side of a terminal, until the child has opened it itself.
pub(super) struct Terminal {
    path: CString,
    /// Kept open until the child has it: the other side would end otherwise.
    _slave: OwnedFd,
}

impl Terminal {
    /// Opens a terminal of 80 by 24; returns it with its other side.
    pub(super) fn open() -> io::Result<(Self, OwnedFd)> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let path = ptsname(&master, Vec::new())?;
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = rustix::fs::open(path.as_c_str(), flags, Mode::empty())?;
        let mut settings = tcgetattr(&slave)?;
        settings.output_modes.remove(rustix::termios::OutputModes::OPOST);
        settings.local_modes.remove(rustix::termios::LocalModes::ECHO);
        tcsetattr(&slave, OptionalActions::Now, &settings)?;
        tcsetwinsize(&slave, Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 })?;
        Ok((Self { path, _slave: slave }, master))
    }

    pub(super) fn path(&self) -> &CStr {
        &self.path
    }
}
