//! The tasks of the requests in progress. There is at most one stream of each kind, and one answer of each kind on its way.

use std::sync::Arc;

use provost_api::client::{Client, StatusAsked};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::orders;
use super::sender::{NEWS_MAX, Sender, said};
use super::streams;
use crate::model::News;
use crate::request::{self, Request, Slot};
use crate::words::Words;

/// A task that ends when it is replaced.
#[derive(Debug, Default)]
struct Task(Option<JoinHandle<()>>);

impl Task {
    fn replace(&mut self, task: JoinHandle<()>) {
        self.end();
        self.0 = Some(task);
    }

    fn end(&mut self) {
        if let Some(task) = self.0.take() {
            task.abort();
        }
    }

    fn is_running(&self) -> bool {
        self.0.as_ref().is_some_and(|task| !task.is_finished())
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.end();
    }
}

/// The tasks of the requests in progress.
pub(crate) struct Hub {
    client: Client,
    words: Arc<dyn Words>,
    asked: StatusAsked,
    to: Sender,
    status: Task,
    logs: Task,
    tail: Task,
    events: Task,
    explanation: Task,
    process: Task,
    state_core: Task,
    difference: Task,
    dependencies: Task,
}

impl Hub {
    /// Opens the stream of the status. The news come from the receiver that is returned.
    pub(crate) fn open(
        client: Client,
        words: Arc<dyn Words>,
        targets: Vec<String>,
        every_ms: u64,
    ) -> (Self, mpsc::Receiver<News>) {
        let (to, news) = mpsc::channel(NEWS_MAX);
        let asked = StatusAsked { every_ms: Some(every_ms), ..request::status(targets, false) };
        let mut hub = Self {
            client,
            words,
            asked,
            to: Sender(to),
            status: Task::default(),
            logs: Task::default(),
            tail: Task::default(),
            events: Task::default(),
            explanation: Task::default(),
            process: Task::default(),
            state_core: Task::default(),
            difference: Task::default(),
            dependencies: Task::default(),
        };
        hub.watch();
        (hub, news)
    }

    fn watch(&mut self) {
        let (client, asked, to) = (self.client.clone(), self.asked.clone(), self.to.clone());
        self.status.replace(tokio::spawn(async move {
            let _ = streams::status(client, asked, to).await;
        }));
    }

    /// Begins what is requested. The answers come as news.
    pub(crate) fn ask(&mut self, request: Request) {
        let (client, to) = (self.client.clone(), self.to.clone());
        match request {
            Request::Watch { plugins } => {
                self.asked.parts = request::parts(plugins);
                self.watch();
            }
            Request::Follow { slot, targets, lines } => {
                self.slot(slot).replace(tokio::spawn(async move {
                    let _ = streams::lines(client, slot, targets, lines, to).await;
                }));
            }
            Request::Unfollow(slot) => self.slot(slot).end(),
            Request::Events { since } => self.events.replace(tokio::spawn(async move {
                let _ = streams::events(client, since, to).await;
            })),
            Request::NoEvents => self.events.end(),
            Request::Explain(name) => self.explanation.replace(tokio::spawn(async move {
                let outcome = client.explain(&name).await.map(Box::new).map_err(|error| said(&error));
                let _ = to.say(News::Explained { name, outcome }).await;
            })),
            Request::Process(_) if self.process.is_running() => {}
            Request::Process(name) => self.process.replace(tokio::spawn(async move {
                if let Ok(detail) = client.process(&name).await {
                    let _ = to.say(News::Process(Box::new(detail))).await;
                }
            })),
            Request::StateCore if self.state_core.is_running() => {}
            Request::StateCore => self.state_core.replace(tokio::spawn(async move {
                if let Ok(core) = client.state_core().await {
                    let _ = to.say(News::StateCore(Box::new(core))).await;
                }
            })),
            Request::Dependencies => self.dependencies.replace(tokio::spawn(async move {
                if let Ok(known) = client.dependencies().await {
                    let _ = to.say(News::Dependencies(known)).await;
                }
            })),
            Request::Difference => self.difference.replace(tokio::spawn(async move {
                let difference = client.difference(None).await.map(Box::new).map_err(|error| said(&error));
                let _ = to.say(News::Difference(difference)).await;
            })),
            Request::Order(order) => {
                let words = Arc::clone(&self.words);
                // It goes on if the view does something else; the host carries it out anyway.
                tokio::spawn(async move {
                    let news = orders::order(&client, &order, words).await;
                    let _ = to.say(news).await;
                });
            }
        }
    }

    fn slot(&mut self, slot: Slot) -> &mut Task {
        match slot {
            Slot::Logs => &mut self.logs,
            Slot::Detail => &mut self.tail,
        }
    }
}
