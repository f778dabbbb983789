//! What is executed: the program, found on the `PATH` of the child, its arguments and its whole environment; and errors
//! of the kernel in words for people.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use provost_files::script_line;
use provost_keeper::HOST_VARIABLE;
use provost_keeper::stage::Steps;
use provost_state::Incarnation;

use super::family::RUNTIME_DIR_VARIABLE;
use super::rights::{self, Rights};
use super::spawned_with::SpawnedWith;
use super::{LifeEnv, env_file, variables};
use crate::gave::{Gave, Given};
use crate::spec::{CommandLine, ProcessSpec};

/// The search path if the environment has no `PATH` (as in the C library).
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// The variables by which a service manager and a process speak to each other. Each has its own, or none.
const OF_SERVICE_MANAGER: [&str; 6] =
    ["NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID", "WATCHDOG_USEC", "WATCHDOG_PID"];

/// The variables of a program.
type Environment = BTreeMap<OsString, OsString>;

/// A command that is ready to be executed.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) program: CString,
    pub(super) arguments: Vec<CString>,
    pub(super) environment: Vec<CString>,
    pub(super) directory: Option<CString>,
    /// What it sets on itself before that, if anything.
    pub(super) steps: Option<Steps>,
    /// The values of the variables that the checks name.
    pub(super) vars: LifeEnv,
    /// What it is given beyond its spec and the environment of the host.
    pub(super) given: Given,
}

