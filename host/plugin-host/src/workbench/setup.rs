//! A component on the workbench, and the same component with its settings, limits, grants and memory: admitted, and ready to be
//! asked.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use provost_files::Owners;
use provost_state::{MemoryChange, Settled};

use crate::component::cache::{Cache, CacheBounds};
use crate::component::{Compiler, LoadError, Nowhere, Source, Trust};
use crate::guest::{Common, Encoded, LogLines, PluginLine, Reports, Waiting};
use crate::limits::Limits;
use crate::limits::grants::Grants;
use crate::memory::Memory;
use crate::notice::Notice;
use crate::plugin::{Candidate, Catalog, Loader, Recipe, Version};
use crate::role::Role;

use super::once::Once;

/// The name of a plugin on a workbench.
const NAME: &str = "workbench";

/// A component that was read, and is compiled once.
pub struct Workbench {
    loader: Loader,
    source: Source,
    candidate: Candidate,
}

/// What a plugin is given before it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Its settings, as the text of a JSON object.
    pub settings_json: String,
    /// The limits of its calls.
    pub limits: Limits,
    /// The access to the outside that it is granted.
    pub grants: Grants,
    /// The keys of its memory with their values.
    pub memory: BTreeMap<Arc<str>, Arc<[u8]>>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            settings_json: "{}".to_owned(),
            limits: Limits::default(),
            grants: Grants::default(),
            memory: BTreeMap::new(),
        }
    }
}

/// Why a component cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// There is no usable component, or a limit is not possible.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It was not admitted.
    #[error("it is refused: {reason}")]
    Refused {
        /// The reason.
        reason: Arc<str>,
        /// The lines that it wrote while it checked its settings.
        lines: Vec<PluginLine>,
    },
}

/// A component with its settings, admitted as in production.
pub struct Bench {
    pub(super) version: Arc<Version>,
}

impl std::fmt::Debug for Workbench {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workbench").field("source", &self.source).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Bench {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bench").field("version", &self.version).finish()
    }
}

impl Workbench {
    /// Reads a component. Its compiled code is not kept.
    ///
    /// # Errors
    /// [`LoadError`] if it cannot be read, or is not a component.
    pub fn open(source: Source, compiler: Arc<dyn Compiler>) -> Result<Self, LoadError> {
        Self::open_beside(None, source, compiler)
    }

    /// Reads a component. Its compiled code is taken from the cache in this directory or put there, so that a host with the same cache
    /// need not compile it. Nothing is removed from the cache: its hosts know how large it may be.
    ///
    /// # Errors
    /// [`LoadError`] if it cannot be read, or is not a component.
    pub fn open_beside(
        cache_dir: Option<PathBuf>,
        source: Source,
        compiler: Arc<dyn Compiler>,
    ) -> Result<Self, LoadError> {
        let compiler: Arc<dyn Compiler> = Arc::new(Once::new(compiler));
        let bounds = CacheBounds { bytes_max: u64::MAX, age_ms_max: u64::MAX };
        let cache = Cache::new(cache_dir, Owners::default(), bounds, compiler);
        let loader = Loader::new(cache, Trust::default(), Arc::new(Nowhere));
        let candidate = loader.read(&recipe(source.clone(), &Setup::default()))?;
        Ok(Self { loader, source, candidate })
    }

    /// Returns the SHA-256 of the component, in hex.
    #[must_use]
    pub fn digest(&self) -> &str {
        self.candidate.digest()
    }

    /// Returns the roles that the component exports. That is known before it is compiled.
    #[must_use]
    pub fn roles(&self) -> Vec<Role> {
        self.candidate.roles()
    }

    /// Compiles the component if that was not done yet, admits it, and has it check its settings.
    ///
    /// # Errors
    /// [`SetupError`] if it would not be called in production either.
    pub fn set_up(&self, setup: &Setup) -> Result<Bench, SetupError> {
        setup.limits.check().map_err(LoadError::from)?;
        setup.limits.check_settings(&setup.settings_json).map_err(LoadError::from)?;
        let version = self.loader.make(&self.candidate, recipe(self.source.clone(), setup))?;
        if let Some(refusal) = version.refusal() {
            let (lines, _) = version.context.common.lines.take();
            return Err(SetupError::Refused { reason: refusal.why.clone(), lines });
        }
        Ok(Bench { version: Arc::new(version) })
    }
}

impl Bench {
    /// Returns the roles that the component plays.
    #[must_use]
    pub fn roles(&self) -> Vec<Role> {
        self.version.surface.roles()
    }

    /// Returns the lines that it wrote while it checked its settings, if they were not taken before.
    #[must_use]
    pub fn take_lines(&self) -> Vec<PluginLine> {
        self.version.context.common.lines.take().0
    }

    /// Returns the limits in force.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.version.context.limits
    }
}

fn recipe(source: Source, setup: &Setup) -> Recipe {
    let written = setup.memory.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
    let former =
        MemoryChange { plugin: NAME.into(), version: 1, writes: written, settled: Settled::default() };
    let nobody: Weak<Catalog> = Weak::new();
    let common = Common {
        name: NAME.into(),
        lines: Arc::new(LogLines::kept()),
        memory: Memory::open(NAME, None, &[former]),
        pin: None,
        grants: Arc::new(setup.grants.clone()),
        waiting: Arc::new(Waiting::default()),
        notice: Notice::default(),
        reports: nobody as Weak<dyn Reports>,
        encoded: Arc::new(Encoded::default()),
    };
    Recipe {
        common: Arc::new(common),
        source,
        settings: setup.settings_json.as_str().into(),
        limits: Arc::new(setup.limits.clone().in_steps()),
    }
}
