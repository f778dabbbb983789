//! The service: who calls is known for each request, and each refusal has the form of the API.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Either, Full};
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

use super::seats::{Owner, Seats};
use super::sessions::{CALL, Call, SESSION, Sessions};
use super::{plain, problem};
use crate::caller::Caller;
use crate::server::Server;

/// The most bytes of one request.
const REQUEST_BYTES_MAX: usize = 1 << 20;

/// The service over HTTP. A clone is the same service.
#[derive(Clone)]
pub struct HttpService {
    service: StreamableHttpService<Server, Sessions>,
    seats: Seats,
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
    let sessions = Sessions::new();
    let config = StreamableHttpServerConfig::default()
        .with_json_response(true)
        .with_max_request_body_bytes(REQUEST_BYTES_MAX)
        .disable_allowed_hosts();
    let (ended, seats) = (config.cancellation_token.clone(), sessions.seats.clone());
    let service = StreamableHttpService::new(|| Ok(Server::new(None)), Arc::new(sessions), config);
    HttpService { service, seats, end: Arc::new(move || ended.cancel()) }
}

impl HttpService {
    /// Answers a request of a caller, which can use only the sessions of `owner`.
    pub async fn answer<B>(
        &self,
        request: Request<B>,
        caller: Caller,
        owner: Owner,
    ) -> Response<BoxBody<Bytes, Infallible>>
    where
        B: BodyExt<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let session = request.headers().get(SESSION).and_then(|id| id.to_str().ok());
        if session.is_some_and(|id| self.seats.is_foreign(id, &owner)) {
            return problem::unknown_session();
        }
        let mut request = match plain::has_head(request.method(), request.headers()) {
            false => request.map(Either::Right),
            true => {
                let (parts, body) = request.into_parts();
                let Ok(body) = body.collect().await else { return problem::cut_off() };
                let body = body.to_bytes();
                if let Some(call) = plain::call(&parts.headers, &body)
                    && let Ok(answer) = call.answer(&caller).await
                {
                    return answer;
                }
                Request::from_parts(parts, Either::Left(Full::from(body)))
            }
        };
        // The library answers all other requests.
        request.extensions_mut().insert(caller);
        let call = Arc::new(Call { owner, failed: OnceLock::new() });
        let answer = CALL.scope(call.clone(), self.service.handle(request)).await;
        problem::of_refusal(answer, call.failed.get().copied()).await
    }

    /// Ends all sessions and subscriptions.
    pub fn end(&self) {
        (self.end)();
    }
}
