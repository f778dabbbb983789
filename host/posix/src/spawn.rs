//! `posix_spawn` with the attributes that a child needs: its own session, an empty signal mask, default dispositions, and
//! nothing open but what it is given.

#![expect(unsafe_code, reason = "posix_spawn is a C call; each call is proved where it stands")]

use std::ffi::{CStr, CString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use crate::signals::hangup_is_ignored;
use crate::target::Target;

/// A program, and all that its process is given.
pub struct Launch<'a> {
    /// The path of the program.
    pub program: &'a CStr,
    /// Its arguments, its own name first.
    pub arguments: &'a [CString],
    /// Its environment, as `NAME=value`.
    pub environment: &'a [CString],
    /// Its working directory; that of this process if none.
    pub directory: Option<&'a CStr>,
    /// Its standard input, output and error.
    pub stdio: [Target<'a>; 3],
    /// The descriptors that it gets as numbers 3, 4 and so on; everything above is closed. Each is above those numbers itself,
    /// unless it is at its own.
    pub files: &'a [BorrowedFd<'a>],
}

/// Returns the result of a call that returns an error number.
fn checked(number: libc::c_int) -> io::Result<()> {
    if number == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(number)) }
}

/// The file actions of a spawn.
struct Actions(libc::posix_spawn_file_actions_t);

impl Actions {
    fn new() -> io::Result<Self> {
        let mut actions = MaybeUninit::uninit();
        // SAFETY: the call initialises its argument, and returns 0 if it did.
        unsafe {
            checked(libc::posix_spawn_file_actions_init(actions.as_mut_ptr()))?;
            Ok(Self(actions.assume_init()))
        }
    }

    fn place(&mut self, number: libc::c_int, target: &Target<'_>) -> io::Result<()> {
        // SAFETY: the actions are initialised; paths are copied by the C library; a descriptor that is borrowed stays open
        // until the spawn has returned, because the `Launch` lives that long.
        checked(unsafe {
            match target {
                Target::Null => libc::posix_spawn_file_actions_addopen(
                    &mut self.0,
                    number,
                    c"/dev/null".as_ptr(),
                    libc::O_RDONLY,
                    0,
                ),
                Target::Path(path) => libc::posix_spawn_file_actions_addopen(
                    &mut self.0,
                    number,
                    path.as_ptr(),
                    libc::O_RDWR,
                    0,
                ),
                Target::Fd(fd) => libc::posix_spawn_file_actions_adddup2(&mut self.0, fd.as_raw_fd(), number),
            }
        })
    }

    fn directory(&mut self, directory: &CStr) -> io::Result<()> {
        // SAFETY: the actions are initialised, and the path is copied.
        checked(unsafe { libc::posix_spawn_file_actions_addchdir_np(&mut self.0, directory.as_ptr()) })
    }

    fn close_from(&mut self, first: libc::c_int) -> io::Result<()> {
        // SAFETY: the actions are initialised.
        checked(unsafe { libc::posix_spawn_file_actions_addclosefrom_np(&mut self.0, first) })
    }
}

impl Drop for Actions {
    fn drop(&mut self) {
        // SAFETY: initialised by `new`, and destroyed once.
        unsafe { libc::posix_spawn_file_actions_destroy(&mut self.0) };
    }
}

/// The attributes of a spawn: a new session, an empty signal mask, default dispositions.
struct Attributes(libc::posix_spawnattr_t);

impl Attributes {
    fn new() -> io::Result<Self> {
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: the call initialises its argument, and returns 0 if it did.
        let mut attributes = unsafe {
            checked(libc::posix_spawnattr_init(attributes.as_mut_ptr()))?;
            Self(attributes.assume_init())
        };
        let flags = libc::POSIX_SPAWN_SETSID
            | libc::c_short::try_from(libc::POSIX_SPAWN_SETSIGMASK | libc::POSIX_SPAWN_SETSIGDEF)
                .unwrap_or(0);
        let (mut none, mut all) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        // SAFETY: both sets are initialised before they are read (a set is an array of integers, for which every pattern is
        // valid); the attributes are initialised, and copy the sets. SIGKILL and SIGSTOP have no disposition and are taken
        // out.
        unsafe {
            libc::sigemptyset(none.as_mut_ptr());
            // `sigfillset` would leave out the two signals that the C library keeps for its threads: the child would
            // inherit them as ignored.
            ptr::write_bytes(all.as_mut_ptr(), 0xff, 1);
            libc::sigdelset(all.as_mut_ptr(), libc::SIGKILL);
            libc::sigdelset(all.as_mut_ptr(), libc::SIGSTOP);
            if hangup_is_ignored() {
                libc::sigdelset(all.as_mut_ptr(), libc::SIGHUP);
            }
            checked(libc::posix_spawnattr_setsigmask(&mut attributes.0, none.as_ptr()))?;
            checked(libc::posix_spawnattr_setsigdefault(&mut attributes.0, all.as_ptr()))?;
            checked(libc::posix_spawnattr_setflags(&mut attributes.0, flags))?;
        }
        Ok(attributes)
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: initialised by `new`, and destroyed once.
        unsafe { libc::posix_spawnattr_destroy(&mut self.0) };
    }
}

/// Starts a program in a new session; returns its process id, which is also that of its session and of its group.
///
/// # Errors
/// The kernel's error of the step that failed: the directory, a descriptor, the exec.
pub fn spawn(launch: &Launch<'_>) -> io::Result<u32> {
    let mut actions = Actions::new()?;
    if let Some(directory) = launch.directory {
        actions.directory(directory)?;
    }
    for (number, target) in (0..).zip(&launch.stdio) {
        actions.place(number, target)?;
    }
    let mut first_closed = 3;
    for (number, file) in (3..).zip(launch.files) {
        actions.place(number, &Target::Fd(*file))?;
        first_closed = number + 1;
    }
    actions.close_from(first_closed)?;
    let attributes = Attributes::new()?;
    let arguments = pointers(launch.arguments);
    let environment = pointers(launch.environment);
    let mut pid: libc::pid_t = 0;
    // SAFETY: program, arguments and environment are strings that end with a zero and outlive the call, both lists end with
    // a null pointer, actions and attributes are initialised.
    checked(unsafe {
        libc::posix_spawn(
            &mut pid,
            launch.program.as_ptr(),
            &actions.0,
            &attributes.0,
            arguments.as_ptr(),
            environment.as_ptr(),
        )
    })?;
    u32::try_from(pid).map_err(|_| io::Error::other("the kernel gave no process id"))
}

/// Returns the list of pointers that C wants, with the null at its end.
fn pointers(strings: &[CString]) -> Vec<*mut libc::c_char> {
    strings.iter().map(|string| string.as_ptr().cast_mut()).chain(std::iter::once(ptr::null_mut())).collect()
}
