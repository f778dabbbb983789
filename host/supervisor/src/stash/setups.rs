//! The sockets, the setup and the cgroup of a spec as bytes. Each is a key of what takes effect with a spawn; a field that is added
//! to one of them later gets another key.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::wire::{Put, Take, Unreadable};
use crate::activation::{SocketAddress, SocketKind, SocketSpec};
use crate::setup::{CapabilitySets, CgroupSpec, IoPriority, Limit, Limited, Setup};

/// Writes a path.
pub(super) fn put_path(body: &mut Put, path: impl AsRef<Path>) {
    body.bytes(path.as_ref().as_os_str().as_bytes());
}

/// Reads what [`put_path`] has written.
pub(super) fn take_path(take: &mut Take<'_>) -> Result<PathBuf, Unreadable> {
    take.bytes().map(|bytes| OsString::from_vec(bytes.to_vec()).into())
}

/// Reads a text that is kept as a string.
pub(super) fn owned(take: &mut Take<'_>) -> Result<String, Unreadable> {
    take.text().map(str::to_owned)
}

/// Writes a socket.
pub(super) fn put_socket(body: &mut Put, SocketSpec { name, address, kind, mode, backlog }: &SocketSpec) {
    body.text(name);
    match address {
        SocketAddress::Ip(address) => {
            body.byte(0).text(&address.to_string());
        }
        SocketAddress::Path(path) => put_path(body.byte(1), path),
    }
    body.byte((*kind == SocketKind::Datagram).into());
    for number in [mode, backlog] {
        body.option(*number, |body, number| {
            body.number(number);
        });
    }
}

/// Reads what [`put_socket`] has written.
pub(super) fn take_socket(take: &mut Take<'_>) -> Result<SocketSpec, Unreadable> {
    Ok(SocketSpec {
        name: take.shared()?,
        address: match take.flag()? {
            false => SocketAddress::Ip(take.text()?.parse::<SocketAddr>().map_err(|_| Unreadable::Variant)?),
            true => SocketAddress::Path(take_path(take)?),
        },
        kind: if take.flag()? { SocketKind::Datagram } else { SocketKind::Stream },
        mode: take.option(Take::small)?,
        backlog: take.option(Take::small)?,
    })
}

/// Writes a setup.
pub(super) fn put_setup(body: &mut Put, setup: &Setup) {
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
    for text in [user, group] {
        body.option(text.as_deref(), |body, text| {
            body.text(text);
        });
    }
    body.list(groups.iter(), |body, group| {
        body.text(group);
    });
    body.option(*umask, |body, umask| {
        body.number(umask);
    });
    for number in [nice, oom_score_adj] {
        body.option(*number, |body, number| {
            body.signed(number);
        });
    }
    body.option(*io_priority, |body, priority| {
        body.number(priority.number());
    });
    body.list(limits.iter(), |body, (limited, limit)| put_limit(body, *limited, *limit));
    body.byte((*no_new_privs).into());
    body.option(*capabilities, |body, CapabilitySets { bounding, ambient }| {
        body.number(bounding).number(ambient);
    });
}

/// Reads what [`put_setup`] has written.
pub(super) fn take_setup(take: &mut Take<'_>) -> Result<Setup, Unreadable> {
    let priority = |take: &mut Take<'_>| IoPriority::of_number(take.small()?).ok_or(Unreadable::Variant);
    let sets = |take: &mut Take<'_>| Ok(CapabilitySets { bounding: take.number()?, ambient: take.number()? });
    Ok(Setup {
        user: take.option(owned)?,
        group: take.option(owned)?,
        groups: take.list(owned)?,
        umask: take.option(Take::small)?,
        nice: take.option(Take::signed)?,
        oom_score_adj: take.option(Take::signed)?,
        io_priority: take.option(priority)?,
        limits: BTreeMap::from_iter(take.list(take_limit)?),
        no_new_privs: take.flag()?,
        capabilities: take.option(sets)?,
    })
}

fn put_limit(body: &mut Put, limited: Limited, limit: Limit) {
    let bound = |body: &mut Put, bound: Option<u64>| {
        body.option(bound, |body, bound| {
            body.number(bound);
        });
    };
    body.text(limited.word());
    match limit {
        Limit::Soft(soft) => bound(body.byte(0), soft),
        Limit::Both(soft, hard) => {
            bound(body.byte(1), soft);
            bound(body, hard);
        }
    }
}

fn take_limit(take: &mut Take<'_>) -> Result<(Limited, Limit), Unreadable> {
    let limited = Limited::of_word(take.text()?).ok_or(Unreadable::Variant)?;
    let limit = match take.flag()? {
        false => Limit::Soft(take.option(Take::number)?),
        true => Limit::Both(take.option(Take::number)?, take.option(Take::number)?),
    };
    Ok((limited, limit))
}

/// Writes a cgroup.
pub(super) fn put_cgroup(body: &mut Put, cgroup: &CgroupSpec) {
    let CgroupSpec { cpu_percent, memory_bytes_max, memory_bytes_high, pids_max, is_optional } = cgroup;
    for number in [&cpu_percent.map(u64::from), memory_bytes_max, memory_bytes_high, pids_max] {
        body.option(*number, |body, number| {
            body.number(number);
        });
    }
    body.byte((*is_optional).into());
}

/// Reads what [`put_cgroup`] has written.
pub(super) fn take_cgroup(take: &mut Take<'_>) -> Result<CgroupSpec, Unreadable> {
    Ok(CgroupSpec {
        cpu_percent: take.option(Take::small)?,
        memory_bytes_max: take.option(Take::number)?,
        memory_bytes_high: take.option(Take::number)?,
        pids_max: take.option(Take::number)?,
        is_optional: take.flag()?,
    })
}
