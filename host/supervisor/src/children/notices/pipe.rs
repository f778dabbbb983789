//! The readiness descriptor of s6: a pipe whose writing end a process has under a number that it knows. A line end means that it
//! is ready. The end of the pipe without one means nothing.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, SpliceFlags, pipe_with, tee};
use tokio::io::Interest;

use super::message::Said;
use super::notice::Announcer;
use crate::children::watched::registered;

/// How much is looked at in one go.
const LOOK_BYTES: usize = 4_096;

/// Waits for a line end, passes on that the process is ready, and closes the pipe. What was written is looked at before it is
/// taken away: another host has to find the line end if this one ends before it has acted on it.
pub(super) async fn await_line(process: Arc<str>, number: u32, pipe: Arc<OwnedFd>, announcer: Announcer) {
    let has_line = tokio::select! {
        () = announcer.over() => return,
        has_line = line_end(pipe) => has_line,
    };
    match has_line {
        // An error means that the life is over.
        Ok(true) => drop(announcer.announce(vec![Said::Wrote(number)]).await),
        Ok(false) => {
            tracing::warn!(process = &*process, "it has closed its readiness descriptor without a line end");
            // The runner waits for as long as the life lasts.
            announcer.over().await;
        }
        Err(error) => {
            tracing::error!(process = &*process, "its readiness descriptor cannot be read: {error}");
            announcer.over().await;
        }
    }
}

/// Resolves with true when a line end is in the pipe, and with false when it was closed without one.
async fn line_end(pipe: Arc<OwnedFd>) -> io::Result<bool> {
    let (copied, copy) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
    let watched = registered(pipe.clone(), Interest::READABLE)?;
    let mut bytes = [0; LOOK_BYTES];
    loop {
        watched.readable().await?.clear_ready();
        loop {
            let seen = match tee(pipe.as_fd(), copy.as_fd(), LOOK_BYTES, SpliceFlags::NONBLOCK) {
                Ok(0) => return Ok(false),
                Ok(seen) => seen,
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            let copied = rustix::io::read(&copied, bytes.get_mut(..seen).unwrap_or_default())?;
            if bytes.iter().take(copied).any(|byte| *byte == b'\n') {
                return Ok(true);
            }
            rustix::io::read(&pipe, bytes.get_mut(..copied).unwrap_or_default())?;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[tokio::test]
    async fn a_line_end_means_ready_and_stays_in_the_pipe_and_the_end_alone_does_not() {
        let new = || {
            let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).unwrap();
            rustix::io::ioctl_fionbio(&reader, true).unwrap();
            (Arc::new(reader), std::fs::File::from(writer))
        };
        let (reader, mut writer) = new();
        let waiting = tokio::spawn(line_end(reader.clone()));
        writer.write_all(b"not yet").unwrap();
        tokio::task::yield_now().await;
        writer.write_all(b"\n").unwrap();
        assert!(waiting.await.unwrap().unwrap());
        assert!(line_end(reader).await.unwrap(), "another host finds it");
        let (reader, mut writer) = new();
        writer.write_all(b"never").unwrap();
        drop(writer);
        assert!(!line_end(reader).await.unwrap());
    }
}
