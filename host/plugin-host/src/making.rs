//! From a file to a version that is ready to be called, or the reason for which it is refused. Pins and
//! signatures are looked at here as well, before any of it runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use provost_state::{Fault, Snapshot};
use wasmtime::component::{Component, Linker};

use crate::admission::{self, Admitted, Surface};
use crate::cache::{Cache, CompileError};
use crate::call::{Guest, Purpose};
use crate::component::{LoadError, Source, digest, is_sha256, recognise};
use crate::engine::{EngineError, TimedEngine, flat};
use crate::figures::Figures;
use crate::log::tame;
use crate::outside::{self, Reach};
use crate::role::Role;
use crate::trust::Trust;
use crate::version::{Common, Version};

/// The longest answer of `validate-settings`, in bytes; what is beyond is cut.
const OBJECTION_BYTES_MAX: usize = 512;

/// An engine, and everything that a plugin may call on it.
#[derive(Clone)]
struct Runtime {
    engine: Arc<TimedEngine>,
    linker: Linker<Guest>,
}

impl Runtime {
    fn new(stack_bytes_max: usize) -> Result<Self, EngineError> {
        let engine = TimedEngine::new(stack_bytes_max)?;
        let linker = admission::linker(engine.engine()).map_err(|error| EngineError(flat(&error)))?;
        Ok(Self { engine: Arc::new(engine), linker })
    }
}

/// Makes versions.
pub(crate) struct Maker {
    cache: Cache,
    trust: Trust,
    /// By the size of the stack. Taken by changes alone.
    runtimes: Mutex<BTreeMap<usize, Runtime>>,
}

/// What a version is to be made of.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    pub(crate) common: Common,
    pub(crate) number: u64,
    pub(crate) source: Source,
    pub(crate) settings: Arc<str>,
}

impl Maker {
    /// Without an engine: the first plugin starts one, and a host without plugins needs none.
    pub(crate) fn new(cache: Cache, trust: Trust) -> Self {
        Self { cache, trust, runtimes: Mutex::default() }
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.cache
    }

    fn runtime(&self, stack_bytes_max: usize) -> Result<Runtime, EngineError> {
        let mut runtimes = self.runtimes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = runtimes.get(&stack_bytes_max) {
            return Ok(runtime.clone());
        }
        let runtime = Runtime::new(stack_bytes_max)?;
        runtimes.insert(stack_bytes_max, runtime.clone());
        Ok(runtime)
    }

    fn admitted(
        &self,
        component: &Component,
        surface: &Surface,
        linker: &Linker<Guest>,
        common: &Common,
    ) -> Result<Admitted, Arc<str>> {
        let mut linker = linker.clone();
        outside::link(&mut linker, &common.grants).map_err(|error| Arc::from(flat(&error)))?;
        admission::admit(component, surface, &linker, &common.limits, &common.grants)
    }

    /// Reads, compiles and judges a component, and has it check its settings.
    ///
    /// # Errors
    /// [`LoadError`] if there is no component to be had. One that is not let in is no error: it says so itself.
    pub(crate) fn make(&self, recipe: Recipe) -> Result<Arc<Version>, LoadError> {
        let limits = recipe.common.limits.clone();
        limits.check()?;
        limits.check_settings(&recipe.settings)?;
        if let Some(pin) = recipe.common.pin.as_deref().filter(|pin| !is_sha256(pin)) {
            return Err(LoadError::NoSha256(pin.to_owned()));
        }
        let bytes = recipe.source.read()?;
        let component = recipe.source.to_string();
        let not_one = |problem| LoadError::Component { component: component.clone(), problem };
        recognise(&bytes).map_err(not_one)?;
        let runtime = self.runtime(limits.stack_bytes_max)?;
        let digest = digest(&bytes);
        let trusted = pinned(&recipe.common, &digest).and_then(|()| {
            self.trust.check(&recipe.source, &bytes).map_err(|error| error.to_string().into())
        });
        let signed_by = trusted.as_ref().ok().cloned().flatten();
        let (surface, admitted) = match trusted {
            Err(reason) => (Surface::default(), Err(reason)),
            Ok(_) => match self.cache.compiled(runtime.engine.engine(), &bytes) {
                Ok(component) => {
                    let surface = Surface::of(&component, runtime.engine.engine());
                    let admitted = self.admitted(&component, &surface, &runtime.linker, &recipe.common);
                    (surface, admitted)
                }
                Err(CompileError::Invalid(problem)) => return Err(not_one(problem)),
                Err(CompileError::Unfit(why)) => {
                    (Surface::default(), Err(format!("it wants more than a plugin can have: {why}").into()))
                }
            },
        };
        let reach =
            Reach::new(&recipe.common.grants, &limits, &recipe.common.waiting).map_err(LoadError::Outside)?;
        let (outside, admitted) = match reach.transpose() {
            Ok(outside) => (outside, admitted),
            Err(missing) => (None, admitted.and(Err(missing.into()))),
        };
        let version = |admitted, recipe: Recipe| {
            Arc::new(Version {
                number: recipe.number,
                name: recipe.common.name.clone(),
                source: recipe.source,
                digest: digest.clone(),
                signed_by: signed_by.clone(),
                surface: surface.clone(),
                settings: recipe.settings,
                limits: limits.clone(),
                engine: runtime.engine.clone(),
                outside: outside.clone(),
                admitted,
                lines: recipe.common.lines.clone(),
                memory: recipe.common.memory.clone(),
                figures: Figures::default(),
                common: recipe.common,
            })
        };
        let made = version(admitted, recipe.clone());
        Ok(match objection(&made) {
            Some(objection) => version(Err(objection), recipe),
            None => made,
        })
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
    let mut store = version.store(role);
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
