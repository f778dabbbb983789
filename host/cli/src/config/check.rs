//! Checks across sections: every name that is referred to exists, no process waits for itself, and no two sockets are at one address.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use provost_api::client::SOCKET_PATH_BYTES_MAX;
use provost_plugin_host::bundled_names;
use provost_state::naming;
use provost_supervisor::{SocketAddress, SocketSpec};

use super::cycles;
use super::report::{Collector, choices};
use super::sections::{ConfigFile, ProcessSection, SocketSection};
use super::sockets::resolved;

/// Adds a problem for every reference that is broken, every name that clashes and every cycle.
pub(super) fn check(file: &ConfigFile, dir: &Path, problems: &Collector) {
    names(file, problems);
    replicas(&file.processes, problems);
    sockets(&file.processes, dir, problems);
    cycles::check(&file.processes, problems);
}

fn names(file: &ConfigFile, problems: &Collector) {
    let plugins: Vec<&str> = file.plugins.iter().map(|plugin| plugin.name.get_ref().as_str()).collect();
    let processes: Vec<&str> = file.processes.iter().map(|process| process.name.get_ref().as_str()).collect();
    let known_plugins: HashSet<&str> = plugins.iter().copied().collect();
    let known_processes: HashSet<&str> = processes.iter().copied().collect();
    for process in &file.processes {
        let name = process.name.get_ref().as_str();
        for policy in process.policies.iter().filter(|one| !known_plugins.contains(one.get_ref().as_str())) {
            let word = policy.get_ref();
            problems.add_with(policy.span(), || {
                let what = format!("there is no plugin `{word}`, which `{name}` names in `policies`");
                let near = naming::nearest(word, plugins.iter().copied());
                let hint = match bundled_names().contains(&word.as_str()) && near.is_none() {
                    true => format!("write [plugins.{word}] with component = \"bundled:{word}\""),
                    false if plugins.is_empty() => {
                        "there are no plugins in this file: write [plugins.NAME] with component = \"bundled:backoff\" or another policy"
                            .to_owned()
                    }
                    false => choices(word, "plugins in this file", plugins.iter().copied()),
                };
                (what, hint)
            });
        }
        let dependencies = process.depends_on.iter().map(|(other, _)| other);
        for other in dependencies.filter(|one| !known_processes.contains(one.get_ref().as_str())) {
            let word = other.get_ref();
            problems.add_with(other.span(), || {
                let what = format!("`{name}` depends on `{word}`, which does not exist");
                let others: Vec<&str> = processes.iter().copied().filter(|one| *one != name).collect();
                (what, choices(word, "other processes in this file", others))
            });
        }
    }
}

/// Adds a problem for each socket whose path is too long, or whose address is that of another socket. Paths are taken as they will
/// be used, from the directory of the config.
fn sockets(processes: &[ProcessSection], dir: &Path, problems: &Collector) {
    let mut owners: HashMap<_, (&str, Arc<str>)> = HashMap::new();
    for process in processes {
        let name = process.name.get_ref().as_str();
        for SocketSection { socket, span } in &process.sockets {
            let SocketSpec { name: word, address, kind, .. } = resolved(socket, dir);
            if let SocketAddress::Path(path) = &address
                && path.as_os_str().len() > SOCKET_PATH_BYTES_MAX
            {
                let bytes = path.as_os_str().len();
                let what = format!(
                    "the path of the socket `{word}` has {bytes} bytes, and the kernel takes at most \
                     {SOCKET_PATH_BYTES_MAX}: {}",
                    path.display()
                );
                problems.add(span.clone(), what, "write a shorter path, such as one in /run");
            }
            // A path is one file, whatever kind of socket it is; TCP and UDP do not know of each other's ports.
            let kind = matches!(address, SocketAddress::Ip(_)).then_some(kind);
            match owners.entry((address, kind)) {
                Entry::Vacant(place) => drop(place.insert((name, word))),
                Entry::Occupied(taken) if taken.get().0 == name => {
                    let what = format!("the sockets `{}` and `{word}` have the same address", taken.get().1);
                    problems.add(span.clone(), what, "give each its own address");
                }
                Entry::Occupied(taken) => {
                    let owner = taken.get().0;
                    let what = format!("the socket `{word}` of `{name}` has the address of one of `{owner}`");
                    problems.add(span.clone(), what, "give each process its own addresses");
                }
            }
        }
    }
}

/// Adds a problem for each process whose name is that of a replica of another process.
fn replicas(processes: &[ProcessSection], problems: &Collector) {
    let most: HashMap<&str, u32> =
        processes.iter().filter_map(|one| Some((one.name.get_ref().as_str(), one.replicas?.most))).collect();
    for process in processes {
        let name = process.name.get_ref();
        let Some((base, digits)) = naming::replica_of(name) else { continue };
        let number = digits.parse::<u32>().ok().filter(|number| *number > 0);
        if let (Some(most), Some(number)) = (most.get(base), number)
            && number <= *most
        {
            let what = format!("`{name}` is already the name of replica {number} of `{base}`");
            problems.add(process.name.span(), what, "give this process another name");
        }
    }
}
