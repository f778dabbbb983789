//! Consumers: what a failing one receives, when, and what it has missed.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use provost_state::{Batch, Consumer, Generation};

use super::*;

/// What a consumer received: the generations of each batch, and the number of missed changes.
type Received = Arc<Mutex<Vec<(Vec<Generation>, u64)>>>;

struct Ears {
    name: Arc<str>,
    /// Calls that fail before the first that succeeds.
    fails: u32,
    calls: Arc<AtomicUsize>,
    received: Received,
    gone: Arc<AtomicBool>,
    /// The callbacks to run when it is gone.
    wake: Wakers,
    /// Calls that panic before the first that does not.
    panics: u32,
    dropped: tokio::sync::mpsc::Sender<()>,
}

type Wakers = Arc<Mutex<Vec<Box<dyn FnOnce() + Send>>>>;

#[expect(clippy::missing_fields_in_debug, reason = "functions have no words")]
impl fmt::Debug for Ears {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ears").field("name", &self.name).finish()
    }
}

impl Consumer for Ears {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    fn when_gone(&self, wake: Box<dyn FnOnce() + Send>) {
        self.wake.lock().unwrap().push(wake);
    }

    fn on_change(&mut self, batch: &Batch, _: &Arc<Snapshot>) -> Result<(), Fault> {
        if self.panics > 0 {
            self.panics -= 1;
            panic!("on purpose");
        }
        self.calls.fetch_add(1, Ordering::AcqRel);
        if self.fails > 0 {
            self.fails -= 1;
            return Err(Fault { kind: FaultKind::Trap, message: "it trapped: unreachable".into() });
        }
        let generations = batch.changes.iter().map(|change| change.generation).collect();
        self.received.lock().unwrap().push((generations, batch.missed));
        let _ = self.dropped.try_send(());
        Ok(())
    }
}

struct Heard {
    calls: Arc<AtomicUsize>,
    received: Received,
    gone: Arc<AtomicBool>,
    wake: Wakers,
    news: tokio::sync::mpsc::Receiver<()>,
}

fn ears(fails: u32) -> (Box<Ears>, Heard) {
    let (dropped, news) = tokio::sync::mpsc::channel(1);
    let (calls, received, gone) = (Arc::default(), Received::default(), Arc::new(AtomicBool::new(false)));
    let wake = Wakers::default();
    let heard = Heard {
        calls: Arc::clone(&calls),
        received: received.clone(),
        gone: gone.clone(),
        wake: wake.clone(),
        news,
    };
    (Box::new(Ears { name: "ears".into(), fails, calls, received, gone, wake, panics: 0, dropped }), heard)
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_fails_is_called_again_after_a_pause_with_what_it_missed() {
    let world = World::new(vec![spec("web")]);
    world.until_phase("web", PhaseKind::Running).await;
    let (consumer, mut heard) = ears(3);
    let from = world.supervisor.reader().look().generation().0;
    world.supervisor.consume(consumer);
    let began = tokio::time::Instant::now();
    let id = world.id("web");
    // The thread of a consumer is not one of the runtime: each round gives it something to fail on.
    while heard.news.try_recv().is_err() {
        world.supervisor.stop(id, Cause::User).await.unwrap();
        world.children.end("web", Exit::Signal(TERM.number()));
        world.until_phase("web", PhaseKind::Stopped).await;
        world.supervisor.start(id, Cause::User).await.unwrap();
        world.until_phase("web", PhaseKind::Running).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        std::thread::yield_now();
    }
    assert!(began.elapsed() >= Duration::from_millis(100 + 200 + 400), "{:?}", began.elapsed());
    assert!(heard.calls.load(Ordering::Acquire) >= 4, "three that failed, and at least one that succeeded");
    let (generations, missed) = heard.received.lock().unwrap()[0].clone();
    assert!(missed >= 3, "each batch that failed is counted: {missed}");
    assert_eq!(
        generations.last().unwrap().0 - from,
        missed + generations.len() as u64,
        "each change is received or counted"
    );
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_is_gone_is_not_called_and_its_thread_ends() {
    let world = World::new(vec![ProcessSpec { autostart: false, ..spec("web") }]);
    let (consumer, mut heard) = ears(0);
    world.supervisor.consume(consumer);
    heard.gone.store(true, Ordering::Release);
    world.supervisor.start(world.id("web"), Cause::User).await.unwrap();
    // When the thread ends it drops the consumer, and with it the only sender.
    assert_eq!(heard.news.recv().await, None);
    assert_eq!(heard.calls.load(Ordering::Acquire), 0);
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_is_unloaded_ends_its_thread_at_once_although_nothing_changes() {
    let world = World::new(vec![ProcessSpec { autostart: false, ..spec("web") }]);
    let (consumer, mut heard) = ears(0);
    world.supervisor.consume(consumer);
    world.supervisor.start(world.id("web"), Cause::User).await.unwrap();
    world.until_phase("web", PhaseKind::Running).await;
    heard.news.recv().await;
    heard.gone.store(true, Ordering::Release);
    for wake in heard.wake.lock().unwrap().drain(..) {
        wake();
    }
    // When the thread ends it drops the consumer, and with it the only sender.
    while heard.news.recv().await.is_some() {}
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_panics_is_shown_as_degraded_and_called_again_with_what_it_missed() {
    let world = World::new(vec![spec("web")]);
    world.until_phase("web", PhaseKind::Running).await;
    let (mut consumer, mut heard) = ears(0);
    consumer.panics = 1;
    let from = world.supervisor.reader().look().generation().0;
    world.supervisor.consume(consumer);
    world.supervisor.stop(world.id("web"), Cause::User).await.unwrap();
    let degraded = || world.supervisor.degraded().list();
    while degraded().is_empty() {
        tokio::task::yield_now().await;
        std::thread::yield_now();
    }
    assert_eq!(&*degraded()[0].what, "notifying ears");
    assert_eq!(&*degraded()[0].reason, "its thread panicked: on purpose; it is started again");
    world.children.end("web", Exit::Signal(TERM.number()));
    heard.news.recv().await.unwrap();
    let (generations, missed) = heard.received.lock().unwrap()[0].clone();
    assert!(missed > 0);
    assert_eq!(
        generations.last().unwrap().0 - from,
        missed + generations.len() as u64,
        "each change is received or counted"
    );
    assert_eq!(degraded(), []);
}
