//! The client of the API. It returns the types of the API; streams arrive line by line. Over the socket of a host, it opens one
//! connection for each request.
//!
//! | room | owns |
//! |---|---|
//! | `lines` | streams of JSON objects |
//! | `host` | sending a request, and giving up on a host that stops answering |
//! | `connection` | requests over the socket of a host |
//! | `transport` | the port that carries requests to a host |
//! | `error` | the errors of a request |
//! | `reach` | connecting to the socket, and what is known of a silent host |
//! | `events` | a request for changes |
//! | `logs` | a request for log lines |
//! | `status` | a request for a status |
//! | `path` | paths and queries of requests |

mod connection;
mod error;
mod events;
mod host;
mod lines;
mod logs;
mod path;
mod reach;
mod status;
mod transport;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::connection::Connector;
use self::error::protocol;
use self::host::{Accept, Host};
use self::path::{escaped, of_view};
use crate::{
    Blame, Dependencies, Difference, Ended, Event, Explanation, GroupList, KeeperUpgraded, LogItem, Outcome,
    Ping, Plugin, PluginChanged, PluginList, PluginOrder, ProcessDetail, ProcessOrder, ReloadOrder,
    ReloadStep, ScaleOrder, Scaled, Shutdown, StateChange, StateCore, Status, UpgradeOrder, Upgrading,
    UsageList, ViewList,
};

pub use self::error::ClientError;
pub use self::events::EventsAsked;
pub use self::lines::Lines;
pub use self::logs::{LogsAsked, LogsOf};
pub use self::reach::{SOCKET_PATH_BYTES_MAX, Silent, Unconnected};
pub use self::status::{Known, StatusAsked};
pub use self::transport::{Body, Carried, Transport};

/// A client of a host.
#[derive(Clone, Debug)]
pub struct Client {
    host: Host,
}

/// The output of a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The status code of HTTP: 200 to 299, or 400 to 599.
    pub status: u16,
    /// Its media type.
    pub content_type: String,
    /// Its bytes.
    pub body: Bytes,
}

impl Client {
    /// Creates a client of the host behind a socket, without connecting.
    #[must_use]
    pub fn new(socket: PathBuf) -> Self {
        Self::over(Arc::new(Connector { socket }))
    }

    /// Creates a client whose requests are carried by `transport`.
    #[must_use]
    pub fn over(transport: Arc<dyn Transport>) -> Self {
        Self { host: Host::over(transport) }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.fetch(Method::GET, path).await
    }

    /// Sends a request without a body, and reads its answer.
    async fn fetch<T: DeserializeOwned>(&self, method: Method, path: &str) -> Result<T, ClientError> {
        self.host
            .while_it_answers(async {
                answer(self.host.send(method, path, None, Accept::Anything).await?).await
            })
            .await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        self.host.while_it_answers(self.post_patiently(path, body)).await
    }

