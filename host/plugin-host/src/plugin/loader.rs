//! Turns a file into a version that is ready to be called, or that is refused with a reason. Pins and signatures are
//! checked here as well, before any of the code runs. No lock is held meanwhile: compilation may take minutes.
//!
//! All versions are made by [`Loader::prepare`]: every version is compiled, admitted, asked to check its settings, and
//! tried. The caller decides what happens to one that fails.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;
use provost_state::{PolicySource, Snapshot};
use wasmtime::component::Component;

use crate::component::cache::{Cache, Lease};
use crate::component::{
    Admitted, ComponentError, FetchLease, LoadError, Obtained, Remote, Source, Surface, Trust, admission,
    engine_number, exports, hex, is_sha256, recognise, roles_of, sha256,
};
use crate::engine::{EngineError, TimedEngine};
use crate::guest::{Common, Context, Figures, Reach, linker};
use crate::limits::Limits;
use crate::role::Role;
use crate::schema::SettingsSchema;
use crate::text::one_line;

use super::call::Caller;
use super::objection::objection;
use super::trial::{self, Failed};
use super::version::{Absent, Refusal, Version};

/// Loads components and makes versions of them.
pub(crate) struct Loader {
    cache: Cache,
    trust: Trust,
    remote: Arc<dyn Remote>,
    /// By stack size. An engine, its pool and its clock end with the last version that runs on it.
    engines: Mutex<BTreeMap<usize, Weak<TimedEngine>>>,
}

/// The input from which a version is made.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    pub(crate) common: Arc<Common>,
    pub(crate) source: Source,
    pub(crate) settings: Arc<str>,
    pub(crate) limits: Arc<Limits>,
}

impl Recipe {
    fn context(&self, reach: Option<Reach>) -> Context {
        Context {
            common: self.common.clone(),
            settings: self.settings.clone(),
            limits: self.limits.clone(),
            reach,
            figures: Figures::default(),
        }
    }
}

/// A version that was made by [`Loader::prepare`], and the result of its trial.
pub(crate) struct Prepared {
    pub(crate) version: Arc<Version>,
    pub(crate) trial: Trial,
}

/// The result of a version's trial.
pub(crate) enum Trial {
    /// It was not admitted, so it was not tried; the reason.
    Refused(Arc<str>),
    /// It failed in one of its roles.
    Failed(Failed),
    /// It answered in each of its roles; one line for each answer.
    Passed(Vec<String>),
}

/// A component that has been read and examined, but not compiled.
pub(crate) struct Candidate {
    pub(crate) bytes: Cow<'static, [u8]>,
    sha256: [u8; 32],
    digest: Arc<str>,
    /// The name of the key that signed it, if any, or the reason for which it is refused regardless of its content.
    trusted: Result<Option<Arc<str>>, Arc<str>>,
    /// The full names of its exports.
    exports: Vec<String>,
    /// The schema of its settings, if it carries one that can be used.
    schema: Option<SettingsSchema>,
    /// Keeps its file, if it was fetched.
    fetched: Option<Arc<FetchLease>>,
}

impl Candidate {
    /// Returns what stands for a component that cannot be read, for this reason. It is never compiled.
    pub(crate) fn missing(why: &LoadError) -> Self {
        Self {
            bytes: Cow::Borrowed(&[]),
            sha256: [0; 32],
            digest: Arc::from(""),
            trusted: Err(why.to_string().into()),
            exports: Vec::new(),
            schema: None,
            fetched: None,
        }
    }

    /// Returns the SHA-256 of its bytes, in hex.
    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }

    /// Returns the roles that it exports in a compatible version.
    pub(crate) fn roles(&self) -> Vec<Role> {
        roles_of(&self.exports)
    }
}

/// The result of compiling and admitting a component.
struct Judged {
    surface: Surface,
    admitted: Result<Admitted, Absent>,
    lease: Option<Arc<Lease>>,
}

impl Judged {
    fn refused(surface: Surface, refusal: Refusal) -> Self {
        Self { surface, admitted: Err(Absent::Refused(refusal)), lease: None }
    }
}

