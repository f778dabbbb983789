//! The commands that try a plugin without a host: `plugin run`, `plugin test`, `plugin bench`.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use provost_plugin_host::{Setup, Workbench};
use serde_json::Value;

use super::component::{at_hand, compiler, located};
use super::context::Context;
use super::printing::{pretty, print};
use super::simulate::scenario_in;
use crate::args::{BenchArgs, CompileArgs, LineFormat, RunArgs, SetupArgs, TestArgs};
use crate::config::{ScenarioFile, SourceFile, cache_dir};
use crate::failure::Failure;
use crate::guests;
use crate::simulating::{Stage, Subject};
use crate::tied;
use crate::trying::{self, Called, Case, Document, Fields, Report, TryError, VectorFile};

impl From<TryError> for Failure {
    fn from(error: TryError) -> Self {
        match &error {
            TryError::Problems(problems) => Self::with_report(2, problems.to_string()),
            TryError::File { .. } | TryError::Case { .. } | TryError::Role { .. } => {
                Self::usage(&error, error.hint())
            }
            TryError::Setup { why, .. } => {
                let lines: String =
                    error.lines().iter().map(|line| trying::shown_line(line) + "\n").collect();
                Self::with_report(2, format!("{lines}error: {why}\nhint: {}", error.hint()))
            }
        }
    }
}

/// Reads a component for the workbench.
fn open(component: &str, compile: CompileArgs) -> Result<Workbench, Failure> {
    open_beside(None, component, compile)
}

/// Does the same, with a cache of compiled code in this directory.
fn open_beside(
    cache_dir: Option<PathBuf>,
    component: &str,
    compile: CompileArgs,
) -> Result<Workbench, Failure> {
    Workbench::open_beside(cache_dir, at_hand(component)?, compiler(compile)).map_err(|error| {
        Failure::usage(error, "name a .wasm file that `provost plugin build` wrote, or `bundled:NAME`")
    })
}

/// Puts what the command line says in place of what `setup` has.
fn given(setup: Setup, args: &SetupArgs) -> Setup {
    let mut setup = setup;
    if let Some(settings) = &args.settings {
        setup.settings_json = Value::Object(settings.clone()).to_string();
    }
    args.limits.iter().for_each(|(limit, figure)| setup.limits.set(*limit, *figure));
    if !args.allow.is_empty() {
        setup.grants = args.allow.iter().cloned().collect();
    }
    setup.memory.extend(args.memory.iter().flatten().map(|(key, value)| (key.clone(), value.clone())));
    setup
}

pub(super) fn run(context: &Context, args: &RunArgs) -> Result<(), Failure> {
    let document = args.input.as_deref().map(trying::read_document).transpose()?;
    let reproduction = match document {
        Some(Document::Reproduction(reproduction)) => Some(reproduction),
        Some(Document::Snapshot(_)) => {
            return Err(Failure::usage(
                "the file of `--input` is a snapshot and not an input",
                "`--snapshot FILE` takes a snapshot; `provost plugin blame NAME -o json` prints an input",
            ));
        }
        None => None,
    };
    let setup = reproduction.as_deref().map(trying::input_setup).transpose()?.unwrap_or_default();
    let workbench = open(&args.component, args.compile)?;
    let bench = workbench.set_up(&given(setup, &args.setup)).map_err(TryError::from)?;
    let checked = bench.take_lines();
    let mut case = match &reproduction {
        Some(reproduction) => trying::input_case(reproduction)?,
        None => case(args, trying::chosen(&bench.roles(), args.role)?)?,
    };
    trying::chosen(&bench.roles(), Some(case.role))?;
    if let Some(reproduction) = &reproduction
        && reproduction.sha256 != workbench.digest()
    {
        case.notes.push("the input was given to another component: its SHA-256 differs".to_owned());
    }
    let mut outcome = bench.ask(&case.input, &case.world);
    outcome.lines.splice(0..0, checked);
    print(match args.output {
        LineFormat::Text => trying::outcome_text(&outcome, &case, &bench, &context.page),
        LineFormat::Json => pretty(&trying::outcome_object(&outcome, &case, workbench.digest()))?,
    })?;
    match &outcome.reply {
        Ok(_) => Ok(()),
        Err(fault) => Err(Failure::failed(format_args!("the call failed: {fault}"), trying::advice(fault))),
    }
}

