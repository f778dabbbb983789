//! Compilation in a separate process with limits, because a component of a megabyte can take minutes and gigabytes to compile.
//! The process runs this binary under another name ([`stage`]), and gets the component and nothing else.

mod stage;

use std::io;
use std::ops::RangeInclusive;
use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::time::Duration;

use provost_plugin_host::{CompileError, Compiler, Layout};

use crate::limited::{End, Job, Ran, Semaphore, is_out_of_memory};
use crate::render::humane::{delay, size};
pub use stage::run_if_compiler;

/// The size up to which a component is small, in bytes: it compiles fast, so the start of a host waits longer for it.
pub(crate) const SMALL_BYTES: usize = 1 << 20;

/// The niceness of the compilation of a component that is not small.
const NICE: u64 = 10;

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

impl CompileLimits {
    /// The least memory that can be given, in bytes: nothing can be compiled in less.
    pub(crate) const MEMORY_BYTES_MIN: u64 = 64 << 20;

    /// The times that can be given, in milliseconds.
    pub(crate) const TIME_MS: RangeInclusive<u64> = 1_000..=3_600_000;
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self { memory_bytes: 2 << 30, time_ms: 120_000 }
    }
}

/// The limits that the options of a command set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CompileOptions {
    /// The address space, in bytes.
    pub(crate) memory_bytes: Option<u64>,
    /// The limit on both wall-clock and processor time, in milliseconds.
    pub(crate) time_ms: Option<u64>,
}

impl CompileOptions {
    /// Returns `limits` with those that the options set in their place.
    fn over(self, limits: CompileLimits) -> CompileLimits {
        CompileLimits {
            memory_bytes: self.memory_bytes.unwrap_or(limits.memory_bytes),
            time_ms: self.time_ms.unwrap_or(limits.time_ms),
        }
    }
}

/// What sets the limits of a compiler, so that an error says where to raise one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum SetBy {
    /// `compile` in `[plugins]` of a config.
    #[default]
    Config,
    /// The options of a command.
    Options,
}

impl SetBy {
    const fn memory(self) -> &'static str {
        match self {
            Self::Config => "`compile.memory` in [plugins]",
            Self::Options => "`--compile-memory`",
        }
    }

    const fn time(self) -> &'static str {
        match self {
            Self::Config => "`compile.time` in [plugins]",
            Self::Options => "`--compile-time`",
        }
    }
}

/// A compiler that runs a separate process for each component.
#[derive(Debug, Default)]
pub(crate) struct ChildCompiler {
    limits: CompileLimits,
    set_by: SetBy,
    permits: Semaphore,
}

impl ChildCompiler {
    /// Creates a compiler with the limits of a config.
    pub(crate) fn within(limits: CompileLimits) -> Arc<dyn Compiler> {
        Arc::new(Self { limits, ..Self::default() })
    }

    /// Creates a compiler for a command with these options. What they do not set is that of `limits`.
    pub(crate) fn with_options(options: CompileOptions, limits: CompileLimits) -> Arc<dyn Compiler> {
        Arc::new(Self { limits: options.over(limits), set_by: SetBy::Options, ..Self::default() })
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
            End::Exited(status) if status.success() => ran.output(CODE_BYTES_MAX).map_err(failed),
            End::Exited(status) if status.code() == Some(i32::from(stage::INVALID)) => {
                Err(CompileError::Invalid(ran.words()))
            }
            end => Err(CompileError::Failed(why(end, &ran.words(), self.limits, self.set_by))),
        }
    }
}

/// Returns why there is no code; the text follows the name of the component.
fn why(end: End, words: &str, limits: CompileLimits, set_by: SetBy) -> String {
    let time = delay(limits.time_ms);
    let memory = || {
        format!(
            "was not compiled: that takes more than {} of memory, which is what {} gives it; raise it if you trust the component",
            size(limits.memory_bytes),
            set_by.memory()
        )
    };
    let too_long = |of: &str| {
        format!(
            "was not compiled: that takes more than {time}{of}, which is what {} gives it; raise it if you trust the component",
            set_by.time()
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

fn run(component: &[u8], layout: Layout, limits: CompileLimits) -> io::Result<Ran> {
    let nice = if component.len() <= SMALL_BYTES { 0 } else { NICE };
    let seconds = limits.time_ms.div_ceil(1_000).max(1);
    let mut arguments = vec![layout.as_str().to_owned()];
    arguments.extend([limits.memory_bytes, seconds, CODE_BYTES_MAX, nice].map(|limit| limit.to_string()));
    let job = Job {
        name: stage::STAGE_NAME,
        arguments,
        // Each thread takes some of the address space.
        environment: vec![("RAYON_NUM_THREADS", threads().to_string().into())],
        dir: "/",
        input: component,
        most: Duration::from_millis(limits.time_ms),
        wanted: None,
    };
    job.run()
}

/// Returns the number of threads that compile one component.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(4)
}

#[cfg(test)]
mod tests {
    use std::process::ExitStatus;

    use super::*;

    const LIMITS: CompileLimits = CompileLimits { memory_bytes: 64 << 20, time_ms: 2_000 };

    fn of_signal(signal: i32, words: &str) -> String {
        why(End::Exited(ExitStatus::from_raw(signal)), words, LIMITS, SetBy::Config)
    }

    #[test]
    fn the_limit_that_was_hit_is_named() {
        insta::assert_snapshot!(why(End::TooLate, "", LIMITS, SetBy::Config), @"was not compiled: that takes more than 2.0s, which is what `compile.time` in [plugins] gives it; raise it if you trust the component");
        insta::assert_snapshot!(of_signal(libc::SIGXCPU, ""), @"was not compiled: that takes more than 2.0s of processor time, which is what `compile.time` in [plugins] gives it; raise it if you trust the component");
        insta::assert_snapshot!(of_signal(libc::SIGABRT, "memory allocation of 4096 bytes failed"), @"was not compiled: that takes more than 64 MiB of memory, which is what `compile.memory` in [plugins] gives it; raise it if you trust the component");
        insta::assert_snapshot!(of_signal(libc::SIGXFSZ, ""), @"was not compiled: its code has more than 512 MiB");
        insta::assert_snapshot!(of_signal(libc::SIGSEGV, ""), @"was not compiled: the compiler was ended by signal 11");
        insta::assert_snapshot!(of_signal(1 << 8, "thread panicked"), @"was not compiled: thread panicked");
    }
    #[test]
    fn a_command_names_its_own_options() {
        let by_options = |end: End, words: &str| why(end, words, LIMITS, SetBy::Options);
        let aborted = End::Exited(ExitStatus::from_raw(libc::SIGABRT));
        insta::assert_snapshot!(by_options(End::TooLate, ""), @"was not compiled: that takes more than 2.0s, which is what `--compile-time` gives it; raise it if you trust the component");
        insta::assert_snapshot!(by_options(aborted, "memory allocation of 4096 bytes failed"), @"was not compiled: that takes more than 64 MiB of memory, which is what `--compile-memory` gives it; raise it if you trust the component");
    }

    #[test]
    fn what_no_option_sets_stays_as_it_is() {
        let options = CompileOptions { memory_bytes: None, time_ms: Some(600_000) };
        let limits = options.over(LIMITS);
        assert_eq!((limits.memory_bytes, limits.time_ms), (LIMITS.memory_bytes, 600_000));
    }
}
