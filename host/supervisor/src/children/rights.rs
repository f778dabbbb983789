//! Turns the setup of a spec into the steps of the exec stage: names of users and groups become numbers. And says which of them
//! this host is not allowed to take, as far as that is known without starting anything.

use std::collections::BTreeSet;
use std::sync::Arc;

use provost_keeper::stage::{IoPriority, Limit, Limited, Steps};
use rustix::process::{Rlimit, getrlimit};
use rustix::thread::{CapabilitySet, capabilities};

use super::accounts::{self, Account};
use crate::setup::Setup;

/// What a setup comes to on this machine.
#[derive(Debug, Default)]
pub(super) struct Rights {
    /// The steps of the stage; `None` if there is nothing to set.
    pub(super) steps: Option<Steps>,
    /// The variables about the user, if one is given.
    pub(super) variables: Vec<(&'static str, String)>,
}

/// A key of the config whose value cannot be had, and why.
type Refused = (&'static str, Arc<str>);

/// Resolves a setup. It may wait for a directory of users.
pub(super) fn resolve(setup: &Setup) -> Result<Rights, Refused> {
    if setup.is_empty() {
        return Ok(Rights::default());
    }
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
    let account = user.as_deref().map(|user| account(user, group.is_some())).transpose()?;
    let gid = group.as_deref().map(|group| number_of("user", group)).transpose()?;
    let gid = gid.or_else(|| account.as_ref()?.known().map(|account| account.gid));
    let more = groups.iter().map(|group| number_of("groups", group)).collect::<Result<BTreeSet<_>, _>>()?;
    let groups = match (&account, gid) {
        (Some(who), Some(gid)) if !is_nothing_new(who.uid(), gid, &more) => {
            let mut all = BTreeSet::from([gid]);
            if let Some(account) = who.known() {
                all = accounts::memberships(account, gid).map_err(|why| ("user", why))?;
            }
            Some(all.into_iter().chain(more).collect::<BTreeSet<_>>())
        }
        (None, _) if !more.is_empty() => Some(more),
        _ => None,
    };
    let steps = Steps {
        umask: *umask,
        nice: *nice,
        io_priority: *io_priority,
        oom_score_adj: *oom_score_adj,
        limits: limits.iter().map(|(limited, limit)| (*limited, *limit)).collect(),
        groups: groups.map(Vec::from_iter),
        gid,
        uid: account.as_ref().map(Who::uid),
        capabilities: *capabilities,
        no_new_privs: *no_new_privs,
        ..Steps::default()
    };
    let variables = account.as_ref().and_then(Who::known).map(variables).unwrap_or_default();
    Ok(Rights { steps: Some(steps), variables })
}

/// A user, known to this machine or as a number alone.
enum Who {
    Known(Account),
    Number(u32),
}

impl Who {
    fn uid(&self) -> u32 {
        match self {
            Self::Known(account) => account.uid,
            Self::Number(uid) => *uid,
        }
    }

    fn known(&self) -> Option<&Account> {
        match self {
            Self::Known(account) => Some(account),
            Self::Number(_) => None,
        }
    }
}

fn account(user: &str, has_group: bool) -> Result<Who, Refused> {
    match (accounts::user(user).map_err(|why| ("user", why))?, user.parse()) {
        (Some(account), _) => Ok(Who::Known(account)),
        (None, Ok(uid)) if has_group => Ok(Who::Number(uid)),
        (None, Ok(uid)) => {
            let why = format!(
                "this machine does not know user {uid}, so its group is not known: write \"{uid}:GROUP\""
            );
            Err(("user", Arc::from(why)))
        }
        (None, Err(_)) => Err(("user", Arc::from(format!("there is no user `{user}`")))),
    }
}

fn number_of(key: &'static str, group: &str) -> Result<u32, Refused> {
    match accounts::group(group).map_err(|why| (key, why))? {
        Some(gid) => Ok(gid),
        None => Err((key, Arc::from(format!("there is no group `{group}`")))),
    }
}

/// Whether this is the user and the group of the host, which it may have without being root.
fn is_nothing_new(uid: u32, gid: u32, more: &BTreeSet<u32>) -> bool {
    let own = (rustix::process::geteuid(), rustix::process::getegid());
    !own.0.is_root() && (uid, gid) == (own.0.as_raw(), own.1.as_raw()) && more.is_empty()
}

fn variables(account: &Account) -> Vec<(&'static str, String)> {
    let Account { name, home, shell, .. } = account;
    let all = [("HOME", home), ("LOGNAME", name), ("SHELL", shell), ("USER", name)];
    all.into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name, value.clone()))
        .collect()
}

