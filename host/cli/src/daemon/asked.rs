//! Everything that can ask the host to stop: signals, `provost down`, the end of its terminal, the verdict of a policy; and the
//! signal that asks it to reload its config. The
//! handlers are installed before anything else, so that the host always reacts, even as process 1 of a container.

use std::fmt;
use std::io;
use std::task::Poll;
use std::time::Duration;

use provost_state::Signal;
use rustix::fs::{Mode, OFlags};
use tokio::signal::unix::{self, SignalKind};
use tokio::sync::{mpsc, watch};

/// The reason why the host stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Interrupted,
    Terminated,
    HungUp,
    TerminalGone,
    /// A client asked for it, such as `provost down`.
    Requested,
    /// A policy gave up on a process and on the host, which ends with this code.
    Judged(u8),
    /// The processes that the host waited for have ended; the exit code.
    Done(u8),
    /// The host could not be set up. The error is reported separately.
    Failed,
    /// Another keeper has everything, in the place of one that has ended, and starts the next host.
    Handed,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted => f.write_str("interrupted"),
            Self::Terminated => f.write_str("terminated"),
            Self::HungUp => f.write_str("the terminal was closed"),
            Self::TerminalGone => f.write_str("the terminal is gone"),
            Self::Requested => f.write_str("asked to stop"),
            Self::Judged(code) => write!(f, "a policy shuts the host down with code {code}"),
            Self::Done(_) => f.write_str("everything that was waited for has ended"),
            Self::Failed => f.write_str("the host cannot be set up"),
            Self::Handed => f.write_str("another keeper goes on"),
        }
    }
}

/// The effect of a signal on the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Stop(Why),
    /// The config is reloaded, unless the signal came from the end of the terminal.
    Reload,
    /// It is caught and ignored, because its default would end the host.
    GoOn,
    /// It keeps its default: it cannot be caught, it does not end a process, or it reports a fault of the host's own code,
    /// after which that code cannot continue.
    Left,
}

fn meaning(signal: Signal) -> Meaning {
    match signal.number() {
        libc::SIGINT => Meaning::Stop(Why::Interrupted),
        libc::SIGTERM | libc::SIGQUIT => Meaning::Stop(Why::Terminated),
        libc::SIGHUP => Meaning::Reload,
        libc::SIGKILL | libc::SIGSTOP => Meaning::Left,
        libc::SIGCHLD | libc::SIGCONT | libc::SIGURG | libc::SIGWINCH | libc::SIGPIPE => Meaning::Left,
        libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU => Meaning::Left,
        libc::SIGSEGV | libc::SIGBUS | libc::SIGILL | libc::SIGFPE | libc::SIGSYS => Meaning::Left,
        _ => Meaning::GoOn,
    }
}

/// Returns the log line for a signal that is ignored.
fn remark(signal: Signal) -> String {
    match signal.number() {
        libc::SIGXFSZ => format!("{signal}: a file has reached the limit on its size (ulimit -f)"),
        libc::SIGXCPU => {
            format!(
                "{signal}: the soft limit on CPU time is reached; at the hard one the kernel kills the host"
            )
        }
        _ => format!("{signal} has no meaning for the host, and is ignored"),
    }
}

/// The sources of requests to stop the host.
#[derive(Debug)]
pub(super) struct Asked {
    signals: Vec<(Signal, unix::Signal)>,
    /// The numbers of those that the keeper was sent, if there is one.
    passed_on: Option<mpsc::Receiver<i32>>,
    /// Whether the host ends with its terminal, because it runs in the foreground.
    ends_with_terminal: bool,
    terminal_gone: watch::Receiver<bool>,
    requests: Option<mpsc::Receiver<()>>,
    /// Whether the host was started with a controlling terminal.
    had_terminal: bool,
    /// Receives a message when the config is to be reloaded. One that is not yet taken stands for all that follow.
    reload: mpsc::Sender<()>,
    judged: Option<watch::Receiver<Option<u8>>>,
}

impl Asked {
    /// Installs the handlers, except that for SIGHUP if `ignore_hangup`. `passed_on` has the numbers of the signals that the
    /// keeper is sent, if there is one.
    pub(super) fn arm(
        ends_with_terminal: bool,
        ignore_hangup: bool,
        terminal_gone: watch::Receiver<bool>,
        reload: mpsc::Sender<()>,
        passed_on: Option<mpsc::Receiver<i32>>,
    ) -> io::Result<Self> {
        let mut signals = Vec::new();
        for signal in Signal::all() {
            let meaning = meaning(signal);
            // What a terminal sends to its group the keeper passes on.
            let is_passed_on = passed_on.is_some() && matches!(signal.number(), libc::SIGINT | libc::SIGQUIT);
            if meaning == Meaning::Left || signal == Signal::HUP && ignore_hangup || is_passed_on {
                continue;
            }
            match unix::signal(SignalKind::from_raw(signal.number())) {
                Ok(stream) => signals.push((signal, stream)),
                Err(error) if meaning == Meaning::GoOn => {
                    tracing::warn!("{signal} cannot be handled: {error}");
                }
                Err(error) => return Err(error),
            }
        }
        // When several signals are pending, those that stop the host are taken first.
        signals.sort_by_key(|(signal, _)| !matches!(meaning(*signal), Meaning::Stop(_)));
        let had_terminal = has_terminal();
        Ok(Self {
            signals,
            passed_on,
            ends_with_terminal,
            terminal_gone,
            requests: None,
            had_terminal,
            reload,
            judged: None,
        })
    }

