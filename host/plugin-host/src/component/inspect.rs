//! What a component is, asks for and would be let in for: for people who want to know before they run it.

use std::sync::Arc;

use provost_files::Owners;

use crate::engine::{self, EngineError};
use crate::guest::linker;
use crate::limits::Limits;
use crate::limits::grants::Grants;
use crate::role::Role;
use crate::text::one_line;

use super::admission;
use super::cache::{Cache, CacheBounds, Unready};
use super::compiler::Compiler;
use super::digest::digest;
use super::error::ComponentError;
use super::recognise::recognise;
use super::surface::Surface;

/// What is known of a component without running it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// SHA-256 of the component, in hex.
    pub digest: Arc<str>,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// What it can be to the host.
    pub roles: Vec<Role>,
    /// Everything that it imports, by full name.
    pub imports: Vec<String>,
    /// Everything that it exports, by full name.
    pub exports: Vec<String>,
    /// The memory that it begins with, in bytes, as far as that can be told.
    pub memory_bytes: Option<u64>,
    /// Why it would not be let in under the limits that hold by default, or `None` if it would.
    pub refusal: Option<Arc<str>>,
    /// What it can do once it is let in, in words for people.
    pub can: Vec<&'static str>,
    /// What it cannot do, in words for people.
    pub cannot: Vec<&'static str>,
}

/// What an interface of WASI is good for where it is granted, and what a component cannot do without it.
const OUTSIDE: [(&str, &str, &str); 5] = [
    ("wasi:clocks/", "read a clock, if that is granted", "read a clock"),
    ("wasi:random/", "draw random numbers, if that is granted", "draw random numbers"),
    ("wasi:filesystem/", "open files in directories that are granted", "open files"),
    ("wasi:http/", "send requests to hosts that are granted", "use the network"),
    ("wasi:cli/environment", "read variables that are granted", "read the environment"),
];

/// Looks at a component without running it. It is compiled for that.
///
/// # Errors
/// [`ComponentError`] if the bytes are no component.
pub fn inspect(bytes: &[u8], compiler: &Arc<dyn Compiler>) -> Result<Inspection, ComponentError> {
    recognise(bytes)?;
    let (engine, layout) = engine::build(Limits::default().stack_bytes_max)?;
    let mut inspection = Inspection {
        digest: digest(bytes),
        size_bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        roles: Vec::new(),
        imports: Vec::new(),
        exports: Vec::new(),
        memory_bytes: None,
        refusal: None,
        can: Vec::new(),
        cannot: Vec::new(),
    };
    let cache = Cache::new(None, Owners::default(), CacheBounds::default(), compiler.clone());
    let component = match cache.compiled(&engine, layout, bytes) {
        Ok(compiled) => compiled.component,
        Err(Unready::Invalid(problem)) => return Err(problem),
        Err(Unready::Failed(why)) => {
            inspection.refusal = Some(format!("it {why}").into());
            return Ok(inspection);
        }
        Err(Unready::Unfit(why)) => {
            inspection.refusal = Some(format!("it wants more than a plugin can have: {why}").into());
            return Ok(inspection);
        }
    };
    let surface = Surface::of(&component, &engine);
    let (limits, grants) = (Limits::default(), Grants::default());
    let linker = linker(&engine, &grants).map_err(|error| EngineError(one_line(&error)))?;
    inspection.refusal = admission::admit(&component, &surface, &linker, &limits, &grants).err();
    inspection.memory_bytes = admission::memory_bytes(&component);
    inspection.roles = surface.roles();
    inspection.can = abilities(&surface);
    inspection.cannot = inabilities(&surface);
    inspection.imports = surface.imports;
    inspection.exports = surface.exports;
    Ok(inspection)
}

fn abilities(surface: &Surface) -> Vec<&'static str> {
    let roles = surface.roles();
    let judged = [
        (Role::RestartPolicy, "judge restarts"),
        (Role::StartPolicy, "judge starts"),
        (Role::HealthPolicy, "judge health"),
        (Role::ScalePolicy, "judge how many replicas there should be"),
        (Role::StatusView, "render status"),
        (Role::StatusConsumer, "be told of every change"),
    ];
    let granted = [
        ("snapshots", "see the state of all processes"),
        ("settings", "read its own settings"),
        ("memory", "keep a few values of its own"),
        ("log", "write into the host's log"),
        ("plugins", "see what all plugins did"),
    ];
    let does = judged.into_iter().filter(|(role, _)| roles.contains(role)).map(|(_, ability)| ability);
    let sets = roles.contains(&Role::StartPolicy).then_some(
        "set variables for the processes whose start it judges, each if that is granted by name (set-env:NAME)",
    );
    let uses =
        granted.into_iter().filter(|(interface, _)| surface.imports(interface)).map(|(_, ability)| ability);
    let reaches = OUTSIDE.into_iter().filter(|(name, ..)| surface.names(name)).map(|(_, ability, _)| ability);
    does.chain(sets).chain(uses).chain(reaches).collect()
}

fn inabilities(surface: &Surface) -> Vec<&'static str> {
    let closed =
        OUTSIDE.into_iter().filter(|(name, ..)| !surface.names(name)).map(|(.., inability)| inability);
    let sets = (!surface.roles().contains(&Role::StartPolicy)).then_some("set variables for a process");
    // A start policy with a grant for a variable that is code, such as LD_PRELOAD, has its say in what a program does.
    closed
        .chain(sets)
        .chain(["start a program of its own choice", "change a process other than by its decisions"])
        .collect()
}
