//! The first stage: parses the text of the file into typed sections that keep their positions in the text.
//! Single keys are checked here; keys that depend on each other are checked by [`super::check`].

use provost_state::{Rollout, Routing, naming};
use provost_supervisor::RestartBudget;
use toml::Spanned;
use toml::de::DeTable;

use super::report::{Collector, Problem};
use super::section::Section;
use super::sections::{ConfigFile, HostSection};
use super::{api, dialect, journal, plugin, process};

/// Reads the text. Returns whatever could be read, even if there are problems.
pub(super) fn read(text: &str, problems: &Collector) -> ConfigFile {
    read_with(text, problems, |_| ()).0
}

/// Does the same for a file that has more tables than a config, which `more` reads.
pub(super) fn read_with<T: Default>(
    text: &str,
    problems: &Collector,
    more: impl FnOnce(&mut Section<'_>) -> T,
) -> (ConfigFile, T) {
    let Some(document) = document(text, problems) else { return Default::default() };
    let mut file = ConfigFile::default();
    let mut top = Section::top(document.get_ref(), problems);
    let told = more(&mut top);
    if let Some(host) = top.table("host", "write [host] on a line of its own") {
        file.host = read_host(host);
    }
    if let Some(state) = top.table("state", "write [state] on a line of its own") {
        file.host.settings.routing = read_state(state);
    }
    if let Some(section) = top.table("api", "write [api] on a line of its own") {
        file.api = api::read(section);
    }
    if let Some(section) = top.table("journal", "write [journal] on a line of its own") {
        file.journal = journal::read(section);
    }
    if let Some(mut plugins) = top.table("plugins", "write [plugins.NAME] on a line of its own") {
        file.trust = plugin::read_trust(&mut plugins);
        file.compile = plugin::read_compile(&mut plugins);
        file.plugins = plugins
            .entries()
            .filter(|(name, _)| !naming::is_key_of_plugins(name.get_ref()))
            .filter_map(|(name, value)| plugin::read(&plugins, name, value))
            .collect();
    }
    if let Some(processes) = top.table("process", "write [process.NAME] on a line of its own") {
        file.processes =
            processes.entries().filter_map(|(name, value)| process::read(&processes, name, value)).collect();
    }
    top.finish();
    (file, told)
}

/// Parses a text as TOML. Anything after a syntax error is guesswork, so only the first error is reported.
pub(crate) fn document<'t>(text: &'t str, problems: &Collector) -> Option<Spanned<DeTable<'t>>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let Some(error) = errors.first() else { return Some(document) };
    let Problem { span, what, hint } = syntax(text, error);
    problems.add(span, what, hint);
    None
}

/// Translates an error of the TOML parser into a problem for people.
fn syntax(text: &str, error: &toml::de::Error) -> Problem {
    let span = error.span().unwrap_or_default();
    if error.message().starts_with("duplicate key") {
        let name = text.get(span.clone()).unwrap_or("?").trim();
        return Problem {
            what: format!("`{name}` is defined twice"),
            hint: "names of processes, plugins and keys are unique: rename or remove one of the two".into(),
            span,
        };
    }
    if error.message().contains("invalid basic string") && error.message().contains("`\"`") {
        let what = "the text on this line is not closed".to_owned();
        return Problem {
            span,
            what,
            hint: "end it with \" on the same line; a longer text is written in \"\"\"".into(),
        };
    }
    if let Some((what, hint)) = dialect::guessed(text, span.start) {
        return Problem { span, what, hint };
    }
    Problem {
        what: format!("this is not TOML: {}", error.message().trim().replace('\n', ", ")),
        hint: "see https://toml.io for the syntax: texts are in quotes, tables start with [name]".into(),
        span,
    }
}

fn read_host(mut host: Section<'_>) -> HostSection {
    let dir = |host: &mut Section<'_>, key| host.path(key).map(Spanned::into_inner);
    let mut section = HostSection {
        runtime_dir: dir(&mut host, "runtime_dir"),
        log_dir: dir(&mut host, "log_dir"),
        cache_dir: dir(&mut host, "cache_dir"),
        cgroup: dir(&mut host, "cgroup"),
        ..HostSection::default()
    };
    set(&mut section.keeper, host.flag("keeper"));
    let settings = &mut section.settings;
    set(&mut settings.restart_delay_ms_min, host.duration_ms("restart_delay_min"));
    set(&mut settings.restart_delay_ms_max, host.duration_ms("restart_delay_max"));
    set(&mut settings.restart_budget, read_budget(&mut host));
    set(&mut settings.decision_deadline_ms, host.duration_ms("decision_deadline"));
    let (least, most) = (settings.restart_delay_ms_min, settings.restart_delay_ms_max);
    if least > most {
        let what = format!("`restart_delay_min` ({least} ms) is more than `restart_delay_max` ({most} ms)");
        host.problem(
            host.key_span("restart_delay_min"),
            what,
            "no restart could have such a delay: change one of them",
        );
    }
    if settings.decision_deadline_ms == 0 {
        let hint = "a policy needs time for an answer; the default is \"1s\"";
        host.problem(host.key_span("decision_deadline"), "`decision_deadline` must be at least 1 ms", hint);
    }
    host.finish();
    section
}

/// Overwrites the default of a setting if the file has a value.
fn set<T>(setting: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *setting = value;
    }
}

/// Reads how often one process may be restarted before it has to wait.
fn read_budget(host: &mut Section<'_>) -> Option<RestartBudget> {
    let hint = "write restart_budget = { restarts = 60, per = \"1m\" }";
    let mut budget = host.table("restart_budget", hint)?;
    let (restarts, per_ms) = (budget.count("restarts"), budget.duration_ms("per"));
    if restarts.is_some_and(|restarts| !(1..=RestartBudget::RESTARTS_MAX).contains(&restarts)) {
        let span = budget.key_span("restarts");
        let most = RestartBudget::RESTARTS_MAX;
        let what = format!("`restarts` must be from 1 to {most}, the number of exits that are remembered");
        budget.problem(span, what, hint);
    }
    if budget.lacks("restarts") || budget.lacks("per") || per_ms == Some(0) {
        budget.problem(budget.span.clone(), "a budget is a number of `restarts` and the time `per`", hint);
    }
    budget.finish();
    Some(RestartBudget { restarts: restarts?, per_ms: per_ms? })
}

/// Reads which backend of the state core is active at the start.
fn read_state(mut state: Section<'_>) -> Routing {
    let mut routing = Routing::default();
    if let Some(text) = state.text("backend") {
        match text.get_ref().parse() {
            Ok(backend) => routing.backend = backend,
            Err(error) => {
                state.problem(
                    text.span(),
                    format!("{error}"),
                    "write backend = \"atomic\", which is the default",
                );
            }
        }
    }
    if let Some(value) = state.value("rollout") {
        let percent = value.get_ref().as_integer().and_then(|number| number.as_str().parse().ok());
        match percent.and_then(|percent| Rollout::new(percent).ok()) {
            Some(rollout) => routing.rollout = rollout,
            None => {
                let hint = "write rollout = 100 for all processes, which is the default";
                state.problem(value.span(), "`rollout` is a whole number of percent, from 0 to 100", hint);
            }
        }
    }
    state.finish();
    routing
}
