//! The client of the API: one connection for each request, answers as types of the API, streams line by line.
//!
//! | room | owns |
//! |---|---|
//! | `lines` | streams of JSON objects |
//! | `connection` | sending a request, and watching over a host while it is waited for |
//! | `error` | why a request had no answer |
//! | `reach` | why a socket cannot be connected to, and a host that answers nothing |
//! | `logs` | which lines of logs are asked for |
//! | `path` | paths and queries of requests |

mod connection;
mod error;
mod lines;
mod logs;
mod path;
mod reach;

use std::path::{Path, PathBuf};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::connection::Connector;
use self::error::{broken, protocol};
use self::path::{escaped, of_view};
use crate::{
    Blame, Ended, Event, Explanation, LogItem, Outcome, Ping, PluginChanged, PluginList, PluginOrder,
    ProcessOrder, Shutdown, StateChange, StateCore, Status,
};

pub use self::error::ClientError;
pub use self::lines::Lines;
pub use self::logs::{LogsAsked, LogsOf};
pub use self::reach::{SOCKET_PATH_BYTES_MAX, Silent, Unconnected};

/// A client of the host that listens on a socket.
#[derive(Clone, Debug)]
pub struct Client {
    host: Connector,
}

/// A rendered view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Its media type.
    pub content_type: String,
    /// Its bytes.
    pub body: Bytes,
}

impl Client {
    /// A client; nothing is connected yet.
    #[must_use]
    pub fn new(socket: PathBuf) -> Self {
        Self { host: Connector { socket } }
    }

    /// The socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.host.socket
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.host
            .while_it_answers(async { answer(self.host.send(Method::GET, path, None).await?).await })
            .await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        self.host.while_it_answers(self.post_patiently(path, body)).await
    }

    /// As `post`, however long the host answers nothing.
    async fn post_patiently<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body).map_err(protocol)?;
        answer(self.host.send(Method::POST, path, Some(body.into())).await?).await
    }

    /// The process and the version of the host.
    ///
    /// # Errors
    /// [`ClientError`], as all of these.
    pub async fn ping(&self) -> Result<Ping, ClientError> {
        self.get("/v1/ping").await
    }

    /// The state of `targets`, or of everything if there are none.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn status(&self, targets: &[String]) -> Result<Status, ClientError> {
        self.get(&format!("/v1/status?select={}", escaped(&targets.join(",")))).await
    }

    /// Has `start`, `stop`, `restart` or `signal` carried out.
    ///
    /// # Errors
    /// [`ClientError`]; what went wrong with single processes is in the outcome.
    pub async fn order(&self, action: &str, order: &ProcessOrder) -> Result<Outcome, ClientError> {
        self.post(&format!("/v1/processes/{action}"), order).await
    }

    /// Empties the logs of `targets`.
    ///
    /// # Errors
    /// [`ClientError`]; what went wrong with single processes is in the outcome.
    pub async fn clear_logs(&self, targets: &[String]) -> Result<Outcome, ClientError> {
        let path = format!("/v1/logs?select={}", escaped(&targets.join(",")));
        self.host
            .while_it_answers(async { answer(self.host.send(Method::DELETE, &path, None).await?).await })
            .await
    }

    /// Why a process is in its state.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn explain(&self, name: &str) -> Result<Explanation, ClientError> {
        self.get(&format!("/v1/explain/{}", escaped(name))).await
    }

    /// All plugins.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn plugins(&self) -> Result<PluginList, ClientError> {
        self.get("/v1/plugins").await
    }

    /// Has a plugin loaded, unloaded, swapped, rolled back or revived.
    ///
    /// # Errors
    /// [`ClientError`]; nothing was changed then.
    pub async fn change_plugin(
        &self,
        name: &str,
        action: &str,
        order: &PluginOrder,
    ) -> Result<PluginChanged, ClientError> {
        self.post(&format!("/v1/plugins/{}/{action}", escaped(name)), order).await
    }

    /// The last input that made a plugin fail, and what it makes of it now.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn blame(&self, name: &str) -> Result<Blame, ClientError> {
        self.get(&format!("/v1/plugins/{}/blame", escaped(name))).await
    }

    /// The state core: its backend, and what each has done.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn state_core(&self) -> Result<StateCore, ClientError> {
        self.get("/v1/state").await
    }

    /// Changes the backend of the state core, or its rollout, at run time.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn change_state_core(&self, change: &StateChange) -> Result<StateCore, ClientError> {
        self.post("/v1/state", change).await
    }

    /// What a plugin renders at `path`, which may have a query. The path is text; the query is handed to the plugin as it is, except
    /// that what cannot stand in a URL is percent-encoded.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn view(&self, plugin: &str, path: &str) -> Result<Rendered, ClientError> {
        self.host.while_it_answers(self.rendered(&of_view(plugin, path))).await
    }

    async fn rendered(&self, uri: &str) -> Result<Rendered, ClientError> {
        let response = self.host.send(Method::GET, uri, None).await?;
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let body = response.into_body().collect().await.map_err(broken)?.to_bytes();
        Ok(Rendered { content_type, body })
    }

    /// Asks the host to stop. It answers at once; when it is gone the socket is.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn shutdown(&self) -> Result<Ping, ClientError> {
        self.post("/v1/shutdown", &serde_json::json!({})).await
    }

    /// Asks the host to stop, and waits until everything that can be ended has ended; how it ends.
    ///
    /// # Errors
    /// [`ClientError`]; [`ClientError::Broken`] if the host vanishes without a report. A host that answers nothing
    /// is waited for.
    pub async fn shutdown_and_wait(&self) -> Result<Ended, ClientError> {
        self.post_patiently("/v1/shutdown", &Shutdown { wait: true }).await
    }

    /// The remembered changes after generation `since`, and from then on if `follow`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn events(&self, since: u64, follow: bool) -> Result<Lines<Event>, ClientError> {
        let path = format!("/v1/events?since={since}&follow={}", u8::from(follow));
        self.lines(&path, follow).await
    }

    /// What a path answers line by line. Who follows waits for the next line as long as it takes.
    async fn lines<T: DeserializeOwned>(&self, path: &str, follow: bool) -> Result<Lines<T>, ClientError> {
        let response = self.host.while_it_answers(self.host.send(Method::GET, path, None)).await?;
        Ok(Lines::of(response, (!follow).then(|| self.host.clone())))
    }

    /// The last `tail` lines of each of `targets` (of everything if there are none), and from then on if `follow`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn logs(&self, asked: &LogsAsked) -> Result<Lines<LogItem>, ClientError> {
        self.lines(&asked.path(), asked.follow).await
    }
}

async fn answer<T: DeserializeOwned>(response: Response<Incoming>) -> Result<T, ClientError> {
    let body = response.into_body().collect().await.map_err(broken)?.to_bytes();
    serde_json::from_slice(&body).map_err(protocol)
}
