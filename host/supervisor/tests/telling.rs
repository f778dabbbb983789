//! Tests the thread of a consumer when no thread can be started. It is a separate test program, because an injected
//! fault affects the whole program.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use provost_state::{Batch, Cause, Consumer, Fault, Snapshot};
use provost_supervisor::{ProcessSpec, Settings, Supervisor};
use tokio::sync::mpsc;

#[derive(Debug)]
struct Ears {
    name: Arc<str>,
    told: mpsc::UnboundedSender<u64>,
}

impl Consumer for Ears {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn on_change(&mut self, batch: &Batch, _: &Arc<Snapshot>) -> Result<(), Fault> {
        self.told.send(batch.changes.len() as u64 + batch.missed).unwrap();
        Ok(())
    }
}

#[tokio::test]
async fn a_consumer_whose_thread_cannot_be_started_is_shown_as_degraded_and_notified_later() {
    let scenario = fail::FailScenario::setup();
    fail::cfg("telling.start", "1*return").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let command = provost_supervisor::CommandLine::Shell("true".into());
    let spec = ProcessSpec { autostart: false, ..ProcessSpec::new("web", command) };
    let (told, mut news) = mpsc::unbounded_channel();
    let consumer = Box::new(Ears { name: "ears".into(), told });
    let settings = Settings::new(dir.path().to_owned());
    let supervisor = Supervisor::boot(settings, vec![spec], Vec::new(), vec![consumer]).unwrap();
    while supervisor.degraded().list().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let lack = supervisor.degraded().list().remove(0);
    assert_eq!(&*lack.what, "notifying ears");
    assert_eq!(&*lack.reason, "its thread cannot be started: injected; it is tried again");
    assert_eq!(news.recv().await, Some(1), "it receives what happened before its thread was started");
    assert!(supervisor.degraded().list().is_empty());
    supervisor.shutdown(Cause::Shutdown).await;
    scenario.teardown();
}
