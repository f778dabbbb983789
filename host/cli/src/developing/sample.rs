//! The config of a host that a session starts: the example of the project if that has the plugin, or else one that is written here,
//! with one process that fails every second.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use provost_plugin_host::Role;

use crate::compiling::{CompileOptions, SMALL_BYTES};
use crate::config::{CONFIG_NAME, Outline};
use crate::failure::Failure;

/// The folder of a config that is written here, in that of the project.
const FOLDER: &str = "target/provost-dev";

/// What a config is written for.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    /// The name of the plugin.
    pub(super) name: &'a str,
    /// Its component, absolute.
    pub(super) component: &'a Path,
    /// The size of the component in bytes.
    pub(super) bytes: usize,
    /// The names of its exports.
    pub(super) exports: &'a [String],
    /// What its compilation may use, where that was said.
    pub(super) compile: CompileOptions,
}

/// Returns the example of the project in `dir`, if it has a plugin of this name.
pub(super) fn example(dir: &Path, name: &str) -> Option<PathBuf> {
    let config = dir.join(CONFIG_NAME);
    (config.is_file() && Outline::of(&config).names().plugins.contains(name)).then_some(config)
}

/// Writes a config for the plugin below the folder `dir` of the project, and returns its path.
///
/// # Errors
/// It cannot be written.
pub(super) fn write(dir: &Path, subject: &Subject<'_>) -> Result<PathBuf, Failure> {
    let folder = dir.join(FOLDER);
    let config = folder.join(CONFIG_NAME);
    let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&config, text(subject)));
    written.map_err(|error| {
        let what = format!("cannot write {}: {error}", config.display());
        Failure::failed(what, "check that you may write there; or name a running host by `-c`")
    })?;
    Ok(config)
}

fn text(subject: &Subject<'_>) -> String {
    let Subject { name, component, bytes, exports, compile } = subject;
    let plays = |role: Role| exports.iter().any(|export| export.contains(&format!("/{}@", role.as_str())));
    let judges = Role::ALL.into_iter().any(|role| role.as_str().ends_with("-policy") && plays(role));
    let component = toml::Value::from(component.display().to_string());
    let mut text = format!(
        "# Written by `provost plugin dev`, which runs it: a process that fails every second.\n\n\
         [host]\nruntime_dir = \"run\"\n{}\n[plugins.{name}]\ncomponent = {component}\n",
        compilation(*compile)
    );
    // It contains an interpreter, which needs more memory and time than the defaults give it.
    if *bytes > SMALL_BYTES {
        text.push_str("limits = { memory = \"64MiB\", call_time = \"1s\" }\n");
    }
    // Without a policy for restarts the failsafe would wait longer and longer.
    let steady = !plays(Role::RestartPolicy);
    if steady {
        text.push_str("\n[plugins.steady]\ncomponent = \"bundled:backoff\"\nsettings = { first = \"500ms\", max = \"500ms\" }\n");
    }
    let policies = [(judges, *name), (steady, "steady")];
    let policies: Vec<_> =
        policies.iter().filter(|(is, _)| *is).map(|(_, name)| format!("{name:?}")).collect();
    // Writing to a string does not fail.
    let _ = write!(
        text,
        "\n[process.web]\ncommand = \"sleep 1; exit 1\"\npolicies = [{}]\n",
        policies.join(", ")
    );
    for (role, line) in [
        (Role::HealthPolicy, "health = { exec = [\"false\"], every = \"1s\" }\n"),
        (Role::UsagePolicy, "usage = { every = \"1s\" }\n"),
        (Role::ScalePolicy, "replicas = { min = 1, max = 3, every = \"2s\" }\n"),
    ] {
        if plays(role) {
            text.push_str(line);
        }
    }
    text
}

/// Returns the table with the limits of the compilation; nothing if none was said.
fn compilation(compile: CompileOptions) -> String {
    let time = compile.time_ms.map(|time_ms| format!("time = \"{time_ms}ms\""));
    let memory = compile.memory_bytes.map(|bytes| format!("memory = \"{bytes}B\""));
    let limits: Vec<_> = [time, memory].into_iter().flatten().collect();
    if limits.is_empty() {
        return String::new();
    }
    format!("\n[plugins]\ncompile = {{ {} }}\n", limits.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, SourceFile};

    #[test]
    fn the_config_for_each_role_is_one_that_a_host_takes() {
        for role in Role::ALL {
            let exports = [format!("provost:plugin/{}@0.1.0", role.as_str())];
            let component = Path::new("/a \"folder\"/judge.wasm");
            let compile = CompileOptions { memory_bytes: Some(4 << 30), time_ms: Some(600_000) };
            let subject = Subject { name: "judge", component, bytes: 2 << 20, exports: &exports, compile };
            let source = SourceFile { path: "/tmp/provost.toml".into(), text: text(&subject) };
            let config = Config::parse(source).unwrap_or_else(|problems| panic!("{role}: {problems}"));
            assert_eq!(config.runtime_dir, Path::new("/tmp/run"), "{role}");
            let limits = config.compile_limits;
            assert_eq!((limits.memory_bytes, limits.time_ms), (4 << 30, 600_000), "{role}");
            let judges = text(&subject).contains("policies = [\"judge\"");
            assert_eq!(judges, role.as_str().ends_with("-policy"), "{role}");
        }
    }

    #[test]
    fn an_example_without_the_plugin_is_not_used() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(example(dir.path(), "judge"), None);
        let config = dir.path().join(CONFIG_NAME);
        std::fs::write(&config, "[plugins.other]\ncomponent = \"judge.wasm\"\n").unwrap();
        assert_eq!(example(dir.path(), "judge"), None);
        std::fs::write(&config, "[plugins.judge]\ncomponent = \"judge.wasm\"\n").unwrap();
        assert_eq!(example(dir.path(), "judge"), Some(config));
    }
}
