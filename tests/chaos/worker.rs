//! The program of the processes: this test again, with other arguments. It sees a second copy of itself, counts what it has
//! written, and notes how it is about to end.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::ExitCode;

use provost_tests::runs::{Random, pause};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::{Signal, getpid, kill_process};

use crate::fleet::Kind;
use crate::places::{COUNTS, DOUBLES, ENDS, LINES, LIVES, LOCKS};

/// The exit code of a process that has found another copy of itself.
const DOUBLE: u8 = 101;

/// The exit code of a process that could not do its work, such as one without a place for its files.
const BROKEN: u8 = 102;

/// The highest exit code of a process that has decided to end.
pub(crate) const CODE_MAX: u64 = 99;

/// How a process ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Code(u8),
    Signal(Signal),
}

/// One life of a process.
struct Life {
    name: String,
    incarnation: u64,
    pid: i32,
    /// The numbers of lines that were written to standard output and to standard error.
    counted: [u64; 2],
    counts: File,
    /// Held as long as this process lives. Programs that are executed do not inherit it.
    _lock: File,
}

/// Runs as a process of this kind, with this seed.
pub(crate) fn run(kind: &str, seed: &str) -> ExitCode {
    let (Some(kind), Ok(seed)) = (Kind::of(kind), seed.parse()) else { return ExitCode::from(BROKEN) };
    match Life::begin() {
        Ok(Some(life)) => life.live(kind, seed),
        Ok(None) => ExitCode::from(DOUBLE),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(BROKEN)
        }
    }
}

/// Appends one line to a file with one write.
fn append(path: &Path, line: &str) -> std::io::Result<()> {
    OpenOptions::new().create(true).append(true).open(path)?.write_all(line.as_bytes())
}

impl Life {
    /// Returns `None` if another copy of this process runs.
    fn begin() -> std::io::Result<Option<Self>> {
        let variable = |name| std::env::var(name).map_err(std::io::Error::other);
        let name = variable("PROVOST_PROCESS")?;
        let incarnation = variable("PROVOST_INCARNATION")?.parse().map_err(std::io::Error::other)?;
        let lock = OpenOptions::new().create(true).append(true).open(Path::new(LOCKS).join(&name))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                append(
                    Path::new(DOUBLES),
                    &format!("{name}: another copy runs as incarnation {incarnation} begins\n"),
                )?;
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        }
        let pid = getpid().as_raw_nonzero().get();
        append(&Path::new(LIVES).join(&name), &format!("{incarnation} {pid}\n"))?;
        let counts = File::create(Path::new(COUNTS).join(format!("{name} {incarnation} {pid}")))?;
        Ok(Some(Self { name, incarnation, pid, counted: [0; 2], counts, _lock: lock }))
    }

    fn live(mut self, kind: Kind, seed: u64) -> ExitCode {
        let mut random = Random::of(seed, &format!("{} {}", self.name, self.incarnation));
        let rounds = match kind {
            Kind::Crashing => random.between(2, 40),
            _ => u64::MAX,
        };
        for _ in 0..rounds {
            let lines = match kind {
                // More than a pipe holds, now and then.
                Kind::Loud if random.below(60) == 0 => 4_000,
                Kind::Loud => random.between(10, 60),
                _ => random.between(0, 2),
            };
            for _ in 0..lines {
                if let Err(error) = self.write(usize::from(random.below(8) == 0)) {
                    // Its reader must never be gone.
                    let said = append(Path::new(DOUBLES), &format!("{}: cannot write: {error}\n", self.name));
                    return ExitCode::from(if said.is_ok() { DOUBLE } else { BROKEN });
                }
            }
            pause(random.between(50, 150));
        }
        self.end(&mut random)
    }

    /// Writes one line and then counts it.
    fn write(&mut self, stream: usize) -> std::io::Result<()> {
        let number = self.counted[stream] + 1;
        let line = format!("{} {} {} {number}\n", LINES[stream], self.incarnation, self.pid);
        match stream {
            0 => rustix::io::write(rustix::stdio::stdout(), line.as_bytes()),
            _ => rustix::io::write(rustix::stdio::stderr(), line.as_bytes()),
        }?;
        self.counted[stream] = number;
        self.counts.write_all_at(&number.to_le_bytes(), 8 * stream as u64)
    }

    /// Ends in a random way, after that was noted.
    fn end(self, random: &mut Random) -> ExitCode {
        let end = match random.below(4) {
            0 => End::Signal(*random.pick(&[Signal::KILL, Signal::USR1, Signal::ALARM])),
            _ => End::Code(u8::try_from(random.below(CODE_MAX + 1)).unwrap_or(BROKEN)),
        };
        let noted = match end {
            End::Code(code) => format!("code {code}\n"),
            End::Signal(signal) => format!("signal {}\n", signal.as_raw()),
        };
        if append(&Path::new(ENDS).join(format!("{} {} {}", self.name, self.incarnation, self.pid)), &noted)
            .is_err()
        {
            return ExitCode::from(BROKEN);
        }
        match end {
            End::Code(code) => ExitCode::from(code),
            End::Signal(signal) => {
                let _ = kill_process(getpid(), signal);
                ExitCode::from(BROKEN)
            }
        }
    }
}
