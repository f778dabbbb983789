//! The token in the `Authorization` of a request, and what its owner may do.

use std::sync::Arc;

use axum::http::header;
use axum::http::request::Parts;
use provost_supervisor::Jobs;

use super::hosts::sole;
use crate::access::{Access, Scope};
use crate::server::rules::ApiRules;
use crate::tokens::{Keyring, Token, Unaccepted};

/// The longest secret that is looked up, in bytes.
const SECRET_BYTES_MAX: usize = 256;

/// With what a request says who sends it.
#[derive(Clone, Debug)]
pub(super) enum Credential {
    /// A token that is accepted.
    Token {
        /// The token.
        token: Token,
        /// What its owner may do now.
        access: Access,
    },
    /// Nothing.
    Missing,
    /// Something that is not accepted, and why.
    Refused(String),
}

impl Credential {
    /// Returns with what the request with this head says who sends it.
    pub(super) async fn of(head: &Parts, keyring: &Arc<Keyring>, jobs: &Jobs, rules: &ApiRules) -> Self {
        let secret = match sole(&head.headers, header::AUTHORIZATION) {
            Ok(None) => return Self::Missing,
            Ok(Some(value)) => bearer(value),
            Err(()) => None,
        };
        let Some(secret) = secret else {
            return Self::Refused("the `Authorization` of the request is not `Bearer TOKEN`".to_owned());
        };
        match keyring.find(secret.as_bytes(), jobs).await {
            Ok(token) => {
                let most = if rules.read_only { Scope::Read } else { Scope::Admin };
                Self::Token { access: Access::of(token.scope).up_to(most), token }
            }
            Err(Unaccepted::Unknown) => Self::Refused("the token is unknown or was revoked".to_owned()),
            Err(Unaccepted::Expired { name }) => Self::Refused(format!("the token `{name}` has expired")),
        }
    }
}

/// Returns the token in the value of an `Authorization`.
fn bearer(value: &str) -> Option<&str> {
    let (kind, secret) = value.split_once(' ')?;
    let secret = secret.trim();
    (kind.eq_ignore_ascii_case("bearer") && (1..=SECRET_BYTES_MAX).contains(&secret.len())).then_some(secret)
}

#[cfg(test)]
mod tests {
    use super::bearer;

    #[test]
    fn a_token_is_sent_as_bearer() {
        assert_eq!(bearer("Bearer pvt_x"), Some("pvt_x"));
        assert_eq!(bearer("bearer  pvt_x "), Some("pvt_x"));
        let long = format!("Bearer {}", "x".repeat(257));
        for other in ["pvt_x", "Basic pvt_x", "Bearer", "Bearer ", &long] {
            assert_eq!(bearer(other), None, "{other}");
        }
    }
}
