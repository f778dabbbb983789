//! Starting, stopping, restarting and signalling processes.

use provost_api::{OrderCause, ProcessOrder, ProcessOutcome, Signal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::entry::{About, Effect, ToolEntry};
use crate::caller::{Caller, Grant};
use crate::fault::Fault;
use crate::page::{self, Page};

/// The longest time that an order may wait, in seconds.
const WAIT_S_MAX: u32 = 300;

/// Arguments of orders.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    /// Names of processes, `NAME:*` for a group, or `all`.
    pub(super) names: Vec<String>,
    /// Whether to wait until the order has taken effect: started and ready, or stopped. True by default.
    #[serde(default = "yes")]
    pub(super) wait: bool,
    /// The longest wait in seconds: 1 to 300, by default 30. The order continues to take effect afterwards.
    #[serde(default)]
    pub(super) timeout_s: Option<u32>,
}

/// Arguments of `process_signal`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SignalOrder {
    /// Names of processes, `NAME:*` for a group, or `all`.
    names: Vec<String>,
    /// The name of the signal, such as `HUP` or `SIGHUP`.
    signal: String,
}

/// The result of an order.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Ordered {
    /// The number of processes for which the order succeeded.
    succeeded: usize,
    /// The number of processes for which it failed.
    failed: usize,
    /// The processes with their phases afterwards, those that failed first.
    results: Vec<ProcessOutcome>,
    /// The number of results that are left out because there are too many.
    left_out: usize,
}

fn yes() -> bool {
    true
}

pub(super) async fn carry_out(caller: Caller, action: &str, order: Order) -> Result<Ordered, Fault> {
    let timeout_s = order.timeout_s.unwrap_or(30).clamp(1, WAIT_S_MAX);
    let order = ProcessOrder {
        select: order.names,
        cause: OrderCause::Api,
        wait: order.wait,
        timeout_ms: Some(u64::from(timeout_s) * 1_000),
        signal: None,
    };
    send(caller, action, order).await
}

async fn send(caller: Caller, action: &str, order: ProcessOrder) -> Result<Ordered, Fault> {
    let mut results = caller.client.order(action, &order).await?.results;
    results.sort_by_key(|result| result.ok);
    let (total, succeeded) = (results.len(), results.iter().filter(|result| result.ok).count());
    let Page { items: results, .. } = page::first(results, page::ITEMS_MAX);
    Ok(Ordered { succeeded, failed: total - succeeded, left_out: total - results.len(), results })
}

async fn process_start(caller: Caller, order: Order) -> Result<Ordered, Fault> {
    carry_out(caller, "start", order).await
}

async fn process_stop(caller: Caller, order: Order) -> Result<Ordered, Fault> {
    carry_out(caller, "stop", order).await
}

async fn process_restart(caller: Caller, order: Order) -> Result<Ordered, Fault> {
    carry_out(caller, "restart", order).await
}

async fn process_signal(caller: Caller, order: SignalOrder) -> Result<Ordered, Fault> {
    let signal = Some(Signal::Name(order.signal));
    send(caller, "signal", ProcessOrder { select: order.names, signal, ..ProcessOrder::default() }).await
}

pub(super) fn entries() -> [ToolEntry; 4] {
    let about =
        |name, title, description, effect| About::new(name, title, description, Grant::Operate, effect);
    [
        ToolEntry::new(
            about(
                "process_start",
                "Start processes",
                "Starts processes and waits until they are ready. A process that was given up gets a new chance.",
                Effect::Adds { idempotent: true },
            ),
            process_start,
        ),
        ToolEntry::new(
            about(
                "process_stop",
                "Stop processes",
                "Stops processes and keeps them stopped, until they are started again.",
                Effect::Destroys { idempotent: true },
            ),
            process_stop,
        ),
        ToolEntry::new(
            about(
                "process_restart",
                "Restart processes",
                "Stops processes if they run, starts them, and waits until they are ready.",
                Effect::Destroys { idempotent: false },
            ),
            process_restart,
        ),
        ToolEntry::new(
            about(
                "process_signal",
                "Signal processes",
                "Sends a signal to the process groups of running processes.",
                Effect::Destroys { idempotent: false },
            ),
            process_signal,
        ),
    ]
}
