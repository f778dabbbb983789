//! Random edits of a config on a live host with 100 processes. After each reload, what runs is what a fresh start with that file
//! would run, what an edit does not concern keeps its pid, and nothing differs.
//!
//! `PROVOST_EDITS` is the number of edits (20 by default), and `PROVOST_EDITS_SEED` the seed. A run that fails prints both and
//! the edit.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use provost_tests::{Host, Setup, eventually};
use serde_json::Value;

use super::world::{difference, pids};
use crate::PROVOST;

/// The number of processes at the start.
const PROCESSES: usize = 100;

/// A generator of numbers that are the same for the same seed (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % most as u64).unwrap()
    }
}

/// A process of the config.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Process {
    name: String,
    seconds: usize,
    env: Option<usize>,
    uses_file: bool,
    cwd: bool,
    group: Option<usize>,
    grace_s: usize,
    files: usize,
    policies: Vec<String>,
    depends_on: Option<String>,
    replicas: Option<usize>,
}

impl Process {
    fn new(number: usize) -> Self {
        Self {
            name: format!("p{number}"),
            seconds: 10_000 + number,
            env: None,
            uses_file: false,
            cwd: false,
            group: None,
            grace_s: 5,
            files: 3,
            policies: Vec::new(),
            depends_on: None,
            replicas: None,
        }
    }

    /// What a process of the registry is for as long as its main process lives.
    fn identity(&self, file: usize) -> (usize, Option<usize>, Option<usize>, bool, Option<usize>) {
        (self.seconds, self.env, self.uses_file.then_some(file), self.cwd, self.group)
    }

    fn members(&self) -> Vec<String> {
        match self.replicas {
            None => vec![self.name.clone()],
            Some(count) => (1..=count).map(|number| format!("{}.{number}", self.name)).collect(),
        }
    }

    fn section(&self) -> String {
        let mut text = format!("[process.{}]\ncommand = [\"sleep\", \"{}\"]\n", self.name, self.seconds);
        let mut line = |line: String| text.push_str(&(line + "\n"));
        self.env.into_iter().for_each(|value| line(format!("env = {{ EDIT = \"{value}\" }}")));
        if self.uses_file {
            line("env_files = [\"edit.env\"]".to_owned());
        }
        if self.cwd {
            line("cwd = \"sub\"".to_owned());
        }
        self.group.into_iter().for_each(|group| line(format!("group = \"g{group}\"")));
        line(format!("stop = {{ grace = \"{}s\" }}", self.grace_s));
        line(format!("logs = {{ files = {} }}", self.files));
        line(format!("policies = {:?}", self.policies));
        self.depends_on.iter().for_each(|on| line(format!("depends_on = [{on:?}]")));
        self.replicas.into_iter().for_each(|count| line(format!("replicas = {count}")));
        text
    }
}

/// The whole config, as the test knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Model {
    processes: Vec<Process>,
    /// The plugins, each with a number in its settings.
    plugins: Vec<(String, usize)>,
    deadline_ms: usize,
    backend: &'static str,
    /// The number in the environment file.
    file: usize,
    /// The number of the next process.
    next: usize,
}

impl Model {
    fn new() -> Self {
        Self {
            processes: (0..PROCESSES).map(Process::new).collect(),
            plugins: vec![("backoff".to_owned(), 1)],
            deadline_ms: 1_000,
            backend: "atomic",
            file: 0,
            next: PROCESSES,
        }
    }

    fn text(&self) -> String {
        let mut text = format!(
            "[host]\ndecision_deadline = \"{}ms\"\n[state]\nbackend = \"{}\"\n",
            self.deadline_ms, self.backend
        );
        for (name, number) in &self.plugins {
            writeln!(
                text,
                "[plugins.{name}]\ncomponent = \"bundled:backoff\"\nsettings = {{ first = \"{number}s\" }}"
            )
            .unwrap();
        }
        self.processes.iter().for_each(|process| text.push_str(&process.section()));
        text
    }

