//! `plugin simulate`: plays scenarios with a component. It needs no host.

use std::path::Path;

use provost_files::Access;

use super::component::located;
use super::printing::{pretty, print};
use crate::args::{LineFormat, Settings, SimulateArgs};
use crate::config::{SourceFile, choices};
use crate::failure::Failure;
use crate::render::humane::counted;
use crate::render::page::Page;
use crate::simulating::{
    self, NotRun, Outcome, SCENARIOS, Smallest, Stage, Subject, against, scenario, smallest, text,
};

/// The largest file of a scenario, in bytes.
const SCENARIO_BYTES_MAX: u64 = 4 << 20;

/// Plays the scenarios. A breach of what is expected is exit code 1, and so is what was not put to the test if `--strict` is given.
pub(super) fn simulate(args: &SimulateArgs, page: &Page) -> Result<(), Failure> {
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
    let (mut is_broken, mut expected, mut untested, mut values) = (false, 0, 0, Vec::new());
    for source in &sources {
        let run = Run::of(&stage, source, &subject, other.as_ref(), args.no_shrink)?;
        is_broken |= run.ours.is_broken();
        expected += run.ours.verdicts.len();
        untested += run.ours.untested();
        if let Some(file) = &args.svg {
            write(file, &run.ours.picture())?;
        }
        match args.output {
            LineFormat::Text => print(run.text(args.against.as_deref(), page))?,
            LineFormat::Json => {
                values.push(simulating::json(&run.ours, run.smallest.as_ref(), run.theirs.as_ref()));
            }
        }
    }
    match args.output {
        LineFormat::Json => {
            let all =
                serde_json::json!({"component": args.component, "untested": untested, "scenarios": values});
            print(pretty(&all)?)?;
        }
        LineFormat::Text if untested > 0 => {
            print(format!("{untested} of {} untested\n", counted(expected as u64, "expectation")))?;
        }
        LineFormat::Text => {}
    }
    if is_broken || (args.strict && untested > 0) { Err(Failure::silent(1)) } else { Ok(()) }
}

/// What is shown of one scenario.
struct Run {
    ours: Outcome,
    theirs: Option<Outcome>,
    smallest: Option<Smallest>,
}

impl Run {
    fn of(
        stage: &Stage,
        source: &SourceFile,
        subject: &Subject,
        other: Option<&Subject>,
        no_shrink: bool,
    ) -> Result<Self, Failure> {
        let ours = stage.run(source, subject).map_err(|error| failure(error, &subject.component))?;
        let theirs =
            other.map(|other| stage.run(source, other).map_err(|error| failure(error, &other.component)));
        let broken = ours.broken();
        let is_shrunk = !broken.is_empty() && !no_shrink;
        let smallest = is_shrunk.then(|| smallest(stage, source, subject, &broken)).flatten();
        Ok(Self { ours, theirs: theirs.transpose()?, smallest })
    }

    fn text(&self, other: Option<&str>, page: &Page) -> String {
        let mut shown = text(&self.ours, self.smallest.as_ref(), page);
        if let (Some(theirs), Some(other)) = (&self.theirs, other) {
            shown += &against(&self.ours, theirs, other, page);
        }
        shown + "\n"
    }
}

/// Returns the component that is simulated. A scenario may be in another directory, so its path is absolute.
fn subject(component: &str, settings: Option<&Settings>) -> Result<Subject, Failure> {
    let settings_json = settings.map(|settings| serde_json::Value::from(settings.clone()).to_string());
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
