//! Compilation in a separate process with limits, because a component of a megabyte can take minutes and gigabytes to compile.
//! The process runs this binary under another name ([`stage`]). It gets the component and two empty files, all of them in memory
//! only, and nothing else; it ends with the thread that waits for it, and so with the host.

mod semaphore;
mod stage;

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

use provost_plugin_host::{CompileError, Compiler, Layout};
use provost_supervisor::Clock;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::render::humane::{delay, one_line, size};
pub use stage::run_if_compiler;

use semaphore::Semaphore;

/// The size up to which a component is small, in bytes: it compiles fast, so the start of a host waits longer for it.
pub(crate) const SMALL_BYTES: usize = 1 << 20;

/// The niceness of the compilation of a component that is not small.
const NICE: u64 = 10;

/// How much of the message of the process is read, in bytes.
const WORDS_BYTES_MAX: u64 = 4 << 10;
/// How much of it is shown, in characters.
const WORDS_SHOWN: usize = 300;

/// The largest machine code of a component, in bytes.
const CODE_BYTES_MAX: u64 = 512 << 20;

/// What the compilation of one component may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompileLimits {
    /// The address space, in bytes. The default is 2 GiB, of which the largest interpreters take a third.
    pub memory_bytes: u64,
    /// The limit on both wall-clock and processor time, in milliseconds. The default is two minutes.
    pub time_ms: u64,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self { memory_bytes: 2 << 30, time_ms: 120_000 }
    }
}

/// A compiler that runs a separate process for each component.
#[derive(Debug, Default)]
pub(crate) struct ChildCompiler {
    limits: CompileLimits,
    permits: Semaphore,
}

impl ChildCompiler {
    pub(crate) fn within(limits: CompileLimits) -> Arc<dyn Compiler> {
        Arc::new(Self { limits, permits: Semaphore::default() })
    }
}

impl Compiler for ChildCompiler {
    fn compile(&self, component: &[u8], layout: Layout) -> Result<Vec<u8>, CompileError> {
        let _permit = self.permits.acquire();
        fail::fail_point!("compile.start");
        let failed = |error: io::Error| {
            CompileError::Failed(format!("was not compiled: the compiler cannot be run: {error}"))
        };
        let mut ran = run(component, layout, self.limits).map_err(failed)?;
        match ran.end {
            End::Exited(status) if status.success() => ran.code().map_err(failed),
            End::Exited(status) if status.code() == Some(i32::from(stage::INVALID)) => {
                Err(CompileError::Invalid(ran.words()))
            }
            end => Err(CompileError::Failed(why(end, &ran.words(), self.limits))),
        }
    }
}

/// The end of the process.
#[derive(Clone, Copy, Debug)]
enum End {
    Exited(ExitStatus),
    /// Its time was over, and it was killed.
    TooLate,
}

/// A process that has ended, with its output.
#[derive(Debug)]
struct Ran {
    end: End,
    code: File,
    words: File,
}

impl Ran {
    fn code(&mut self) -> io::Result<Vec<u8>> {
        let bytes = self.code.metadata()?.len();
        let mut code = Vec::with_capacity(usize::try_from(bytes.min(CODE_BYTES_MAX)).unwrap_or(0));
        self.code.rewind()?;
        (&self.code).take(CODE_BYTES_MAX).read_to_end(&mut code)?;
        Ok(code)
    }

    /// Returns the message of the process, as one line.
    fn words(&mut self) -> String {
        let mut bytes = Vec::new();
        // A message that cannot be read is left out.
        let _ = self.words.rewind();
        let _ = (&self.words).take(WORDS_BYTES_MAX).read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes);
        let line = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        one_line(&line).chars().take(WORDS_SHOWN).collect()
    }
}

/// Returns why there is no code; the text follows the name of the component.
fn why(end: End, words: &str, limits: CompileLimits) -> String {
    let time = delay(limits.time_ms);
    let memory = || {
        format!(
            "was not compiled: that takes more than {} of memory, which is what `compile.memory` in [plugins] gives it; raise it if you \
             trust the component",
            size(limits.memory_bytes)
        )
    };
    let too_long = |of: &str| {
        format!(
            "was not compiled: that takes more than {time}{of}, which is what `compile.time` in [plugins] gives it; raise it if you trust \
             the component"
        )
    };
    let said = if words.is_empty() { String::new() } else { format!(": {words}") };
    let End::Exited(status) = end else { return too_long("") };
    match status.signal() {
        Some(libc::SIGXCPU) => too_long(" of processor time"),
        Some(libc::SIGXFSZ) => {
            format!("was not compiled: its code has more than {}", size(CODE_BYTES_MAX))
        }
        _ if is_out_of_memory(words) => memory(),
        Some(signal) => format!("was not compiled: the compiler was ended by signal {signal}{said}"),
        None => format!("was not compiled{said}"),
    }
}