    fn put(&self, dir: &Path) {
        std::fs::write(dir.join("edit.env"), format!("FROM_FILE={}\n", self.file)).unwrap();
        std::fs::write(dir.join("provost.toml"), self.text()).unwrap();
    }

    /// Makes one random edit, and says which.
    fn edit(&mut self, numbers: &mut Numbers) -> String {
        let at = numbers.below(self.processes.len());
        let (kind, number) = (numbers.below(16), numbers.below(1_000));
        let process = &mut self.processes[at];
        let name = process.name.clone();
        match kind {
            0 => {
                let new = Process { group: Some(number % 3), ..Process::new(self.next) };
                self.next += 1;
                let place = numbers.below(self.processes.len());
                let told = format!("adds {} at {place}", new.name);
                self.processes.insert(place, new);
                return told;
            }
            1 => {
                self.processes.remove(at);
                self.processes.iter_mut().for_each(|other| {
                    other.depends_on.take_if(|on| *on == name);
                });
                return format!("removes {name}");
            }
            2 => process.seconds = 20_000 + number,
            3 => process.env = Some(number),
            4 => process.uses_file = !process.uses_file,
            5 => process.cwd = !process.cwd,
            6 => process.group = Some(number % 5),
            7 => process.grace_s = 1 + number % 20,
            8 => process.files = 1 + number % 8,
            9 => {
                process.policies =
                    self.plugins.iter().take(number % 3).map(|(name, _)| name.clone()).collect()
            }
            10 => {
                // Only on a process with a lower number, so that there is no cycle.
                let own: usize = name[1..].parse().unwrap();
                let below = |one: &&Process| one.name[1..].parse::<usize>().unwrap() < own;
                let candidates: Vec<String> =
                    self.processes.iter().filter(below).map(|one| one.name.clone()).collect();
                let on = candidates.get(numbers.below(candidates.len() + 1)).cloned();
                self.processes[at].depends_on = on;
            }
            11 => process.replicas = Some(number % 4).filter(|count| *count > 0),
            12 => {
                let plugin = number % self.plugins.len();
                self.plugins[plugin].1 = 1 + number % 20;
                return format!("changes the plugin {:?}", self.plugins[plugin]);
            }
            13 if self.plugins.len() > 2 => {
                let (gone, _) = self.plugins.pop().unwrap();
                self.processes.iter_mut().for_each(|one| one.policies.retain(|policy| *policy != gone));
                return format!("removes the plugin {gone}");
            }
            13 => {
                self.plugins.push((format!("backoff{number}"), 1));
                return format!("adds the plugin backoff{number}");
            }
            14 => {
                self.deadline_ms = 500 + number;
                self.backend = ["atomic", "locked", "dual"][number % 3];
                return format!("changes the host: {} ms, {}", self.deadline_ms, self.backend);
            }
            _ => {
                self.file += 1;
                return format!("changes the environment file to {}", self.file);
            }
        }
        format!("changes {name} to {:?}", self.processes[at])
    }
}

/// Prints how to repeat a run that fails.
struct Repeat {
    seed: u64,
    edits: usize,
    last: String,
}

impl Drop for Repeat {
    #[expect(clippy::print_stderr, reason = "it is shown with the failure of the test")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("PROVOST_EDITS_SEED={} PROVOST_EDITS={}: after: {}", self.seed, self.edits, self.last);
        }
    }
}

fn number_of(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().map_or(default, |text| text.parse().unwrap())
}

#[test]
fn after_random_edits_what_runs_is_what_a_fresh_start_would_run() {
    let seed = number_of("PROVOST_EDITS_SEED", 20_261_126);
    let edits = usize::try_from(number_of("PROVOST_EDITS", 20)).unwrap();
    let mut numbers = Numbers(seed.max(1));
    let mut model = Model::new();
    let setup = Setup::new(PROVOST, "");
    std::fs::create_dir(setup.dir().join("sub")).unwrap();
    model.put(setup.dir());
    let host = setup.up();
    is_fresh(&host, &model);
    let mut repeat = Repeat { seed, edits, last: String::new() };
    for _ in 0..edits {
        let before = (model.clone(), pids(&host));
        // Several edits at once meet in one reload.
        let told: Vec<String> = (0..1 + numbers.below(4)).map(|_| model.edit(&mut numbers)).collect();
        repeat.last = told.join("; ");
        model.put(host.setup().dir());
        let ran = host.run(&["reload", "--wait", "--timeout", "60s"]);
        assert_eq!(ran.code, 0, "{ran:#?}\n{}", host.log());
        is_fresh(&host, &model);
        keeps_pids(&host, before, &model);
    }
    host.down();
}

