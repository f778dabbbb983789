//! A child that the caller does not wait for: a fork, and in the child nothing but system calls up to the exec, whose error
//! arrives through a pipe. It is meant for a small program: a fork copies the page tables of the caller, which takes 0.07 ms
//! for one of a megabyte. `posix_spawn` is faster for a large one, but suspends the caller until the exec has returned, and an
//! exec waits for a disk.
//!
//! The fork is the system call. That of the C library also puts its own locks and lists in order for a child that goes on with it,
//! and each page that it writes there is copied, in the child and in the caller: 0.1 ms for each start.

#![expect(
    unsafe_code,
    reason = "what a child does between fork and exec are C calls; they are proved where they stand"
)]

use std::collections::TryReserveError;
use std::ffi::CStr;
use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use crate::own_pid::PidVariable;
use crate::signals::{Ignored, hangup_is_ignored};
use crate::target::Target;

/// The most descriptors that a child is given.
pub const DESCRIPTORS_MAX: usize = 40;

/// A list of strings as C wants it: pointers, and a null at the end. It is built before the fork, because a child must not
/// allocate.
#[derive(Debug)]
pub struct List<'a> {
    pointers: Vec<*const libc::c_char>,
    strings: PhantomData<&'a CStr>,
}

impl<'a> List<'a> {
    /// Returns the list of these strings.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn new(count: usize, strings: impl Iterator<Item = &'a CStr>) -> Result<Self, TryReserveError> {
        let mut pointers = Vec::new();
        pointers.try_reserve_exact(count.saturating_add(1))?;
        pointers.extend(strings.take(count).map(CStr::as_ptr));
        pointers.push(ptr::null());
        Ok(Self { pointers, strings: PhantomData })
    }

    /// Returns the list of these strings and of these variables, which the child gives their values.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn with_pids(
        count: usize,
        strings: impl Iterator<Item = &'a CStr>,
        pids: &'a [PidVariable],
    ) -> Result<Self, TryReserveError> {
        let mut list = Self::new(count, strings)?;
        list.pointers.try_reserve_exact(pids.len())?;
        list.pointers.pop();
        list.pointers.extend(pids.iter().map(PidVariable::as_ptr));
        list.pointers.push(ptr::null());
        Ok(list)
    }

    /// Returns the list in the form of C; it lives as long as this value.
    pub(crate) fn as_ptr(&self) -> *const *const libc::c_char {
        self.pointers.as_ptr()
    }
}

/// The signals that a terminal sends.
const OF_TERMINAL: [libc::c_int; 4] = [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTSTP];

/// What is executed.
#[derive(Clone, Copy, Debug)]
pub enum Program<'a> {
    /// The file of this path.
    Path(&'a CStr),
    /// This open file.
    File(BorrowedFd<'a>),
}

/// A child, and all that it is given: default dispositions, an empty signal mask, and nothing open but its targets.
#[derive(Debug)]
pub struct Birth<'a> {
    /// What is executed.
    pub program: Program<'a>,
    /// Its arguments, its own name first.
    pub arguments: &'a List<'a>,
    /// Its environment, as `NAME=value`.
    pub environment: &'a List<'a>,
    /// The variables of the environment whose value is its process id.
    pub pids: &'a [PidVariable],
    /// Its working directory; that of the caller if none.
    pub directory: Option<&'a CStr>,
    /// Its descriptors, from number 0 on; at most [`DESCRIPTORS_MAX`].
    pub descriptors: &'a [Target<'a>],
    /// Whether it gets its own session.
    pub session: bool,
    /// The signals that it ignores.
    pub ignores: &'a [i32],
    /// Those that the caller ignores.
    pub ignored: Ignored,
    /// Its soft and hard limit on open files, if it is not that of the caller.
    pub open_files: Option<(u64, u64)>,
    /// What is written into its `/proc/self/oom_score_adj`, if anything.
    pub oom_score: Option<&'a CStr>,
    /// The writing end of the pipe that reports an error; [`Failure::read`] reads it. It is closed by the exec.
    pub report: BorrowedFd<'a>,
}

/// The step at which a child could not become its program, and its error number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// 0: the session, the limits, the score; 1: the descriptors; 2: the directory; 3: the exec.
    pub step: u8,
    /// The error number.
    pub errno: i32,
}

impl Failure {
    /// The length of a report in bytes.
    pub const LEN: usize = 5;

    fn to_bytes(self) -> [u8; Self::LEN] {
        let [a, b, c, d] = self.errno.to_le_bytes();
        [self.step, a, b, c, d]
    }

