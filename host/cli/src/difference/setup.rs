//! The keys of what a process is set to before its program is executed, in the words of the config.

use provost_supervisor::{CapabilitySets, CgroupSpec, IoPriority, Limit, Limited, Setup};

use super::shape::Setting;
use super::words;
use crate::config::capabilities::{ALL, names};
use crate::config::limits::{UNLIMITED, Unit, unit_of};

/// Returns the settings of a setup; none for what it leaves as it is.
pub(super) fn setup_settings(setup: &Setup) -> Vec<Setting> {
    let Setup {
        user,
        group,
        groups,
        umask,
        nice,
        io_priority,
        oom_score_adj,
        limits,
        no_new_privs,
        capabilities,
    } = setup;
    let user = match (user, group) {
        (None, None) => None,
        (Some(user), None) => Some(user.clone()),
        (user, Some(group)) => Some(format!("{}:{group}", user.as_deref().unwrap_or_default())),
    };
    let mut all: Vec<Setting> = Vec::new();
    let mut add = |key: &str, value: Option<String>| all.extend(value.map(|value| Setting::new(key, value)));
    add("user", user.map(|user| words::text(&user)));
    add("groups", (!groups.is_empty()).then(|| words::texts(groups.iter().map(String::as_str))));
    add("umask", umask.map(|mask| words::text(&format!("{mask:03o}"))));
    add("nice", nice.map(|nice| nice.to_string()));
    add("ioprio", io_priority.map(|priority| words::text(&io_priority_word(priority))));
    add("oom_score_adj", oom_score_adj.map(|score| score.to_string()));
    add("no_new_privs", no_new_privs.then(|| true.to_string()));
    add("capabilities", capabilities.map(capability_words));
    for (limited, limit) in limits {
        add(&format!("limits.{}", limited.word()), Some(limit_words(*limited, *limit)));
    }
    all
}

/// Returns the settings of a cgroup.
pub(super) fn cgroup_settings(cgroup: &CgroupSpec) -> Vec<Setting> {
    let CgroupSpec { cpu_percent, memory_bytes_max, memory_bytes_high, pids_max, is_optional } = cgroup;
    let all = [
        ("cgroup.cpu", cpu_percent.map(|percent| words::text(&format!("{percent}%")))),
        ("cgroup.memory", memory_bytes_max.map(words::size)),
        ("cgroup.memory_high", memory_bytes_high.map(words::size)),
        ("cgroup.pids", pids_max.map(|count| count.to_string())),
        ("cgroup.optional", is_optional.then(|| true.to_string())),
    ];
    let all: Vec<Setting> =
        all.into_iter().filter_map(|(key, value)| Some(Setting::new(key, value?))).collect();
    if all.is_empty() { vec![Setting::new("cgroup", "{}")] } else { all }
}

fn io_priority_word(priority: IoPriority) -> String {
    match priority {
        IoPriority::RealTime(level) => format!("realtime:{level}"),
        IoPriority::BestEffort(level) => format!("best-effort:{level}"),
        IoPriority::Idle => "idle".to_owned(),
    }
}

fn capability_words(CapabilitySets { bounding, ambient }: CapabilitySets) -> String {
    if bounding == ambient {
        return words::texts(names(bounding));
    }
    let bounding = (bounding != ALL).then(|| format!("bounding = {}", words::texts(names(bounding))));
    let ambient = (ambient != 0).then(|| format!("ambient = {}", words::texts(names(ambient))));
    let sets: Vec<String> = bounding.into_iter().chain(ambient).collect();
    if sets.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", sets.join(", ")) }
}

fn limit_words(limited: Limited, limit: Limit) -> String {
    let bound = |bound: Option<u64>| match (bound, unit_of(limited)) {
        (None, _) => words::text(UNLIMITED),
        (Some(bytes), Unit::Bytes) => words::size(bytes),
        (Some(number), _) => number.to_string(),
    };
    match limit {
        Limit::Both(soft, hard) if soft == hard => bound(soft),
        Limit::Both(soft, hard) => format!("{{ soft = {}, hard = {} }}", bound(soft), bound(hard)),
        Limit::Soft(soft) => format!("{{ soft = {} }}", bound(soft)),
    }
}