/// Asserts that everything of the model runs as the model says, and nothing else.
fn is_fresh(host: &Host, model: &Model) {
    let names: BTreeSet<String> = model.processes.iter().flat_map(Process::members).collect();
    let status = eventually(
        "everything runs",
        || host.status(),
        |status| status["processes"].as_array().unwrap().iter().all(|one| one["phase"] == "running"),
    );
    let running = status["processes"].as_array().unwrap();
    let name = |one: &Value| one["name"].as_str().unwrap().to_owned();
    assert_eq!(running.iter().map(name).collect::<BTreeSet<_>>(), names);
    let by_name: BTreeMap<String, &Value> = running.iter().map(|one| (name(one), one)).collect();
    for process in &model.processes {
        for member in process.members() {
            runs_as(by_name[&member], process, model, host.setup().dir());
        }
    }
    let plugins: Vec<String> = host.plugins().iter().map(name).collect();
    assert_eq!(plugins, model.plugins.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>());
    let difference = difference(host);
    for kind in ["processes", "plugins", "host"] {
        assert_eq!(difference[kind], serde_json::json!([]), "{difference:#}");
    }
    assert_eq!(difference["unchanged"]["processes"], model.processes.len());
    assert_eq!(difference["unchanged"]["plugins"], model.plugins.len());
}

/// Asserts that a process is what the model says, by what the kernel knows of it.
fn runs_as(status: &Value, process: &Process, model: &Model, dir: &Path) {
    let pid = status["pid"].as_u64().unwrap();
    let read = |what: &str| std::fs::read_to_string(format!("/proc/{pid}/{what}")).unwrap();
    let command = format!("sleep\0{}\0", process.seconds);
    // A child that has just been started may still be the program that sets its limits.
    eventually(&format!("{} runs its program", process.name), || read("cmdline"), |seen| *seen == command);
    let environ = read("environ");
    let variables: BTreeSet<&str> = environ.split('\0').collect();
    let has = |name: &str| variables.iter().find_map(|one| one.strip_prefix(&format!("{name}=")));
    assert_eq!(has("EDIT").map(str::to_owned), process.env.map(|value| value.to_string()));
    assert_eq!(has("FROM_FILE").map(str::to_owned), process.uses_file.then(|| model.file.to_string()));
    let cwd = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap();
    let wanted = if process.cwd { dir.join("sub") } else { dir.to_owned() };
    assert_eq!(cwd, wanted.canonicalize().unwrap());
    let group = process.group.map(|group| format!("g{group}"));
    assert_eq!(status["group"].as_str().map(str::to_owned), group);
}

/// Asserts that the processes whose command, variables, directory and group are the same have kept their pids.
fn keeps_pids(host: &Host, (before, pids_before): (Model, BTreeMap<String, u64>), after: &Model) {
    let after_pids = pids(host);
    let identities = |model: &Model| -> BTreeMap<String, _> {
        let of = |process: &Process| {
            let identity = process.identity(model.file);
            process.members().into_iter().map(move |member| (member, identity)).collect::<Vec<_>>()
        };
        model.processes.iter().flat_map(of).collect()
    };
    let (old, new) = (identities(&before), identities(after));
    for (member, identity) in &old {
        match new.get(member) {
            Some(same) if same == identity => {
                assert_eq!(after_pids[member], pids_before[member], "{member} was not to be touched");
            }
            Some(_) => assert_ne!(after_pids[member], pids_before[member], "{member} was to be restarted"),
            None => assert!(!after_pids.contains_key(member)),
        }
    }
}
