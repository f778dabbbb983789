//! Converts plugins, their figures and their faults.

use provost_api as api;
use provost_state::{
    Blame, Fault, FaultKind, Generation, Intensity, PluginReport, PluginStatus, PluginVersion,
};

use super::figures::latency;

/// Converts a plugin; `now` is the current generation, which determines the number of queued changes.
pub(crate) fn plugin(report: &PluginReport, now: Generation) -> api::Plugin {
    let (status, reason) = match &report.status {
        PluginStatus::Active => (api::PluginStatus::Active, None),
        PluginStatus::Refused(reason) => (api::PluginStatus::Refused, Some(reason.to_string())),
        PluginStatus::Compiling(what) => (api::PluginStatus::Compiling, Some(what.to_string())),
        PluginStatus::Quarantined(reason) => (api::PluginStatus::Quarantined, Some(reason.to_string())),
    };
    api::Plugin {
        name: report.name.to_string(),
        status,
        reason,
        active: version(&report.active, report.queued(now)),
        former: report.former.as_ref().map(|former| version(former, 0)),
    }
}

fn version(version: &PluginVersion, queued: u64) -> api::PluginVersion {
    let figures = &version.figures;
    let named = api::PluginVersion {
        version: version.number,
        source: version.source.to_string(),
        digest: version.digest.to_string(),
        signed_by: version.signed_by.as_ref().map(ToString::to_string),
        roles: version.roles.iter().map(|role| api::PluginRole::from(&**role)).collect(),
        grants: version.grants.iter().map(ToString::to_string).collect(),
        limits: version.limits.iter().map(|(name, figure)| ((*name).to_owned(), *figure)).collect(),
        quarantine: version.quarantine.map(|Intensity { faults, per_ms }| api::Quarantine { faults, per_ms }),
        faults: figures.faults.iter().map(|(_, count)| count).sum(),
        faults_by_kind: figures.faults.iter().map(|(kind, count)| (fault_kind(*kind), *count)).collect(),
        last_fault: figures.last_fault.as_ref().map(fault),
        call: latency(&figures.call),
        stored_bytes: figures.stored_bytes,
        queued,
        ..api::PluginVersion::default()
    };
    // A counter that the API does not have under the same name does not compile.
    macro_rules! with_counters {
        ($($name:ident),*) => { api::PluginVersion { $($name: figures.$name,)* ..named } };
    }
    provost_state::plugin_counters!(with_counters)
}

pub(super) fn fault(fault: &Fault) -> api::Fault {
    api::Fault { kind: fault_kind(fault.kind), message: fault.message.to_string() }
}

pub(super) fn fault_kind(kind: FaultKind) -> api::FaultKind {
    match kind {
        FaultKind::Refused => api::FaultKind::Refused,
        FaultKind::Compiling => api::FaultKind::Compiling,
        FaultKind::Quarantined => api::FaultKind::Quarantined,
        FaultKind::Unloaded => api::FaultKind::Unloaded,
        FaultKind::Trap => api::FaultKind::Trap,
        FaultKind::Deadline => api::FaultKind::Deadline,
        FaultKind::Memory => api::FaultKind::Memory,
        FaultKind::Fuel => api::FaultKind::Fuel,
        FaultKind::Answer => api::FaultKind::Answer,
        FaultKind::Busy => api::FaultKind::Busy,
    }
}

/// Converts the last failure of a plugin and the result of the same input now.
pub(crate) fn blame(blame: &Blame) -> api::Blame {
    api::Blame {
        plugin: blame.name.to_string(),
        version: blame.version,
        call: blame.call.to_string(),
        input: blame.input.clone(),
        generation: blame.generation,
        fault: fault(&blame.fault),
        now: match &blame.now {
            Ok(answer) => api::Replayed::Answer { answer: answer.clone() },
            Err(again) => api::Replayed::Fault { fault: fault(again) },
        },
        reproduction: None,
    }
}