/// Returns what of a setup could not be had here, by the keys of the config. It may wait for a directory of users.
pub(super) fn refused(setup: &Setup) -> Vec<Refused> {
    if setup.is_empty() {
        return Vec::new();
    }
    let steps = match resolve(setup) {
        Ok(Rights { steps, .. }) => steps.unwrap_or_default(),
        Err(refused) => return vec![refused],
    };
    let sets = capabilities(None).ok();
    let may = |one: CapabilitySet| sets.is_none_or(|sets| sets.effective.contains(one));
    let mut found = Vec::new();
    let mut refuse = |key: &'static str, why: String| found.push((key, Arc::from(why)));
    let not_root = "the host does not run as root";
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    if steps.uid.is_some_and(|wanted| wanted != uid) && !may(CapabilitySet::SETUID) {
        refuse("user", format!("the user cannot be changed: {not_root}"));
    } else if steps.gid.is_some_and(|wanted| wanted != gid) && !may(CapabilitySet::SETGID) {
        refuse("user", format!("the group of the user cannot be changed: {not_root}"));
    } else if steps.groups.is_some() && !may(CapabilitySet::SETGID) {
        let key = if setup.groups.is_empty() { "user" } else { "groups" };
        refuse(key, format!("the supplementary groups cannot be set: {not_root}"));
    }
    if let Some(nice) = steps.nice.filter(|nice| !may(CapabilitySet::SYS_NICE) && !is_nice_allowed(*nice)) {
        refuse("nice", format!("the nice value cannot be lowered to {nice}: {not_root}"));
    }
    let is_real_time = matches!(steps.io_priority, Some(IoPriority::RealTime(_)));
    if is_real_time && !may(CapabilitySet::SYS_ADMIN) && !may(CapabilitySet::SYS_NICE) {
        refuse("ioprio", format!("the real-time class cannot be set: {not_root}"));
    }
    for (limited, limit) in &steps.limits {
        if let Some(why) = beyond(*limited, *limit, may(CapabilitySet::SYS_RESOURCE)) {
            refuse("limits", why);
        }
    }
    if let Some(wanted) = steps.capabilities {
        let has = sets.map_or(u64::MAX, |sets| sets.permitted.bits());
        if !may(CapabilitySet::SETPCAP) {
            refuse("capabilities", format!("the capabilities cannot be limited: {not_root}"));
        } else if wanted.ambient & !has != 0 {
            refuse("capabilities", "the host itself does not have all of them".to_owned());
        }
    }
    found
}

/// Whether every user may have this nice value.
fn is_nice_allowed(nice: i32) -> bool {
    let now = rustix::process::getpriority_process(None).unwrap_or(0);
    let floor = getrlimit(rustix::process::Resource::Nice)
        .current
        .map_or(-20, |most| 20 - i64::try_from(most).unwrap_or(40));
    nice >= now || i64::from(nice) >= floor
}

/// Returns why a limit cannot be set, if it is above the hard limit of the host.
fn beyond(limited: Limited, limit: Limit, is_privileged: bool) -> Option<String> {
    let Rlimit { maximum, .. } = getrlimit(limited.resource());
    let highest = match limit {
        Limit::Both(..) if is_privileged => return None,
        Limit::Both(_, hard) => hard,
        Limit::Soft(soft) => soft,
    };
    let is_beyond = maximum.is_some_and(|maximum| highest.is_none_or(|highest| highest > maximum));
    is_beyond.then(|| {
        let maximum = maximum.map_or_else(|| "unlimited".to_owned(), |maximum| maximum.to_string());
        format!("the limit `{}` is above the hard limit of the host, which is {maximum}", limited.word())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup(user: &str, group: Option<&str>) -> Setup {
        Setup { user: Some(user.to_owned()), group: group.map(str::to_owned), ..Setup::default() }
    }

    #[test]
    fn a_setup_that_asks_for_nothing_needs_no_stage() {
        let rights = resolve(&Setup::default()).unwrap();
        assert!(rights.steps.is_none() && rights.variables.is_empty());
    }

    #[test]
    fn a_user_comes_with_its_group_its_groups_and_its_variables() {
        let Rights { steps, variables } = resolve(&setup("root", None)).unwrap();
        let steps = steps.unwrap();
        assert_eq!((steps.uid, steps.gid), (Some(0), Some(0)));
        assert!(steps.groups.is_none_or(|groups| groups.contains(&0)));
        let names: Vec<&str> = variables.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["HOME", "LOGNAME", "SHELL", "USER"]);
        assert!(variables.contains(&("USER", "root".to_owned())));
    }

    #[test]
    fn a_user_that_is_a_number_needs_a_group() {
        let (key, why) = resolve(&setup("54321", None)).unwrap_err();
        assert_eq!(key, "user");
        assert!(why.contains("write \"54321:GROUP\""), "{why}");
        let with = resolve(&setup("54321", Some("999"))).unwrap();
        let steps = with.steps.unwrap();
        assert_eq!((steps.uid, steps.gid, steps.groups), (Some(54321), Some(999), Some(vec![999])));
        assert!(with.variables.is_empty());
    }

    #[test]
    fn a_name_that_nobody_has_is_named() {
        let refused = |setup: &Setup| resolve(setup).unwrap_err();
        assert_eq!(
            refused(&setup("no-such-user", None)),
            ("user", Arc::from("there is no user `no-such-user`"))
        );
        let group = refused(&setup("root", Some("no-such-group")));
        assert_eq!(group, ("user", Arc::from("there is no group `no-such-group`")));
        let more = Setup { groups: vec!["no-such-group".to_owned()], ..Setup::default() };
        assert_eq!(refused(&more), ("groups", Arc::from("there is no group `no-such-group`")));
    }

    #[test]
    fn a_limit_above_the_hard_limit_of_the_host_is_seen_before_a_start() {
        let Rlimit { maximum, .. } = getrlimit(Limited::Nofile.resource());
        let Some(maximum) = maximum else { return };
        assert_eq!(beyond(Limited::Nofile, Limit::Both(Some(1), Some(maximum + 1)), true), None);
        let why = beyond(Limited::Nofile, Limit::Both(Some(1), Some(maximum + 1)), false).unwrap();
        assert!(why.ends_with(&format!("which is {maximum}")), "{why}");
        assert!(beyond(Limited::Nofile, Limit::Soft(None), true).is_some());
        assert_eq!(beyond(Limited::Nofile, Limit::Soft(Some(maximum)), false), None);
    }
}
