//! The threads that wait for the outside on behalf of one plugin: one that drives timers and connections, and a few for
//! blocking operations (files, name servers). Each plugin has its own, so that calls that hang block no other plugin.
//! They are started once the plugin is granted something outside, and end with its last version.

use std::fmt;
use std::io;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// How many blocking operations of one plugin run at the same time. The others wait, within the deadline of their call.
const BLOCKING_MAX: usize = 4;

/// The waiting threads of one plugin, shared by its versions.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Mutex<Weak<Waiters>>);

/// A running thread that waits. Dropping this ends it, without waiting for blocking operations.
pub(crate) struct Waiters {
    runtime: Handle,
    /// Dropping it ends the thread.
    _end: oneshot::Sender<()>,
}

impl Waiting {
    /// Returns the waiting threads of this plugin, and starts them if necessary.
    ///
    /// # Errors
    /// The I/O error if a thread cannot be started or a descriptor cannot be opened.
    pub(crate) fn waiters(&self) -> io::Result<Arc<Waiters>> {
        let mut kept = self.0.lock();
        if let Some(waiters) = kept.upgrade() {
            return Ok(waiters);
        }
        let waiters = Arc::new(Waiters::start()?);
        *kept = Arc::downgrade(&waiters);
        Ok(waiters)
    }
}

impl Waiters {
    /// Starts the thread. It drives its own single-threaded runtime: a runtime with worker threads panics when one cannot
    /// be started.
    fn start() -> io::Result<Self> {
        fail::fail_point!("plugin-outside.start", |_| Err(io::Error::other("injected")));
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(BLOCKING_MAX)
            .thread_name("plugin-blocking")
            .enable_io()
            .enable_time()
            .build()?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel();
        thread::Builder::new().name("plugin-outside".to_owned()).spawn(move || {
            // The error of the dropped sender is the signal to end.
            let _ = runtime.block_on(ended);
            // A read of a pipe that nobody writes to never ends, so the blocking threads are not waited for.
            runtime.shutdown_background();
        })?;
        Ok(Self { runtime: handle, _end: end })
    }

    /// Waits in this thread until `call` is done. If that takes longer than `most`, `call` is dropped.
    pub(crate) fn wait<T>(
        &self,
        call: impl Future<Output = wasmtime::Result<T>>,
        most: Duration,
    ) -> wasmtime::Result<T> {
        let _entered = self.runtime.enter();
        let timed = async { tokio::time::timeout(most, call).await };
        pollster::block_on(timed).unwrap_or_else(|_| Err(wasmtime::Trap::Interrupt.into()))
    }
}

impl fmt::Debug for Waiters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiters").finish_non_exhaustive()
    }
}

/// How long an instance may wait for the outside, and the threads that wait.
pub(crate) struct Patience {
    waiters: Option<Arc<Waiters>>,
    most: Duration,
}

impl Patience {
    /// Waits for at most this long, on these threads if there are any.
    pub(crate) fn new(waiters: Option<Arc<Waiters>>, most: Duration) -> Self {
        Self { waiters, most }
    }

    /// Runs `call` to its end. Without grants it never waits.
    pub(crate) fn until<T>(&self, call: impl Future<Output = wasmtime::Result<T>>) -> wasmtime::Result<T> {
        match &self.waiters {
            Some(waiters) => waiters.wait(call, self.most),
            None => pollster::block_on(call),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_ends_with_the_deadline() {
        let waiting = Waiting::default();
        let waiters = waiting.waiters().unwrap();
        let ended = waiters.wait(std::future::pending::<wasmtime::Result<()>>(), Duration::from_millis(1));
        assert_eq!(ended.unwrap_err().downcast_ref(), Some(&wasmtime::Trap::Interrupt));
        assert_eq!(waiters.wait(async { Ok(7) }, Duration::from_secs(60)).unwrap(), 7);
        assert!(Arc::ptr_eq(&waiters, &waiting.waiters().unwrap()), "versions share them");
    }

    #[test]
    fn blocked_operations_of_one_plugin_take_no_thread_from_another() {
        let (stuck, free) = (Waiters::start().unwrap(), Waiters::start().unwrap());
        let (release, held) = std::sync::mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        for _ in 0..1_000 {
            let held = held.clone();
            stuck.runtime.spawn_blocking(move || held.lock().recv().is_err());
        }
        let read = free.runtime.spawn_blocking(|| 7);
        let done = free.wait(async { Ok(read.await?) }, Duration::from_secs(60));
        assert_eq!(done.unwrap(), 7);
        drop(release);
    }
}
