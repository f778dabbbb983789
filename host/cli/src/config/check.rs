//! Checks across sections: every name that is referred to exists, and no process waits for itself.

use std::collections::{HashMap, HashSet};

use provost_plugin_host::bundled_names;
use provost_state::naming;

use super::cycles;
use super::report::{Collector, choices, nearest};
use super::sections::{ConfigFile, ProcessSection};

/// Adds a problem for every reference that is broken, every name that clashes and every cycle.
pub(super) fn check(file: &ConfigFile, problems: &Collector) {
    names(file, problems);
    replicas(&file.processes, problems);
    sockets(&file.processes, problems);
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
                let near = nearest(word, plugins.iter().copied());
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

/// Adds a problem for each socket whose address is that of a socket of another process.
fn sockets(processes: &[ProcessSection], problems: &Collector) {
    let mut owners: HashMap<_, &str> = HashMap::new();
    for process in processes {
        let name = process.name.get_ref().as_str();
        for socket in &process.sockets {
            let owner = *owners.entry((&socket.address, socket.kind)).or_insert(name);
            if owner != name {
                let what =
                    format!("the socket `{}` of `{name}` has the address of one of `{owner}`", socket.name);
                problems.add(process.name.span(), what, "give each process its own addresses");
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