impl Loader {
    /// Creates a loader without an engine: the first plugin starts one, and a host without plugins needs none.
    pub(crate) fn new(cache: Cache, trust: Trust, remote: Arc<dyn Remote>) -> Self {
        Self { cache, trust, remote, engines: Mutex::default() }
    }

    pub(crate) fn remote(&self) -> &Arc<dyn Remote> {
        &self.remote
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Returns the engine in use for stacks of this size, or starts one.
    fn engine(&self, stack_bytes_max: usize) -> Result<Arc<TimedEngine>, EngineError> {
        let mut engines = self.engines.lock();
        if let Some(engine) = engines.get(&stack_bytes_max).and_then(Weak::upgrade) {
            return Ok(engine);
        }
        let engine = Arc::new(TimedEngine::new(stack_bytes_max)?);
        engines.insert(stack_bytes_max, Arc::downgrade(&engine));
        Ok(engine)
    }

    /// Reads a component, which is fetched first if it is elsewhere, and examines it as far as that is possible without
    /// compiling it.
    ///
    /// # Errors
    /// [`LoadError`] if there is no usable component, or its limits are not possible.
    pub(crate) fn read(&self, recipe: &Recipe) -> Result<Candidate, LoadError> {
        recipe.limits.check()?;
        recipe.limits.check_settings(&recipe.settings)?;
        if let Some(pin) = recipe.common.pin.as_deref().filter(|pin| !is_sha256(pin)) {
            return Err(LoadError::NoSha256(pin.to_owned()));
        }
        let Obtained { bytes, path, lease } = recipe.source.obtain(&*self.remote)?;
        let not_one = |problem| LoadError::Component { component: recipe.source.to_string(), problem };
        recognise(&bytes).map_err(not_one)?;
        let exports = exports(&bytes).map_err(|error| not_one(ComponentError::Invalid(error.to_string())))?;
        let sha256 = sha256(&bytes);
        let digest: Arc<str> = hex(&sha256).into();
        let trusted = pinned(&recipe.common, &digest).and_then(|()| {
            let checked = self.trust.check(&recipe.source, path.as_deref(), &bytes);
            checked.map_err(|error| error.to_string().into())
        });
        let schema = schema_of(&recipe.common, &bytes);
        let fetched = lease.map(Arc::new);
        Ok(Candidate { bytes, sha256, digest, trusted, exports, schema, fetched })
    }

    /// Creates a version that cannot be called, in place of one that is still to be compiled or was refused.
    ///
    /// # Errors
    /// [`LoadError::Engine`] if the engine cannot be started.
    pub(crate) fn placeholder(
        &self,
        candidate: &Candidate,
        recipe: Recipe,
        absent: Absent,
    ) -> Result<Version, LoadError> {
        let engine = self.engine(recipe.limits.stack_bytes_max)?;
        let exports = if candidate.trusted.is_ok() { candidate.exports.clone() } else { Vec::new() };
        let surface = Surface { imports: Vec::new(), exports };
        let judged = Judged { surface, admitted: Err(absent), lease: None };
        let context = Arc::new(recipe.context(None));
        Ok(version(recipe.source, candidate, engine, judged, context))
    }

    /// Makes a version: compiles a component, admits it, has it check its settings, and tries it on `world`.
    ///
    /// # Errors
    /// [`LoadError`] if it is not a valid component after all. A refusal or a failed trial is not an error.
    pub(crate) fn prepare(
        &self,
        candidate: &Candidate,
        recipe: Recipe,
        world: &Arc<Snapshot>,
    ) -> Result<Prepared, LoadError> {
        let version = Arc::new(self.make(candidate, recipe)?);
        let trial = match version.refusal() {
            Some(refusal) => Trial::Refused(refusal.why.clone()),
            None => trial::run(&version, world).map_or_else(Trial::Failed, Trial::Passed),
        };
        // Nothing is counted of what it wrote or tried while it checked its settings and was tried.
        version.context.figures.forget_trial();
        Ok(Prepared { version, trial })
    }

    /// Compiles and admits a component, and has it check its settings. It is not tried.
    ///
    /// # Errors
    /// [`LoadError`] if it is not a valid component after all. A refusal is not an error.
    pub(crate) fn make(&self, candidate: &Candidate, recipe: Recipe) -> Result<Version, LoadError> {
        let engine = self.engine(recipe.limits.stack_bytes_max)?;
        let mut judged = match &candidate.trusted {
            Err(reason) => Judged::refused(Surface::default(), Refusal::lasting(reason.clone())),
            Ok(_) => self.judge(candidate, &recipe, &engine)?,
        };
        let reach = Reach::new(&recipe.common.grants, &recipe.limits, &recipe.common.waiting);
        let reach = match reach.map_err(LoadError::Outside)?.transpose() {
            Ok(reach) => reach,
            Err(missing) => {
                if judged.admitted.is_ok() {
                    // What it is granted may be there later, such as a directory.
                    judged = Judged::refused(judged.surface, Refusal::for_now(missing));
                }
                None
            }
        };
        let context = Arc::new(recipe.context(reach));
        let caller = Caller { engine: &engine, context: &context };
        let (schema, roles) = (candidate.schema.as_ref(), judged.surface.roles());
        let admitted = judged.admitted.as_ref().ok();
        if let Some(refusal) = admitted.and_then(|admitted| objection(caller, admitted, &roles, schema)) {
            judged = Judged::refused(judged.surface, refusal);
        }
        Ok(version(recipe.source, candidate, engine, judged, context))
    }

    fn judge(
        &self,
        candidate: &Candidate,
        recipe: &Recipe,
        engine: &TimedEngine,
    ) -> Result<Judged, LoadError> {
        match self.cache.compiled(engine.engine(), engine.layout(), &candidate.bytes) {
            Ok(compiled) => {
                let surface = Surface::of(&compiled.component, engine.engine());
                let admitted = admitted(&compiled.component, &surface, engine, recipe);
                let admitted = admitted.map_err(|why| Absent::Refused(Refusal::lasting(why)));
                Ok(Judged { surface, admitted, lease: compiled.lease })
            }
            Err(unready) => match unready.refusal() {
                // It took too long or too much memory, and another machine has more.
                Ok(why) => Ok(Judged::refused(Surface::default(), Refusal::for_now(why))),
                Err(problem) => Err(LoadError::Component { component: recipe.source.to_string(), problem }),
            },
        }
    }
}

/// Admits a component, linked with the interfaces that it was granted, or returns the reason for a refusal.
fn admitted(
    component: &Component,
    surface: &Surface,
    engine: &TimedEngine,
    recipe: &Recipe,
) -> Result<Admitted, Arc<str>> {
    let grants = &recipe.common.grants;
    let linker = linker(engine.engine(), grants).map_err(|error| Arc::from(one_line(&error)))?;
    admission::admit(component, surface, &linker, &recipe.limits, grants)
}

fn version(
    source: Source,
    candidate: &Candidate,
    engine: Arc<TimedEngine>,
    judged: Judged,
    context: Arc<Context>,
) -> Version {
    let provenance = PolicySource {
        component: candidate.sha256,
        settings: sha256(context.settings.as_bytes()),
        engine: engine_number(engine.engine()),
    };
    Version {
        number: OnceLock::new(),
        source,
        provenance: Arc::new(provenance),
        digest: candidate.digest.clone(),
        signed_by: candidate.trusted.as_ref().ok().cloned().flatten(),
        surface: judged.surface,
        engine,
        admitted: judged.admitted,
        context,
        lease: judged.lease,
        fetched: candidate.fetched.clone(),
    }
}

/// Refuses a component whose digest is not the pinned one.
fn pinned(common: &Common, digest: &str) -> Result<(), Arc<str>> {
    match &common.pin {
        Some(pin) if !pin.eq_ignore_ascii_case(digest) => {
            Err(format!("its SHA-256 is {digest} but only {pin} is accepted: check where it came from")
                .into())
        }
        _ => Ok(()),
    }
}

/// Returns the schema of the settings that a component carries. One that cannot be used hinders nothing.
fn schema_of(common: &Common, bytes: &[u8]) -> Option<SettingsSchema> {
    SettingsSchema::of_component(bytes).unwrap_or_else(|error| {
        tracing::warn!(plugin = &*common.name, "the schema of its settings is ignored: {error}");
        None
    })
}
