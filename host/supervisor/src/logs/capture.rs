//! Reads what children write. All pipes are read on one thread with a runtime of its own.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use provost_state::Incarnation;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;

use super::record::PART_BYTES_MAX;
use super::{LogStream, ProcessLog};
use crate::children::Output;

const READ_BYTES: usize = 64 << 10;

/// A line of over this length is handed on in parts before its end has come, so that memory stays bounded.
const LINE_BYTES_MAX: usize = 16 * PART_BYTES_MAX;

/// The thread that reads.
#[derive(Clone, Debug)]
pub(super) struct Thread {
    runtime: Handle,
    /// How many pipes are being read.
    open: watch::Sender<usize>,
    /// Ends the thread when the last clone is dropped.
    _alive: Arc<tokio::sync::oneshot::Sender<()>>,
}

impl Thread {
    pub(super) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let handle = runtime.handle().clone();
        let (alive, ended) = tokio::sync::oneshot::channel::<()>();
        std::thread::Builder::new().name("provost-logs".to_owned()).spawn(move || {
            let _ = runtime.block_on(ended);
        })?;
        Ok(Self { runtime: handle, open: watch::Sender::new(0), _alive: Arc::new(alive) })
    }

    /// Resolves when every pipe has been read to its end.
    pub(super) async fn drained(&self) {
        // The sender is ours, so it cannot be gone.
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await;
    }

    /// Reads both pipes until they are closed.
    pub(super) fn take(&self, log: Arc<ProcessLog>, incarnation: Incarnation, output: Output) {
        let stdout = std::iter::once((LogStream::Out, output.stdout));
        for (stream, fd) in stdout.chain(output.stderr.map(|stderr| (LogStream::Err, stderr))) {
            let (log, open) = (log.clone(), self.open.clone());
            open.send_modify(|open| *open += 1);
            self.runtime.spawn(async move {
                if let Err(error) = read(&log, incarnation, stream, fd).await {
                    tracing::error!(process = &*log.name, %error, "cannot read the output");
                }
                open.send_modify(|open| *open -= 1);
            });
        }
    }
}

async fn read(log: &ProcessLog, incarnation: Incarnation, stream: LogStream, fd: OwnedFd) -> io::Result<()> {
    let mut pipe = pipe::Receiver::from_owned_fd(fd)?;
    let mut pending: Vec<u8> = Vec::with_capacity(READ_BYTES);
    // Parts of a line were handed on whose end has not come.
    let mut unfinished = false;
    loop {
        if pipe.read_buf(&mut pending).await? == 0 {
            break;
        }
        let Some(end) = memchr::memrchr(b'\n', &pending).map(|at| at + 1) else {
            if pending.len() >= LINE_BYTES_MAX {
                log.append(incarnation, stream, std::iter::once(&pending[..]), false);
                pending.clear();
                unfinished = true;
            }
            pending.reserve(READ_BYTES);
            continue;
        };
        log.append(incarnation, stream, pending[..end - 1].split(|byte| *byte == b'\n'), true);
        pending.drain(..end);
        unfinished = false;
        pending.reserve(READ_BYTES);
        // One flooding child must not keep the others' lines waiting.
        tokio::task::yield_now().await;
    }
    // Even an empty end closes the line: the next life must not go on with it.
    if !pending.is_empty() || unfinished {
        log.append(incarnation, stream, std::iter::once(&pending[..]), true);
    }
    Ok(())
}
