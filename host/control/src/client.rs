//! The other end of the socket: one connection a request, answers as wire types, streams line by line.

use std::collections::VecDeque;
use std::future::Future;
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::reach::{self, Silent, Unconnected};
use crate::wire;

/// Why a request had no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The socket could not be connected to.
    #[error(transparent)]
    Unconnected(#[from] Unconnected),
    /// The host takes connections, and answers nothing.
    #[error(transparent)]
    Silent(#[from] Silent),
    /// The host refused.
    #[error("{}", error.message)]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Why, as it said.
        error: wire::Error,
    },
    /// The connection ended before there was a whole answer.
    #[error("the host closed the connection before it had answered")]
    Broken,
    /// The answer made no sense.
    #[error("the answer is not one of a Provost host: {0}")]
    Protocol(String),
}

/// An error of the connection.
fn broken(error: hyper::Error) -> ClientError {
    match error.is_parse() || error.is_user() {
        true => protocol(error),
        false => ClientError::Broken,
    }
}

fn protocol(error: impl std::fmt::Display) -> ClientError {
    ClientError::Protocol(error.to_string())
}

/// A client of the host that listens on a socket.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

/// Which lines of logs are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogsAsked {
    /// Whose.
    pub of: LogsOf,
    /// How many of the last lines of each process, of those that pass; none means none of the past.
    pub lines: usize,
    /// Also what comes from then on.
    pub follow: bool,
    /// Only lines of this time or later, in milliseconds since the Unix epoch.
    pub since_ms: Option<u64>,
    /// Only lines of before this time.
    pub until_ms: Option<u64>,
    /// Only lines in which this regular expression is found.
    pub grep: Option<String>,
}

