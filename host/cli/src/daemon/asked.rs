//! All that can ask the host to stop: signals, `provost down`, the end of its terminal, the verdict of a policy. The handlers
//! are armed before anything else is done, so that the host is never deaf, also not as process 1 of a container.

use std::fmt;
use std::io;
use std::task::Poll;

use provost_state::Signal;
use tokio::signal::unix::{self, SignalKind};
use tokio::sync::{mpsc, watch};

/// Why the host stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Interrupted,
    Terminated,
    HungUp,
    TerminalGone,
    Told,
    /// A policy gave up on a process, and with it on the host, which is to end with this code.
    Judged(u8),
    /// What it was to wait for is over; the exit code.
    Done(u8),
    /// The host could not be set up. It says why itself.
    Failed,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted => f.write_str("interrupted"),
            Self::Terminated => f.write_str("terminated"),
            Self::HungUp => f.write_str("the terminal was closed"),
            Self::TerminalGone => f.write_str("the terminal is gone"),
            Self::Told => f.write_str("told to stop"),
            Self::Judged(code) => write!(f, "a policy shuts the host down with code {code}"),
            Self::Done(_) => f.write_str("everything that was waited for has ended"),
            Self::Failed => f.write_str("the host cannot be set up"),
        }
    }
}

/// What a signal means to the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Stop(Why),
    /// Its default would end the host; nothing is meant by it.
    GoOn,
    /// It is left as it is: it cannot be caught, it does not end a process, or it reports a fault of the host's own code,
    /// after which that code cannot go on.
    Left,
}

fn meaning(signal: Signal) -> Meaning {
    match signal.number() {
        libc::SIGINT => Meaning::Stop(Why::Interrupted),
        libc::SIGTERM | libc::SIGQUIT => Meaning::Stop(Why::Terminated),
        libc::SIGHUP => Meaning::Stop(Why::HungUp),
        libc::SIGKILL | libc::SIGSTOP => Meaning::Left,
        libc::SIGCHLD | libc::SIGCONT | libc::SIGURG | libc::SIGWINCH | libc::SIGPIPE => Meaning::Left,
        libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU => Meaning::Left,
        libc::SIGSEGV | libc::SIGBUS | libc::SIGILL | libc::SIGFPE | libc::SIGSYS => Meaning::Left,
        _ => Meaning::GoOn,
    }
}

/// What the log says of a signal that means nothing.
fn remark(signal: Signal) -> String {
    match signal.number() {
        libc::SIGXFSZ => format!("{signal}: a file has reached the limit on its size (ulimit -f)"),
        libc::SIGXCPU => {
            format!(
                "{signal}: the soft limit on CPU time is reached; at the hard one the kernel kills the host"
            )
        }
        _ => format!("{signal} means nothing to the host: it goes on"),
    }
}

/// All that can ask the host to stop.
#[derive(Debug)]
pub(super) struct Asked {
    signals: Vec<(Signal, unix::Signal)>,
    /// Whether the host ends with its terminal: it runs in the foreground.
    ends_with_terminal: bool,
    terminal_gone: watch::Receiver<bool>,
    told: Option<mpsc::Receiver<()>>,
    judged: Option<watch::Receiver<Option<u8>>>,
}

impl Asked {
    /// Installs the handlers. A SIGHUP that is ignored stays so if `ignore_hangup` says so.
    pub(super) fn arm(
        ends_with_terminal: bool,
        ignore_hangup: bool,
        terminal_gone: watch::Receiver<bool>,
    ) -> io::Result<Self> {
        let mut signals = Vec::new();
        for signal in Signal::all() {
            let meaning = meaning(signal);
            if meaning == Meaning::Left || signal == Signal::HUP && ignore_hangup {
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
        // Those that stop the host come first when several have come.
        signals.sort_by_key(|(signal, _)| meaning(*signal) == Meaning::GoOn);
        Ok(Self { signals, ends_with_terminal, terminal_gone, told: None, judged: None })
    }

    /// Listens to people and policies as well.
    pub(super) fn listen_to(&mut self, told: mpsc::Receiver<()>, judged: watch::Receiver<Option<u8>>) {
        (self.told, self.judged) = (Some(told), Some(judged));
    }

    /// Waits until somebody asks.
    pub(super) async fn next(&mut self) -> Why {
        loop {
            let signal = tokio::select! {
                biased;
                signal = signal(&mut self.signals) => signal,
                () = gone(&mut self.terminal_gone), if self.ends_with_terminal => {
                    // It is gone only once.
                    self.ends_with_terminal = false;
                    return Why::TerminalGone;
                }
                () = told_to_stop(&mut self.told) => return Why::Told,
                code = judged(&mut self.judged) => {
                    self.judged = None;
                    return Why::Judged(code);
                }
            };
            match meaning(signal) {
                Meaning::Stop(Why::HungUp) if !self.ends_with_terminal => {
                    tracing::info!("{signal}: the host has no terminal to lose, and goes on");
                }
                Meaning::Stop(why) => return why,
                Meaning::GoOn | Meaning::Left => tracing::warn!("{}", remark(signal)),
            }
        }
    }
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

async fn gone(terminal: &mut watch::Receiver<bool>) {
    if terminal.wait_for(|gone| *gone).await.is_err() {
        std::future::pending().await
    }
}

async fn told_to_stop(told: &mut Option<mpsc::Receiver<()>>) {
    let asked = match told {
        Some(told) => told.recv().await,
        None => None,
    };
    if asked.is_none() {
        std::future::pending().await
    }
}

/// The exit code, once a policy wants the host to end.
async fn judged(wanted: &mut Option<watch::Receiver<Option<u8>>>) -> u8 {
    let code = match wanted {
        Some(wanted) => wanted.wait_for(Option::is_some).await.ok().and_then(|code| *code),
        None => None,
    };
    match code {
        Some(code) => code,
        // Nobody is left who could want it.
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_that_would_end_the_host_is_handled_if_the_host_can_go_on_after_it() {
        let named = |wanted: fn(Meaning) -> bool| {
            let found = Signal::all().filter(|signal| wanted(meaning(*signal)) && signal.number() < 35);
            found.map(|signal| signal.to_string()).collect::<Vec<_>>().join(" ")
        };
        insta::assert_snapshot!(
            named(|meaning| matches!(meaning, Meaning::Stop(_))),
            @"SIGHUP SIGINT SIGQUIT SIGTERM"
        );
        insta::assert_snapshot!(
            named(|meaning| meaning == Meaning::GoOn),
            @"SIGTRAP SIGABRT SIGUSR1 SIGUSR2 SIGALRM SIGSTKFLT SIGXCPU SIGXFSZ SIGVTALRM SIGPROF SIGIO SIGPWR SIGRTMIN"
        );
    }
}
