//! The sessions of clients of the older era. Those of a caller end for each other when they are too many, so that no caller takes
//! them from another.

use std::sync::{Arc, OnceLock};

use futures_util::{Stream, StreamExt};
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::common::server_side_http::{ServerSseMessage, SessionId};
use rmcp::transport::streamable_http_server::session::SessionManager;
use rmcp::transport::streamable_http_server::session::local::{
    LocalSessionManager, LocalSessionManagerError, SessionError,
};
use tokio::time::{Duration, Instant, sleep_until};

use super::seats::{Full, Open, Owner, Seats};

/// How long the answers to finished requests are kept for a client that was disconnected.
const ANSWERS_KEPT: Duration = Duration::from_secs(5);

/// The header with the session of a request of the older era.
pub(super) const SESSION: &str = "mcp-session-id";

tokio::task_local! {
    /// The request that is being answered.
    pub(super) static CALL: Arc<Call>;
}

/// A request, as far as sessions are concerned.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) owner: Owner,
    /// What went wrong with its session.
    pub(super) failed: OnceLock<Failed>,
}

/// What went wrong with the session of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// It was not created.
    Full(Full),
    /// It has ended.
    Ended,
}

/// A session that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionRefused {
    /// There are too many.
    #[error(transparent)]
    Full(#[from] Full),
    /// No request is being answered, so that nobody can have a session.
    #[error("nobody asks for this session: this is a defect")]
    Nobody,
    /// The session itself.
    #[error(transparent)]
    Failed(#[from] LocalSessionManagerError),
}

/// The sessions.
#[derive(Clone)]
pub(super) struct Sessions {
    local: Arc<LocalSessionManager>,
    pub(super) seats: Seats,
}

impl Sessions {
    pub(super) fn new() -> Self {
        let mut local = LocalSessionManager::default();
        // The library would also end a session with an open stream.
        local.session_config.keep_alive = None;
        local.session_config.completed_cache_ttl = ANSWERS_KEPT;
        Self { local: Arc::new(local), seats: Seats::default() }
    }

    /// Ends a session, without waiting for what it is doing.
    fn end(&self, id: SessionId) {
        let local = self.local.clone();
        // It fails if the session has ended already.
        tokio::spawn(async move { local.close_session(&id).await.is_ok() });
    }

    /// Ends idle sessions for as long as there are sessions.
    async fn watch(self) {
        let mut next = Some(Instant::now());
        while let Some(at) = next {
            sleep_until(at).await;
            let (ended, later) = self.seats.free_idle(Instant::now());
            ended.into_iter().for_each(|id| self.end(id));
            next = later;
        }
    }

    /// Begins a request or a stream of a session.
    fn open(&self, id: &SessionId) -> Result<Open, SessionRefused> {
        let open = self.seats.open(id);
        open.ok_or_else(|| noted(LocalSessionManagerError::SessionNotFound(id.clone())))
    }
}

/// Notes the error for the answer to the request, if its session has ended.
fn noted(error: LocalSessionManagerError) -> SessionRefused {
    use LocalSessionManagerError as Error;
    if matches!(
        error,
        Error::SessionNotFound(_) | Error::SessionError(SessionError::SessionServiceTerminated)
    ) {
        note(Failed::Ended);
    }
    error.into()
}

fn note(failed: Failed) {
    // A session that ends alone ends outside of a request.
    let _ = CALL.try_with(|call| call.failed.set(failed));
}

/// Returns the stream, which keeps its session in use.
fn using<T>(
    open: Open,
    stream: impl Stream<Item = T> + Send + Sync + 'static,
) -> impl Stream<Item = T> + Send + Sync + 'static {
    stream.map(move |item| {
        let _used = &open;
        item
    })
}

impl SessionManager for Sessions {
    type Error = SessionRefused;
    type Transport = <LocalSessionManager as SessionManager>::Transport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Self::Error> {
        let owner = CALL.try_with(|call| call.owner.clone()).map_err(|_| SessionRefused::Nobody)?;
        let (seat, ends) = self.seats.reserve(&owner).inspect_err(|full| note(Failed::Full(*full)))?;
        if let Some(id) = ends {
            self.end(id);
        }
        let (id, transport) = self.local.create_session().await?;
        seat.give_to(&id);
        if self.seats.is_to_be_watched() {
            tokio::spawn(self.clone().watch());
        }
        Ok((id, transport))
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Self::Error> {
        let _open = self.open(id)?;
        self.local.initialize_session(id, message).await.map_err(noted)
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Self::Error> {
        Ok(self.local.has_session(id).await?)
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), Self::Error> {
        self.seats.free(id);
        Ok(self.local.close_session(id).await?)
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let open = self.open(id)?;
        Ok(using(open, self.local.create_stream(id, message).await.map_err(noted)?))
    }

    async fn accept_message(&self, id: &SessionId, message: ClientJsonRpcMessage) -> Result<(), Self::Error> {
        let _open = self.open(id)?;
        self.local.accept_message(id, message).await.map_err(noted)
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let open = self.open(id)?;
        Ok(using(open, self.local.create_standalone_stream(id).await.map_err(noted)?))
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let open = self.open(id)?;
        Ok(using(open, self.local.resume(id, last_event_id).await.map_err(noted)?))
    }
}
