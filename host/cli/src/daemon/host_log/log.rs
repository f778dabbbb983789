//! The host's log: where its lines go, also when a stream breaks.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use provost_supervisor::{Clock, Degraded};
use tokio::sync::watch;
use tracing::Level;

use crate::daemon::output::{Bounds, Broken, Entry, Event, Layout, Output, Rotating, Sink, Stream};
use crate::render::humane::{counted, one_line};
use crate::render::style::Paint;

/// The bounds of the queues for standard error and for the file.
const BOUNDS: Bounds = Bounds { lines: 8_192, bytes: 1 << 20 };

/// The bounds of the queue for the terminal on which the output of processes is shown. One line may have 1 MiB.
const SCREEN_BOUNDS: Bounds = Bounds { lines: 16_384, bytes: 4 << 20 };

/// The name of the log in the list of what is degraded.
const WHAT: &str = "the host's log";

/// The name of the file in the runtime directory.
pub(crate) const HOST_LOG_NAME: &str = "provost.log";

/// The destinations of the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// Standard error and the file.
    Stream,
    /// The file alone.
    File,
}

/// The host's log. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct HostLog(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    home: Home,
    stream: Output,
    file: Output,
    /// The path of the file, once the runtime directory is known.
    path: OnceLock<PathBuf>,
    width: Arc<AtomicUsize>,
    degraded: Degraded,
    /// Whether the host ends with its terminal.
    attached: bool,
    terminal_gone: watch::Sender<bool>,
    /// Whether the standard streams of the host follow the file.
    streams_follow: Arc<AtomicBool>,
    /// Changed after each write to the file.
    written: watch::Sender<u64>,
}

impl HostLog {
    /// Starts the output to standard error. With `attached`, the host ends with its terminal.
    pub(crate) fn start(home: Home, paint: Paint, attached: bool, degraded: &Degraded) -> io::Result<Self> {
        let log = Self(Arc::new(Inner {
            home,
            stream: Output::new(WHAT, BOUNDS),
            file: Output::new(WHAT, BOUNDS),
            path: OnceLock::new(),
            width: Arc::default(),
            degraded: degraded.clone(),
            attached,
            terminal_gone: watch::Sender::new(false),
            streams_follow: Arc::default(),
            written: watch::Sender::new(0),
        }));
        let layout = log.layout(paint, false, dropped_of_log);
        let broken = log.clone();
        log.0.stream.start(
            Sink::Stream(Stream::stderr()),
            layout,
            degraded,
            Box::new(move |why, unwritten| broken.stream_broken(why, unwritten)),
        )?;
        if attached && home == Home::Stream {
            log.watch_terminal()?;
        }
        Ok(log)
    }

    fn layout(&self, paint: Paint, timed: bool, dropped: fn(u64) -> String) -> Layout {
        Layout { paint, width: self.0.width.clone(), timed, dropped }
    }

    /// Starts the output for the lines of processes, which is standard output.
    pub(crate) fn screen(&self, paint: Paint) -> io::Result<Output> {
        let screen = Output::new("the output on the terminal", SCREEN_BOUNDS);
        let log = self.clone();
        let layout = self.layout(paint, false, dropped_of_screen);
        let broken = Box::new(move |why, _| log.screen_broken(why));
        screen.start(Sink::Stream(Stream::stdout()), layout, &self.0.degraded, broken)?;
        Ok(screen)
    }

    /// Watches the terminal that the host was started on, so that its end is noticed even if nothing is written.
    fn watch_terminal(&self) -> io::Result<()> {
        let streams = [Stream::stderr(), Stream::stdout()];
        let Some(terminal) = streams.into_iter().find(|stream| stream.is_terminal()) else { return Ok(()) };
        let log = self.clone();
        std::thread::Builder::new().name("provost-terminal".into()).spawn(move || {
            terminal.wait_until_gone();
            log.terminal_is_gone();
        })?;
        Ok(())
    }

    /// Returns a watch that becomes true when the terminal of the host is gone.
    pub(crate) fn terminal_gone(&self) -> watch::Receiver<bool> {
        self.0.terminal_gone.subscribe()
    }

    /// Sets the width of names, in columns.
    pub(crate) fn set_width(&self, columns: usize) {
        self.0.width.store(columns, Ordering::Relaxed);
    }

    /// Sets the path of the file, and starts the output to it.
    pub(crate) fn keep_in(&self, path: PathBuf) -> io::Result<()> {
        let rotating = Rotating::new(path.clone(), self.0.streams_follow.clone());
        let sink = Sink::File(rotating.notifying(self.0.written.clone()));
        let layout = Layout { width: Arc::default(), ..self.layout(Paint::OFF, true, dropped_of_log) };
        self.0.file.start(sink, layout, &self.0.degraded, Box::new(|_, _| {}))?;
        let _ = self.0.path.set(path);
        Ok(())
    }

