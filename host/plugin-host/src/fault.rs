//! What went wrong in a call, in words for people. The whole story (with the plugin's own stack) goes into
//! the log at `debug`.

use provost_state::{Fault, FaultKind};
use wasmtime::{PoolConcurrencyLimitError, Trap};

use crate::admission::Role;
use crate::limits::{Limits, Meter, size};

/// The longest message, in bytes.
pub(crate) const MESSAGE_BYTES_MAX: usize = 512;

/// What an error of a call in this role was. `last_words` is what the plugin itself said was wrong.
pub(crate) fn classify(
    error: &wasmtime::Error,
    meter: &Meter,
    last_words: Option<&str>,
    limits: &Limits,
    role: Role,
) -> Fault {
    let trap = error.downcast_ref::<Trap>().copied();
    if trap == Some(Trap::Interrupt) {
        return fault(FaultKind::Deadline, &format!("took longer than its {} ms", limits.call_ms(role)));
    }
    if let Some(wanted) = meter.refused() {
        let message =
            format!("wanted {} of memory and may have {}", size(wanted), size(limits.memory_bytes_max));
        return fault(FaultKind::Memory, &message);
    }
    match trap {
        Some(Trap::UnreachableCodeReached) => {
            let unsaid = "wasm `unreachable` instruction executed (a panic, most likely)";
            fault(FaultKind::Trap, &format!("trapped: {}", last_words.unwrap_or(unsaid)))
        }
        Some(trap) => {
            let text = trap.to_string();
            fault(FaultKind::Trap, &format!("trapped: {}", text.strip_prefix("wasm trap: ").unwrap_or(&text)))
        }
        None if error.is::<PoolConcurrencyLimitError>() => {
            fault(FaultKind::Memory, "there are too many plugin calls at once for another instance")
        }
        None if error.is::<std::io::Error>() => {
            fault(FaultKind::Memory, &format!("the machine gives it no memory: {}", first_line(error)))
        }
        // Neither a trap nor a limit of ours: what crossed the boundary was not of the agreed shape.
        None => fault(FaultKind::Answer, &format!("broke the contract: {}", first_line(error))),
    }
}

/// A fault with a message that fits into a status line.
pub(crate) fn fault(kind: FaultKind, message: &str) -> Fault {
    Fault { kind, message: crate::log::tame(message, MESSAGE_BYTES_MAX).into() }
}

fn first_line(error: &wasmtime::Error) -> String {
    let cause = error.root_cause().to_string();
    cause.lines().next().unwrap_or_default().to_owned()
}
