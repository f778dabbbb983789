//! `plugin simulate`: plays scenarios with a component. It needs no host.

use std::path::Path;

use provost_files::Access;
use serde_json::Value;

use super::component::located;
use super::context::Context;
use super::printing::{pretty, print};
use crate::args::{LineFormat, Settings, SimulateArgs};
use crate::config::{SourceFile, choices};
use crate::failure::Failure;
use crate::render::humane::{counted, one_line};
use crate::simulating::{
    self, NotRun, Outcome, SCENARIOS, Smallest, Stage, Standing, Subject, TRIES, against, scenario, shrunk,
    smallest, text,
};

/// The largest file of a scenario, in bytes.
const SCENARIO_BYTES_MAX: u64 = 4 << 20;

/// Plays the scenarios. A breach of what is expected is exit code 1, and so is what was not put to the test if `--strict` is given.
pub(super) fn simulate(context: &Context, args: &SimulateArgs) -> Result<(), Failure> {
    let subject = subject(&args.component, args.settings.as_ref())?;
    let other = args
        .against
        .as_deref()
        .map(|component| self::subject(component, args.against_settings.as_ref().or(args.settings.as_ref())));
    let other = other.transpose()?;
    let mut stage = Stage::new(args.compile.options())
        .map_err(|error| Failure::failed(error, "free some space in the directory for temporary files"))?;
    (stage.lasts_ms, stage.seed) = (args.days_ms.or(args.lasts), args.seed);
    let sources = match &args.scenarios[..] {
        [] => SCENARIOS.iter().filter_map(|name| scenario(name)).collect(),
        named => named.iter().map(|name| source(name)).collect::<Result<Vec<_>, _>>()?,
    };
    if args.svg.is_some() && sources.len() != 1 {
        return Err(Failure::usage(
            "a picture shows one scenario",
            "name one with --scenario: a file, or bundled:NAME",
        ));
    }
    let (mut expected, mut untested, mut standings, mut values) = (0, 0, Vec::new(), Vec::new());
    for source in &sources {
        let one = One { context, args, stage: &stage, source, subject: &subject };
        let ours = one.play(&subject)?;
        expected += ours.verdicts.len();
        untested += ours.untested();
        standings.push(ours.standing());
        values.extend(one.show(&ours, other.as_ref())?);
    }
    match args.output {
        LineFormat::Json => {
            let all =
                serde_json::json!({"component": args.component, "untested": untested, "scenarios": values});
            print(pretty(&all)?)?;
        }
        LineFormat::Text => {
            if untested > 0 {
                print(format!("{untested} of {} untested\n", counted(expected as u64, "expectation")))?;
            }
            if standings.len() > 1 {
                print(simulating::sum(&standings))?;
            }
        }
    }
    let is_broken = standings.contains(&Standing::Broken);
    if is_broken || (args.strict && untested > 0) { Err(Failure::silent(1)) } else { Ok(()) }
}

/// One scenario, and what is shown of it.
struct One<'a> {
    context: &'a Context,
    args: &'a SimulateArgs,
    stage: &'a Stage,
    source: &'a SourceFile,
    subject: &'a Subject,
}

impl One<'_> {
    fn play(&self, subject: &Subject) -> Result<Outcome, Failure> {
        self.stage.run(self.source, subject).map_err(|error| failure(error, &subject.component))
    }

    /// Shows what has come of the scenario, and returns it if it is to be shown as JSON. What is broken is shown before a smaller
    /// scenario is looked for, which may take long.
    fn show(&self, ours: &Outcome, other: Option<&Subject>) -> Result<Option<Value>, Failure> {
        let (page, is_object) = (&self.context.page, self.args.output == LineFormat::Json);
        if let Some(file) = &self.args.svg {
            write(file, &ours.picture())?;
        }
        self.say(|| text(ours, page))?;
        // An object has them in it.
        if !is_object {
            ours.warnings.iter().for_each(|warning| self.context.warn(self.source, warning));
        }
        let theirs = other.map(|other| self.play(other)).transpose()?;
        if let (Some(theirs), Some(other)) = (&theirs, &self.args.against) {
            self.say(|| against(ours, theirs, other, page))?;
        }
        let smallest = self.shrink(ours);
        self.say(|| smallest.as_ref().map(|smallest| shrunk(smallest, page)).unwrap_or_default() + "\n")?;
        Ok(is_object.then(|| simulating::json(self.source, ours, smallest.as_ref(), theirs.as_ref())))
    }

    /// Prints something, if what is printed is text.
    fn say(&self, what: impl FnOnce() -> String) -> Result<(), Failure> {
        if self.args.output == LineFormat::Text { print(what()) } else { Ok(()) }
    }

    /// Looks for the smallest scenario that still breaks, if something is broken and it is wanted.
    fn shrink(&self, ours: &Outcome) -> Option<Smallest> {
        let broken = ours.broken();
        if broken.is_empty() || self.args.no_shrink {
            return None;
        }
        self.context.note(&format!(
            "{} is broken ({}); looking for the smallest scenario that still breaks it, in at most {TRIES} runs (--no-shrink leaves that out)",
            one_line(&ours.name),
            broken.join(", "),
        ));
        smallest(self.stage, self.source, self.subject, &broken)
    }
}

/// Returns the component that is simulated. A scenario may be in another directory, so its path is absolute.
fn subject(component: &str, settings: Option<&Settings>) -> Result<Subject, Failure> {
    let settings_json = settings.map(|settings| Value::from(settings.clone()).to_string());
    Ok(Subject { component: located(component)?, settings_json })
}

/// Reads a scenario from its file, or takes one that comes with this program.
fn source(name: &str) -> Result<SourceFile, Failure> {
    if let Some(shipped) = name.strip_prefix("bundled:") {
        return scenario(shipped).ok_or_else(|| {
            let what = format!("there is no bundled scenario `{shipped}`");
            Failure::usage(what, choices(shipped, "bundled scenarios", SCENARIOS.iter().copied()))
        });
    }
    scenario_in(Path::new(name))
}

/// Reads a scenario from a file.
pub(super) fn scenario_in(path: &Path) -> Result<SourceFile, Failure> {
    let hint = "name a file with [scenario], [process.NAME] and [[fault]], or bundled:NAME";
    let bytes = provost_files::read_named(path, SCENARIO_BYTES_MAX)
        .map_err(|error| Failure::usage(format!("cannot read the scenario in {error}"), hint))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::usage(format!("{} is not UTF-8 text", path.display()), hint))?;
    Ok(SourceFile { path: path.to_owned(), text })
}

fn failure(error: NotRun, component: &str) -> Failure {
    match error {
        NotRun::Scenario(problems) => Failure::with_report(2, problems.to_string()),
        NotRun::Subject(why) => Failure::usage(
            format_args!("`{component}` cannot be simulated: {why}"),
            "`provost plugin inspect` shows what it is; --settings gives it settings",
        ),
        NotRun::NotPlayed(error) => {
            Failure::failed(error, "shorten it with --days or --for, or change its faults")
        }
    }
}

fn write(file: &Path, picture: &str) -> Result<(), Failure> {
    provost_files::replace_named(file, Access::Umask, &[picture.as_bytes()]).map_err(|error| {
        Failure::failed(
            format_args!("cannot write {}: {error}", file.display()),
            "name a file that you may write",
        )
    })
}
