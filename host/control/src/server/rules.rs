//! What the config says about the requests of the API, and a reload may change.

use std::sync::Arc;

use arc_swap::ArcSwap;

/// The rules for requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiRules {
    /// The names and addresses that a client over TCP may call the host by, besides those that it always has. Small letters, and no
    /// ports.
    pub hosts: Vec<String>,
    /// The pages of other servers that may send requests over TCP, such as `https://ops.example.com`.
    pub origins: Vec<String>,
    /// How many requests each token, and each address without one, may send over TCP in a second.
    pub requests_per_second: u32,
    /// Whether all tokens may only read.
    pub read_only: bool,
    /// The name of the plugin whose view is served at `/metrics`.
    pub metrics: String,
}

impl ApiRules {
    /// The default of `requests_per_second`.
    pub const REQUESTS_PER_SECOND: u32 = 100;

    /// The default of `metrics`.
    pub const METRICS: &str = "prometheus";
}

impl Default for ApiRules {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            origins: Vec::new(),
            requests_per_second: Self::REQUESTS_PER_SECOND,
            read_only: false,
            metrics: Self::METRICS.to_owned(),
        }
    }
}

/// The rules that are in force. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct RulesInForce(Arc<ArcSwap<ApiRules>>);

impl RulesInForce {
    /// Puts these rules into force, beginning with the next request.
    pub fn set(&self, rules: ApiRules) {
        self.0.store(Arc::new(rules));
    }

    pub(crate) fn get(&self) -> Arc<ApiRules> {
        self.0.load_full()
    }
}

impl From<ApiRules> for RulesInForce {
    fn from(rules: ApiRules) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(rules)))
    }
}