    /// Returns the path of the file, once it is known.
    pub(crate) fn path(&self) -> Option<&PathBuf> {
        self.0.path.get()
    }

    /// Returns the log as its readers need it, once the file is known.
    pub(crate) fn for_readers(&self) -> Option<provost_supervisor::HostLog> {
        let path = self.path()?.clone();
        Some(provost_supervisor::HostLog { path, written: self.0.written.subscribe() })
    }

    /// Makes the standard streams of the host follow the file, also when it is rotated. Reports go only to the file from now on.
    pub(crate) fn let_streams_follow(&self) {
        self.0.stream.close();
        self.0.streams_follow.store(true, Ordering::Release);
    }

    /// Adds a line.
    pub(crate) fn log(&self, event: Event) {
        if self.0.home == Home::Stream {
            // If the stream is broken, the file has the line.
            let _ = self.0.stream.push(Entry::Event(event.clone()));
        }
        // The file is closed only at the end of the host.
        let _ = self.0.file.push(Entry::Event(event));
    }

    /// Prints a text for the process that waits for the host to go to the background. In the foreground it is in the log already.
    pub(crate) fn tell_starter(&self, text: &str) {
        if self.0.home == Home::File {
            let _ = self.0.stream.push(Entry::Raw(text.as_bytes().into()));
        }
    }

    /// Reports why the host failed: on standard error and, if that is not available or not the log, in the file.
    pub(crate) fn report(&self, painted: &str, plain: &str) {
        let pushed = self.0.stream.push(Entry::Raw(painted.as_bytes().into()));
        if pushed.is_err() || self.0.home == Home::File {
            for line in plain.lines() {
                let _ = self.0.file.push(Entry::Event(Event::of_host(Level::ERROR, one_line(line))));
            }
        }
    }

    fn stream_broken(&self, why: Broken, unwritten: Vec<Entry>) {
        if self.0.home == Home::Stream {
            let path =
                self.path().map_or_else(|| "provost.log".to_owned(), |path| path.display().to_string());
            let text = match why {
                Broken::Reader => format!("nobody reads standard error any more: this log goes on in {path}"),
                Broken::Terminal => format!("the terminal is gone: this log goes on in {path}"),
            };
            let _ = self.0.file.push(Entry::Event(Event::of_host(Level::WARN, text)));
        }
        // The file has the events already, but not the reports.
        for entry in unwritten.into_iter().filter(|entry| matches!(entry, Entry::Raw(_))) {
            let _ = self.0.file.push(entry);
        }
        if why == Broken::Terminal {
            self.terminal_is_gone();
        }
    }

    fn screen_broken(&self, why: Broken) {
        match why {
            Broken::Reader => tracing::info!(
                "nobody reads the output any more: it is in the logs of the processes (`provost logs`)"
            ),
            Broken::Terminal => self.terminal_is_gone(),
        }
    }

    fn terminal_is_gone(&self) {
        if self.0.attached {
            self.0.terminal_gone.send_replace(true);
        }
    }

    /// Closes all outputs and waits for at most `limit` until they are written. An output that hangs is abandoned.
    pub(crate) fn finish(&self, screen: Option<&Output>, limit: Duration) {
        let clock = Clock::new();
        let left = |share: Duration| share.saturating_sub(Duration::from_nanos(clock.now().mono_ns));
        // Lines that a stream cannot take may still go to the file, so the last quarter of the time is for the file.
        let streams = [screen, Some(&self.0.stream)];
        streams.iter().flatten().for_each(|stream| stream.close());
        for stream in streams.into_iter().flatten() {
            stream.wait_until_written(left(limit / 4 * 3));
        }
        self.0.file.close();
        self.0.file.wait_until_written(left(limit));
    }
}

fn dropped_of_log(count: u64) -> String {
    let lines = counted(count, "line");
    format!("{lines} of this log were dropped: they came faster than they could be written")
}

fn dropped_of_screen(count: u64) -> String {
    let lines = counted(count, "line");
    format!("{lines} skipped: the terminal was too slow; `provost logs` shows what processes print")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_dropped_while_the_disk_hangs_are_counted_in_the_log_afterwards() {
        const LINES: usize = 20_000;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("provost.log");
        let log = HostLog::start(Home::File, Paint::OFF, false, &Degraded::default()).unwrap();
        fail::cfg("hostlog.write", "pause").unwrap();
        log.keep_in(path.clone()).unwrap();
        for number in 0..LINES {
            log.log(Event::of_host(Level::INFO, format!("line {number}")));
        }
        fail::remove("hostlog.write");
        log.finish(None, Duration::from_secs(60));
        let text = std::fs::read_to_string(path).unwrap();
        let kept = text.lines().filter(|line| line.contains(" line ")).count();
        let told = text.lines().last().unwrap();
        assert!((BOUNDS.lines..LINES).contains(&kept), "{kept}");
        assert!(
            told.contains(&format!("warning: {} lines of this log were dropped", LINES - kept)),
            "{told}"
        );
    }
}
