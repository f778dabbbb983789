//! The service at `/mcp`: clients of the Model Context Protocol use the API in the process of the host, with the scope of their
//! caller.

use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use provost_api::client::Client;
use provost_control::{Caller, Mount, Mounted, Scope, TokenName};
use provost_mcp::{Grant, HttpService, Owner, Wording, http_service};

/// The service, and what its callers are told.
#[derive(Clone, Debug)]
pub(super) struct Mcp {
    service: HttpService,
    wording: Wording,
}

impl Mcp {
    pub(super) fn new() -> Self {
        let wording = Wording {
            start_hint: "try again".into(),
            allow_hint: "it takes a token with the scope `operate`, or `admin` for the config and plugins"
                .into(),
        };
        Self { service: http_service(), wording }
    }

    /// Returns the service at its path. What a tool needs beyond reading is checked by the tool and by the API.
    pub(super) fn mount(&self) -> Mount {
        Mount { path: "/mcp", scope: Some(Scope::Read), service: Arc::new(self.clone()) }
    }

    /// Ends all sessions and subscriptions.
    pub(super) fn end(&self) {
        self.service.end();
    }
}

impl Mounted for Mcp {
    fn answer(
        &self,
        request: Request<Body>,
        api: Caller,
    ) -> Pin<Box<dyn Future<Output = Response> + Send + '_>> {
        let grant = match api.access().scope() {
            Some(Scope::Admin) => Grant::Admin,
            Some(Scope::Operate) => Grant::Operate,
            Some(Scope::Read) | None => Grant::Read,
        };
        let client = Client::over(Arc::new(api));
        let caller = provost_mcp::Caller { client, grant, wording: self.wording.clone() };
        let owner = match request.extensions().get::<TokenName>() {
            Some(TokenName(name)) => Owner::Token(name.clone()),
            None => Owner::Socket,
        };
        Box::pin(async move { self.service.answer(request, caller, owner).await.map(Body::new) })
    }
}
