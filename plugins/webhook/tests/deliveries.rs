//! Tests the requests of the webhook natively, with made-up changes.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use provost_guest::http::{HttpError, Request, Response, testing};
use provost_guest::testing::{MadeUpWorld, event, logged, process};
use provost_guest::{Batch, Event, EventKind, Phase, StatusConsumer, env, settings};
use provost_plugin_webhook::Webhook;
use serde_json::Value;

const URL: &str = "http://127.0.0.1:9/hook";

fn webhook(more: &str) -> Webhook {
    settings::parse(&format!("{{\"url\": \"{URL}\"{more}}}")).expect("these settings are good")
}

fn tell(webhook: &mut Webhook, phases: &[Phase], missed: u64) {
    let change = |phase: &Phase| event(EventKind::Decided, Phase::Running, process("web", *phase));
    let events: Vec<Event> = phases.iter().map(change).collect();
    webhook.on_change(&Batch { events, missed }, &MadeUpWorld { generation: 8, ..MadeUpWorld::default() });
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).expect("it is JSON")
}

fn status(status: u16) -> Result<Response, HttpError> {
    Ok(Response { status, body: Vec::new() })
}

#[test]
fn each_change_of_phase_is_sent_with_the_number_of_missed_changes() {
    tell(&mut webhook(""), &[Phase::Fatal, Phase::Running], 3);
    let sent = testing::sent();
    assert_eq!((sent.len(), sent[0].method.as_str(), sent[0].url.as_str()), (1, "POST", URL));
    let body = body(&sent[0]);
    assert_eq!((&body["generation"], &body["missed"]), (&8.into(), &3.into()));
    assert_eq!(body["changes"].as_array().map(Vec::len), Some(1), "running -> running is no change");
    let change = &body["changes"][0];
    assert_eq!(
        (&change["process"], &change["kind"], &change["before"], &change["phase"]),
        (&"web".into(), &"decided".into(), &"running".into(), &"fatal".into())
    );
}

#[test]
fn a_removal_is_sent_so_that_the_receiver_can_drop_the_process() {
    let mut webhook = webhook("");
    let removed = event(EventKind::Removed, Phase::Stopped, process("web", Phase::Stopped));
    webhook.on_change(&Batch { events: vec![removed], missed: 0 }, &MadeUpWorld::default());
    let body = body(&testing::sent()[0]);
    let change = &body["changes"][0];
    assert_eq!(
        (&change["process"], &change["kind"], &change["phase"]),
        (&"web".into(), &"removed".into(), &"stopped".into())
    );
}

#[test]
fn a_change_into_another_phase_is_not_sent() {
    tell(&mut webhook(", \"phases\": [\"fatal\"]"), &[Phase::Backoff], 0);
    assert_eq!(testing::sent(), []);
}

#[test]
fn the_headers_and_the_token_are_sent() {
    env::set("HOOK_TOKEN", "abc");
    tell(
        &mut webhook(", \"bearer_from\": \"HOOK_TOKEN\", \"headers\": {\"x-team\": \"ops\"}"),
        &[Phase::Fatal],
        0,
    );
    let headers = &testing::sent()[0].headers;
    let has = |name: &str, value: &str| headers.contains(&(name.to_owned(), value.to_owned()));
    assert!(
        has("authorization", "Bearer abc") && has("x-team", "ops") && has("content-type", "application/json")
    );
}

#[test]
fn without_its_token_nothing_is_sent_and_an_error_is_logged() {
    tell(&mut webhook(", \"bearer_from\": \"NO_SUCH\""), &[Phase::Fatal], 0);
    assert_eq!(testing::sent(), []);
    assert!(logged()[0].1.contains("allow = [\"env:NO_SUCH\"]"));
}

#[test]
fn a_failed_delivery_is_sent_with_the_next_change() {
    let mut webhook = webhook("");
    testing::answer_with(status(503));
    testing::answer_with(Err(HttpError::Failed("connection refused".to_owned())));
    tell(&mut webhook, &[Phase::Fatal], 0);
    assert_eq!(testing::sent().len(), 2, "it is tried twice");
    assert!(logged()[0].1.ends_with("did not accept them: connection refused"));
    tell(&mut webhook, &[Phase::Backoff], 1);
    let sent = testing::sent();
    assert_eq!(body(&sent[0])["changes"].as_array().map(Vec::len), Some(2));
    tell(&mut webhook, &[Phase::Stopped], 0);
    let body = body(&testing::sent()[0]);
    assert_eq!((body["changes"].as_array().map(Vec::len), &body["missed"]), (Some(1), &0.into()));
}

#[test]
fn a_permanent_refusal_is_not_retried() {
    testing::answer_with(status(404));
    tell(&mut webhook(""), &[Phase::Fatal], 0);
    assert_eq!(testing::sent().len(), 1);
    testing::answer_with(Err(HttpError::Denied));
    tell(&mut webhook(""), &[Phase::Fatal], 0);
    assert_eq!(testing::sent().len(), 1);
    assert!(logged()[1].1.contains("http-out:HOST:PORT"));
}

#[test]
fn changes_beyond_the_queue_are_counted_as_missed() {
    let mut webhook = webhook("");
    testing::answer_with(status(404));
    tell(&mut webhook, &[Phase::Fatal; 1024], 0);
    tell(&mut webhook, &[Phase::Fatal; 10], 0);
    let body = body(&testing::sent()[1]);
    assert_eq!((body["changes"].as_array().map(Vec::len), &body["missed"]), (Some(1024), &10.into()));
}

#[test]
fn a_setting_that_is_not_a_url_is_refused() {
    let error = settings::parse::<Webhook>(r#"{"url": "example.org"}"#).expect_err("it is not a URL");
    assert!(error.contains("url: `example.org` is not a URL"), "{error}");
}
