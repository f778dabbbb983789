//! Compilation in a process of its own, with limits: a component of a megabyte can take minutes and gigabytes to compile, and
//! neither is the host's. The process is this binary again, told apart by its name ([`stage`]). It is given the component and two empty files,
//! all of them in memory alone, and nothing else; it ends with the thread that waits for it, and so with the host.

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

/// A component up to this size is waited for by whoever starts a host, in bytes: it compiles in a moment.
pub(crate) const SMALL_BYTES: usize = 1 << 20;

/// How much others come before a component that is not small.
const NICE: u64 = 10;

/// What is read of the last words of the process, in bytes.
const WORDS_BYTES_MAX: u64 = 4 << 10;
/// What is shown of them, in characters.
const WORDS_SHOWN: usize = 300;

/// The largest code that a component may become, in bytes.
const CODE_BYTES_MAX: u64 = 512 << 20;

/// What the compilation of one component may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompileLimits {
    /// Address space, in bytes. 2 GiB by default: the largest interpreters take a third of it.
    pub memory_bytes: u64,
    /// Time by the clock, and processor time, each in milliseconds. Two minutes by default.
    pub time_ms: u64,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self { memory_bytes: 2 << 30, time_ms: 120_000 }
    }
}

/// Compiles each component in a process of its own.
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

/// How the process ended.
#[derive(Clone, Copy, Debug)]
enum End {
    Exited(ExitStatus),
    /// It had no time left, and was killed.
    TooLate,
}

/// What a process has left.
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

    /// What it said, in one line.
    fn words(&mut self) -> String {
        let mut bytes = Vec::new();
        // What cannot be read says nothing.
        let _ = self.words.rewind();
        let _ = (&self.words).take(WORDS_BYTES_MAX).read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes);
        let line = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        one_line(&line).chars().take(WORDS_SHOWN).collect()
    }
}

/// Why there is no code, after the name of the component.
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

/// Do these words say that there was no memory? An allocation that fails ends the process with them.
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
        // Each thread takes of the address space.
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

/// The threads that one component is compiled on.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(4)
}

/// A process that is killed if it is not waited for.
struct Running(Child);

impl Running {
    /// Waits for its end; `None` if that has not come within `most`.
    fn wait(&mut self, most: Duration) -> io::Result<Option<ExitStatus>> {
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("it has no process id"))?;
        let ended = pidfd_open(pid, PidfdFlags::empty())?;
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
        // One that has been waited for is not killed any more.
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
