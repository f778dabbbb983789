//! The clock that interrupts the calls of an engine: a thread that ticks while calls are running. It stops while there
//! are none, so that an idle host does not wake the machine.
//!
//! A call that finds the clock stopped sets an alarm for the first tick and wakes nobody: nearly every decision ends
//! before that, and a thread that is woken at its beginning takes the processor from it.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use wasmtime::EngineWeak;

/// How often calls are checked against their deadline while any are running.
const TICK: Duration = Duration::from_millis(TICK_MS);
pub(super) const TICK_MS: u64 = 2;

/// The number of ticks for which the clock goes on after the last call: decisions come in bursts.
const LINGERS: u32 = 5;

/// The clock of an engine. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Clock(Arc<Ticking>);

/// Keeps the clock running while it exists.
#[derive(Debug)]
pub(crate) struct RunningCall<'a>(&'a Ticking);

#[derive(Debug)]
struct Ticking {
    running: AtomicUsize,
    /// Whether the clock waits for its alarm, which nobody has set yet.
    stopped: AtomicBool,
    over: AtomicBool,
    /// A timer of the kernel, for which the stopped clock waits.
    alarm: OwnedFd,
}

impl Clock {
    /// Starts the clock of `engine`.
    pub(super) fn start(engine: EngineWeak) -> io::Result<Self> {
        fail::fail_point!("plugin-clock.start", |_| Err(io::Error::other("injected")));
        let ticking = Arc::new(Ticking {
            running: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
            over: AtomicBool::new(false),
            alarm: timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?,
        });
        let seen = ticking.clone();
        thread::Builder::new().name("plugin-clock".to_owned()).spawn(move || seen.run(&engine))?;
        Ok(Self(ticking))
    }

    /// Keeps the clock running until the returned guard is dropped.
    pub(super) fn enter(&self) -> RunningCall<'_> {
        // Sequentially consistent with the clock before it stops: either it sees this call, or this call sees that it
        // has stopped. Of several calls, one sets the alarm.
        self.0.running.fetch_add(1, Ordering::SeqCst);
        if self.0.stopped.load(Ordering::SeqCst) && self.0.stopped.swap(false, Ordering::SeqCst) {
            self.0.ring_in(TICK);
        }
        RunningCall(&self.0)
    }
}

impl Drop for RunningCall<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::SeqCst);
        self.0.ring_in(Duration::from_nanos(1));
    }
}

impl Ticking {
    /// Sets the alarm.
    fn ring_in(&self, after: Duration) {
        let once = Itimerspec {
            it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
            it_value: Timespec { tv_sec: 0, tv_nsec: i64::from(after.subsec_nanos()) },
        };
        // The kernel refuses only invalid times.
        if let Err(error) = timerfd_settime(&self.alarm, TimerfdTimerFlags::empty(), &once) {
            tracing::error!(%error, "the clock of plugin calls cannot be set");
        }
    }

    /// Waits for the alarm.
    fn wait(&self) {
        let mut rung = [0; 8];
        if let Err(error) = rustix::io::retry_on_intr(|| rustix::io::read(&self.alarm, &mut rung)) {
            tracing::error!(%error, "the clock of plugin calls cannot wait");
            thread::park_timeout(TICK);
        }
    }

    /// Ticks while calls are running, and a little longer. The first tick may follow the beginning of a call at once:
    /// [`TimedEngine::ticks`](super::TimedEngine::ticks) allows for one early tick.
    fn run(&self, engine: &EngineWeak) {
        let mut idle = 0;
        while !self.over.load(Ordering::SeqCst) {
            idle = if self.running.load(Ordering::SeqCst) == 0 { idle + 1 } else { 0 };
            if idle > LINGERS {
                idle = 0;
                self.stop();
            } else {
                thread::park_timeout(TICK);
            }
            let Some(engine) = engine.upgrade() else { return };
            engine.increment_epoch();
        }
    }

    /// Waits until a tick after the beginning of the next call, or for the end.
    fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        let wanted = self.running.load(Ordering::SeqCst) > 0 || self.over.load(Ordering::SeqCst);
        if wanted && self.stopped.swap(false, Ordering::SeqCst) {
            // The call began before it could see that the clock has stopped.
            thread::park_timeout(TICK);
        } else {
            self.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::build;

    fn stopped(clock: &Clock) {
        while !clock.0.stopped.load(Ordering::SeqCst) {
            thread::yield_now();
        }
    }

    #[test]
    fn the_clock_stops_and_ticks_again_for_every_later_call() {
        let (engine, _) = build(512 << 10).unwrap();
        let clock = Clock::start(engine.weak()).unwrap();
        for _ in 0..3 {
            stopped(&clock);
            let (first, second) = (clock.enter(), clock.enter());
            // It cannot stop again while a call is running.
            let mut ticks = 0;
            while ticks < 3 {
                assert!(!clock.0.stopped.load(Ordering::SeqCst));
                thread::park_timeout(TICK);
                ticks += 1;
            }
            drop(first);
            assert_eq!(clock.0.running.load(Ordering::SeqCst), 1);
            drop(second);
        }
        stopped(&clock);
    }

    #[test]
    fn the_thread_ends_with_the_clock_whether_it_ticks_or_has_stopped() {
        let (engine, _) = build(512 << 10).unwrap();
        for wait in [false, true] {
            let clock = Clock::start(engine.weak()).unwrap();
            if wait {
                stopped(&clock);
            }
            let ticking = clock.0.clone();
            drop(clock);
            // The thread holds the other reference until it ends.
            while Arc::strong_count(&ticking) > 1 {
                thread::yield_now();
            }
        }
    }
}
