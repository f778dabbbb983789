//! From a file to a version that is ready to be called, or the reason for which it is refused. Pins and
//! signatures are looked at here as well, before any of it runs. No lock is held meanwhile: compilation may take minutes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use provost_state::{Fault, Snapshot};
use wasmtime::component::Component;

use crate::admission::{self, Admitted, Surface};
use crate::cache::{Cache, Lease, Unready};
use crate::call::Purpose;
use crate::component::{ComponentError, LoadError, Source, digest, is_sha256, recognise};
use crate::engine::{EngineError, TimedEngine, flat};
use crate::figures::Figures;
use crate::log::tame;
use crate::outside::{self, Reach};
use crate::role::Role;
use crate::trust::Trust;
use crate::version::{Absent, Common, Version};

/// The longest answer of `validate-settings`, in bytes; what is beyond is cut.
const OBJECTION_BYTES_MAX: usize = 512;

/// Makes versions.
pub(crate) struct Maker {
    cache: Cache,
    trust: Trust,
    /// By the size of the stack. An engine ends with the last version that runs on it, and its pool and its clock with it.
    engines: Mutex<BTreeMap<usize, Weak<TimedEngine>>>,
}

/// What a version is to be made of.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    pub(crate) common: Common,
    pub(crate) source: Source,
    pub(crate) settings: Arc<str>,
}

