//! Where the tasks report. The queue is bounded: a view that draws slowly slows its streams, and the host skips lines for them.

use provost_api::client::ClientError;
use tokio::sync::mpsc;

use crate::model::News;

/// The most news that wait to be shown.
pub(super) const NEWS_MAX: usize = 256;

/// Where the tasks report.
#[derive(Clone, Debug)]
pub(super) struct Sender(pub(super) mpsc::Sender<News>);

/// The view has ended.
#[derive(Debug)]
pub(super) struct Gone;

impl Sender {
    /// Reports, and waits while the queue is full.
    pub(super) async fn say(&self, news: News) -> Result<(), Gone> {
        self.0.send(news).await.map_err(|_| Gone)
    }
}

/// Describes an error of the client, with what to do next if the host says so.
pub(super) fn said(error: &ClientError) -> String {
    match error {
        ClientError::Refused { error, .. } => match &error.hint {
            Some(hint) => format!("{}: {hint}", error.message),
            None => error.message.clone(),
        },
        _ => error.to_string(),
    }
}