/// Whether this message says that memory ran out. A failed allocation ends the process with it.
fn is_out_of_memory(words: &str) -> bool {
    ["memory allocation of", "Cannot allocate memory", "os error 12", "code: 12"]
        .into_iter()
        .any(|sign| words.contains(sign))
}

fn run(component: &[u8], layout: Layout, limits: CompileLimits) -> io::Result<Ran> {
    let anonymous = |name: &str| memfd_create(name, MemfdFlags::CLOEXEC).map(File::from);
    let (mut input, code, words) = (anonymous("component")?, anonymous("code")?, anonymous("words")?);
    input.write_all(component)?;
    input.rewind()?;
    let nice = if component.len() <= SMALL_BYTES { 0 } else { NICE };
    let seconds = limits.time_ms.div_ceil(1_000).max(1);
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0(stage::STAGE_NAME)
        .arg(layout.as_str())
        .args([limits.memory_bytes, seconds, CODE_BYTES_MAX, nice].map(|limit| limit.to_string()))
        .arg(std::process::id().to_string())
        .env_clear()
        // Each thread takes some of the address space.
        .env("RAYON_NUM_THREADS", threads().to_string())
        .env("MALLOC_ARENA_MAX", "2")
        .current_dir("/")
        .process_group(0)
        .stdin(input)
        .stdout(code.try_clone()?)
        .stderr(words.try_clone()?);
    let mut running = Running(command.spawn()?);
    let end = match running.wait(Duration::from_millis(limits.time_ms))? {
        Some(status) => End::Exited(status),
        None => End::TooLate,
    };
    Ok(Ran { end, code, words })
}

/// Returns the number of threads that compile one component.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(4)
}

/// A process that is killed when this is dropped before it has ended.
struct Running(Child);

impl Running {
    /// Waits for its end; returns `None` if it has not ended within `most`.
    fn wait(&mut self, most: Duration) -> io::Result<Option<ExitStatus>> {
        let ended = pidfd_open(Pid::from_child(&self.0), PidfdFlags::empty())?;
        let clock = Clock::new();
        let begun = clock.now().mono_ns;
        loop {
            let passed = Duration::from_nanos(clock.now().mono_ns.saturating_sub(begun));
            let Some(left) = most.checked_sub(passed).filter(|left| !left.is_zero()) else { return Ok(None) };
            let left = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            };
            match poll(&mut [PollFd::new(&ended, PollFlags::IN)], Some(&left)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return self.0.wait().map(Some),
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

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: CompileLimits = CompileLimits { memory_bytes: 64 << 20, time_ms: 2_000 };

    fn of_signal(signal: i32, words: &str) -> String {
        why(End::Exited(ExitStatus::from_raw(signal)), words, LIMITS)
    }

    #[test]
    fn the_limit_that_was_hit_is_named() {
        insta::assert_snapshot!(why(End::TooLate, "", LIMITS), @"was not compiled: that takes more than 2.0s, which is what `compile.time` in [plugins] gives it; raise it if you trust the component");
        insta::assert_snapshot!(of_signal(libc::SIGXCPU, ""), @"was not compiled: that takes more than 2.0s of processor time, which is what `compile.time` in [plugins] gives it; raise it if you trust the component");
        insta::assert_snapshot!(of_signal(libc::SIGABRT, "memory allocation of 4096 bytes failed"), @"was not compiled: that takes more than 64 MiB of memory, which is what `compile.memory` in [plugins] gives it; raise it if you trust the component");
        insta::assert_snapshot!(of_signal(libc::SIGXFSZ, ""), @"was not compiled: its code has more than 512 MiB");
        insta::assert_snapshot!(of_signal(libc::SIGSEGV, ""), @"was not compiled: the compiler was ended by signal 11");
        insta::assert_snapshot!(of_signal(1 << 8, "thread panicked"), @"was not compiled: thread panicked");
    }
}
