//! An outcome as facts with names: what a vector can expect, and what it is compared with.

use std::collections::BTreeMap;

use provost_plugin_host::{Outcome, Reply};
use provost_state::{
    Escalation, HealthAction, JudgedAction, RulingAction, StartAction, UsageAction, ViewResponse, span,
};

use super::words::{ESCALATIONS, SCOPES};

/// The facts of an outcome by their names. Durations are written exactly, such as `1500ms`.
pub(super) type Facts = BTreeMap<String, String>;

/// The name of the fact that a call failed, with the text of the fault.
pub(super) const ERROR: &str = "error";

/// Returns the facts of an outcome.
pub(super) fn facts(outcome: &Outcome) -> Facts {
    let mut facts = Facts::new();
    let mut fact = |name: &str, value: String| facts.insert(name.to_owned(), value);
    let lines: Vec<&str> = outcome.lines.iter().map(|line| line.text.as_str()).collect();
    fact("log", lines.join("\n"));
    for (key, value) in &outcome.written {
        let value = value.as_ref().map(|value| String::from_utf8_lossy(value).into_owned());
        fact(&format!("writes.{key}"), value.unwrap_or_else(|| "(deleted)".to_owned()));
    }
    match &outcome.reply {
        Err(fault) => {
            fact("fault", fault.kind.as_str().to_owned());
            fact(ERROR, fault.message.to_string());
        }
        Ok(Reply::Taken) => {
            fact("action", "taken".to_owned());
        }
        Ok(Reply::View(ViewResponse { status, content_type, body })) => {
            fact("status", status.to_string());
            fact("content_type", content_type.clone());
            fact("body", String::from_utf8_lossy(body).into_owned());
        }
        Ok(Reply::Decision { action, reason }) => {
            fact("reason", reason.to_string());
            match action {
                None => {
                    fact("action", "pass".to_owned());
                }
                Some(action) => judged(action, &mut fact),
            }
        }
    }
    facts
}

fn judged(action: &JudgedAction, fact: &mut impl FnMut(&str, String) -> Option<String>) {
    let mut said = |name: &str, value: String| {
        fact(name, value);
    };
    match action {
        JudgedAction::Exit(RulingAction::Restart { delay_ms, scope }) => {
            said("action", "restart".to_owned());
            said("delay", span::exact(*delay_ms));
            said("scope", word(&SCOPES, scope));
        }
        JudgedAction::Exit(RulingAction::StayDown) => said("action", "stay-down".to_owned()),
        JudgedAction::Exit(RulingAction::GiveUp(escalation)) => {
            said("action", "give-up".to_owned());
            let kind = match escalation {
                Escalation::ShutDown { code } => {
                    said("code", code.to_string());
                    &Escalation::ShutDown { code: 0 }
                }
                other => other,
            };
            said("escalation", word(&ESCALATIONS, kind));
        }
        JudgedAction::Start(StartAction::Allow { env }) => {
            said("action", "allow".to_owned());
            env.iter().for_each(|(name, value)| said(&format!("env.{name}"), value.clone()));
        }
        JudgedAction::Start(StartAction::Wait { delay_ms }) => {
            said("action", "wait".to_owned());
            said("delay", span::exact(*delay_ms));
        }
        JudgedAction::Start(StartAction::Refuse) => said("action", "refuse".to_owned()),
        JudgedAction::Probe(HealthAction::Hold(health)) => said("action", health.as_str().to_owned()),
        JudgedAction::Probe(HealthAction::Restart) => said("action", "restart".to_owned()),
        JudgedAction::Scale(count) => {
            said("action", "replicas".to_owned());
            said("replicas", count.to_string());
        }
        JudgedAction::Usage(UsageAction::Keep) => said("action", "keep".to_owned()),
        JudgedAction::Usage(UsageAction::Restart { drain_ms }) => {
            said("action", "restart".to_owned());
            if let Some(drain_ms) = drain_ms {
                said("drain", span::exact(*drain_ms));
            }
        }
    }
}

/// Returns the word of a meaning. Each has one.
fn word<T: PartialEq>(words: &[(&'static str, T)], meaning: &T) -> String {
    words.iter().find(|(_, known)| known == meaning).map_or_else(String::new, |(word, _)| (*word).to_owned())
}
