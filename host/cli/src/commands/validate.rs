//! `validate`: reports all problems of a config, and what it needs that is missing on this machine. Nothing is started or
//! written.

use std::io::{self, Write};
use std::path::Path;

use provost_plugin_host::{PluginHost, PluginSpec, SettingsSchema};
use provost_state::text;
use serde_json::{Value, json};

use super::printing::{pretty, print};
use crate::args::{LineFormat, ValidateArgs};
use crate::config::{CONFIG_NAME, Config, Problem, Problems, SourceFile};
use crate::daemon::plugins::{self, Refusals};
use crate::failure::Failure;
use crate::fetching::{Fetcher, Reach};
use crate::render::humane::counted;
use crate::render::style::{Paint, Style};

/// The results of a check.
struct Findings {
    config: Config,
    /// The problems that keep the host from starting with this config.
    errors: Option<Problems>,
    /// The problems that keep processes from starting here and now.
    warnings: Vec<Problem>,
}

pub(super) fn validate(config: Option<&Path>, args: &ValidateArgs, paint: Paint) -> Result<(), Failure> {
    let path = config.unwrap_or(Path::new(CONFIG_NAME));
    let findings = look(path)?;
    let warned = findings.warnings.len();
    let code = match &findings.errors {
        Some(_) => 2,
        None if args.strict && warned > 0 => 2,
        None => 0,
    };
    if args.output == LineFormat::Json {
        print(pretty(&findings.json(code == 0))?)?;
        return if code == 0 { Ok(()) } else { Err(Failure::silent(code)) };
    }
    let source = findings.config.source();
    let mut reports: Vec<String> = findings.errors.iter().map(ToString::to_string).collect();
    reports.extend(findings.warnings.iter().map(|warning| source.warning(warning)));
    if code != 0 {
        if findings.errors.is_none() {
            reports.push(format!(
                "error: {}: --strict takes no warnings, and there {}\nhint: leave out --strict if this is not the machine that the processes run on",
                path.display(),
                if warned == 1 { "is 1".to_owned() } else { format!("are {warned}") }
            ));
        }
        return Err(Failure::with_report(code, reports.join("\n\n")));
    }
    // A warning that cannot be printed does not make the config invalid.
    let _ = io::stderr().lock().write_all(paint.report(&text::lines(&reports.join("\n\n"))).as_bytes());
    let (processes, plugins) = (findings.config.process_names().count(), findings.config.plugins().count());
    let counts = format!("{}, {}", counted(processes as u64, "process"), counted(plugins as u64, "plugin"));
    let but =
        if warned > 0 { format!(", with {}", counted(warned as u64, "warning")) } else { String::new() };
    print(format!("{}: {} ({counts}){but}\n", path.display(), paint.text(Style::Green, "valid")))
}

/// Reads and checks the config and, if it has no errors, its plugins.
fn look(path: &Path) -> Result<Findings, Failure> {
    let (config, errors) = Config::look_at(path)?;
    let mut warnings = config.warnings();
    warnings.extend(of_schemas(&config));
    let errors = errors.or_else(|| config.check_certificate().err()).or_else(|| of_plugins(&config));
    Ok(Findings { config, errors, warnings })
}

/// Returns a warning for each component whose schema of its settings cannot be used, or not for these settings. What is wrong with the
/// component or with the settings is told when it is loaded.
fn of_schemas(config: &Config) -> Vec<Problem> {
    let fetched = Fetcher::reading(config.store(), Reach::Cache);
    let problem = |plugin: &PluginSpec| {
        let error = match SettingsSchema::of_component(&plugin.source.read(&*fetched).ok()?) {
            Ok(schema) => schema?.mistakes(&plugin.settings_json).err()?,
            Err(error) => error,
        };
        let what = format!("the schema of the settings of `{}` is ignored: {error}", plugin.name);
        let hint = "the settings are checked by the component alone; its author has to correct the schema and build it again";
        Some(config.component_problem(&plugin.name, what, hint.to_owned()))
    };
    config.plugins().filter_map(problem).collect()
}

fn of_plugins(config: &Config) -> Option<Problems> {
    let problems = match plugins::checked(config) {
        Ok(plugins) => of_loaded(config, &plugins),
        Err(problems) => return Some(problems),
    };
    (!problems.is_empty()).then(|| config.problems(problems))
}

fn of_loaded(config: &Config, plugins: &PluginHost) -> Vec<Problem> {
    let unfit = plugins::specs(config, plugins).err();
    let Refusals { lasting, passing } = plugins::refusals(config, plugins);
    let mut problems = [lasting, passing].concat();
    problems.extend(unfit.into_iter().flat_map(|unfit| unfit.list));
    problems
}

impl Findings {
    /// Returns what `-o json` prints; docs/cli.md describes it.
    fn json(&self, valid: bool) -> Value {
        let source = self.config.source();
        let errors = self.errors.iter().flat_map(|problems| &problems.list);
        let problems = errors.map(|problem| one(source, "error", problem));
        let warnings = self.warnings.iter().map(|problem| one(source, "warning", problem));
        json!({
            "config": source.path,
            "valid": valid,
            "processes": self.config.process_names().count(),
            "plugins": self.config.plugins().count(),
            "problems": problems.chain(warnings).collect::<Vec<Value>>(),
            "more": self.errors.as_ref().map_or(0, |problems| problems.more),
        })
    }
}

fn one(source: &SourceFile, severity: &str, problem: &Problem) -> Value {
    let place = source.place(problem.span.start);
    json!({
        "severity": severity,
        "line": place.line,
        "column": place.column,
        "message": problem.what,
        "hint": problem.hint,
    })
}
