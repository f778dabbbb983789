//! From a file to a version that is ready to be called, or the reason for which it is refused. Pins and
//! signatures are looked at here as well, before any of it runs. No lock is held meanwhile: compilation may take minutes.
//!
//! There is one door for all versions, [`Loader::prepare`]: nothing gets past it without having been compiled, admitted, asked about its
//! settings and tried. Whoever has it prepared decides what becomes of one that fails.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;
use provost_state::{Fault, Snapshot};
use wasmtime::component::Component;

use crate::component::cache::{Cache, Lease, Unready};
use crate::component::{
    Admitted, ComponentError, LoadError, Source, Surface, Trust, admission, digest, exports, is_sha256,
    recognise,
};
use crate::engine::{EngineError, TimedEngine};
use crate::guest::{Common, Context, Figures, Reach, linker};
use crate::limits::Limits;
use crate::role::Role;
use crate::text::{one_line, sanitize};

use super::call::Caller;
use super::purpose::Purpose;
use super::trial::{self, Failed};
use super::version::{Absent, Version};

/// The longest answer of `validate-settings`, in bytes; what is beyond is cut.
const OBJECTION_BYTES_MAX: usize = 512;

/// Loads components, and makes versions of them.
pub(crate) struct Loader {
    cache: Cache,
    trust: Trust,
    /// By the size of the stack. An engine ends with the last version that runs on it, and its pool and its clock with it.
    engines: Mutex<BTreeMap<usize, Weak<TimedEngine>>>,
}

/// What a version is to be made of.
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

/// A version that has been through the door, and how it did in its trial.
pub(crate) struct Prepared {
    pub(crate) version: Arc<Version>,
    pub(crate) trial: Trial,
}

/// How a version did in its trial.
pub(crate) enum Trial {
    /// It was not let in, so it was not tried.
    Refused(Arc<str>),
    /// It failed in one of its roles.
    Failed(Failed),
    /// It answered in each of its roles: what, a line each.
    Passed(Vec<String>),
}

/// A component that has been read and examined, and not compiled.
pub(crate) struct Candidate {
    pub(crate) bytes: Cow<'static, [u8]>,
    digest: Arc<str>,
    /// Whose key signed it, or why it is not let in whatever it is.
    trusted: Result<Option<Arc<str>>, Arc<str>>,
    /// What it exports.
    exports: Vec<String>,
}

/// What became of a component.
struct Judged {
    surface: Surface,
    admitted: Result<Admitted, Absent>,
    lease: Option<Arc<Lease>>,
}

impl Judged {
    fn refused(surface: Surface, reason: impl Into<Arc<str>>) -> Self {
        Self { surface, admitted: Err(Absent::Refused(reason.into())), lease: None }
    }
}

