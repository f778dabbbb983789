//! Streamed bodies: the messages of a source, until it ends or the host does.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::context::AppState;
use super::framing::Framing;
use super::refused::Refused;

/// The longest silence of a stream of server-sent events: then it sends a comment, so that no proxy takes the connection for dead
/// and a client that is gone is noticed.
const SILENCE: Duration = Duration::from_secs(25);

/// A comment of server-sent events, which clients ignore.
const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// A source of messages.
pub(super) trait Source: Send + 'static {
    /// Returns the next whole messages, or `None` at the end. Dropping the future before it resolves loses nothing.
    fn next(&mut self) -> impl Future<Output = Option<Bytes>> + Send;

    /// Stops following; messages that are already there are still returned.
    fn finish(&mut self);
}

/// The state of a streamed body.
struct Messages<T> {
    source: T,
    framing: Framing,
    ended: watch::Receiver<bool>,
    stage: Stage,
    /// The host is ending: the source yields what is buffered and then ends.
    finishing: bool,
    /// The permit of a request that follows or waits.
    _lasting: OwnedSemaphorePermit,
}

/// The progress of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Begin,
    Going,
    Ended,
}

impl<T: Source> Messages<T> {
    /// Returns the next piece of the body.
    async fn piece(&mut self) -> Option<Bytes> {
        let Framing::List(name) = self.framing else { return self.next().await };
        if self.stage == Stage::Ended {
            return None;
        }
        let next = self.next().await;
        let mut piece = match self.stage {
            Stage::Begin => format!("{{\"{name}\":[").into_bytes(),
            Stage::Going if next.is_some() => vec![b','],
            Stage::Going | Stage::Ended => Vec::new(),
        };
        self.stage = if next.is_some() { Stage::Going } else { Stage::Ended };
        piece.extend_from_slice(next.as_deref().unwrap_or(b"]}"));
        Some(piece.into())
    }

    async fn next(&mut self) -> Option<Bytes> {
        if !self.finishing {
            let silence = async {
                match self.framing {
                    Framing::Events => tokio::time::sleep(SILENCE).await,
                    Framing::Lines | Framing::List(_) => std::future::pending().await,
                }
            };
            tokio::select! {
                bytes = self.source.next() => return bytes,
                () = silence => return Some(COMMENT),
                _ = self.ended.wait_for(|ended| *ended) => {}
            }
            self.finishing = true;
            self.source.finish();
        }
        // A slow reader still receives everything up to the end.
        self.source.next().await
    }
}

/// Streams the messages of a source until it ends or the host does.
pub(super) fn body_of<T: Source>(source: T, framing: Framing, app: AppState) -> Result<Response, Refused> {
    let lasting = app.lasting()?;
    Ok(lasting_body(source, framing, app, lasting))
}

/// Does the same with a permit that was acquired before anything was begun.
pub(super) fn lasting_body<T: Source>(
    source: T,
    framing: Framing,
    app: AppState,
    lasting: OwnedSemaphorePermit,
) -> Response {
    let (stage, ended) = (Stage::Begin, app.ended);
    let messages = Messages { source, framing, ended, stage, finishing: false, _lasting: lasting };
    let messages = stream::unfold(messages, async |mut messages| {
        let bytes = messages.piece().await?;
        Some((Ok::<_, Infallible>(bytes), messages))
    });
    let headers = [
        (CONTENT_TYPE, framing.content_type()),
        (CACHE_CONTROL, const { HeaderValue::from_static("no-store") }),
    ];
    (headers, Body::from_stream(Box::pin(messages))).into_response()
}