    /// Reads what came through the pipe; `None` if it is the end of the pipe, because the program runs.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let [step, a, b, c, d] = *bytes.first_chunk()?;
        Some(Self { step, errno: i32::from_le_bytes([a, b, c, d]) })
    }
}

const _: () = assert!(!cfg!(target_arch = "s390x"), "`clone` takes the stack before the flags there");

/// Begins to start a child and returns its process id. With its own session, this is also that of its session and group as
/// soon as it has made one, which is before it can hang.
///
/// # Errors
/// `EAGAIN` or `ENOMEM` if there can be no more processes, `EINVAL` if there are too many descriptors. All other errors
/// arrive through the pipe.
pub fn fork(birth: &Birth<'_>) -> io::Result<u32> {
    if birth.descriptors.len() > DESCRIPTORS_MAX {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    // Read before the child changes anything.
    let keeps_hangup = hangup_is_ignored();
    let none = ptr::null::<libc::c_void>();
    // SAFETY: without flags and a stack, `clone` is what `fork` was: the child has a copy of the memory, and goes on here, on its
    // copy of this stack. It calls `become_program`, which makes only system calls (it does not allocate, take a lock, panic or
    // unwind), so it matters neither what other threads held at the time, nor that the C library has not noticed the fork; it
    // never returns to Rust code of the caller. The four pointers are null whatever their order, which depends on the processor.
    match unsafe { libc::syscall(libc::SYS_clone, libc::c_long::from(libc::SIGCHLD), none, none, none, none) }
    {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: this is the child, and everything that `birth` borrows is as it was in the parent.
        0 => unsafe { become_program(birth, keeps_hangup) },
        pid => u32::try_from(pid).map_err(|_| io::Error::other("the kernel gave no process id")),
    }
}

/// Becomes the program, or reports why not and ends.
///
/// # Safety
/// Must be called in the child of a fork, which ends with it.
unsafe fn become_program(birth: &Birth<'_>, keeps_hangup: bool) -> ! {
    // SAFETY: the caller's promise.
    let (report, failure) = unsafe { try_to_become(birth, keeps_hangup) };
    let bytes = failure.to_bytes();
    // SAFETY: the buffer has that length. If the report cannot be written, the exit code is all that is left.
    unsafe {
        libc::write(report, bytes.as_ptr().cast(), bytes.len());
        libc::_exit(127)
    }
}

fn failed(step: u8) -> Failure {
    Failure { step, errno: io::Error::last_os_error().raw_os_error().unwrap_or(0) }
}

/// Takes all the steps; returns the descriptor to report to, and the step that failed.
///
/// # Safety
/// As [`become_program`].
unsafe fn try_to_become(birth: &Birth<'_>, keeps_hangup: bool) -> (libc::c_int, Failure) {
    let mut report = birth.report.as_raw_fd();
    // SAFETY: the caller's promise.
    let prepared = unsafe {
        set_process(birth, keeps_hangup)
            .and_then(|()| place_descriptors(birth, &mut report))
            .and_then(|program| limit(birth).map(|()| program))
    };
    let program = match prepared {
        Ok(program) => program,
        Err(failure) => return (report, failure),
    };
    if let Some(directory) = birth.directory {
        // SAFETY: the path ends with a zero.
        if unsafe { libc::chdir(directory.as_ptr()) } != 0 {
            return (report, failed(2));
        }
    }
    for variable in birth.pids {
        // SAFETY: this is the child, which has one thread, and nothing reads the variable before the exec.
        unsafe { variable.fill(own_pid()) };
    }
    let (arguments, environment) = (birth.arguments.pointers.as_ptr(), birth.environment.pointers.as_ptr());
    // SAFETY: paths end with a zero; both lists end with a null, and their strings, which they borrow, end with a zero.
    unsafe {
        match birth.program {
            Program::Path(path) => libc::execve(path.as_ptr(), arguments, environment),
            Program::File(_) => {
                let (empty, flags) = (c"".as_ptr(), libc::AT_EMPTY_PATH);
                libc::syscall(libc::SYS_execveat, program, empty, arguments, environment, flags);
                -1
            }
        };
    }
    (report, failed(3))
}

/// Returns the process id, which an old C library has a copy of that a system call does not change.
fn own_pid() -> u32 {
    // SAFETY: a call without arguments.
    let pid = unsafe { libc::syscall(libc::SYS_getpid) };
    u32::try_from(pid).unwrap_or(0)
}

/// Sets the session, the dispositions and the mask.
///
/// # Safety
/// As [`become_program`].
unsafe fn set_process(birth: &Birth<'_>, keeps_hangup: bool) -> Result<(), Failure> {
    // SAFETY: calls by numbers. All zeroes are the default disposition in the form of the kernel, whatever the order of its
    // fields is; the C library's own call refuses the two signals that it keeps for itself. An empty set is valid.
    unsafe {
        if birth.session && libc::setsid() == -1 {
            return Err(failed(0));
        }
        // A signal that came before the session, from the terminal of the caller, is not for the child. To ignore it
        // discards it.
        for number in OF_TERMINAL {
            libc::signal(number, libc::SIG_IGN);
        }
        let default = [0_u64; 8];
        // The exec gives the others their default.
        for number in
            (1..=64).filter(|number| OF_TERMINAL.contains(number) || birth.ignored.includes(*number))
        {
            let is_ignored = (number == libc::SIGHUP && keeps_hangup) || birth.ignores.contains(&number);
            if !is_ignored {
                let none = ptr::null::<u8>();
                libc::syscall(libc::SYS_rt_sigaction, number, default.as_ptr(), none, size_of::<u64>());
            }
        }
        for number in birth.ignores {
            libc::signal(*number, libc::SIG_IGN);
        }
        let mut empty = std::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&mut empty);
        libc::sigprocmask(libc::SIG_SETMASK, &empty, ptr::null_mut());
    }
    Ok(())
}

