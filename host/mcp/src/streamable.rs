//! The service over HTTP: requests of the newer era are served one by one, clients of the older one have a bounded number of
//! sessions.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use http::{Request, Response};
use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::common::server_side_http::{ServerSseMessage, SessionId};
use rmcp::transport::streamable_http_server::session::SessionManager;
use rmcp::transport::streamable_http_server::session::local::{
    LocalSessionManager, LocalSessionManagerError,
};
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

use crate::caller::Caller;
use crate::server::Server;

/// The most sessions of clients of the older era.
const SESSIONS_MAX: usize = 64;

/// A session without a request or an open stream ends after this time.
const IDLE_MAX: Duration = Duration::from_secs(300);

/// How long the answers to finished requests are kept for a client that was disconnected.
const ANSWERS_KEPT: Duration = Duration::from_secs(5);

/// The most bytes of one request.
const REQUEST_BYTES_MAX: usize = 1 << 20;

/// The service over HTTP. A clone is the same service.
#[derive(Clone)]
pub struct HttpService {
    service: StreamableHttpService<Server, Sessions>,
    end: Arc<dyn Fn() + Send + Sync>,
}

impl std::fmt::Debug for HttpService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HttpService")
    }
}

/// Creates the service. Host and Origin, and who calls, are checked before it gets a request.
#[must_use]
pub fn http_service() -> HttpService {
    let mut sessions = LocalSessionManager::default();
    sessions.session_config.keep_alive = Some(IDLE_MAX);
    sessions.session_config.completed_cache_ttl = ANSWERS_KEPT;
    let config = StreamableHttpServerConfig::default()
        .with_json_response(true)
        .with_max_request_body_bytes(REQUEST_BYTES_MAX)
        .disable_allowed_hosts();
    let ended = config.cancellation_token.clone();
    let service = StreamableHttpService::new(|| Ok(Server::new(None)), Arc::new(Sessions(sessions)), config);
    HttpService { service, end: Arc::new(move || ended.cancel()) }
}

impl HttpService {
    /// Answers a request of a caller.
    pub async fn answer<B>(
        &self,
        mut request: Request<B>,
        caller: Caller,
    ) -> Response<BoxBody<Bytes, Infallible>>
    where
        B: BodyExt + Send + 'static,
        B::Error: std::fmt::Display,
    {
        request.extensions_mut().insert(caller);
        self.service.handle(request).await
    }

    /// Ends all sessions and subscriptions.
    pub fn end(&self) {
        (self.end)();
    }
}

/// The sessions of clients of the older era.
struct Sessions(LocalSessionManager);

/// A session that cannot be used.
#[derive(Debug, thiserror::Error)]
enum SessionRefused {
    /// There are too many.
    #[error(
        "there are {SESSIONS_MAX} sessions, and no more are allowed: end some, or wait until idle ones have ended"
    )]
    TooMany,
    /// The session itself.
    #[error(transparent)]
    Failed(#[from] LocalSessionManagerError),
}

impl SessionManager for Sessions {
    type Error = SessionRefused;
    type Transport = <LocalSessionManager as SessionManager>::Transport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Self::Error> {
        if self.0.sessions.read().await.len() >= SESSIONS_MAX {
            return Err(SessionRefused::TooMany);
        }
        Ok(self.0.create_session().await?)
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Self::Error> {
        Ok(self.0.initialize_session(id, message).await?)
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Self::Error> {
        Ok(self.0.has_session(id).await?)
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), Self::Error> {
        Ok(self.0.close_session(id).await?)
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        Ok(self.0.create_stream(id, message).await?)
    }

    async fn accept_message(&self, id: &SessionId, message: ClientJsonRpcMessage) -> Result<(), Self::Error> {
        Ok(self.0.accept_message(id, message).await?)
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        Ok(self.0.create_standalone_stream(id).await?)
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        Ok(self.0.resume(id, last_event_id).await?)
    }
}
