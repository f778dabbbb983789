//! The first stage of what a process is set to before its program is executed: `user`, `groups`, `umask`, `nice`, `ioprio`,
//! `oom_score_adj`, `limits`, `no_new_privs`, `capabilities`.

use std::ops::RangeInclusive;

use provost_supervisor::{CapabilitySets, IoPriority, Setup};
use toml::Spanned;
use toml::de::DeValue;

use super::capabilities;
use super::limits;
use super::section::{Section, decimal};
use super::sections::SetupSection;
use super::units::octal;

const USER_HINT: &str = "write user = \"www-data\", \"www-data:adm\" with another group, or \":adm\" for the group alone; numbers are taken as they are";
const UMASK_HINT: &str = "write umask = \"027\", as the command `umask` takes it";
const IOPRIO_HINT: &str =
    "write ioprio = \"idle\", \"best-effort:7\" or \"realtime:0\"; the levels are 0, the highest, to 7";

/// The levels of a class of the priority for disks, and the one if none is given.
const LEVELS: RangeInclusive<u8> = 0..=7;
const LEVEL_DEFAULT: u8 = 4;

/// The keys of this stage.
const KEYS: [&str; 9] =
    ["user", "groups", "umask", "nice", "ioprio", "oom_score_adj", "limits", "no_new_privs", "capabilities"];

/// Reads the keys.
pub(super) fn read(process: &mut Section<'_>) -> SetupSection {
    let (user, group) = read_user(process);
    let setup = Setup {
        user,
        group,
        groups: read_groups(process),
        umask: read_umask(process),
        nice: process.number("nice", -20..=19),
        io_priority: read_io_priority(process),
        oom_score_adj: process.number("oom_score_adj", -1000..=1000),
        limits: limits::read(process),
        no_new_privs: process.flag("no_new_privs").unwrap_or(false),
        capabilities: read_capabilities(process),
    };
    let spans = KEYS.into_iter().filter_map(|key| Some((key, process.value(key)?.span()))).collect();
    SetupSection { setup, spans }
}

/// Reads `USER`, `USER:GROUP` or `:GROUP`.
fn read_user(process: &mut Section<'_>) -> (Option<String>, Option<String>) {
    let Some(value) = process.value("user") else { return (None, None) };
    let text = match value.get_ref() {
        DeValue::Integer(number) => decimal(number),
        _ => match process.text("user") {
            Some(text) => text.into_inner(),
            None => return (None, None),
        },
    };
    let (user, group) = match text.split_once(':') {
        None => (text.as_str(), None),
        Some((user, group)) => (user, Some(group)),
    };
    let is_fit = |name: &str| is_name(name) || name.is_empty();
    let is_missing = group.map_or(user.is_empty(), str::is_empty);
    if is_missing || !is_fit(user) || group.is_some_and(|group| !is_fit(group)) {
        let what = format!("`{text}` cannot be a user of {}", process.title());
        process.problem(value.span(), what, USER_HINT);
        return (None, None);
    }
    let some = |name: &str| Some(name.to_owned()).filter(|name| !name.is_empty());
    (some(user), group.and_then(some))
}

/// Whether this can be the name or the number of a user or a group.
fn is_name(name: &str) -> bool {
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
    let is_fit = |c: char| !c.is_control() && !c.is_whitespace() && !matches!(c, ':' | ',' | '/');
    // The number after the last one stands for "unchanged".
    let is_valid = !is_number || name.parse::<u32>().is_ok_and(|number| number != u32::MAX);
    !name.is_empty() && !name.starts_with('-') && name.chars().all(is_fit) && is_valid
}

fn read_groups(process: &mut Section<'_>) -> Vec<String> {
    let groups: Vec<Spanned<String>> = process.texts("groups").unwrap_or_default();
    for group in groups.iter().filter(|group| !is_name(group.get_ref())) {
        let what = format!("`{}` cannot be a group", group.get_ref());
        process.problem(
            group.span(),
            what,
            "write groups = [\"ssl-cert\", \"4\"]: names, or numbers as texts",
        );
    }
    groups.into_iter().map(Spanned::into_inner).collect()
}

fn read_umask(process: &mut Section<'_>) -> Option<u32> {
    let text = process.text("umask")?;
    let mask = octal(text.get_ref());
    if mask.is_none() {
        let what = format!("`{}` is not a umask: it has up to three octal digits", text.get_ref());
        process.problem(text.span(), what, UMASK_HINT);
    }
    mask
}

fn read_io_priority(process: &mut Section<'_>) -> Option<IoPriority> {
    let text = process.text("ioprio")?;
    let (class, level) = match text.get_ref().split_once(':') {
        None => (text.get_ref().as_str(), Some(LEVEL_DEFAULT)),
        Some((class, level)) => (class, level.parse().ok().filter(|level| LEVELS.contains(level))),
    };
    let priority = match (class, level) {
        ("idle", _) if class == text.get_ref() => Some(IoPriority::Idle),
        ("best-effort", Some(level)) => Some(IoPriority::BestEffort(level)),
        ("realtime", Some(level)) => Some(IoPriority::RealTime(level)),
        _ => None,
    };
    if priority.is_none() {
        process.problem(
            text.span(),
            format!("`{}` is not a priority for disks", text.get_ref()),
            IOPRIO_HINT,
        );
    }
    priority
}

/// Reads `capabilities`: a list of those that it keeps, or a table of the two sets.
fn read_capabilities(process: &mut Section<'_>) -> Option<CapabilitySets> {
    let hint = "write capabilities = [\"NET_BIND_SERVICE\"], or { bounding = [\"…\"], ambient = [\"…\"] }";
    let value = process.value("capabilities")?;
    if value.get_ref().is_array() {
        let all = process.texts_of("capabilities", value)?;
        let set = capabilities::read(process, &all);
        return Some(CapabilitySets { bounding: set, ambient: set });
    }
    let mut table = process.table("capabilities", hint)?;
    let (bounding, ambient) = (table.texts("bounding"), table.texts("ambient"));
    let bounding = bounding.map_or(capabilities::ALL, |all| capabilities::read(&table, &all));
    let ambient = ambient.map_or(0, |all| capabilities::read(&table, &all));
    if ambient & !bounding != 0 {
        let what = "`ambient` has capabilities that `bounding` does not have";
        table.problem(
            table.key_span("ambient"),
            what,
            "a process cannot have what is out of its bounds: add them to `bounding`",
        );
    }
    table.finish();
    Some(CapabilitySets { bounding, ambient })
}
