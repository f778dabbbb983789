//! The questions that a plugin can be asked, one type for each role, and how each is passed to a component. What they
//! have in common is in the modules above this one.

use std::sync::Arc;

use provost_state::{
    Basis, Batch, Change, Decision, Demand, Ended, Fault, FaultKind, HealthAction, MemoryChange, Observation,
    Plan, Sample, StartAction, UsageAction, ViewRequest, ViewResponse,
};
use wasmtime::Store;

use crate::component::Admitted;
use crate::guest::bindings::{checker, judge, listener, meterer, renderer, scaler, starter};
use crate::guest::{Guest, Lent, convert};
use crate::limits::grants::Grants;
use crate::limits::{Limit, Limits};
use crate::role::Role;
use crate::text::size;

use super::{fault, variables};

/// The longest content type, in bytes.
const CONTENT_TYPE_BYTES_MAX: usize = 255;

/// A question for a plugin in one role.
pub(crate) trait Question: Clone {
    /// A component that plays the role, ready to be instantiated.
    type Pre;
    /// An instance of it that plays the role.
    type Instance;
    type Answer;
    const ROLE: Role;

    fn pre(admitted: &Admitted) -> Option<&Self::Pre>;

    fn instantiate(pre: &Self::Pre, store: &mut Store<Guest>) -> wasmtime::Result<Self::Instance>;

    /// Asks an instance.
    fn put_to(&self, instance: &Self::Instance, store: &mut Store<Guest>) -> wasmtime::Result<Self::Answer>;

    /// Asks a new instance.
    fn put(&self, pre: &Self::Pre, store: &mut Store<Guest>) -> wasmtime::Result<Self::Answer> {
        let instance = Self::instantiate(pre, store)?;
        self.put_to(&instance, store)
    }

    /// Validates the answer.
    fn check(answer: Self::Answer, _limits: &Limits) -> Result<Self::Answer, Fault> {
        Ok(answer)
    }

    /// Removes what the operator has not granted from the answer, and returns the names of the dropped variables. Only
    /// the variables of a start policy need a grant.
    fn granted(answer: Self::Answer, _grants: &Grants) -> (Self::Answer, Vec<String>) {
        (answer, Vec::new())
    }

    /// Adds what the answer was computed from, and what the call has written into the memory of the plugin, if it is a
    /// decision.
    fn based(answer: Self::Answer, _basis: Basis, _written: Option<Arc<MemoryChange>>) -> Self::Answer {
        answer
    }

    /// Formats the answer for people.
    fn words(answer: &Self::Answer) -> String;
}

/// The implementation of [`Question::based`] for decisions.
macro_rules! based {
    () => {
        fn based(answer: Self::Answer, basis: Basis, written: Option<Arc<MemoryChange>>) -> Self::Answer {
            Decision { basis: Some(basis), written, ..answer }
        }
    };
}

/// The implementation of [`Question::instantiate`] for policies, which never wait.
macro_rules! instantiated {
    () => {
        fn instantiate(pre: &Self::Pre, store: &mut Store<Guest>) -> wasmtime::Result<Self::Instance> {
            pre.instantiate(store)
        }
    };
}

/// Formats a decision for people.
fn decided<A>(answer: &Decision<A>, words: impl FnOnce(&A) -> String) -> String {
    let action = answer.action.as_ref().map_or_else(|| "pass".to_owned(), words);
    format!("{action}: {}", answer.reason)
}

impl Question for Ended {
    type Pre = judge::RestartJudgePre<Guest>;
    type Instance = judge::RestartJudge;
    type Answer = Decision;
    const ROLE: Role = Role::RestartPolicy;

    fn pre(admitted: &Admitted) -> Option<&Self::Pre> {
        admitted.restart.as_ref()
    }

    instantiated!();

    fn put_to(&self, policy: &Self::Instance, store: &mut Store<Guest>) -> wasmtime::Result<Decision> {
        let policy = policy.provost_plugin_restart_policy();
        Ok(convert::decision(&policy.call_on_exit(store, &convert::ended(self), Lent::handle())?))
    }

    based!();

    fn words(answer: &Decision) -> String {
        decided(answer, ToString::to_string)
    }
}

impl Question for Plan {
    type Pre = starter::StartJudgePre<Guest>;
    type Instance = starter::StartJudge;
    type Answer = Decision<StartAction>;
    const ROLE: Role = Role::StartPolicy;

    fn pre(admitted: &Admitted) -> Option<&Self::Pre> {
        admitted.start.as_ref()
    }

    instantiated!();

    fn put_to(&self, policy: &Self::Instance, store: &mut Store<Guest>) -> wasmtime::Result<Self::Answer> {
        let policy = policy.provost_plugin_start_policy();
        Ok(convert::start_decision(policy.call_before_start(store, &convert::plan(self), Lent::handle())?))
    }

    fn granted(answer: Self::Answer, grants: &Grants) -> (Self::Answer, Vec<String>) {
        variables::granted(answer, grants)
    }

    based!();