impl Loader {
    /// Without an engine: the first plugin starts one, and a host without plugins needs none.
    pub(crate) fn new(cache: Cache, trust: Trust) -> Self {
        Self { cache, trust, engines: Mutex::default() }
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The engine for stacks of this size that is in use, or a new one.
    fn engine(&self, stack_bytes_max: usize) -> Result<Arc<TimedEngine>, EngineError> {
        let mut engines = self.engines.lock();
        if let Some(engine) = engines.get(&stack_bytes_max).and_then(Weak::upgrade) {
            return Ok(engine);
        }
        let engine = Arc::new(TimedEngine::new(stack_bytes_max)?);
        engines.insert(stack_bytes_max, Arc::downgrade(&engine));
        Ok(engine)
    }

    /// Reads a component, and finds out all that can be known without compiling it.
    ///
    /// # Errors
    /// [`LoadError`] if there is no component to be had, or its limits are not possible.
    pub(crate) fn read(&self, recipe: &Recipe) -> Result<Candidate, LoadError> {
        recipe.limits.check()?;
        recipe.limits.check_settings(&recipe.settings)?;
        if let Some(pin) = recipe.common.pin.as_deref().filter(|pin| !is_sha256(pin)) {
            return Err(LoadError::NoSha256(pin.to_owned()));
        }
        let bytes = recipe.source.read()?;
        let not_one = |problem| LoadError::Component { component: recipe.source.to_string(), problem };
        recognise(&bytes).map_err(not_one)?;
        let exports = exports(&bytes).map_err(|error| not_one(ComponentError::Invalid(error.to_string())))?;
        let digest = digest(&bytes);
        let trusted = pinned(&recipe.common, &digest).and_then(|()| {
            self.trust.check(&recipe.source, &bytes).map_err(|error| error.to_string().into())
        });
        Ok(Candidate { bytes, digest, trusted, exports })
    }

    /// The place of a version that is to be compiled.
    ///
    /// # Errors
    /// [`LoadError::Engine`].
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

    /// The one door for versions: compiles a component, judges it, has it check its settings, and tries it on `world`.
    ///
    /// # Errors
    /// [`LoadError`] if it is not valid after all. One that is not let in or fails its trial is no error.
    pub(crate) fn prepare(
        &self,
        candidate: &Candidate,
        recipe: Recipe,
        world: &Arc<Snapshot>,
    ) -> Result<Prepared, LoadError> {
        let version = Arc::new(self.make(candidate, recipe)?);
        let trial = match version.refusal() {
            Some(reason) => Trial::Refused(reason.clone()),
            None => trial::run(&version, world).map_or_else(Trial::Failed, Trial::Passed),
        };
        Ok(Prepared { version, trial })
    }

    /// Compiles and judges a component, and has it check its settings.
    fn make(&self, candidate: &Candidate, recipe: Recipe) -> Result<Version, LoadError> {
        let engine = self.engine(recipe.limits.stack_bytes_max)?;
        let mut judged = match &candidate.trusted {
            Err(reason) => Judged::refused(Surface::default(), reason.clone()),
            Ok(_) => self.judge(candidate, &recipe, &engine)?,
        };
        let reach = Reach::new(&recipe.common.grants, &recipe.limits, &recipe.common.waiting);
        let reach = match reach.map_err(LoadError::Outside)?.transpose() {
            Ok(reach) => reach,
            Err(missing) => {
                if judged.admitted.is_ok() {
                    judged = Judged::refused(judged.surface, missing);
                }
                None
            }
        };
        let context = Arc::new(recipe.context(reach));
        if let Some(objection) = objection(Caller { engine: &engine, context: &context }, &judged) {
            judged = Judged::refused(judged.surface, objection);
        }
        // What it wrote or tried while it checked its settings counts no more than a trial.
        context.figures.forget_trial();
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
                Ok(Judged { surface, admitted: admitted.map_err(Absent::Refused), lease: compiled.lease })
            }
            Err(Unready::Invalid(problem)) => {
                Err(LoadError::Component { component: recipe.source.to_string(), problem })
            }
            Err(Unready::Unfit(why)) => Ok(Judged::refused(
                Surface::default(),
                format!("it wants more than a plugin can have: {why}"),
            )),
            Err(Unready::Failed(why)) => Ok(Judged::refused(Surface::default(), format!("it {why}"))),
        }
    }
}

/// What is let in of a component, linked with what it was granted.
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
    Version {
        number: OnceLock::new(),
        source,
        digest: candidate.digest.clone(),
        signed_by: candidate.trusted.as_ref().ok().cloned().flatten(),
        surface: judged.surface,
        engine,
        admitted: judged.admitted,
        context,
        lease: judged.lease,
    }
}

/// Refuses a component whose digest is not the one that the operator wants.
fn pinned(common: &Common, digest: &str) -> Result<(), Arc<str>> {
    match &common.pin {
        Some(pin) if !pin.eq_ignore_ascii_case(digest) => {
            Err(format!("its SHA-256 is {digest} and only {pin} is wanted: check where it came from").into())
        }
        _ => Ok(()),
    }
}

/// What the component itself has against its settings, if it checks them.
fn objection(caller: Caller<'_>, judged: &Judged) -> Option<Arc<str>> {
    match validate(caller, judged)? {
        Ok(Ok(())) => None,
        Ok(Err(why)) => {
            Some(format!("it refuses its settings: {}", sanitize(&why, OBJECTION_BYTES_MAX)).into())
        }
        Err(fault) => Some(format!("it could not check its settings: {fault}").into()),
    }
}

fn validate(caller: Caller<'_>, judged: &Judged) -> Option<Result<Result<(), String>, Fault>> {
    let admitted = judged.admitted.as_ref().ok()?;
    let pre = admitted.configured.as_ref()?;
    // It is no policy of itself, but judged by the same limits.
    let role = judged.surface.roles().first().copied().unwrap_or(Role::RestartPolicy);
    let mut store = match caller.store(role, admitted.need) {
        Ok(store) => store,
        Err(fault) => return Some(Err(fault)),
    };
    Some(caller.run(
        &mut store,
        (role, Purpose::Trial),
        &Arc::<Snapshot>::default(),
        |store| {
            store.data().patience(role).until(async {
                let checker = pre.instantiate_async(&mut *store).await?;
                let settings = &caller.context.settings;
                checker.provost_plugin_configurable().call_validate_settings(store, settings).await
            })
        },
        Ok,
    ))
}