/// Makes the case that the command line describes.
fn case(args: &RunArgs, role: provost_plugin_host::Role) -> Result<Case, Failure> {
    let mut fields: Fields = trying::read_sets(&args.set)?;
    let (process, said) = (&mut fields.process, &args.process);
    process.name = said.name.clone().or(process.name.take());
    process.group = said.group.clone().or(process.group.take());
    process.exit = said.exit.clone().or(process.exit.take());
    process.failures = said.failures.or(process.failures);
    process.restarts = said.restarts.or(process.restarts);
    process.uptime_ms = said.uptime.or(process.uptime_ms);
    fields.now_ms = args.now.or(fields.now_ms);
    fields.seed = args.seed.or(fields.seed);
    fields.path = args.path.clone().or(fields.path.take());
    fields.query = args.query.clone().or(fields.query.take());
    trying::check_fields(&fields, role)?;
    let Some(file) = &args.snapshot else { return Ok(Case::made_up(role, &fields)?) };
    let document = trying::read_document(file)?;
    Ok(Case::in_snapshot(role, &fields, document.snapshot())?)
}

pub(super) fn test(context: &Context, args: &TestArgs) -> Result<(), Failure> {
    if !args.dir.is_dir() {
        let what = format!("there is no folder {}", args.dir.display());
        return Err(Failure::usage(what, "`provost plugin test` takes the folder of a project"));
    }
    let tests = Tests::of(&args.dir)?;
    let is_native = args.dir.join("Cargo.toml").is_file() && !args.no_native;
    if tests.is_empty() && !is_native {
        let dir = args.dir.display();
        let what = format!("there is no file {dir}/tests/vectors/*.toml and no {dir}/scenarios/*.toml");
        return Err(Failure::usage(what, "docs/plugin-tools.md describes vectors and scenarios"));
    }
    let native = if is_native {
        context.note(&format!("running `cargo test` in {}\n", args.dir.display()));
        native(&args.dir)?
    } else {
        true
    };
    if tests.is_empty() {
        context.note(
            "the project has no vectors (tests/vectors/*.toml) and no scenarios (scenarios/*.toml): the component itself was not tested\n",
        );
        return ended(native);
    }
    let component = match &args.component {
        Some(component) => component.clone(),
        None => built(&args.dir)?,
    };
    if args.component.is_none() {
        warn_if_stale(context, &args.dir, Path::new(&component));
    }
    let stage = Stage::new(args.compile.options())
        .map_err(|error| Failure::failed(error, "free some space in the directory for temporary files"))?;
    let report = tests.run(&stage, &component, Called::Component(&component), args.compile)?;
    print(match args.output {
        LineFormat::Text => trying::report_text(&report, context.page.paint),
        LineFormat::Json => pretty(&trying::report_object(&report))?,
    })?;
    ended(native && report.is_good())
}

/// Runs the vectors and plays the scenarios of the project in `dir` with the component in a file, which `name` is built into. A host that
/// then loads the component finds it compiled, unless its config names another cache.
pub(super) fn through(
    dir: &Path,
    component: &Path,
    name: &Path,
    compile: CompileArgs,
) -> Result<Report, Failure> {
    let stage = Stage::beside(cache_dir(), compile.options());
    let [folder, component, name] = [dir, component, name].map(|path| path.display().to_string());
    let called = Called::Unwritten { dir: &folder, component: &name };
    Tests::of(dir)?.run(&stage, &component, called, compile)
}

/// What a project has to test its component with.
struct Tests {
    vectors: Vec<VectorFile>,
    scenarios: Vec<SourceFile>,
}

impl Tests {
    /// Reads the vectors and the scenarios of a project.
    fn of(dir: &Path) -> Result<Self, Failure> {
        let scenarios = files_below(dir, "scenarios")?;
        let scenarios = scenarios.iter().map(|path| scenario_in(path)).collect::<Result<_, _>>()?;
        Ok(Self { vectors: vectors_of(dir)?, scenarios })
    }

    fn is_empty(&self) -> bool {
        self.vectors.is_empty() && self.scenarios.is_empty()
    }

    /// Runs everything with a component, which is compiled once. Scenarios with mistakes are refused first.
    fn run(
        &self,
        stage: &Stage,
        component: &str,
        called: Called<'_>,
        compile: CompileArgs,
    ) -> Result<Report, Failure> {
        for scenario in &self.scenarios {
            ScenarioFile::parse(scenario.clone(), component, None)?;
        }
        let mut report = Report::default();
        if !self.vectors.is_empty() {
            let workbench = open_beside(Some(stage.cache_dir().to_owned()), component, compile)?;
            trying::check_vectors(&self.vectors, &workbench.roles())?;
            report.tried = trying::run_all(&workbench, &self.vectors);
        }
        if !self.scenarios.is_empty() {
            let subject = Subject { component: located(component)?, settings_json: None };
            report.played = trying::play_all(stage, &subject, called, &self.scenarios);
        }
        Ok(report)
    }
}