    /// Also listens to the requests of clients and to the verdicts of policies.
    pub(super) fn listen_to(&mut self, requests: mpsc::Receiver<()>, judged: watch::Receiver<Option<u8>>) {
        (self.requests, self.judged) = (Some(requests), Some(judged));
    }

    /// Waits for the next request to stop.
    pub(super) async fn next(&mut self) -> Why {
        loop {
            let signal = tokio::select! {
                biased;
                signal = signal(&mut self.signals) => signal,
                signal = passed_on(&mut self.passed_on) => signal,
                () = gone(&mut self.terminal_gone), if self.ends_with_terminal => {
                    // This is reported only once.
                    self.ends_with_terminal = false;
                    return Why::TerminalGone;
                }
                () = requested(&mut self.requests) => return Why::Requested,
                code = judged(&mut self.judged) => {
                    self.judged = None;
                    return Why::Judged(code);
                }
            };
            match meaning(signal) {
                Meaning::Reload
                    if self.ends_with_terminal && self.had_terminal && terminal_closed().await =>
                {
                    return Why::HungUp;
                }
                Meaning::Reload => {
                    tracing::info!("{signal}: the config is reloaded");
                    // A full channel means that a reload will begin that sees the file as it is now.
                    let _ = self.reload.try_send(());
                }
                Meaning::Stop(why) => return why,
                Meaning::GoOn | Meaning::Left => tracing::warn!("{}", remark(signal)),
            }
        }
    }
}

/// How long the kernel may take from the signal about the end of a terminal until the terminal is taken from its processes.
const HANGUP: Duration = Duration::from_millis(200);

/// Whether the terminal of this program was closed, which is known a moment after the signal.
async fn terminal_closed() -> bool {
    tokio::time::sleep(HANGUP).await;
    !has_terminal()
}

/// Whether this program has a controlling terminal that is still there.
fn has_terminal() -> bool {
    let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    rustix::fs::open("/dev/tty", flags, Mode::empty()).is_ok()
}

async fn signal(signals: &mut [(Signal, unix::Signal)]) -> Signal {
    std::future::poll_fn(|context| {
        for (signal, stream) in &mut *signals {
            if let Poll::Ready(Some(())) = stream.poll_recv(context) {
                return Poll::Ready(*signal);
            }
        }
        Poll::Pending
    })
    .await
}

/// Waits for a signal that the keeper was sent.
async fn passed_on(signals: &mut Option<mpsc::Receiver<i32>>) -> Signal {
    while let Some(numbers) = signals {
        match numbers.recv().await {
            Some(number) => {
                if let Some(signal) = Signal::new(number) {
                    return signal;
                }
            }
            // The keeper is gone.
            None => *signals = None,
        }
    }
    std::future::pending().await
}

async fn gone(terminal: &mut watch::Receiver<bool>) {
    if terminal.wait_for(|gone| *gone).await.is_err() {
        std::future::pending().await
    }
}

async fn requested(requests: &mut Option<mpsc::Receiver<()>>) {
    let request = match requests {
        Some(requests) => requests.recv().await,
        None => None,
    };
    if request.is_none() {
        std::future::pending().await
    }
}

/// Waits until a policy shuts the host down, and returns the exit code.
async fn judged(wanted: &mut Option<watch::Receiver<Option<u8>>>) -> u8 {
    let code = match wanted {
        Some(wanted) => wanted.wait_for(Option::is_some).await.ok().and_then(|code| *code),
        None => None,
    };
    match code {
        Some(code) => code,
        // The supervisor is gone, so no policy can ask any more.
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_that_would_end_the_host_is_handled_if_the_host_can_continue_after_it() {
        let named = |wanted: fn(Meaning) -> bool| {
            let found = Signal::all().filter(|signal| wanted(meaning(*signal)) && signal.number() < 35);
            found.map(|signal| signal.to_string()).collect::<Vec<_>>().join(" ")
        };
        insta::assert_snapshot!(
            named(|meaning| matches!(meaning, Meaning::Stop(_))),
            @"SIGINT SIGQUIT SIGTERM"
        );
        insta::assert_snapshot!(named(|meaning| meaning == Meaning::Reload), @"SIGHUP");
        insta::assert_snapshot!(
            named(|meaning| meaning == Meaning::GoOn),
            @"SIGTRAP SIGABRT SIGUSR1 SIGUSR2 SIGALRM SIGSTKFLT SIGXCPU SIGXFSZ SIGVTALRM SIGPROF SIGIO SIGPWR SIGRTMIN"
        );
    }
}
