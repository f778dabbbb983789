//! Inspects a component for people before they run it: its roles, what it asks for, and whether it would be admitted.

use std::sync::Arc;

use provost_files::Owners;

use crate::engine::{self, EngineError};
use crate::guest::linker;
use crate::limits::Limits;
use crate::limits::grants::Grants;
use crate::role::Role;
use crate::text::one_line;

use super::admission;
use super::cache::{Cache, CacheBounds};
use super::compiler::Compiler;
use super::digest::digest;
use super::error::ComponentError;
use super::recognise::recognise;
use super::surface::Surface;

/// The facts about a component that are known without running it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// SHA-256 of the component, in hex.
    pub digest: Arc<str>,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// The roles that it can play.
    pub roles: Vec<Role>,
    /// Everything that it imports, by full name.
    pub imports: Vec<String>,
    /// Everything that it exports, by full name.
    pub exports: Vec<String>,
    /// The largest initial memory in bytes, if it is known.
    pub memory_bytes: Option<u64>,
    /// Why it would not be admitted under the default limits, or `None` if it would.
    pub refusal: Option<Arc<str>>,
    /// What it can do once it is admitted, for people.
    pub can: Vec<&'static str>,
    /// What it cannot do, for people.
    pub cannot: Vec<&'static str>,
}

/// For each WASI interface: what a component can do if it is granted, and what it cannot do without it.
const OUTSIDE: [(&str, &str, &str); 5] = [
    ("wasi:clocks/", "read a clock, if that is granted", "read a clock"),
    ("wasi:random/", "draw random numbers, if that is granted", "draw random numbers"),
    ("wasi:filesystem/", "open files in directories that are granted", "open files"),
    ("wasi:http/", "send requests to hosts that are granted", "use the network"),
    ("wasi:cli/environment", "read variables that are granted", "read the environment"),
];

/// Inspects a component without running it. It is compiled for that.
///
/// # Errors
/// [`ComponentError`] if the bytes are not a component.
pub fn inspect(bytes: &[u8], compiler: &Arc<dyn Compiler>) -> Result<Inspection, ComponentError> {
    recognise(bytes)?;
    let (engine, layout) = engine::build(Limits::default().stack_bytes_max)?;
    let mut inspection = Inspection {
        digest: digest(bytes),
        size_bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        ..Inspection::default()
    };
    let cache = Cache::new(None, Owners::default(), CacheBounds::default(), compiler.clone());
    let component = match cache.compiled(&engine, layout, bytes) {
        Ok(compiled) => compiled.component,
        Err(unready) => {
            inspection.refusal = Some(unready.refusal()?.into());
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

/// Inspects a component by the names of its imports and exports alone, which the caller has read. Nothing is compiled, so that this
/// takes no time for an interpreter of many megabytes; whether its types fit is found when it is loaded.
#[must_use]
pub fn survey(bytes: &[u8], imports: Vec<String>, exports: Vec<String>) -> Inspection {
    let surface = Surface { imports, exports };
    Inspection {
        digest: digest(bytes),
        size_bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        roles: surface.roles(),
        memory_bytes: None,
        refusal: surface.refusal(&Grants::default()).map(Into::into),
        can: abilities(&surface),
        cannot: inabilities(&surface),
        imports: surface.imports,
        exports: surface.exports,
    }
}

fn abilities(surface: &Surface) -> Vec<&'static str> {
    let roles = surface.roles();
    let judged = [
        (Role::RestartPolicy, "judge restarts"),
        (Role::StartPolicy, "judge starts"),
        (Role::HealthPolicy, "judge health"),
        (Role::ScalePolicy, "judge how many replicas there should be"),
        (Role::UsagePolicy, "judge the resources that processes use"),
        (Role::StatusView, "render status"),
        (Role::StatusConsumer, "be notified of every change"),
    ];
    let granted = [
        ("snapshots", "see the state of all processes"),
        ("settings", "read its own settings"),
        ("memory", "keep a few values of its own"),
        ("log", "write into the host's log"),
        ("plugins", "see what all plugins did"),
        ("usages", "see what all processes use"),
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
    // A start policy with a grant for a variable that is code, such as LD_PRELOAD, influences what a program does.
    closed
        .chain(sets)
        .chain(["start a program of its own choice", "change a process other than by its decisions"])
        .collect()
}
