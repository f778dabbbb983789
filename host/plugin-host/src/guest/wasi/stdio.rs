//! Standard output and standard error of a plugin with grants: their lines are logged like those that the plugin logs
//! itself.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

use crate::guest::bindings::log::Level;

use super::watch::Watch;

/// The longest line that is kept in one piece, in bytes.
const LINE_BYTES_MAX: usize = 4096;

/// Standard output or standard error.
pub(super) struct Pipe {
    level: Level,
    watch: Arc<dyn Watch>,
}

impl Pipe {
    pub(super) fn new(level: Level, watch: Arc<dyn Watch>) -> Self {
        Self { level, watch }
    }
}

impl IsTerminal for Pipe {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Pipe {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(Splitter { level: self.level, watch: self.watch.clone(), begun: Vec::new() })
    }
}

/// Splits the written bytes into lines.
struct Splitter {
    level: Level,
    watch: Arc<dyn Watch>,
    begun: Vec<u8>,
}

impl Splitter {
    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.begun);
        self.watch.line(self.level, &String::from_utf8_lossy(&line));
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte != b'\n' {
                self.begun.push(*byte);
            }
            if *byte == b'\n' || self.begun.len() >= LINE_BYTES_MAX {
                self.end_line();
            }
        }
    }
}

impl Drop for Splitter {
    fn drop(&mut self) {
        if !self.begun.is_empty() {
            self.end_line();
        }
    }
}

impl AsyncWrite for Splitter {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.write(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Kept(Mutex<Vec<String>>);

    impl Watch for Kept {
        fn denied(&self, _: &str) {}

        fn line(&self, _: Level, line: &str) {
            self.0.lock().unwrap().push(line.to_owned());
        }
    }

    #[test]
    fn what_is_written_in_pieces_is_logged_by_line() {
        let kept = Arc::new(Kept::default());
        let mut splitter = Splitter { level: Level::Info, watch: kept.clone(), begun: Vec::new() };
        splitter.write(b"one\ntw");
        splitter.write(b"o\nthe last, without an end");
        drop(splitter);
        assert_eq!(*kept.0.lock().unwrap(), ["one", "two", "the last, without an end"]);
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let kept = Arc::new(Kept::default());
        let mut splitter = Splitter { level: Level::Info, watch: kept.clone(), begun: Vec::new() };
        splitter.write(&vec![b'x'; 3 * LINE_BYTES_MAX]);
        assert_eq!(kept.0.lock().unwrap().iter().map(String::len).collect::<Vec<_>>(), [LINE_BYTES_MAX; 3]);
    }
}
