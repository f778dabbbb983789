//! The leases of tokens. An answer that lasts holds one, which ends when its token is no longer accepted.

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use super::file::Token;
use super::secret::Digest;

/// The leases of all tokens.
#[derive(Debug, Default)]
pub(super) struct Leases {
    /// One for each token of which somebody holds a lease.
    tokens: Mutex<Vec<Leased>>,
    /// Notified when a token is leased that nobody held a lease of.
    added: Notify,
}

#[derive(Debug)]
struct Leased {
    digest: Digest,
    /// The leases, which end when this is dropped.
    holders: watch::Sender<()>,
}

/// A lease of a token.
#[derive(Debug)]
pub(crate) struct Lease(watch::Receiver<()>);

impl Lease {
    /// Resolves when the token is no longer accepted.
    pub(crate) async fn ended(mut self) {
        // Nothing is ever sent.
        while self.0.changed().await.is_ok() {}
    }
}

impl Leases {
    /// Leases the token with this digest.
    pub(super) fn lease(&self, digest: Digest) -> Lease {
        let mut tokens = self.tokens.lock();
        if let Some(leased) = tokens.iter().find(|leased| leased.digest.equals(&digest)) {
            return Lease(leased.holders.subscribe());
        }
        let (holders, lease) = watch::channel(());
        tokens.push(Leased { digest, holders });
        self.added.notify_one();
        Lease(lease)
    }

    /// Resolves when somebody holds a lease.
    pub(super) async fn are_held(&self) {
        while self.tokens.lock().is_empty() {
            self.added().await;
        }
    }

    /// Resolves when a token is leased that nobody held a lease of.
    pub(super) async fn added(&self) {
        self.added.notified().await;
    }

    /// Ends the leases of the tokens that `accepted` does not find, or that have expired. Returns when the first of the others
    /// expires, in milliseconds since the Unix epoch; `None` if none of them ever does.
    pub(super) fn end(&self, accepted: impl Fn(&Digest) -> Option<Token>, now_ms: u64) -> Option<u64> {
        let mut first: Option<u64> = None;
        self.tokens.lock().retain(|Leased { digest, holders }| {
            let token = accepted(digest).filter(|token| !token.has_expired(now_ms));
            let Some(token) = token.filter(|_| holders.receiver_count() > 0) else { return false };
            first = first.into_iter().chain(token.expires_ms).min();
            true
        });
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Scope;

    fn token(secret: &[u8], expires_ms: Option<u64>) -> Token {
        Token { name: "ci".into(), scope: Scope::Read, created_ms: 0, expires_ms, digest: Digest::of(secret) }
    }

    #[tokio::test]
    async fn leases_end_when_their_token_has_expired_or_is_gone_and_others_go_on() {
        let leases = Leases::default();
        let tokens = [token(b"brief", Some(10)), token(b"long", Some(50)), token(b"revoked", None)];
        let held = tokens.clone().map(|token| leases.lease(token.digest));
        let again = leases.lease(tokens[0].digest);
        leases.are_held().await;
        let all = |digest: &Digest| tokens.iter().find(|token| token.digest.equals(digest)).cloned();
        assert_eq!(leases.end(all, 9), Some(10));
        let rest = |digest: &Digest| all(digest).filter(|token| token.expires_ms.is_some());
        assert_eq!(leases.end(rest, 10), Some(50));
        let [brief, long, revoked] = held;
        tokio::join!(brief.ended(), again.ended(), revoked.ended());
        drop(long);
        assert_eq!(leases.end(rest, 11), None, "nobody holds one any more");
        assert!(leases.tokens.lock().is_empty());
    }
}
