//! Who sends a request: the token in its `Authorization`, and what its owner may do.

use std::sync::Arc;

use axum::http::header;
use axum::http::request::Parts;
use provost_supervisor::Jobs;

use super::hosts::sole;
use super::rules::ApiRules;
use crate::access::{Access, Scope};
use crate::tokens::{Keyring, Unaccepted};

/// The longest secret that is looked up, in bytes.
const SECRET_BYTES_MAX: usize = 256;

/// Who sends a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// The owner of a token.
    Known(Access),
    /// Somebody without a token.
    Nameless,
    /// Somebody whose token is not accepted, and why.
    Refused(String),
}

impl Caller {
    /// Returns who sends the request with this head.
    pub(super) async fn of(head: &Parts, keyring: &Arc<Keyring>, jobs: &Jobs, rules: &ApiRules) -> Self {
        let secret = match sole(&head.headers, header::AUTHORIZATION) {
            Ok(None) => return Self::Nameless,
            Ok(Some(value)) => bearer(value),
            Err(()) => None,
        };
        let Some(secret) = secret else {
            return Self::Refused("the `Authorization` of the request is not `Bearer TOKEN`".to_owned());
        };
        match keyring.find(secret.as_bytes(), jobs).await {
            Ok(token) => {
                let scope = if rules.read_only { Scope::Read } else { token.scope };
                Self::Known(Access { scope, token: Some(token.name) })
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
