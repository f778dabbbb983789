//! Streams of the status, of lines and of events. When one ends, it is opened again until the view does not need it any more.

use std::time::Duration;

use provost_api::client::{Client, ClientError, Lines, LogsAsked, LogsOf, StatusAsked};
use provost_api::{LogItem, Status};
use tokio::time::sleep;

use super::sender::{Gone, Sender, said};
use crate::model::News;
use crate::request::Slot;

/// The pause before the next attempt to reach the host.
const RETRY: Duration = Duration::from_millis(500);

/// The longest silence of the status before the host is asked whether it is still there. The usage usually changes more often.
const SILENCE: Duration = Duration::from_secs(4);

/// The number of lines after which the stream pauses. In a flood the host skips lines then, and says how many: nobody reads 20,000
/// lines a second, and the view should not take a core for them.
const BURST: u32 = 1_000;

/// That pause.
const REST: Duration = Duration::from_millis(50);

/// Follows the status until the view ends. A new connection begins with everything.
pub(super) async fn status(client: Client, asked: StatusAsked, to: Sender) -> Result<(), Gone> {
    loop {
        let why = match client.watch_status(&asked).await {
            Err(error) => said(&error),
            Ok(mut stream) => loop {
                match next(&client, &mut stream).await {
                    Ok(Some(status)) => to.say(News::Status(Box::new(status))).await?,
                    Ok(None) => break "the host has closed the connection".to_owned(),
                    Err(error) => break said(&error),
                }
            },
        };
        to.say(News::Lost(why)).await?;
        sleep(RETRY).await;
    }
}

/// Returns the next message, or an error if the host stops answering: what is on the screen would not be true any more.
async fn next(client: &Client, stream: &mut Lines<Status>) -> Result<Option<Status>, ClientError> {
    let is_gone = async {
        loop {
            sleep(SILENCE).await;
            if let Err(error) = client.ping().await {
                return error;
            }
        }
    };
    tokio::select! {
        biased;
        message = stream.next() => message,
        error = is_gone => Err(error),
    }
}

/// Follows the lines of processes until the view does not need them any more. After a gap, only new lines are asked for.
pub(super) async fn lines(
    client: Client,
    slot: Slot,
    targets: Vec<String>,
    lines: usize,
    to: Sender,
) -> Result<(), Gone> {
    to.say(News::LogsBegin(slot, targets.clone())).await?;
    let of = LogsOf::Processes(targets);
    let mut asked = LogsAsked { of, lines, follow: true, since: None, until: None, grep: None };
    let mut last: Option<String> = None;
    let mut failed = false;
    loop {
        // Lines of the same millisecond as the last one may be shown twice; none is lost.
        asked.since.clone_from(&last);
        match client.logs(&asked).await {
            Ok(mut stream) => {
                failed = false;
                let mut read = 0u32;
                while let Ok(Some(item)) = stream.next().await {
                    read = read.wrapping_add(1);
                    if read.is_multiple_of(BURST) {
                        sleep(REST).await;
                    }
                    if let LogItem::Text { at, .. } | LogItem::Binary { at, .. } = &item {
                        last = Some(at.clone());
                    }
                    to.say(News::Log(slot, item)).await?;
                }
            }
            Err(error) if !failed => {
                failed = true;
                to.say(News::LogsFailed(slot, format!("no lines at the moment: {}", said(&error)))).await?;
            }
            Err(_) => {}
        }
        sleep(RETRY).await;
    }
}

/// Follows the events until the view does not need them any more.
pub(super) async fn events(client: Client, mut since: u64, to: Sender) -> Result<(), Gone> {
    loop {
        if let Ok(mut stream) = client.events(since, true).await {
            to.say(News::EventsBegin).await?;
            while let Ok(Some(event)) = stream.next().await {
                to.say(News::Event(Box::new(event))).await?;
            }
            // The next host counts its own generations: everything that it remembers is shown anew.
            since = 0;
        }
        sleep(RETRY).await;
    }
}