/// Everything was said already.
fn ended(is_good: bool) -> Result<(), Failure> {
    if is_good { Ok(()) } else { Err(Failure::silent(1)) }
}

/// Runs the native tests of a crate, with everything that they print on standard error. Returns whether they have passed.
pub(super) fn native(dir: &Path) -> Result<bool, Failure> {
    let mut cargo = Command::new("cargo");
    cargo.arg("test").current_dir(dir);
    if io::stderr().is_terminal() {
        cargo.args(["--color", "always"]);
    }
    let status = tied::run(&cargo).map_err(|error| {
        Failure::failed(
            format_args!("`cargo` cannot be run: {error}"),
            "install cargo, or leave the native tests out by `--no-native`",
        )
    })?;
    if !status.success() {
        // The message of cargo is above.
        let _ = writeln!(io::stderr().lock(), "error: the native tests have failed ({status})");
    }
    Ok(status.success())
}

/// Reads all vectors of a project, in the order of the names of their files.
fn vectors_of(dir: &Path) -> Result<Vec<VectorFile>, Failure> {
    let paths = files_below(dir, "tests/vectors")?;
    paths.iter().map(|path| trying::read_vectors(path).map_err(Failure::from)).collect()
}

/// Returns the files in a folder of a project, which it need not have, in the order of their names.
fn files_below(dir: &Path, folder: &str) -> Result<Vec<PathBuf>, Failure> {
    let folder = dir.join(folder);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths = files_in(&folder, "toml")?;
    paths.sort();
    Ok(paths)
}

/// Returns the files in a folder whose names end like this.
fn files_in(dir: &Path, extension: &str) -> Result<Vec<PathBuf>, Failure> {
    let unread = |error: io::Error| {
        Failure::failed(format_args!("cannot read {}: {error}", dir.display()), "check that you may read it")
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(unread)? {
        let path = entry.map_err(unread)?.path();
        if path.extension().is_some_and(|end| end == extension) {
            paths.push(path);
        }
    }
    Ok(paths)
}

/// Returns the component that was built in a folder: that of the project, or the only one of a folder without a project.
fn built(dir: &Path) -> Result<String, Failure> {
    let component = match guests::component_of(dir) {
        Ok(path) if path.is_file() => path,
        Ok(path) => return Err(unbuilt(format!("there is no component {}", path.display()), dir)),
        Err(_) => {
            let mut all = files_in(dir, "wasm")?;
            let count = all.len();
            all.pop().filter(|_| count == 1).ok_or_else(|| {
                let what = if count == 0 { "no component".to_owned() } else { format!("{count} components") };
                let verb = if count == 0 { "is" } else { "are" };
                unbuilt(format!("there {verb} {what} in {}", dir.display()), dir)
            })?
        }
    };
    component.to_str().map(str::to_owned).ok_or_else(|| {
        Failure::usage(format!("{} is not Unicode", component.display()), "give the file another name")
    })
}

fn unbuilt(what: String, dir: &Path) -> Failure {
    let dir = dir.display();
    Failure::usage(
        what,
        format!("`provost plugin build {dir}` builds it; `--component FILE` names another one"),
    )
}

/// Says so if a component was built of other sources than there are now.
fn warn_if_stale(context: &Context, dir: &Path, component: &Path) {
    let built = std::fs::read_to_string(component.with_added_extension("sources"));
    // A project that is not a crate has no digest.
    if let (Ok(built), Ok(now)) = (built, guests::source_digest(dir))
        && built.trim() != now
    {
        let again = format!("`provost plugin build {}` builds it again", dir.display());
        context.note(&format!("{} was built of other sources: {again}\n", component.display()));
    }
}

pub(super) fn bench(context: &Context, args: &BenchArgs) -> Result<(), Failure> {
    let target = Path::new(&args.target);
    let is_project = target.is_dir();
    let component = if is_project { built(target)? } else { args.target.clone() };
    let files = match (args.vectors.is_empty(), is_project) {
        (false, _) => {
            let read = |path: &PathBuf| trying::read_vectors(path).map_err(Failure::from);
            args.vectors.iter().map(read).collect::<Result<_, _>>()?
        }
        (true, true) => vectors_of(target)?,
        (true, false) => Vec::new(),
    };
    let setup = given(Setup::default(), &args.setup);
    let measured = trying::measure(&open(&component, args.compile)?, &setup, &files, args.calls)?;
    print(match args.output {
        LineFormat::Text => trying::measured_text(&measured, &context.page),
        LineFormat::Json => pretty(&trying::measured_object(&measured))?,
    })?;
    ended(measured.iter().all(|one| one.fault.is_none()))
}
