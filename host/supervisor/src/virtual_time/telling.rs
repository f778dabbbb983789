//! Consumers: what one that fails is told, when, and what it has missed.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use provost_state::{Batch, Consumer, Generation};

use super::*;

/// What a consumer was told: its clock, the first and last generation, and what was missed.
type Told = Arc<Mutex<Vec<(Vec<Generation>, u64)>>>;

#[derive(Debug)]
struct Ears {
    name: Arc<str>,
    /// Calls that fail before the first that succeeds.
    fails: u32,
    calls: Arc<AtomicUsize>,
    told: Told,
    gone: Arc<AtomicBool>,
    dropped: tokio::sync::mpsc::Sender<()>,
}

impl Consumer for Ears {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    fn on_change(&mut self, batch: &Batch, _: &Arc<Snapshot>) -> Result<(), Fault> {
        self.calls.fetch_add(1, Ordering::AcqRel);
        if self.fails > 0 {
            self.fails -= 1;
            return Err(Fault { kind: FaultKind::Trap, message: "it trapped: unreachable".into() });
        }
        let generations = batch.changes.iter().map(|change| change.generation).collect();
        self.told.lock().unwrap().push((generations, batch.missed));
        let _ = self.dropped.try_send(());
        Ok(())
    }
}

struct Heard {
    calls: Arc<AtomicUsize>,
    told: Told,
    gone: Arc<AtomicBool>,
    news: tokio::sync::mpsc::Receiver<()>,
}

fn ears(fails: u32) -> (Box<Ears>, Heard) {
    let (dropped, news) = tokio::sync::mpsc::channel(1);
    let (calls, told, gone) = (Arc::default(), Told::default(), Arc::new(AtomicBool::new(false)));
    let heard = Heard { calls: Arc::clone(&calls), told: told.clone(), gone: gone.clone(), news };
    (Box::new(Ears { name: "ears".into(), fails, calls, told, gone, dropped }), heard)
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_fails_is_told_again_after_a_pause_and_how_much_it_missed() {
    let world = World::new(vec![spec("web")]);
    world.until_phase("web", PhaseKind::Running).await;
    let (consumer, mut heard) = ears(3);
    let from = world.supervisor.reader().look().generation().0;
    world.supervisor.consume(consumer).unwrap();
    let began = tokio::time::Instant::now();
    let id = world.id("web");
    // The thread of a consumer is none of the runtime's: each round gives it something to fail on.
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
    assert!(heard.calls.load(Ordering::Acquire) >= 4, "three that failed, and what was told since");
    let (generations, missed) = heard.told.lock().unwrap()[0].clone();
    assert!(missed >= 3, "each batch that failed is counted: {missed}");
    assert_eq!(generations.last().unwrap().0 - from, missed + generations.len() as u64, "told or counted");
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_is_gone_is_told_nothing_and_its_thread_ends() {
    let world = World::new(vec![ProcessSpec { autostart: false, ..spec("web") }]);
    let (consumer, mut heard) = ears(0);
    world.supervisor.consume(consumer).unwrap();
    heard.gone.store(true, Ordering::Release);
    world.supervisor.start(world.id("web"), Cause::User).await.unwrap();
    // When the thread ends it drops the consumer, and with it the only sender.
    assert_eq!(heard.news.recv().await, None);
    assert_eq!(heard.calls.load(Ordering::Acquire), 0);
}
