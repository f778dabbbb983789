//! A consumer that writes one message into a chat (Slack, Mattermost, Rocket.Chat: `{"text": …}` to an incoming webhook) when a process is
//! given up, and one when it is up again. It needs `allow = ["http-out:HOST:443"]` for the host of its URL.

use std::collections::BTreeSet;

use provost_guest::http::{Request, Url};
use provost_guest::{Batch, Event, Phase, StatusConsumer, World, log};
use serde::Deserialize;
use serde_json::json;

/// The consumer and its settings.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Chat {
    /// The incoming webhook of the chat.
    pub url: Url,
    /// What stands before each message.
    #[serde(default)]
    pub prefix: String,
    /// The processes that were given up and have not recovered.
    #[serde(skip)]
    down: BTreeSet<String>,
}

impl StatusConsumer for Chat {
    fn on_change(&mut self, batch: &Batch, _world: &dyn World) {
        let messages: Vec<String> = batch.events.iter().filter_map(|event| self.message(event)).collect();
        if messages.is_empty() {
            return;
        }
        let body = json!({ "text": messages.join("\n") }).to_string();
        let answer = Request::post(self.url.as_str(), "application/json", body.as_bytes()).send();
        let refused = match answer {
            Ok(answer) if (200..300).contains(&answer.status) => return,
            Ok(answer) => format!("it answered with status {}", answer.status),
            Err(error) => error.to_string(),
        };
        // The next batch brings other changes, so a message that is lost is at least in the host's log.
        log::error(format!("the chat did not take \"{}\": {refused}", messages.join("; ")));
    }
}

provost_guest::export!(Chat: StatusConsumer);
provost_guest::settings_schema!(Chat);

impl Chat {
    /// Returns what is said about a change, if anything is.
    fn message(&mut self, event: &Event) -> Option<String> {
        let process = &event.process;
        if process.phase == Phase::Fatal && self.down.insert(process.name.clone()) {
            return Some(format!("{}{} was given up: {}", self.prefix, process.name, process.reason));
        }
        if process.phase == Phase::Running && self.down.remove(&process.name) {
            return Some(format!("{}{} is up again", self.prefix, process.name));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use provost_guest::{EventKind, testing};

    use super::*;

    #[test]
    fn a_process_is_reported_once_when_it_is_given_up_and_once_when_it_is_back() {
        let mut chat: Chat =
            serde_json::from_value(json!({ "url": "https://chat.example/hook", "prefix": "prod: " }))
                .expect("these are settings");
        let mut said = |phase| {
            let process = testing::process("web", phase);
            chat.message(&testing::event(EventKind::Decided, Phase::Exited, process))
        };
        assert_eq!(said(Phase::Running), None);
        assert_eq!(said(Phase::Fatal).as_deref(), Some("prod: web was given up: made up"));
        assert_eq!(said(Phase::Fatal), None);
        assert_eq!(said(Phase::Starting), None);
        assert_eq!(said(Phase::Running).as_deref(), Some("prod: web is up again"));
        assert_eq!(said(Phase::Running), None);
    }
}