    fn words(answer: &Self::Answer) -> String {
        decided(answer, |action| match action {
            StartAction::Allow { env } if env.is_empty() => "allow".to_owned(),
            StartAction::Allow { env } => {
                let names: Vec<&str> = env.iter().map(|(name, _)| name.as_str()).collect();
                format!("allow with {}", names.join(", "))
            }
            StartAction::Wait { delay_ms } => format!("wait {delay_ms} ms"),
            StartAction::Refuse => "refuse".to_owned(),
        })
    }
}

impl Question for Observation {
    type Pre = checker::HealthJudgePre<Guest>;
    type Instance = checker::HealthJudge;
    type Answer = Decision<HealthAction>;
    const ROLE: Role = Role::HealthPolicy;

    fn pre(admitted: &Admitted) -> Option<&Self::Pre> {
        admitted.health.as_ref()
    }

    instantiated!();

    fn put_to(&self, policy: &Self::Instance, store: &mut Store<Guest>) -> wasmtime::Result<Self::Answer> {
        let policy = policy.provost_plugin_health_policy();
        let seen = convert::observation(self);
        Ok(convert::health_decision(&policy.call_on_probe(store, &seen, Lent::handle())?))
    }

    based!();

    fn words(answer: &Self::Answer) -> String {
        decided(answer, |action| match action {
            HealthAction::Hold(health) => format!("{health:?}").to_lowercase(),
            HealthAction::Restart => "restart".to_owned(),
        })
    }
}

impl Question for Demand {
    type Pre = scaler::ScaleJudgePre<Guest>;
    type Instance = scaler::ScaleJudge;
    type Answer = Decision<u32>;
    const ROLE: Role = Role::ScalePolicy;

    fn pre(admitted: &Admitted) -> Option<&Self::Pre> {
        admitted.scale.as_ref()
    }

    instantiated!();

    fn put_to(&self, policy: &Self::Instance, store: &mut Store<Guest>) -> wasmtime::Result<Self::Answer> {
        let policy = policy.provost_plugin_scale_policy();
        Ok(convert::scale_decision(&policy.call_replicas(store, &convert::demand(self), Lent::handle())?))
    }

    based!();

    fn words(answer: &Self::Answer) -> String {
        decided(answer, |count| format!("{count} replicas"))
    }
}

impl Question for Sample {
    type Pre = meterer::UsageJudgePre<Guest>;
    type Instance = meterer::UsageJudge;
    type Answer = Decision<UsageAction>;
    const ROLE: Role = Role::UsagePolicy;

    fn pre(admitted: &Admitted) -> Option<&Self::Pre> {
        admitted.usage.as_ref()
    }

    instantiated!();

    fn put_to(&self, policy: &Self::Instance, store: &mut Store<Guest>) -> wasmtime::Result<Self::Answer> {
        let policy = policy.provost_plugin_usage_policy();
        Ok(convert::usage_decision(&policy.call_on_sample(store, &convert::sample(self), Lent::handle())?))
    }

    based!();

    fn words(answer: &Self::Answer) -> String {
        decided(answer, |action| match action {
            UsageAction::Keep => "keep".to_owned(),
            UsageAction::Restart { drain_ms: None } => "restart".to_owned(),
            UsageAction::Restart { drain_ms: Some(drain_ms) } => format!("restart within {drain_ms} ms"),
        })
    }
}

impl Question for ViewRequest {
    type Pre = renderer::StatusRendererPre<Guest>;
    type Instance = renderer::StatusRenderer;
    type Answer = ViewResponse;
    const ROLE: Role = Role::StatusView;

    fn pre(admitted: &Admitted) -> Option<&Self::Pre> {
        admitted.view.as_ref()
    }

    fn instantiate(pre: &Self::Pre, store: &mut Store<Guest>) -> wasmtime::Result<Self::Instance> {
        store.data().patience(Self::ROLE).until(async { pre.instantiate_async(store).await })
    }

    fn put_to(&self, view: &Self::Instance, store: &mut Store<Guest>) -> wasmtime::Result<ViewResponse> {
        store.data_mut().use_usages(self.usages.clone(), self.host_usage);
        let wait = store.data().patience(Self::ROLE);
        let view = view.provost_plugin_status_view();
        let answer =
            wait.until(async { view.call_render(store, &convert::request(self), Lent::handle()).await })?;
        Ok(ViewResponse { status: answer.status, content_type: answer.content_type, body: answer.body })
    }

    fn put(&self, pre: &Self::Pre, store: &mut Store<Guest>) -> wasmtime::Result<ViewResponse> {
        store.data_mut().use_usages(self.usages.clone(), self.host_usage);
        // Both steps together have one wait.
        let wait = store.data().patience(Self::ROLE);
        let answer = wait.until(async {
            let view = pre.instantiate_async(&mut *store).await?;
            let view = view.provost_plugin_status_view();
            view.call_render(store, &convert::request(self), Lent::handle()).await
        })?;
        Ok(ViewResponse { status: answer.status, content_type: answer.content_type, body: answer.body })
    }

