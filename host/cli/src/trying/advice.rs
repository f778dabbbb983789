//! What the author of a plugin can do about a call that failed.

use provost_state::{Fault, FaultKind};

/// What Rust's standard library says on a target without a system, and what to use instead. Its panics name a place in the
/// library and not in the plugin, so the words alone do not tell an author what to change.
const WITHOUT_A_SYSTEM: [(&str, &str); 3] = [
    (
        "time not implemented on this platform",
        "a policy has no clock: the time is `now` of the trigger, and for a view or a consumer `taken_at` of the world",
    ),
    (
        "operation not supported on this platform",
        "a policy has no files and no network: it takes what it needs from the trigger, the world and its settings; a view or a \
         consumer can be granted them",
    ),
    (
        "on this platform",
        "a plugin has no operating system: it takes what it needs from the trigger, the world and its settings",
    ),
];

/// What a trap says that is not the end of a panic or an exception which the plugin has logged.
const WITHOUT_A_WORD: &str = "`unreachable`";

const LOGGED: &str = "a panic or an exception is logged with its place in the source";
const UNLOGGED: &str = "a panic is logged with its place in the source; in Python, a trap without a line in the log \
                        comes from a file, a socket, or an `import` within a function, which no component can use";

/// Returns what to do about a call that failed.
pub(crate) fn advice(fault: &Fault) -> &'static str {
    let message = &*fault.message;
    match fault.kind {
        FaultKind::Trap => {
            let without = WITHOUT_A_SYSTEM.iter().find(|(words, _)| message.contains(words));
            without.map_or(if message.contains(WITHOUT_A_WORD) { UNLOGGED } else { LOGGED }, |(_, advice)| {
                advice
            })
        }
        FaultKind::Deadline => "do less in one call, or raise the limit: `--limit call_time=1s`",
        FaultKind::Fuel => "do less in one call, or raise the limit: `--limit fuel=NUMBER`",
        FaultKind::Memory => {
            "use less memory at a time, or raise the limit that is named with `--limit NAME=FIGURE`"
        }
        FaultKind::Answer if message.contains("limits.handed") => {
            "a reason, a line of the log and a stored value should be short; the limit is raised by `--limit handed=1MiB`"
        }
        FaultKind::Answer => "the answer does not fit the contract, which `provost plugin wit` prints",
        _ => "run it again",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(kind: FaultKind, message: &str) -> &'static str {
        advice(&Fault { kind, message: message.into() })
    }

    #[test]
    fn a_clock_and_a_socket_have_their_own_advice() {
        let place = "trapped: panicked at std/src/sys/time/unsupported.rs:35:9: ";
        let clock = on(FaultKind::Trap, &format!("{place}time not implemented on this platform"));
        assert!(clock.contains("`now` of the trigger"), "{clock}");
        let socket = on(FaultKind::Trap, r#"Error { message: "operation not supported on this platform" }"#);
        assert!(socket.contains("no network"), "{socket}");
        assert!(on(FaultKind::Trap, "trapped: panicked at src/lib.rs:3:1: no").contains("its place"));
        let silent =
            on(FaultKind::Trap, "trapped: wasm `unreachable` instruction executed (a panic, most likely)");
        assert!(silent.contains("in Python"), "{silent}");
    }

    #[test]
    fn an_answer_that_is_too_big_is_not_one_of_another_type() {
        let big =
            on(FaultKind::Answer, "passed more data in one call than the allowed 256 KiB (limits.handed)");
        assert!(big.contains("`--limit handed=1MiB`"), "{big}");
        assert!(on(FaultKind::Answer, "broke the contract: no case 9").contains("`provost plugin wit`"));
    }
}