/// Prepares a command: reads environment files, finds its user and the program, checks the directory. It may wait for disks and
/// for a directory of users.
///
/// # Errors
/// What is wrong, in words for people.
pub(super) fn prepare(
    line: &CommandLine,
    spec: &ProcessSpec,
    incarnation: Option<Incarnation>,
    env: &LifeEnv,
    extra: &[(&'static str, OsString)],
) -> Result<Prepared, Arc<str>> {
    fail::fail_point!("spawn.prepare", |why| Err(Arc::from(why.unwrap_or_default())));
    let Rights { steps, variables: of_user } = rights::resolve(&spec.setup).map_err(|(_, why)| why)?;
    let names = of_user.iter().map(|(name, _)| *name).chain(extra.iter().map(|(name, _)| *name));
    let variables = names.map(Box::from).collect();
    let (mut environment, env_files) = environment(spec, incarnation, env, of_user)?;
    environment.extend(extra.iter().map(|(name, value)| (OsString::from(name), value.clone())));
    if let Some(cwd) = &spec.cwd {
        // Checked here because the error of the spawn would blame the program.
        if !cwd.is_dir() {
            return Err(Arc::from(format!("the working directory {} does not exist", cwd.display())));
        }
    }
    let words: Vec<&str> = match line {
        CommandLine::Argv(words) => words.iter().map(String::as_str).collect(),
        CommandLine::Shell(line) => vec!["/bin/sh", "-c", line],
    };
    let name = words.first().filter(|name| !name.is_empty()).ok_or("the command is empty")?;
    let program = find(name, &environment, spec.cwd.as_deref())?;
    let text = |bytes: &[u8], what: &str| {
        CString::new(bytes).map_err(|_| Arc::from(format!("{what} contains a NUL character")))
    };
    Ok(Prepared {
        program: text(program.as_os_str().as_bytes(), "the path of the program")?,
        arguments: words
            .iter()
            .map(|word| text(word.as_bytes(), "an argument of the command"))
            .collect::<Result<_, Arc<str>>>()?,
        directory: spec
            .cwd
            .as_ref()
            .map(|cwd| text(cwd.as_os_str().as_bytes(), "the working directory"))
            .transpose()?,
        vars: values(variables::of_checks(spec), &environment),
        given: Given { env_files, variables },
        steps,
        environment: environment
            .into_iter()
            .map(|(name, value)| {
                let mut variable = name.clone().into_vec();
                variable.push(b'=');
                variable.extend(value.into_vec());
                text(&variable, &format!("the variable {}", name.display()))
            })
            .collect::<Result<_, _>>()?,
    })
}

/// Returns the values of those of these variables that are set.
fn values(names: BTreeSet<String>, environment: &Environment) -> LifeEnv {
    let value =
        |name: &String| environment.get(OsStr::new(name)).map(|value| value.to_string_lossy().into_owned());
    let pair = |name: String| value(&name).map(|value| (name, value));
    names.into_iter().filter_map(pair).collect()
}

/// Returns the values of variables of a life that was spawned earlier with this spec. The environment files are read
/// anew, because their values are not kept. It may wait for disks.
pub(super) fn values_of(
    names: BTreeSet<String>,
    spec: &ProcessSpec,
    incarnation: Incarnation,
    env: &LifeEnv,
) -> LifeEnv {
    let all = rights::resolve(&spec.setup)
        .map_err(|(_, why)| why)
        .and_then(|rights| environment(spec, Some(incarnation), env, rights.variables));
    all.map_or_else(|_| LifeEnv::default(), |(environment, _)| values(names, &environment))
}

/// Builds the whole environment of a child: the host's own, then what is known of its user, then the environment files, then the config's, then what a
/// start policy set for this life, then the variables of the host about the process, which nothing overrides. It comes
/// with what is kept of the environment files.
fn environment(
    spec: &ProcessSpec,
    incarnation: Option<Incarnation>,
    env: &LifeEnv,
    of_user: Vec<(&'static str, String)>,
) -> Result<(Environment, Arc<[Gave]>), Arc<str>> {
    let mut all: Environment = of_this_host().collect();
    all.extend(of_user.into_iter().map(|(name, value)| (name.into(), value.into())));
    let mut gave = Vec::with_capacity(spec.env_files.len());
    for path in &spec.env_files {
        let variables = env_file::read(path).map_err(|error| Arc::from(error.to_string()))?;
        gave.push(Gave::of(&variables));
        all.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
    }
    all.extend(spec.env.iter().map(|(name, value)| (name.into(), value.into())));
    all.extend(env.iter().map(|(name, value)| (name.into(), value.into())));
    for (name, value) in of_host(spec, incarnation) {
        match value {
            Some(value) => all.insert(name.into(), value.into()),
            None => all.remove(OsStr::new(name)),
        };
    }
    Ok((all, gave.into()))
}

/// Returns the variables of this host that its children get. Others are between the keeper and the host, or between the host and
/// its own service manager.
fn of_this_host() -> impl Iterator<Item = (OsString, OsString)> {
    let is_own =
        |name: &OsStr| name == HOST_VARIABLE || OF_SERVICE_MANAGER.iter().any(|other| name == *other);
    std::env::vars_os().filter(move |(name, _)| !is_own(name))
}

/// Returns the runtime directory of a host that has a keeper. That of a host further up is not its own.
fn runtime_dir() -> Option<String> {
    std::env::var_os(HOST_VARIABLE).and_then(|_| std::env::var(RUNTIME_DIR_VARIABLE).ok())
}

/// Returns the variables of the host about a process; those without a value are removed.
fn of_host(spec: &ProcessSpec, incarnation: Option<Incarnation>) -> [(&'static str, Option<String>); 5] {
    [
        (RUNTIME_DIR_VARIABLE, runtime_dir()),
        ("PROVOST_PROCESS", Some(spec.name.to_string())),
        ("PROVOST_GROUP", Some(spec.group.to_string())),
        ("PROVOST_REPLICA", spec.replica.map(|number| number.to_string())),
        ("PROVOST_INCARNATION", incarnation.map(|number| number.to_string())),
    ]
}

/// Returns the names of all variables of a life, from what was kept of its spawn.
pub(crate) fn names_of(spawned: &SpawnedWith) -> BTreeSet<String> {
    let SpawnedWith { incarnation, spec, env, given: Given { env_files, variables } } = spawned;
    let mut names: BTreeSet<String> =
        of_this_host().map(|(name, _)| name.to_string_lossy().into_owned()).collect();
    names.extend(
        env_files.iter().flat_map(|file| &file.names).chain(&**variables).map(|name| name.to_string()),
    );
    names.extend(spec.env.keys().cloned());
    names.extend(env.iter().map(|(name, _)| name.clone()));
    for (name, value) in of_host(spec, Some(*incarnation)) {
        match value {
            Some(_) => names.insert(name.to_owned()),
            None => names.remove(name),
        };
    }
    names
}

/// Finds the program of this name: a path as it is (a relative one starts in the working directory of the child),
/// anything else on the child's `PATH`, as `execvp` does.
pub(super) fn find(name: &str, environment: &Environment, cwd: Option<&Path>) -> Result<PathBuf, Arc<str>> {
    if name.contains('/') {
        return Ok(PathBuf::from(name));
    }
    let path = environment.get(OsStr::new("PATH")).map_or(OsStr::new(DEFAULT_PATH), |path| path);
    let mut forbidden = None;
    for dir in std::env::split_paths(path) {
        // An empty entry means the working directory.
        let dir = if dir.as_os_str().is_empty() { PathBuf::from(".") } else { dir };
        let candidate = dir.join(name);
        let seen = cwd.map_or_else(|| candidate.clone(), |cwd| cwd.join(&candidate));
        match std::fs::metadata(&seen) {
            Ok(metadata) if metadata.is_file() && metadata.mode() & 0o111 != 0 => return Ok(candidate),
            Ok(metadata) if metadata.is_file() => forbidden = Some(candidate),
            _ => {}
        }
    }
    match forbidden {
        Some(found) => {
            Err(Arc::from(format!("{}: not allowed to run it (is it executable?)", found.display())))
        }
        None => Err(Arc::from(format!("{name}: no such program on the PATH of the process"))),
    }
}

/// Explains an error of an exec, in words for people.
pub(super) fn exec_error(prepared: &Prepared, spec: &ProcessSpec, error: &io::Error) -> String {
    let program = PathBuf::from(OsString::from_vec(prepared.program.as_bytes().to_vec()));
    let seen = spec.cwd.as_deref().map_or_else(|| program.clone(), |cwd| cwd.join(&program));
    let what = match error.raw_os_error() {
        Some(libc::ENOENT | libc::ENOTDIR) if !seen.exists() => "no such program".to_owned(),
        Some(libc::ENOENT) => match interpreter(&seen) {
            Some(interpreter) => {
                format!(
                    "its interpreter `{}`, named in its first line, does not exist",
                    interpreter.escape_debug()
                )
            }
            None => "its interpreter or the loader that it needs does not exist".to_owned(),
        },
        Some(libc::EACCES) => "not allowed to run it (is it executable?)".to_owned(),
        Some(libc::ENOEXEC) => {
            "it is neither a program for this machine nor a script that names its interpreter (`#!/bin/sh`)"
                .to_owned()
        }
        Some(libc::E2BIG) => "its arguments and its environment are too long for the kernel".to_owned(),
        _ => error.to_string(),
    };
    format!("{}: {what}", program.display())
}

/// Returns the interpreter that the first line of a script names.
pub(super) fn interpreter(path: &Path) -> Option<String> {
    script_line(path)?.split([' ', '\t']).next().filter(|name| !name.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::setup::Setup;
    use crate::spec::{Check, Readiness};

    fn path(dirs: &str) -> BTreeMap<OsString, OsString> {
        BTreeMap::from([("PATH".into(), dirs.into())])
    }

    #[test]
    fn each_layer_of_the_environment_wins_over_those_before_it_and_checks_see_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("app.env");
        std::fs::write(&file, "A=file\nB=file\nUNUSED=file\n").unwrap();
        let check =
            Check::Tcp("$PROVOST_REPLICA:$A:$B:$C:$UNSET:$PROVOST_PROCESS:$PROVOST_INCARNATION".into());
        let spec = ProcessSpec {
            ready: Some(Readiness { check, every_ms: 1, timeout_ms: 1, within_ms: None, own_port: false }),
            env: [("B".to_owned(), "config".to_owned()), ("C".to_owned(), "config".to_owned())].into(),
            env_files: vec![file],
            replica: Some(2),
            setup: Setup {
                user: Some("54321".to_owned()),
                group: Some("54321".to_owned()),
                ..Setup::default()
            },
            ..ProcessSpec::new("web.2", CommandLine::Shell("x".into()))
        };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let life: LifeEnv = Arc::from([pair("C", "policy"), pair("PROVOST_PROCESS", "policy")]);
        // With stored descriptors, a process without sockets is given these as well.
        let extra = [("LISTEN_FDS", OsString::from("1")), ("LISTEN_FDNAMES", "stored".into())];
        let prepared = prepare(&spec.command, &spec, Some(Incarnation(7)), &life, &extra).unwrap();
        let has = |variable: &CString| variable.to_str().unwrap().split_once('=').unwrap().0.to_owned();
        let real: BTreeSet<String> = prepared.environment.iter().map(has).collect();
        let given = prepared.given.clone();
        let (spec, env) = (Arc::new(spec), life);
        let spawned = SpawnedWith { incarnation: Incarnation(7), spec, env, given };
        assert_eq!(names_of(&spawned), real, "the names are those of the spawn");
        assert!(real.contains("UNUSED") && real.contains("LISTEN_FDS"));
        let vars: Vec<(&str, &str)> = prepared.vars.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(
            vars,
            [
                ("A", "file"),
                ("B", "config"),
                ("C", "policy"),
                ("PROVOST_INCARNATION", "7"),
                ("PROVOST_PROCESS", "web.2"),
                ("PROVOST_REPLICA", "2")
            ]
        );
    }

    #[test]
    fn a_program_is_found_on_the_path_of_the_child_and_in_its_directory() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("tool");
        std::fs::write(&program, "#!/bin/sh\n").unwrap();
        let dirs = format!("/nowhere:{}", dir.path().display());
        assert_eq!(
            find("tool", &path(&dirs), None).unwrap_err(),
            format!("{}: not allowed to run it (is it executable?)", program.display()).into()
        );
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(find("tool", &path(&dirs), None).unwrap(), program);
        assert_eq!(find("tool", &path("/nowhere:"), Some(dir.path())).unwrap(), PathBuf::from("./tool"));
        assert_eq!(find("./any", &path(""), None).unwrap(), PathBuf::from("./any"));
        assert!(find("tool", &path("/nowhere"), None).unwrap_err().contains("no such program"));
    }
}