/// Whose lines are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogsOf {
    /// Those of processes: names, `group:*` or `all`.
    Processes(Vec<String>),
    /// The host's own log.
    Host,
    /// What a plugin said in the host's own log.
    Plugin(String),
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
        Self { socket }
    }

    /// The socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Response<Incoming>, ClientError> {
        let stream = reach::connect(&self.socket).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header(HOST, "localhost");
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(body.unwrap_or_default())).map_err(protocol)?;
        let response = sender.send_request(request).await.map_err(broken)?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.map_err(broken)?.to_bytes();
        match serde_json::from_slice::<wire::Failure>(&body) {
            Ok(failure) => Err(ClientError::Refused { status, error: failure.error }),
            Err(_) => Err(protocol(format!("status {status}: {}", String::from_utf8_lossy(&body)))),
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.while_it_answers(async { answer(self.send(Method::GET, path, None).await?).await }).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        self.while_it_answers(self.post_patiently(path, body)).await
    }

    /// As `post`, however long the host answers nothing.
    async fn post_patiently<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body).map_err(protocol)?;
        answer(self.send(Method::POST, path, Some(body.into())).await?).await
    }

    /// Waits for an answer, however long it takes, as long as the host answers at all.
    async fn while_it_answers<T>(
        &self,
        answered: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        tokio::select! {
            biased;
            answered = answered => answered,
            silent = self.until_silent() => Err(silent.into()),
        }
    }

    /// Asks the host from time to time whether it is there, until it does not answer.
    async fn until_silent(&self) -> Silent {
        loop {
            tokio::time::sleep(reach::SOON).await;
            // A host that cannot be connected to any more, or refuses, is the concern of the request itself.
            if tokio::time::timeout(reach::PATIENCE, self.send(Method::GET, "/v1/ping", None)).await.is_err()
            {
                return Silent::of(&self.socket).await;
            }
        }
    }

    /// Who is there?
    ///
    /// # Errors
    /// [`ClientError`], as all of these.
    pub async fn ping(&self) -> Result<wire::Ping, ClientError> {
        self.get("/v1/ping").await
    }

    /// The state of `targets`, or of everything if there are none.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn status(&self, targets: &[String]) -> Result<wire::Status, ClientError> {
        self.get(&format!("/v1/status?select={}", escaped(&targets.join(",")))).await
    }

    /// Has `start`, `stop`, `restart` or `signal` carried out.
    ///
    /// # Errors
    /// [`ClientError`]; what went wrong with single processes is in the outcome.
    pub async fn order(&self, action: &str, order: &wire::Order) -> Result<wire::Outcome, ClientError> {
        self.post(&format!("/v1/processes/{action}"), order).await
    }

    /// Empties the logs of `targets`.
    ///
    /// # Errors
    /// [`ClientError`]; what went wrong with single processes is in the outcome.
    pub async fn clear_logs(&self, targets: &[String]) -> Result<wire::Outcome, ClientError> {
        let path = format!("/v1/logs?select={}", escaped(&targets.join(",")));
        self.while_it_answers(async { answer(self.send(Method::DELETE, &path, None).await?).await }).await
    }

    /// Why is this process in its state?
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn explain(&self, name: &str) -> Result<wire::Explanation, ClientError> {
        self.get(&format!("/v1/explain/{}", escaped(name))).await
    }

    /// All plugins.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn plugins(&self) -> Result<wire::PluginList, ClientError> {
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
        order: &wire::PluginOrder,
    ) -> Result<wire::PluginChanged, ClientError> {
        self.post(&format!("/v1/plugins/{}/{action}", escaped(name)), order).await
    }

    /// The last input that made a plugin fail, and what it makes of it now.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn blame(&self, name: &str) -> Result<wire::Blame, ClientError> {
        self.get(&format!("/v1/plugins/{}/blame", escaped(name))).await
    }

    /// The state core: its backend, and what each has done.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn state_core(&self) -> Result<wire::StateCore, ClientError> {
        self.get("/v1/state").await
    }

    /// Changes the backend of the state core, or its rollout, under way.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn change_state_core(
        &self,
        change: &wire::StateChange,
    ) -> Result<wire::StateCore, ClientError> {
        self.post("/v1/state", change).await
    }

    /// What a plugin renders at `path`, which may have a query. The path is text; the query is handed to the plugin as it is, except
    /// that what cannot stand in a URL is percent-encoded.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn view(&self, plugin: &str, path: &str) -> Result<Rendered, ClientError> {
        let (path, query) =
            path.trim_start_matches('/').split_once('?').unwrap_or((path.trim_start_matches('/'), ""));
        let mut uri = format!("/v1/views/{}", escaped(plugin));
        for segment in path.split('/').filter(|_| !path.is_empty()) {
            uri.push('/');
            uri.push_str(&escaped(segment));
        }
        if !query.is_empty() {
            uri.push('?');
            uri.push_str(&query_of(query));
        }
        self.while_it_answers(self.rendered(&uri)).await
    }

    async fn rendered(&self, uri: &str) -> Result<Rendered, ClientError> {
        let response = self.send(Method::GET, uri, None).await?;
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let body = response.into_body().collect().await.map_err(broken)?.to_bytes();
        Ok(Rendered { content_type, body })
    }

    /// Asks the host to stop. It answers at once; when it is gone the socket is.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn shutdown(&self) -> Result<wire::Ping, ClientError> {
        self.post("/v1/shutdown", &serde_json::json!({})).await
    }

    /// Asks the host to stop, and waits until everything that can be ended has ended; how it ends.
    ///
    /// # Errors
    /// [`ClientError`]; [`ClientError::Broken`] if the host vanishes without a report. A host that answers nothing
    /// is waited for.
    pub async fn shutdown_and_wait(&self) -> Result<wire::Ended, ClientError> {
        self.post_patiently("/v1/shutdown", &wire::Shutdown { wait: true }).await
    }

    /// The remembered changes after generation `since`, and from then on if `follow`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn events(&self, since: u64, follow: bool) -> Result<Lines<wire::Event>, ClientError> {
        let path = format!("/v1/events?since={since}&follow={}", u8::from(follow));
        self.lines(&path, follow).await
    }

    /// What a path answers line by line. Who follows waits for the next line as long as it takes.
    async fn lines<T: DeserializeOwned>(&self, path: &str, follow: bool) -> Result<Lines<T>, ClientError> {
        let response = self.while_it_answers(self.send(Method::GET, path, None)).await?;
        Ok(Lines::of(response, (!follow).then(|| self.clone())))
    }

    /// The last `tail` lines of each of `targets` (of everything if there are none), and from then on if `follow`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn logs(&self, asked: &LogsAsked) -> Result<Lines<wire::LogItem>, ClientError> {
        let LogsAsked { of, lines, follow, since_ms, until_ms, grep } = asked;
        let of = match of {
            LogsOf::Processes(targets) => format!("select={}", escaped(&targets.join(","))),
            LogsOf::Host => "host=1".to_owned(),
            LogsOf::Plugin(name) => format!("plugin={}", escaped(name)),
        };
        let mut path = format!("/v1/logs?{of}&n={lines}&follow={}", u8::from(*follow));
        let time = |ms: &u64| provost_supervisor::rfc3339(*ms);
        for (key, value) in [
            ("since", since_ms.as_ref().map(time)),
            ("until", until_ms.as_ref().map(time)),
            ("grep", grep.clone()),
        ] {
            if let Some(value) = value {
                path.push_str(&format!("&{key}={}", escaped(&value)));
            }
        }
        self.lines(&path, *follow).await
    }
}

