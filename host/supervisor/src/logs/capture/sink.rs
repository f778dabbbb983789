//! Drops what is written into pipes of former incarnations that are not read any more. A pipe that the keeper has made is open
//! for reading at its writers, too: nobody is told when its reader is gone, and a process that has left its group and goes on
//! writing would wait for ever.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use tokio::io::Interest;

use super::peek::Peeker;
use crate::children::watched::registered;

/// Drops what arrives, until all writers are gone.
pub(crate) async fn drop_output(pipe: Arc<OwnedFd>, peeker: Peeker) -> io::Result<()> {
    let waited = registered(pipe, Interest::READABLE)?;
    loop {
        let mut ready = waited.readable().await?;
        match peeker.drop_some(waited.get_ref()) {
            Ok(0) => return Ok(()),
            // A writer in a hurry must not keep the lines of others waiting.
            Ok(_) => tokio::task::yield_now().await,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;

    use super::*;

    #[tokio::test]
    async fn a_writer_never_waits_and_dropping_ends_when_it_has_closed_its_end() {
        let (reader, writer) = io::pipe().unwrap();
        rustix::io::ioctl_fionbio(&reader, true).unwrap();
        let dropping = tokio::spawn(drop_output(Arc::new(reader.into()), Peeker::new().unwrap()));
        let writing = tokio::task::spawn_blocking(move || {
            File::from(OwnedFd::from(writer)).write_all(&vec![b'x'; 1 << 20])
        });
        writing.await.unwrap().unwrap();
        dropping.await.unwrap().unwrap();
    }
}