/// A component that has been read and looked at, and not compiled.
pub(crate) struct Looked {
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

impl Maker {
    /// Without an engine: the first plugin starts one, and a host without plugins needs none.
    pub(crate) fn new(cache: Cache, trust: Trust) -> Self {
        Self { cache, trust, engines: Mutex::default() }
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The engine for stacks of this size that is in use, or a new one.
    fn engine(&self, stack_bytes_max: usize) -> Result<Arc<TimedEngine>, EngineError> {
        let mut engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
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
    pub(crate) fn look(&self, recipe: &Recipe) -> Result<Looked, LoadError> {
        recipe.common.limits.check()?;
        recipe.common.limits.check_settings(&recipe.settings)?;
        if let Some(pin) = recipe.common.pin.as_deref().filter(|pin| !is_sha256(pin)) {
            return Err(LoadError::NoSha256(pin.to_owned()));
        }
        let bytes = recipe.source.read()?;
        let not_one = |problem| LoadError::Component { component: recipe.source.to_string(), problem };
        recognise(&bytes).map_err(not_one)?;
        let exports = admission::exports(&bytes)
            .map_err(|error| not_one(ComponentError::Invalid(error.to_string())))?;
        let digest = digest(&bytes);
        let trusted = pinned(&recipe.common, &digest).and_then(|()| {
            self.trust.check(&recipe.source, &bytes).map_err(|error| error.to_string().into())
        });
        Ok(Looked { bytes, digest, trusted, exports })
    }

    /// The place of a version that is to be compiled.
    ///
    /// # Errors
    /// [`LoadError::Engine`].
    pub(crate) fn placeholder(
        &self,
        looked: &Looked,
        recipe: Recipe,
        absent: Absent,
    ) -> Result<Version, LoadError> {
        let engine = self.engine(recipe.common.limits.stack_bytes_max)?;
        let exports = if looked.trusted.is_ok() { looked.exports.clone() } else { Vec::new() };
        let surface = Surface { imports: Vec::new(), exports };
        let judged = Judged { surface, admitted: Err(absent), lease: None };
        Ok(version(recipe, looked, engine, judged, None))
    }

    /// Compiles and judges a component, and has it check its settings.
    ///
    /// # Errors
    /// [`LoadError`] if it is not valid after all. One that is not let in is no error: it says so itself.
    pub(crate) fn make(&self, looked: &Looked, recipe: Recipe) -> Result<Arc<Version>, LoadError> {
        let engine = self.engine(recipe.common.limits.stack_bytes_max)?;
        let judged = match &looked.trusted {
            Err(reason) => Judged::refused(Surface::default(), reason.clone()),
            Ok(_) => self.judge(looked, &recipe, &engine)?,
        };
        let Common { grants, limits, waiting, .. } = &recipe.common;
        let reach = Reach::new(grants, limits, waiting).map_err(LoadError::Outside)?;
        let (outside, judged) = match reach.transpose() {
            Ok(outside) => (outside, judged),
            Err(missing) if judged.admitted.is_ok() => (None, Judged::refused(judged.surface, missing)),
            Err(_) => (None, judged),
        };
        let made = Arc::new(version(recipe, looked, engine, judged, outside));
        let Some(objection) = objection(&made) else { return Ok(made) };
        let recipe = Recipe {
            common: made.common.clone(),
            source: made.source.clone(),
            settings: made.settings.clone(),
        };
        let judged = Judged::refused(made.surface.clone(), objection);
        Ok(Arc::new(version(recipe, looked, made.engine.clone(), judged, made.outside.clone())))
    }

    fn judge(&self, looked: &Looked, recipe: &Recipe, engine: &TimedEngine) -> Result<Judged, LoadError> {
        match self.cache.compiled(engine.engine(), engine.layout(), &looked.bytes) {
            Ok(compiled) => {
                let surface = Surface::of(&compiled.component, engine.engine());
                let admitted = admitted(&compiled.component, &surface, engine, &recipe.common);
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
    common: &Common,
) -> Result<Admitted, Arc<str>> {
    let linker = admission::linker(engine.engine()).and_then(|mut linker| {
        outside::link(&mut linker, &common.grants)?;
        Ok(linker)
    });
    let linker = linker.map_err(|error| Arc::from(flat(&error)))?;
    admission::admit(component, surface, &linker, &common.limits, &common.grants)
}

fn version(
    recipe: Recipe,
    looked: &Looked,
    engine: Arc<TimedEngine>,
    judged: Judged,
    outside: Option<Reach>,
) -> Version {
    let Recipe { common, source, settings } = recipe;
    let need = judged.admitted.as_ref().map(|admitted| admitted.need).unwrap_or_default();
    Version {
        number: OnceLock::new(),
        name: common.name.clone(),
        source,
        digest: looked.digest.clone(),
        signed_by: looked.trusted.as_ref().ok().cloned().flatten(),
        surface: judged.surface,
        settings,
        limits: common.limits.clone(),
        engine,
        outside,
        admitted: judged.admitted,
        need,
        lease: judged.lease,
        lines: common.lines.clone(),
        memory: common.memory.clone(),
        figures: Figures::default(),
        common,
    }
}

/// May a component of this digest be this plugin?
fn pinned(common: &Common, digest: &str) -> Result<(), Arc<str>> {
    match &common.pin {
        Some(pin) if !pin.eq_ignore_ascii_case(digest) => {
            Err(format!("its SHA-256 is {digest} and only {pin} is wanted: check where it came from").into())
        }
        _ => Ok(()),
    }
}

/// What the component itself has against its settings, if it checks them.
fn objection(version: &Arc<Version>) -> Option<Arc<str>> {
    let admitted = version.admitted.as_ref().ok()?;
    match validate(version, admitted)? {
        Ok(Ok(())) => None,
        Ok(Err(why)) => Some(format!("it refuses its settings: {}", tame(&why, OBJECTION_BYTES_MAX)).into()),
        Err(fault) => Some(format!("it could not check its settings: {fault}").into()),
    }
}

fn validate(version: &Arc<Version>, admitted: &Admitted) -> Option<Result<Result<(), String>, Fault>> {
    let pre = admitted.configured.as_ref()?;
    // It is no policy of itself, but judged by the same limits.
    let role = version.surface.roles().first().copied().unwrap_or(Role::RestartPolicy);
    let mut store = match version.store(role) {
        Ok(store) => store,
        Err(fault) => return Some(Err(fault)),
    };
    Some(version.run(
        &mut store,
        (role, Purpose::Trial),
        &Arc::<Snapshot>::default(),
        |store| {
            store.data().patience(role).until(async {
                let checker = pre.instantiate_async(&mut *store).await?;
                checker.provost_plugin_configurable().call_validate_settings(store, &version.settings).await
            })
        },
        Ok,
    ))
}