    fn check(answer: ViewResponse, limits: &Limits) -> Result<ViewResponse, Fault> {
        check(answer, limits.answer_bytes_max)
    }

    fn words(answer: &ViewResponse) -> String {
        let ViewResponse { status, content_type, body } = answer;
        let status = if *status == 200 { String::new() } else { format!("{status}: ") };
        format!("{status}{} bytes of {content_type}", body.len())
    }
}

/// A batch for a fresh consumer instance; running instances are driven by `consumer`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Telling {
    pub(crate) changes: Arc<[Change]>,
    pub(crate) missed: u64,
}

impl Question for Telling {
    type Pre = listener::StatusListenerPre<Guest>;
    type Instance = listener::StatusListener;
    type Answer = ();
    const ROLE: Role = Role::StatusConsumer;

    fn pre(admitted: &Admitted) -> Option<&Self::Pre> {
        admitted.consumer.as_ref()
    }

    fn instantiate(pre: &Self::Pre, store: &mut Store<Guest>) -> wasmtime::Result<Self::Instance> {
        store.data().patience(Self::ROLE).until(async { pre.instantiate_async(store).await })
    }

    fn put_to(&self, consumer: &Self::Instance, store: &mut Store<Guest>) -> wasmtime::Result<()> {
        let batch = convert::batch(&self.changes, self.missed);
        let consumer = consumer.provost_plugin_status_consumer();
        let patience = store.data().patience(Self::ROLE);
        patience.until(async { consumer.call_on_change(store, &batch, Lent::handle()).await })
    }

    fn put(&self, pre: &Self::Pre, store: &mut Store<Guest>) -> wasmtime::Result<()> {
        let batch = convert::batch(&self.changes, self.missed);
        store.data().patience(Self::ROLE).until(async {
            let consumer = pre.instantiate_async(&mut *store).await?;
            consumer.provost_plugin_status_consumer().call_on_change(store, &batch, Lent::handle()).await
        })
    }

    fn words((): &()) -> String {
        "took it".to_owned()
    }
}

/// Refuses a response that cannot be passed on: its content type ends up in an HTTP header.
fn check(response: ViewResponse, body_bytes_max: usize) -> Result<ViewResponse, Fault> {
    if !matches!(response.status, 200..=299 | 400..=599) {
        let message =
            format!("answered with the status {}: 200 to 299 and 400 to 599 are possible", response.status);
        return Err(fault::fault(FaultKind::Answer, &message));
    }
    let media_type = &response.content_type;
    let printable = media_type.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if !media_type.contains('/') || !printable || media_type.len() > CONTENT_TYPE_BYTES_MAX {
        let message = format!("answered with a content type that is not a media type: {media_type:?}");
        return Err(fault::fault(FaultKind::Answer, &message));
    }
    if response.body.len() > body_bytes_max {
        let message = format!(
            "answered with {} bytes and may answer with {} (limits.{})",
            response.body.len(),
            size(body_bytes_max),
            Limit::Answer.name()
        );
        return Err(fault::fault(FaultKind::Answer, &message));
    }
    Ok(response)
}

/// Splits a batch that is larger than the contract allows.
pub(crate) fn tellings(batch: &Batch) -> impl Iterator<Item = Telling> {
    /// The number of events that the contract allows in a batch.
    const EVENTS_MAX: usize = 1024;
    // A batch without events still reports what was missed.
    let first = batch.changes.get(..EVENTS_MAX).unwrap_or(&batch.changes);
    let first = Telling { changes: first.into(), missed: batch.missed };
    let others = batch.changes.chunks(EVENTS_MAX).skip(1);
    std::iter::once(first).chain(others.map(|part| Telling { changes: part.into(), missed: 0 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(content_type: &str, body: usize) -> ViewResponse {
        ViewResponse { status: 200, content_type: content_type.to_owned(), body: vec![0; body] }
    }

    #[test]
    fn a_content_type_that_would_break_a_header_is_refused() {
        let good = response("text/plain; charset=utf-8", 1);
        assert_eq!(check(good.clone(), 10), Ok(good));
        for bad in ["", "text", "text/plain\r\nx-evil: 1", "text/ä"] {
            assert_eq!(check(response(bad, 1), 10).unwrap_err().kind, FaultKind::Answer, "{bad:?}");
        }
    }

    #[test]
    fn a_status_that_is_neither_a_success_nor_an_error_is_refused() {
        let of = |status| ViewResponse { status, ..response("text/plain", 1) };
        for good in [200, 204, 404, 503, 599] {
            assert_eq!(check(of(good), 10), Ok(of(good)));
        }
        for bad in [0, 100, 199, 301, 399, 600, u16::MAX] {
            assert_eq!(check(of(bad), 10).unwrap_err().kind, FaultKind::Answer, "{bad}");
        }
    }

    #[test]
    fn a_body_beyond_its_limit_is_refused_with_the_limit() {
        let fault = check(response("text/plain", 1025), 1024).unwrap_err();
        assert_eq!(&*fault.message, "answered with 1025 bytes and may answer with 1 KiB (limits.answer)");
    }
}
