//! The commands that try a plugin without a host: `plugin run`, `plugin test`, `plugin bench`.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use provost_plugin_host::{Setup, Workbench};
use serde_json::Value;

use super::component::at_hand;
use super::context::{Context, now_ms};
use super::printing::{pretty, print};
use crate::args::{BenchArgs, LineFormat, RunArgs, SetupArgs, TestArgs};
use crate::compiling::ChildCompiler;
use crate::config::{CompileLimits, cache_dir};
use crate::failure::Failure;
use crate::guests;
use crate::trying::{self, Case, Document, Fields, Report, TryError, VectorFile};

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
                Self::with_report(1, format!("{lines}error: {why}\nhint: {}", error.hint()))
            }
        }
    }
}

/// Reads a component for the workbench.
fn open(component: &str) -> Result<Workbench, Failure> {
    open_beside(None, component)
}

/// Does the same, with a cache of compiled code in this directory.
fn open_beside(cache_dir: Option<PathBuf>, component: &str) -> Result<Workbench, Failure> {
    let compiler = ChildCompiler::within(CompileLimits::default());
    Workbench::open_beside(cache_dir, at_hand(component)?, compiler).map_err(|error| {
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
    let workbench = open(&args.component)?;
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
    let Some(file) = &args.snapshot else { return Ok(Case::made_up(role, &fields, now_ms())?) };
    let document = trying::read_document(file)?;
    Ok(Case::in_snapshot(role, &fields, document.snapshot(), now_ms())?)
}

pub(super) fn test(context: &Context, args: &TestArgs) -> Result<(), Failure> {
    if !args.dir.is_dir() {
        let what = format!("there is no folder {}", args.dir.display());
        return Err(Failure::usage(what, "`provost plugin test` takes the folder of a project"));
    }
    let files = vectors_of(&args.dir)?;
    let is_native = args.dir.join("Cargo.toml").is_file() && !args.no_native;
    if files.is_empty() && !is_native {
        let what = format!("there is no file {}/tests/vectors/*.toml", args.dir.display());
        return Err(Failure::usage(what, "docs/plugin-tools.md describes vectors"));
    }
    let native = if is_native {
        context.note(&format!("running `cargo test` in {}\n", args.dir.display()));
        native(&args.dir)?
    } else {
        true
    };
    if files.is_empty() {
        context
            .note("the project has no vectors (tests/vectors/*.toml): the component itself was not tested\n");
        return ended(native);
    }
    let component = match &args.component {
        Some(component) => component.clone(),
        None => built(&args.dir)?,
    };
    if args.component.is_none() {
        warn_if_stale(context, &args.dir, Path::new(&component));
    }
    let report = trying::run_all(&open(&component)?, &files);
    print(match args.output {
        LineFormat::Text => trying::report_text(&report, context.page.paint),
        LineFormat::Json => pretty(&trying::report_object(&report))?,
    })?;
    ended(native && report.is_good())
}

/// Runs the vectors of the project in `dir` through the component in a file. A host that then loads the component finds it compiled,
/// unless its config names another cache.
pub(super) fn through(dir: &Path, component: &Path) -> Result<Report, Failure> {
    let files = vectors_of(dir)?;
    if files.is_empty() {
        return Ok(Report::default());
    }
    let workbench = open_beside(Some(cache_dir()), &component.display().to_string())?;
    Ok(trying::run_all(&workbench, &files))
}

/// Everything was said already.
fn ended(is_good: bool) -> Result<(), Failure> {
    if is_good { Ok(()) } else { Err(Failure::silent(1)) }
}

/// Runs the native tests of a crate, with everything that they print on standard error. Returns whether they have passed.
pub(super) fn native(dir: &Path) -> Result<bool, Failure> {
    let mut cargo = Command::new("cargo");
    cargo.arg("test").current_dir(dir).stdout(io::stderr());
    if io::stderr().is_terminal() {
        cargo.args(["--color", "always"]);
    }
    let status = cargo.status().map_err(|error| {
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
    let dir = dir.join("tests/vectors");
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths = files_in(&dir, "toml")?;
    paths.sort();
    paths.iter().map(|path| trying::read_vectors(path).map_err(Failure::from)).collect()
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
    let measured = trying::measure(&open(&component)?, &setup, &files, args.calls)?;
    print(match args.output {
        LineFormat::Text => trying::measured_text(&measured, &context.page),
        LineFormat::Json => pretty(&trying::measured_object(&measured))?,
    })?;
    ended(measured.iter().all(|one| one.fault.is_none()))
}