async fn answer<T: DeserializeOwned>(response: Response<Incoming>) -> Result<T, ClientError> {
    let body = response.into_body().collect().await.map_err(broken)?.to_bytes();
    serde_json::from_slice(&body).map_err(protocol)
}

/// Percent-encodes what has a meaning in a path or a query.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte))
            }
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

/// A query in which everything that cannot stand there is percent-encoded. What is encoded already stays.
fn query_of(text: &str) -> String {
    let mut query = String::with_capacity(text.len());
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        let is_escape = || bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        match byte {
            b'%' if is_escape() => query.push('%'),
            // The query percent-encode set of the URL Standard (https://url.spec.whatwg.org/#query-percent-encode-set).
            b'!' | b'$' | b'&'..=b';' | b'=' | b'?'..=b'~' => query.push(char::from(*byte)),
            _ => query.push_str(&format!("%{byte:02X}")),
        }
    }
    query
}

/// A stream of JSON objects, one a line.
#[derive(Debug)]
pub struct Lines<T> {
    body: Incoming,
    /// Whom to ask whether it still answers, while more must come.
    host: Option<Client>,
    pending: BytesMut,
    /// How far `pending` is known to hold no end of a line.
    scanned: usize,
    ready: VecDeque<T>,
}

impl<T: DeserializeOwned> Lines<T> {
    fn of(response: Response<Incoming>, host: Option<Client>) -> Self {
        let body = response.into_body();
        Self { body, host, pending: BytesMut::new(), scanned: 0, ready: VecDeque::new() }
    }

    /// The next object; `None` when the host has no more or has gone.
    ///
    /// # Errors
    /// [`ClientError::Protocol`] if a line is no such object, [`ClientError::Silent`] if nothing comes that must come.
    pub async fn next(&mut self) -> Result<Option<T>, ClientError> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Ok(Some(item));
            }
            // A host that is killed cuts the stream: that is its end, not an error of the protocol.
            let frame = match &self.host {
                Some(host) => host.while_it_answers(async { Ok(self.body.frame().await) }).await?,
                None => self.body.frame().await,
            };
            let Some(Ok(frame)) = frame else { return Ok(None) };
            if let Some(bytes) = frame.data_ref() {
                self.pending.extend_from_slice(bytes);
                self.split()?;
            }
        }
    }

    fn split(&mut self) -> Result<(), ClientError> {
        while let Some(at) = self.pending[self.scanned..].iter().position(|byte| *byte == b'\n') {
            let line = self.pending.split_to(self.scanned + at + 1);
            self.scanned = 0;
            self.ready.push_back(serde_json::from_slice(&line).map_err(protocol)?);
        }
        self.scanned = self.pending.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_encoded_where_it_has_to_be_and_only_there() {
        for (said, sent) in [
            ("a=1&b=2", "a=1&b=2"),
            ("name=a b", "name=a%20b"),
            ("q=ä#frag", "q=%C3%A4%23frag"),
            ("done=%20&half=%2&none=%", "done=%20&half=%252&none=%25"),
            ("dir|file", "dir|file"),
            ("url=http://x/?y", "url=http://x/?y"),
            ("a=\"<>`{}^\\\u{1b}\n", "a=%22%3C%3E`{}^\\%1B%0A"),
            ("plus=a+b", "plus=a+b"),
        ] {
            assert_eq!(query_of(said), sent);
        }
    }
}
