//! The checks that each request over TCP has to pass, in this order: the `Host`, the `Origin`, the token, the rate, and the scope. The
//! rate comes before the scope, so that it also bounds requests that are refused for their scope.

use std::net::IpAddr;
use std::sync::Arc;

use axum::BoxError;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use hyper::body::Body;
use provost_supervisor::Jobs;

use super::caller::Caller;
use super::cors::Sender;
use super::hosts;
use super::rate::{Budgets, Counted};
use super::rules::{ApiRules, RulesInForce};
use crate::access::{Access, Scope};
use crate::server::guarded::Guarded;
use crate::server::refused::Refused;
use crate::tokens::Keyring;

/// The paths that need no token. Balancers and orchestrators ask there whether the host is alive and its processes are ready, and
/// learn nothing more.
const OPEN: [&str; 2] = ["/livez", "/readyz"];

/// The two ends of a connection.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Peer {
    /// The address of the client.
    pub(in crate::server) remote: IpAddr,
    /// The address that it has connected to.
    pub(in crate::server) local: IpAddr,
}

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
            None => match self.admit(&head, peer, &rules).await {
                Err(refused) => refused.into_response(),
                Ok(access) => {
                    let mut request = Request::from_parts(head, body);
                    if let Some(access) = access {
                        request.extensions_mut().insert(access);
                    }
                    self.routes.answer(request).await
                }
            },
        };
        sender.allow(response.headers_mut());
        response
    }

    /// Checks how the request calls the host, and which page sends it.
    fn sender(&self, head: &Parts, peer: Peer, rules: &ApiRules) -> Result<Sender, Refused> {
        let host = hosts::called(head, peer.local, rules).map_err(Refused::misdirected)?;
        Sender::of(head, self.scheme, &host, rules).map_err(|origin| Refused::foreign_page(&origin))
    }

    /// Checks who sends the request, and how many they have sent. Returns what they may do; `None` at a path that needs no
    /// token.
    async fn admit(&self, head: &Parts, peer: Peer, rules: &ApiRules) -> Result<Option<Access>, Refused> {
        let caller = Caller::of(head, &self.keyring, &self.jobs, rules).await;
        let counted = match &caller {
            Caller::Known(Access { token: Some(name), .. }) => Counted::Token(name.clone()),
            _ => Counted::at(peer.remote),
        };
        self.budgets.take(counted, rules.requests_per_second).map_err(Refused::too_many_requests)?;
        match caller {
            Caller::Known(access) => {
                let needed = Scope::needed(&head.method, head.uri.path());
                if access.scope < needed {
                    return Err(Refused::beyond_scope(access.scope, needed));
                }
                Ok(Some(access))
            }
            Caller::Refused(why) => Err(Refused::unauthorized(why, true)),
            Caller::Nameless if OPEN.contains(&head.uri.path()) => Ok(None),
            Caller::Nameless => Err(Refused::unauthorized("the request has no token".to_owned(), false)),
        }
    }
}
