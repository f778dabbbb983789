//! The thread that writes to the terminal. It alone waits when the terminal takes nothing, so that the loop still hears keys and
//! signals.

use std::io::{self, Write};
use std::sync::mpsc as thread_mpsc;

use tokio::sync::mpsc;

/// The output to the terminal.
#[derive(Debug)]
pub(super) struct Output {
    to: thread_mpsc::Sender<Vec<u8>>,
    written: mpsc::UnboundedReceiver<io::Result<()>>,
    /// The number of texts that are not written yet.
    pending: usize,
}

impl Output {
    /// Starts the thread.
    pub(super) fn start() -> io::Result<Self> {
        let (to, texts) = thread_mpsc::channel::<Vec<u8>>();
        let (done, written) = mpsc::unbounded_channel();
        // It is never joined: it may wait for the terminal for ever.
        std::thread::Builder::new().name("terminal".into()).spawn(move || {
            while let Ok(text) = texts.recv() {
                let mut out = io::stdout().lock();
                let result = out.write_all(&text).and_then(|()| out.flush());
                if done.send(result).is_err() {
                    break;
                }
            }
        })?;
        Ok(Self { to, written, pending: 0 })
    }

    /// Sends a text to the thread.
    pub(super) fn send(&mut self, text: Vec<u8>) {
        // If the thread has ended, `written` says so.
        let _ = self.to.send(text);
        self.pending += 1;
    }

    /// Whether something is not written yet.
    pub(super) fn is_busy(&self) -> bool {
        self.pending > 0
    }

    /// Waits until the next text is written.
    ///
    /// # Errors
    /// That of the terminal.
    pub(super) async fn written(&mut self) -> io::Result<()> {
        let result = self.written.recv().await.unwrap_or_else(|| Err(io::ErrorKind::BrokenPipe.into()));
        self.pending = self.pending.saturating_sub(1);
        result
    }
}
