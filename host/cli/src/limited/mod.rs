//! Work in a separate process with limits, because it deals with what strangers have made: compiling a component, fetching one. The
//! process runs this binary under another name. It gets its input and two empty files, all of them in memory only, and nothing
//! else; it ends with the thread that waits for it, and so with the host.

mod confined;
mod semaphore;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::BorrowedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use provost_supervisor::Clock;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::render::humane::one_line;
pub(crate) use confined::{Confines, confine, number};
pub(crate) use semaphore::Semaphore;

/// How much of the message of the process is read, in bytes.
const WORDS_BYTES_MAX: u64 = 4 << 10;
/// How much of it is shown, in characters.
const WORDS_SHOWN: usize = 300;

/// What a process with limits is to do.
pub(crate) struct Job<'a> {
    /// The program name by which it recognises its work.
    pub(crate) name: &'static str,
    /// Its arguments. The id of this process follows them.
    pub(crate) arguments: Vec<String>,
    /// Its environment.
    pub(crate) environment: Vec<(&'static str, OsString)>,
    /// Its working directory.
    pub(crate) dir: &'static str,
    /// Its standard input.
    pub(crate) input: &'a [u8],
    /// How long it may take.
    pub(crate) most: Duration,
    /// A pipe whose other end is open for as long as anyone wants the result.
    pub(crate) wanted: Option<BorrowedFd<'a>>,
}

/// The end of the process.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Exited(ExitStatus),
    /// Its time was over, and it was killed.
    TooLate,
    /// Nobody wanted the result any more, and it was killed.
    Unwanted,
}

/// A process that has ended, with its output.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) end: End,
    output: File,
    words: File,
}

impl Job<'_> {
    /// Runs the process, and waits for its end.
    pub(crate) fn run(self) -> io::Result<Ran> {
        let anonymous = |name: &str| memfd_create(name, MemfdFlags::CLOEXEC).map(File::from);
        let (mut input, output, words) = (anonymous("input")?, anonymous("output")?, anonymous("words")?);
        input.write_all(self.input)?;
        input.rewind()?;
        let mut command = Command::new("/proc/self/exe");
        command
            .arg0(self.name)
            .args(self.arguments)
            .arg(std::process::id().to_string())
            .env_clear()
            .envs(self.environment)
            .env("MALLOC_ARENA_MAX", "2")
            .current_dir(self.dir)
            .process_group(0)
            .stdin(input)
            .stdout(output.try_clone()?)
            .stderr(words.try_clone()?);
        let mut running = Running(command.spawn()?);
        let end = running.wait(self.most, self.wanted)?;
        Ok(Ran { end, output, words })
    }
}

impl Ran {
    /// Returns its output, of which at most `most` bytes are read.
    pub(crate) fn output(&mut self, most: u64) -> io::Result<Vec<u8>> {
        let bytes = self.output.metadata()?.len();
        let mut output = Vec::with_capacity(usize::try_from(bytes.min(most)).unwrap_or(0));
        self.output.rewind()?;
        (&self.output).take(most).read_to_end(&mut output)?;
        Ok(output)
    }

    /// Returns the message of the process, as one line.
    pub(crate) fn words(&mut self) -> String {
        let mut bytes = Vec::new();
        // A message that cannot be read is left out.
        let _ = self.words.rewind();
        let _ = (&self.words).take(WORDS_BYTES_MAX).read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes);
        let line = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        one_line(&line).chars().take(WORDS_SHOWN).collect()
    }
}

/// Whether this message says that memory ran out. A failed allocation ends the process with it.
pub(crate) fn is_out_of_memory(words: &str) -> bool {
    ["memory allocation of", "Cannot allocate memory", "os error 12", "code: 12"]
        .into_iter()
        .any(|sign| words.contains(sign))
}

/// A process that is killed when this is dropped before it has ended.
struct Running(Child);

impl Running {
    /// Waits for its end, for at most this time and only as long as the pipe `wanted` is open.
    fn wait(&mut self, most: Duration, wanted: Option<BorrowedFd<'_>>) -> io::Result<End> {
        let ended = pidfd_open(Pid::from_child(&self.0), PidfdFlags::empty())?;
        let clock = Clock::new();
        let begun = clock.now().mono_ns;
        loop {
            let passed = Duration::from_nanos(clock.now().mono_ns.saturating_sub(begun));
            let Some(left) = most.checked_sub(passed).filter(|left| !left.is_zero()) else {
                return Ok(End::TooLate);
            };
            let left = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            };
            // Of the pipe only its end is reported, which needs no flag.
            let pipe = wanted.map(|wanted| PollFd::from_borrowed_fd(wanted, PollFlags::empty()));
            let mut all: Vec<PollFd<'_>> =
                [PollFd::new(&ended, PollFlags::IN)].into_iter().chain(pipe).collect();
            match poll(&mut all, Some(&left)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) if all.first().is_some_and(|process| process.revents().is_empty()) => {
                    return Ok(End::Unwanted);
                }
                Ok(_) => return self.0.wait().map(End::Exited),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A process that has been waited for is not killed.
        if let Ok(None) = self.0.try_wait() {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}
