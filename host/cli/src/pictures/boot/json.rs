//! The JSON of a boot.

use serde_json::{Value, json};

use super::chain::met_at;
use super::firsts::Boot;

/// Returns what `-o json` prints; docs/pictures.md describes it. `targets` are the places of the processes whose chains are
/// wanted.
pub(crate) fn json(boot: &Boot, targets: &[usize]) -> Value {
    let name = |at: usize| boot.graph.name(at);
    let processes = boot.graph.nodes().iter().zip(&boot.firsts).enumerate().map(|(at, (node, first))| {
        let after = boot.last_need(at).map(|(need, condition)| {
            let met_ms = boot.firsts.get(need).and_then(|need| met_at(need, &condition));
            json!({ "process": name(need), "condition": condition.as_str(), "met_ms": met_ms })
        });
        json!({
            "name": node.name,
            "group": node.group,
            "source": first.source.as_str(),
            "at_boot": first.at_boot,
            "asked_ms": first.asked,
            "spawned_ms": first.spawned,
            "ready_ms": first.ready,
            "completed_ms": first.completed,
            "incarnations": first.lives,
            "phase": first.phase.as_str(),
            "after": after,
        })
    });
    let last = boot.last_ready();
    let chain = |at: &usize| boot.chain(*at).iter().map(|link| name(link.at)).collect::<Vec<_>>();
    json!({
        "host_started_at": boot.started_at,
        "forgotten": boot.forgotten,
        "last": last.map(|(at, _)| name(at)),
        "last_ready_ms": last.map(|(_, ready)| ready),
        "not_ready": boot.not_ready().into_iter().map(name).collect::<Vec<_>>(),
        "processes": processes.collect::<Vec<_>>(),
        "chains": targets.iter().map(chain).collect::<Vec<_>>(),
    })
}