    /// Sends a `POST` like `post`, but waits without limit for a host that does not answer.
    async fn post_patiently<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body).map_err(protocol)?;
        answer(self.host.send(Method::POST, path, Some(body.into()), Accept::Anything).await?).await
    }

    /// Returns the process id and the version of the host.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn ping(&self) -> Result<Ping, ClientError> {
        self.get("/v1/ping").await
    }

    /// Returns the state of `targets`, or of everything if `targets` is empty.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn status(&self, targets: &[String]) -> Result<Status, ClientError> {
        self.status_of(&StatusAsked { select: targets.to_vec(), ..StatusAsked::default() }).await
    }

    /// Returns the resources that `targets` use, or the host and all processes if `targets` is empty; with their history
    /// of an hour if `history`, which is answered for at most 100 processes.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn usage(&self, targets: &[String], history: bool) -> Result<UsageList, ClientError> {
        let select = escaped(&targets.join(","));
        self.get(&format!("/v1/usage?select={select}&history={}", u8::from(history))).await
    }

    /// Returns what is asked for of the state of everything.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn status_of(&self, asked: &StatusAsked) -> Result<Status, ClientError> {
        self.get(&asked.path(false)).await
    }

    /// Streams a status: the first message has everything that is asked for, or what has changed since, and each later one what
    /// has changed since the one before. [`Status::update`] takes over a message.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn watch_status(&self, asked: &StatusAsked) -> Result<Lines<Status>, ClientError> {
        self.lines(&asked.path(true), true).await
    }

    /// Sends the order `action`: `start`, `stop`, `restart` or `signal`.
    ///
    /// # Errors
    /// [`ClientError`]; failures of single processes are in the outcome.
    pub async fn order(&self, action: &str, order: &ProcessOrder) -> Result<Outcome, ClientError> {
        self.post(&format!("/v1/processes/{action}"), order).await
    }

    /// Deletes the logged lines of `targets`.
    ///
    /// # Errors
    /// [`ClientError`]; failures of single processes are in the outcome.
    pub async fn clear_logs(&self, targets: &[String]) -> Result<Outcome, ClientError> {
        let path = format!("/v1/logs?select={}", escaped(&targets.join(",")));
        self.fetch(Method::DELETE, &path).await
    }

    /// Returns why a process is in its state.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn explain(&self, name: &str) -> Result<Explanation, ClientError> {
        self.get(&format!("/v1/processes/{}/explain", escaped(name))).await
    }

    /// Returns what all processes wait for before they are started.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn dependencies(&self) -> Result<Dependencies, ClientError> {
        self.get("/v1/dependencies").await
    }

    /// Returns one process, with the names of its variables and its checks.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn process(&self, name: &str) -> Result<ProcessDetail, ClientError> {
        self.get(&format!("/v1/processes/{}", escaped(name))).await
    }

    /// Returns all groups of processes.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn groups(&self) -> Result<GroupList, ClientError> {
        self.get("/v1/groups").await
    }

    /// Returns one plugin.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn plugin(&self, name: &str) -> Result<Plugin, ClientError> {
        self.get(&format!("/v1/plugins/{}", escaped(name))).await
    }

    /// Returns the active plugins that render a view.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn views(&self) -> Result<ViewList, ClientError> {
        self.get("/v1/views").await
    }

    /// Returns all plugins.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn plugins(&self) -> Result<PluginList, ClientError> {
        self.get("/v1/plugins").await
    }

    /// Changes a plugin; `action` is `load`, `unload`, `swap`, `rollback` or `revive`.
    ///
    /// # Errors
    /// [`ClientError`]; a refused change has changed nothing.
    pub async fn change_plugin(
        &self,
        name: &str,
        action: &str,
        order: &PluginOrder,
    ) -> Result<PluginChanged, ClientError> {
        self.post(&format!("/v1/plugins/{}/{action}", escaped(name)), order).await
    }

    /// Returns the last input that made a plugin fail, and the result of trying it again now.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn blame(&self, name: &str) -> Result<Blame, ClientError> {
        self.get(&format!("/v1/plugins/{}/blame", escaped(name))).await
    }

    /// Returns the same with all that the call was given.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn blame_with_reproduction(&self, name: &str) -> Result<Blame, ClientError> {
        self.get(&format!("/v1/plugins/{}/blame?reproduction=1", escaped(name))).await
    }

    /// Returns the backend of the state core and the figures of all backends.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn state_core(&self) -> Result<StateCore, ClientError> {
        self.get("/v1/state").await
    }

    /// Changes the backend of the state core or its rollout at run time.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn change_state_core(&self, change: &StateChange) -> Result<StateCore, ClientError> {
        self.post("/v1/state", change).await
    }

    /// Renders the view of a plugin at `path`, which may have a query. The path is plain text and is percent-encoded. The query is
    /// sent as it is, except that characters that a URL does not allow are percent-encoded.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn view(&self, plugin: &str, path: &str) -> Result<Rendered, ClientError> {
        self.host.while_it_answers(self.rendered(&of_view(plugin, path))).await
    }

    async fn rendered(&self, uri: &str) -> Result<Rendered, ClientError> {
        let response = self.host.send(Method::GET, uri, None, Accept::Anything).await?;
        let status = response.status().as_u16();
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let body = response.into_body().collect().await?.to_bytes();
        Ok(Rendered { status, content_type, body })
    }

    /// Asks the host to stop. It answers at once, and its socket is removed when it has ended.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn shutdown(&self) -> Result<Ping, ClientError> {
        self.post("/v1/shutdown", &serde_json::json!({})).await
    }

    /// Asks the host to stop, waits until everything that can be ended has ended, and returns how the host ends.
    ///
    /// # Errors
    /// [`ClientError`]; [`ClientError::Broken`] if the host ends without a report. There is no deadline, even if the host
    /// stops answering.
    pub async fn shutdown_and_wait(&self) -> Result<Ended, ClientError> {
        self.post_patiently("/v1/shutdown", &Shutdown { wait: true }).await
    }

    /// Asks the host to give its place to another program. When it answers, the program was checked, and the host is about to
    /// end; its processes go on.
    ///
    /// # Errors
    /// [`ClientError`]; the host goes on if the request was refused.
    pub async fn upgrade(&self, order: &UpgradeOrder) -> Result<Upgrading, ClientError> {
        self.post("/v1/host/upgrade", order).await
    }

    /// Has the keeper of the host replaced by the program that the host carries; nothing else changes.
    ///
    /// # Errors
    /// [`ClientError`]; the keeper goes on as it is if the request was refused.
    pub async fn upgrade_keeper(&self) -> Result<KeeperUpgraded, ClientError> {
        self.post("/v1/host/upgrade-keeper", &serde_json::json!({})).await
    }

    /// Streams the remembered changes of all processes after generation `since`, and new ones if `follow`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn events(&self, since: u64, follow: bool) -> Result<Lines<Event>, ClientError> {
        self.events_of(&EventsAsked { since, follow, ..EventsAsked::default() }).await
    }

    /// Streams the changes that are asked for.
    ///
    /// # Errors
    /// [`ClientError`]; a target that names no process, and none that is remembered, is refused.
    pub async fn events_of(&self, asked: &EventsAsked) -> Result<Lines<Event>, ClientError> {
        self.lines(&asked.path(), asked.follow).await
    }

    /// Requests a stream of lines. With `follow`, the wait for the next line has no limit.
    async fn lines<T: DeserializeOwned>(&self, path: &str, follow: bool) -> Result<Lines<T>, ClientError> {
        let sent = self.host.send(Method::GET, path, None, Accept::Lines);
        let response = self.host.while_it_answers(sent).await?;
        Ok(Lines::of(response, (!follow).then(|| self.host.clone())))
    }

    /// Returns what a reload would change; of the config at the absolute path `config`, if it is another one.
    ///
    /// # Errors
    /// [`ClientError`]; a config with errors is refused with a report about them.
    pub async fn difference(&self, config: Option<&str>) -> Result<Difference, ClientError> {
        let query = config.map_or_else(String::new, |path| format!("?config={}", escaped(path)));
        self.get(&format!("/v1/config/difference{query}")).await
    }

    /// Reloads the config, and streams the steps as they are done. The last one says what was done in all.
    ///
    /// # Errors
    /// [`ClientError`]; a refused reload has changed nothing.
    pub async fn reload(&self, order: &ReloadOrder) -> Result<Lines<ReloadStep>, ClientError> {
        let body = serde_json::to_vec(order).map_err(protocol)?;
        let sent = self.host.send(Method::POST, "/v1/config/reload", Some(body.into()), Accept::Lines);
        Ok(Lines::of(self.host.while_it_answers(sent).await?, Some(self.host.clone())))
    }

    /// Sets the number of replicas of processes until the next reload.
    ///
    /// # Errors
    /// [`ClientError`]; failures of single processes are in the answer.
    pub async fn scale(&self, order: &ScaleOrder) -> Result<Scaled, ClientError> {
        self.post("/v1/processes/scale", order).await
    }

    /// Streams the requested log lines.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn logs(&self, asked: &LogsAsked) -> Result<Lines<LogItem>, ClientError> {
        self.lines(&asked.path(), asked.follow).await
    }
}

async fn answer<T: DeserializeOwned>(response: Response<Body>) -> Result<T, ClientError> {
    let body = response.into_body().collect().await?.to_bytes();
    serde_json::from_slice(&body).map_err(protocol)
}
