//! What a plugin is given: its settings, its limits, its quarantine, and what its compilation may use, as the command line gives
//! them.

use clap::Args;
use provost_api::Quarantine;
use provost_plugin_host::{Limit, Measure};

use super::when::duration_ms;
use crate::compiling::{CompileLimits, CompileOptions};
use crate::config::units;

/// What a plugin may use. A limit that is not given has its default or, at a swap, stays.
#[derive(Args, Debug)]
pub(crate) struct LimitArgs {
    /// A limit by its name in `limits` in the config, such as `memory=64MiB`, `call_time=1s` or `handles=128`; may be
    /// repeated.
    #[arg(long = "limit", value_name = "NAME=FIGURE", value_parser = limit)]
    pub(crate) limits: Vec<(Limit, u64)>,
    /// How many faults within how long put it into quarantine, such as `5/1m`.
    #[arg(long, value_name = "FAULTS/TIME", value_parser = quarantine)]
    pub(crate) quarantine: Option<Quarantine>,
}

/// What the compilation of a component may use, for the commands that need no host. A host has it in its config.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct CompileArgs {
    /// How long the compilation of the component may take. By default 2m.
    #[arg(long, value_name = "TIME", value_parser = compile_time)]
    compile_time: Option<u64>,
    /// How much memory the compilation of the component may use. By default 2GiB.
    #[arg(long, value_name = "SIZE", value_parser = compile_memory)]
    compile_memory: Option<u64>,
}

impl CompileArgs {
    /// Returns the limits that are given.
    pub(crate) fn options(self) -> CompileOptions {
        CompileOptions { memory_bytes: self.compile_memory, time_ms: self.compile_time }
    }
}

fn compile_time(text: &str) -> Result<u64, String> {
    let time_ms = duration_ms(text)?;
    let is_possible = CompileLimits::TIME_MS.contains(&time_ms);
    is_possible.then_some(time_ms).ok_or_else(|| "it must be from 1s to 1h".to_owned())
}

fn compile_memory(text: &str) -> Result<u64, String> {
    let bytes = size(text)?;
    let is_possible = bytes >= CompileLimits::MEMORY_BYTES_MIN;
    is_possible
        .then_some(bytes)
        .ok_or_else(|| "it must be at least 64MiB: nothing can be compiled in less".to_owned())
}

fn size(text: &str) -> Result<u64, String> {
    units::size_bytes(text).ok_or_else(|| SIZE_HINT.to_owned())
}

pub(super) fn limit(text: &str) -> Result<(Limit, u64), String> {
    let (name, figure) = text.split_once('=').ok_or("write NAME=FIGURE, such as memory=64MiB")?;
    let limit = Limit::named(name).map_err(|error| error.to_string())?;
    let figure = match limit.measure() {
        Measure::Bytes => size(figure)?,
        Measure::Milliseconds => duration_ms(figure)?,
        Measure::Count => figure.parse().map_err(|_| format!("`{figure}` is not a whole number"))?,
    };
    Ok((limit, figure))
}

fn quarantine(text: &str) -> Result<Quarantine, String> {
    let read = text.split_once('/').and_then(|(faults, time)| {
        Some(Quarantine { faults: faults.parse().ok()?, per_ms: units::duration_ms(time)? })
    });
    read.filter(|read| read.faults > 0 && read.per_ms > 0).ok_or_else(|| {
        "write FAULTS/TIME, such as 5/1m: at least one fault in at least a millisecond".to_owned()
    })
}

/// How to write a size on the command line.
const SIZE_HINT: &str =
    "write a size as a number with a unit, such as 512B, 64KB (1000) or 16MiB (1024 x 1024)";

const SETTINGS_EXAMPLE: &str = "'{\"first\": \"100ms\"}'";

/// The settings of a plugin as the command line gives them.
pub(crate) type Settings = serde_json::Map<String, serde_json::Value>;

/// The largest file of settings, in bytes. It is more than settings may have, because JSON text may hold spaces and escapes.
const SETTINGS_BYTES_MAX: u64 = 16 << 20;

/// Parses settings, or reads them from `@FILE`, because the kernel takes no argument beyond 128 KiB.
pub(super) fn settings(text: &str) -> Result<Settings, String> {
    let read = match text.strip_prefix('@') {
        Some(file) => settings_file(file)?,
        None => text.to_owned(),
    };
    provost_control::exact_numbers(&read).map_err(|error| error.to_string())?;
    match serde_json::from_str(&read) {
        Ok(serde_json::Value::Object(settings)) => Ok(settings),
        Ok(_) => Err(format!("settings are a JSON object, such as {SETTINGS_EXAMPLE}, or @FILE with one")),
        Err(error) => Err(format!(
            "this is not JSON: {error}; write a JSON object, such as {SETTINGS_EXAMPLE}, or @FILE with one"
        )),
    }
}

fn settings_file(file: &str) -> Result<String, String> {
    let bytes = provost_files::read_named(std::path::Path::new(file), SETTINGS_BYTES_MAX);
    let bytes = bytes.map_err(|error| format!("cannot read the settings in {error}"))?;
    String::from_utf8(bytes).map_err(|_| format!("{file} is not UTF-8 text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_may_be_in_a_file_and_no_number_in_them_is_changed() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("settings.json");
        std::fs::write(&file, format!("{{\"text\": \"{}\"}}", "x".repeat(7 << 20))).unwrap();
        let at = |file: &std::path::Path| settings(&format!("@{}", file.display()));
        assert_eq!(at(&file).unwrap()["text"].as_str().map(str::len), Some(7 << 20));
        assert!(at(&dir.path().join("none")).unwrap_err().contains("none"));
        assert!(at(dir.path()).unwrap_err().contains("cannot read the settings in"));
        let refused = settings("{\"a\": 123456789012345678901234567890}").unwrap_err();
        assert!(refused.contains("has more than 64 bits and would be changed"), "{refused}");
        assert_eq!(settings("{\"a\": 18446744073709551615}").unwrap()["a"], u64::MAX);
    }

    #[test]
    fn a_limit_is_written_in_the_units_of_the_config() {
        assert_eq!(limit("memory=64MiB"), Ok((Limit::Memory, 64 << 20)));
        assert_eq!(limit("call_time=1s"), Ok((Limit::CallTime, 1_000)));
        assert_eq!(limit("handles=128"), Ok((Limit::Handles, 128)));
        for (wrong, why) in [
            ("memory", "NAME=FIGURE"),
            ("momery=1MiB", "there are memory, call_time"),
            ("memory=64", "write a size"),
            ("call_time=64", "write a duration"),
            ("handles=many", "not a whole number"),
        ] {
            let told = limit(wrong).unwrap_err();
            assert!(told.contains(why), "{wrong}: {told}");
        }
    }

    #[test]
    fn the_bounds_of_a_compilation_are_those_of_the_config() {
        assert_eq!((compile_time("10m"), compile_memory("4GiB")), (Ok(600_000), Ok(4 << 30)));
        for wrong in ["999ms", "61m", "10", ""] {
            assert!(compile_time(wrong).is_err(), "{wrong}");
        }
        for wrong in ["63MiB", "64", ""] {
            assert!(compile_memory(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_quarantine_is_a_number_of_faults_per_time() {
        assert_eq!(quarantine("5/1m"), Ok(Quarantine { faults: 5, per_ms: 60_000 }));
        for wrong in ["5", "0/1m", "5/0", "5/60", "/1m", "-1/1m"] {
            assert!(quarantine(wrong).is_err(), "{wrong}");
        }
    }
}