/// Opens the numbers of the child and closes all others, so that a child that hangs in its exec keeps nothing of the caller
/// open. Returns where the file of the program is, if it is an open file.
///
/// # Safety
/// As [`become_program`].
unsafe fn place_descriptors(birth: &Birth<'_>, report: &mut libc::c_int) -> Result<libc::c_int, Failure> {
    let count = libc::c_int::try_from(birth.descriptors.len()).unwrap_or(0);
    // Above the numbers of the child: the report, then the program.
    let above = |number: libc::c_int| {
        // SAFETY: a call by numbers.
        let copy = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, count + 2) };
        if copy == -1 { Err(failed(1)) } else { Ok(copy) }
    };
    *report = above(*report)?;
    let program = match birth.program {
        Program::File(file) => above(file.as_raw_fd())?,
        Program::Path(_) => -1,
    };
    let mut sources = [-1; DESCRIPTORS_MAX];
    for (place, source) in sources.iter_mut().zip(birth.descriptors) {
        *place = match source {
            Target::Fd(fd) if fd.as_raw_fd() < count + 2 => above(fd.as_raw_fd())?,
            Target::Fd(fd) => fd.as_raw_fd(),
            // SAFETY: the paths end with a zero.
            Target::Null => unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) },
            // SAFETY: as above.
            Target::Path(path) => unsafe { libc::open(path.as_ptr(), libc::O_RDWR) },
        };
        if *place == -1 {
            return Err(failed(1));
        }
        // One that was opened below: its number is needed.
        if *place < count + 2 {
            *place = above(*place)?;
        }
    }
    // SAFETY: calls by numbers. Where the kernel has no `close_range` (before 5.9), the exec closes the rest.
    unsafe {
        for (number, source) in (0..count).zip(sources) {
            if libc::dup2(source, number) == -1 {
                return Err(failed(1));
            }
        }
        if libc::dup3(*report, count, libc::O_CLOEXEC) == -1 {
            return Err(failed(1));
        }
        *report = count;
        let mut first = count + 1;
        if program != -1 {
            if libc::dup3(program, first, libc::O_CLOEXEC) == -1 {
                return Err(failed(1));
            }
            first += 1;
        }
        libc::syscall(libc::SYS_close_range, first, libc::c_int::MAX, 0);
        Ok(count + 1)
    }
}

/// Sets the limit on open files and the score for the OOM killer.
///
/// # Safety
/// As [`become_program`].
unsafe fn limit(birth: &Birth<'_>) -> Result<(), Failure> {
    // SAFETY: the structure is valid, the paths end with a zero, the text has that length.
    unsafe {
        if let Some((soft, hard)) = birth.open_files {
            let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
            if libc::setrlimit(libc::RLIMIT_NOFILE, &limit) != 0 {
                return Err(failed(0));
            }
        }
        if let Some(score) = birth.oom_score {
            let flags = libc::O_WRONLY | libc::O_CLOEXEC;
            let file = libc::open(c"/proc/self/oom_score_adj".as_ptr(), flags);
            let text = score.to_bytes();
            if libc::write(file, text.as_ptr().cast(), text.len()) == -1 {
                return Err(failed(0));
            }
            libc::close(file);
        }
    }
    Ok(())
}
