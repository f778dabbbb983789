//! Describes what went wrong in a call, with the figure of the limit that was hit. The full error, with the plugin's
//! own stack, goes into the log at `debug`.

use provost_state::{Fault, FaultKind};
use wasmtime::component::ResourceTableError;
use wasmtime::{PoolConcurrencyLimitError, Trap};

use crate::guest::Meter;
use crate::limits::{Limit, Limits};
use crate::role::Role;
use crate::text::{MESSAGE_BYTES_MAX, sanitize, size};

/// The host's own code panicked in a call, with this message.
#[derive(Debug, thiserror::Error)]
#[error("the host could not carry out its call: {0}")]
pub(crate) struct HostPanicked(pub(super) String);

/// The time that a call was given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Had {
    pub(crate) deadline_ms: u64,
    /// The limit of the plugin itself.
    pub(crate) own_ms: u64,
    pub(crate) trial: bool,
}

/// Turns the error of a call in this role into a fault. `had` is the time that the call was given, and `last_words` is
/// the last error that the plugin logged in it.
pub(crate) fn classify(
    error: &wasmtime::Error,
    meter: &Meter,
    last_words: Option<&str>,
    limits: &Limits,
    (role, had): (Role, Had),
) -> Fault {
    let trap = error.downcast_ref::<Trap>().copied();
    match trap {
        Some(Trap::Interrupt) => {
            let Had { deadline_ms, own_ms, trial } = had;
            let message = match (deadline_ms < own_ms, trial) {
                (false, _) => format!("took longer than its {deadline_ms} ms {}", of(Limit::CallTime)),
                (true, false) => {
                    format!("took longer than the {deadline_ms} ms that decision_deadline left it")
                }
                (true, true) => format!("took longer than the {deadline_ms} ms that a trial has"),
            };
            return fault(FaultKind::Deadline, &message);
        }
        Some(Trap::OutOfFuel) => {
            let message = format!("used more than its {} units of fuel {}", limits.fuel_max, of(Limit::Fuel));
            return fault(FaultKind::Fuel, &message);
        }
        _ => {}
    }
    if let Some(wanted) = meter.refused() {
        let most = limits.memory_bytes_max;
        let message = format!(
            "asked for {} of memory, and at most {} are allowed {}",
            size(wanted),
            size(most),
            of(Limit::Memory)
        );
        return fault(FaultKind::Memory, &message);
    }
    match trap {
        Some(Trap::UnreachableCodeReached) => {
            let unsaid = "wasm `unreachable` instruction executed (a panic, most likely)";
            fault(FaultKind::Trap, &format!("trapped: {}", last_words.unwrap_or(unsaid)))
        }
        Some(Trap::StackOverflow) => {
            let most = size(limits.stack_bytes_max);
            let message = format!("trapped: its stack of {most} is exhausted {}", of(Limit::Stack));
            fault(FaultKind::Trap, &message)
        }
        Some(trap) => {
            let text = trap.to_string();
            fault(FaultKind::Trap, &format!("trapped: {}", text.strip_prefix("wasm trap: ").unwrap_or(&text)))
        }
        None if error.is::<PoolConcurrencyLimitError>() => {
            fault(FaultKind::Busy, "there are too many plugin calls at once for another instance")
        }
        None if error.is::<wasmtime_wasi::I32Exit>() => {
            let code = error.downcast_ref::<wasmtime_wasi::I32Exit>().map_or(0, |exit| exit.0);
            fault(FaultKind::Trap, &format!("trapped: it exited with code {code}"))
        }
        None if matches!(error.downcast_ref(), Some(ResourceTableError::Full)) => handles(limits),
        None if error.is::<HostPanicked>() => fault(FaultKind::Busy, &error.to_string()),
        None if error.is::<std::io::Error>() => {
            fault(FaultKind::Memory, &format!("the machine has no memory for it: {}", first_line(error)))
        }
        None => untyped(&first_line(error), limits, role),
    }
}

/// Describes an error that is neither a trap nor a memory limit. Wasmtime has no types for its own limits, so they are
/// recognised by their texts; this crate has a test for each of them.
fn untyped(cause: &str, limits: &Limits, role: Role) -> Fault {
    if cause.contains("hostcalls has been exhausted") {
        let handed = format!("{} {}", size(limits.handed_bytes_max), of(Limit::Handed));
        let message = match role {
            Role::StatusView => format!(
                "passed more data in one call than an answer of {} {} plus {handed}",
                size(limits.answer_bytes_max),
                of(Limit::Answer)
            ),
            _ => format!("passed more data in one call than the allowed {handed}"),
        };
        return fault(FaultKind::Answer, &message);
    }
    if cause.contains("store handle limit exceeded") {
        return handles(limits);
    }
    let counted = [
        ("instance", Limit::Instances, "core instances"),
        ("memory", Limit::Memories, "memories"),
        ("table", Limit::Tables, "tables"),
    ];
    for (word, limit, what) in counted {
        if cause.starts_with(&format!("resource limit exceeded: {word} count")) {
            let most = limits.get(limit).unwrap_or_default();
            let message = format!("wanted more than its {most} {what} {}", of(limit));
            return fault(FaultKind::Memory, &message);
        }
    }
    // What crossed the boundary does not have the agreed type.
    fault(FaultKind::Answer, &format!("broke the contract: {cause}"))
}

fn handles(limits: &Limits) -> Fault {
    let message = format!("wanted more than its {} handles {}", limits.handles_max, of(Limit::Handles));
    fault(FaultKind::Memory, &message)
}

/// Returns the key that sets this limit, for a message.
fn of(limit: Limit) -> String {
    format!("(limits.{})", limit.name())
}

/// Creates a fault with a message that fits into a status line.
pub(crate) fn fault(kind: FaultKind, message: &str) -> Fault {
    Fault { kind, message: sanitize(message, MESSAGE_BYTES_MAX).into() }
}

fn first_line(error: &wasmtime::Error) -> String {
    let cause = error.root_cause().to_string();
    cause.lines().next().unwrap_or_default().to_owned()
}
