//! The checks that each request over TCP has to pass, in this order: the `Host`, the `Origin`, the token, and the rate. The
//! scope is checked with the route; the rate comes before it, so that it also bounds requests that are refused for their scope.

use std::sync::Arc;

use axum::BoxError;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Body;
use provost_supervisor::Jobs;

use super::cors::Sender;
use super::credential::Credential;
use super::hosts;
use super::leased::leased;
use super::listening::Peer;
use super::rate::{Budgets, Counted};
use crate::access::Access;
use crate::server::guarded::{Guarded, TokenName};
use crate::server::refused::Refused;
use crate::server::rules::{ApiRules, RulesInForce};
use crate::server::scopes::is_open;
use crate::tokens::Keyring;

/// What is asked of a client that has sent no token.
const NO_TOKEN: HeaderValue = HeaderValue::from_static(r#"Bearer realm="provost""#);

/// What is asked of a client whose token is not accepted.
const BAD_TOKEN: HeaderValue = HeaderValue::from_static(r#"Bearer realm="provost", error="invalid_token""#);

/// Checks requests and answers those that pass.
#[derive(Debug)]
pub(in crate::server) struct Gate {
    routes: Guarded,
    rules: RulesInForce,
    keyring: Arc<Keyring>,
    /// The threads that look at files.
    pub(in crate::server) jobs: Jobs,
    /// `http` or `https`.
    scheme: &'static str,
    budgets: Budgets,
}

impl Gate {
    /// Creates the checks before `routes`.
    pub(in crate::server) fn new(
        routes: Guarded,
        rules: RulesInForce,
        keyring: Arc<Keyring>,
        jobs: Jobs,
        scheme: &'static str,
    ) -> Self {
        Self { routes, rules, keyring, jobs, scheme, budgets: Budgets::default() }
    }

    /// Answers a request, or refuses it.
    pub(in crate::server) async fn answer<B>(&self, request: Request<B>, peer: Peer) -> Response
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let rules = self.rules.get();
        let (head, body) = request.into_parts();
        let sender = match self.sender(&head, peer, &rules) {
            Ok(sender) => sender,
            Err(refused) => return refused.into_response(),
        };
        let mut response = match sender.preflight(&head) {
            Some(answer) => answer,
            None => self.answer_bearer(Request::from_parts(head, body), peer, &rules).await,
        };
        sender.allow(response.headers_mut());
        response
    }

    /// Checks how the request calls the host, and which page sends it.
    fn sender(&self, head: &Parts, peer: Peer, rules: &ApiRules) -> Result<Sender, Refused> {
        let host = hosts::called(head, peer.local, rules).map_err(Refused::misdirected)?;
        Sender::of(head, self.scheme, &host, rules).map_err(|origin| Refused::foreign_page(&origin))
    }

    /// Checks who sends the request and how many they have sent, and has it answered in their name.
    async fn answer_bearer<B>(&self, request: Request<B>, peer: Peer, rules: &ApiRules) -> Response
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (head, body) = request.into_parts();
        let credential = Credential::of(&head, &self.keyring, &self.jobs, rules).await;
        let counted = match &credential {
            Credential::Token { token, .. } => Counted::Token(token.name.clone()),
            Credential::Missing | Credential::Refused(_) => Counted::at(peer.remote),
        };
        if let Err(wait) = self.budgets.take(counted, rules.requests_per_second) {
            let mut refused = Refused::too_many_requests().into_response();
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            refused.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            return refused;
        }
        let mut request = Request::from_parts(head, body);
        let (mut response, challenge) = match credential {
            Credential::Token { token, access } => {
                if self.routes.is_mounted(request.uri().path()) {
                    request.extensions_mut().insert(TokenName(token.name.clone()));
                }
                let answer = self.routes.answer(request, access).await;
                return leased(answer, || self.keyring.lease(&token));
            }
            Credential::Missing => (self.routes.answer(request, Access::NOBODY).await, NO_TOKEN),
            // A balancer with an old token is not to take the host for dead.
            Credential::Refused(_) if is_open(request.uri().path()) => {
                return self.routes.answer(request, Access::NOBODY).await;
            }
            Credential::Refused(why) => (Refused::unauthorized(why).into_response(), BAD_TOKEN),
        };
        if response.status() == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
