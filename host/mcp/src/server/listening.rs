//! Clients as receivers of notifications: of the older era through their session, of the newer one through their subscription.

use std::collections::BTreeSet;

use rmcp::RoleServer;
use rmcp::model::{ResourceUpdatedNotificationParam, SubscriptionFilter};
use rmcp::service::{Peer, SubscriptionSink};

use crate::resources::Uri;
use crate::watch::{Audience, Gone, Wanted};

/// The most resources that one client subscribes to.
pub(super) const URIS_MAX: usize = 256;

impl Audience for Peer<RoleServer> {
    async fn list_changed(&self) -> Result<(), Gone> {
        self.notify_resource_list_changed().await.map_err(|_| Gone)
    }

    async fn updated(&self, uri: &Uri) -> Result<(), Gone> {
        let changed = ResourceUpdatedNotificationParam::new(uri.to_string());
        self.notify_resource_updated(changed).await.map_err(|_| Gone)
    }
}

impl Audience for SubscriptionSink {
    async fn list_changed(&self) -> Result<(), Gone> {
        self.notify_resource_list_changed().await.map_err(|_| Gone)
    }

    async fn updated(&self, uri: &Uri) -> Result<(), Gone> {
        self.notify_resource_updated(uri.to_string()).await.map_err(|_| Gone)
    }
}

/// Returns the part of a subscription that this server serves. Its tools and prompts never change.
pub(super) fn accepted(requested: &SubscriptionFilter) -> SubscriptionFilter {
    let known = |uris: &Vec<String>| {
        let uris = uris.iter().filter(|uri| Uri::parse(uri).is_some()).take(URIS_MAX);
        uris.cloned().collect::<BTreeSet<_>>()
    };
    let mut filter = SubscriptionFilter::new();
    filter.resources_list_changed = requested.resources_list_changed;
    filter.resource_subscriptions =
        requested.resource_subscriptions.as_ref().map(|uris| known(uris).into_iter().collect());
    filter
}

/// Returns what a subscription wants.
pub(super) fn wanted(accepted: &SubscriptionFilter) -> Wanted {
    let uris = accepted.resource_subscriptions.iter().flatten().filter_map(|uri| Uri::parse(uri));
    Wanted { list: accepted.resources_list_changed == Some(true), uris: uris.collect() }
}
