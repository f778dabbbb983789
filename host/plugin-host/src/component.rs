//! Where a component comes from, and whether its bytes are a component at all. What is wrong here is a mistake
//! in the config (or a damaged file): the host does not start with it.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use provost_files::{Problem, read_named};
use provost_state::naming::BadName;
use sha2::{Digest, Sha256};

use crate::bundled;
use crate::engine::EngineError;
use crate::limits::{LimitError, SettingsTooLarge};

/// The largest component that is loaded, in bytes. A Python component has some 18 MB.
pub(crate) const COMPONENT_BYTES_MAX: u64 = 64 << 20;

/// Where a component comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// From this binary, by name.
    Bundled(String),
    /// From a file.
    Path(PathBuf),
}

impl Source {
    /// What the config says: `bundled:NAME`, or else a path.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.strip_prefix("bundled:") {
            Some(name) => Self::Bundled(name.to_owned()),
            None => Self::Path(PathBuf::from(text)),
        }
    }

    /// The bytes that it names, whatever they are. Nobody reads them again: editing the file changes nothing.
    ///
    /// # Errors
    /// [`LoadError`] if there are none to be had.
    pub fn read(&self) -> Result<Cow<'static, [u8]>, LoadError> {
        match self {
            Self::Bundled(name) => bundled::bytes(name)
                .map(Cow::Borrowed)
                .ok_or_else(|| LoadError::NotBundled { name: name.clone(), bundled: names() }),
            Self::Path(path) => read_file(path).map(Cow::Owned),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundled(name) => write!(f, "bundled:{name}"),
            Self::Path(path) => path.display().fmt(f),
        }
    }
}

fn names() -> String {
    bundled::bundled_names().join("`, `")
}

fn read_file(path: &Path) -> Result<Vec<u8>, LoadError> {
    let unreadable = |source| match io::Error::kind(&source) {
        io::ErrorKind::NotFound => LoadError::Missing { path: path.to_owned() },
        io::ErrorKind::IsADirectory => LoadError::Directory { path: path.to_owned() },
        _ => LoadError::Unreadable { path: path.to_owned(), source },
    };
    if path.as_os_str().is_empty() {
        return Err(LoadError::NoPath);
    }
    read_named(path, COMPONENT_BYTES_MAX).map_err(|error| match error.problem {
        Problem::TooLarge { bytes, .. } => {
            let problem = ComponentError::TooLarge { bytes };
            LoadError::Component { component: path.display().to_string(), problem }
        }
        _ => unreadable(error.into()),
    })
}

/// A plugin cannot be loaded: a mistake in the config.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Nothing is named at all.
    #[error("the path of the component is empty: name a .wasm file, or `bundled:NAME`")]
    NoPath,
    /// No plugin can be called that.
    #[error("{error}: {hint}", error = .0, hint = .0.hint())]
    BadName(#[from] BadName),
    /// No such file.
    #[error("there is no file `{}`: build the component or correct the path", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The path is that of a directory.
    #[error("`{}` is a directory, not a component: name the .wasm file in it", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
    },
    /// The file is there but cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No such bundled component.
    #[error("there is no bundled component `{name}`: there are `{bundled}`")]
    NotBundled {
        /// What was asked for.
        name: String,
        /// What there is.
        bundled: String,
    },
    /// The bytes are no component.
    #[error("`{component}` {problem}")]
    Component {
        /// Where the bytes came from.
        component: String,
        /// What is wrong with them.
        problem: ComponentError,
    },
    /// There is a plugin of this name.
    #[error("there is a plugin called `{name}` already: give this one another name")]
    NameTaken {
        /// The name.
        name: Arc<str>,
    },
    /// It was granted something of the outside, and the machine has no thread to wait for that.
    #[error("no thread can be had to wait for what it is granted: {0}")]
    Outside(io::Error),
    /// A limit is beyond what the host can give.
    #[error(transparent)]
    ImpossibleLimit(#[from] LimitError),
    /// More settings than a plugin may have.
    #[error(transparent)]
    SettingsTooLarge(#[from] SettingsTooLarge),
    /// The pin is none.
    #[error("`{0}` is not a SHA-256: that has 64 hexadecimal digits, which `provost plugin inspect` shows")]
    NoSha256(String),
    /// The engine for its limits cannot be had.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Why some bytes are no component. Reads on after the name of the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ComponentError {
    /// Nothing in it.
    #[error("is empty: build it with `provost plugin build`")]
    Empty,
    /// No WebAssembly.
    #[error("is not WebAssembly: it does not begin with the bytes `\\0asm`")]
    NotWasm,
    /// The text format.
    #[error("is WebAssembly text: turn it into a binary component first (`wasm-tools parse`)")]
    Text,
    /// Half of what is needed.
    #[error("is a core WebAssembly module, not a component: build it with `provost plugin build`")]
    CoreModule,
    /// Compiled code, which is never accepted: it would run unchecked.
    #[error(
        "is code compiled for one machine, which cannot be checked: load the component that it came from"
    )]
    Compiled,
    /// Damaged, cut off, or of a newer format.
    #[error("is not a valid component (damaged, cut off, or of a newer format): {0}")]
    Invalid(String),
    /// Beyond all reason.
    #[error("has {bytes} bytes: more than {COMPONENT_BYTES_MAX} are not loaded")]
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// Not the component's fault.
    #[error("cannot be looked at: {0}")]
    Engine(#[from] EngineError),
}

/// Is this the binary of a component, by its first bytes?
///
/// # Errors
/// [`ComponentError`] says what it is instead.
pub(crate) fn recognise(bytes: &[u8]) -> Result<(), ComponentError> {
    const MAGIC: &[u8] = b"\0asm";
    // After the magic number: a version of 16 bits, then the layer: 0 for a core module, 1 for a component.
    const LAYER: std::ops::Range<usize> = 6..8;
    if bytes.is_empty() {
        return Err(ComponentError::Empty);
    }
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if size > COMPONENT_BYTES_MAX {
        return Err(ComponentError::TooLarge { bytes: size });
    }
    if wasmtime::Engine::detect_precompiled(bytes).is_some() {
        return Err(ComponentError::Compiled);
    }
    if !bytes.starts_with(MAGIC) {
        let text = bytes.trim_ascii_start();
        let is_text = text.starts_with(b"(component") || text.starts_with(b"(module");
        return Err(if is_text { ComponentError::Text } else { ComponentError::NotWasm });
    }
    match bytes.get(LAYER) {
        Some([0, 0]) => Err(ComponentError::CoreModule),
        Some(_) => Ok(()),
        None => Err(ComponentError::Invalid("it ends within its first eight bytes".to_owned())),
    }
}

/// SHA-256 of the component, in hex.
pub(crate) fn digest(bytes: &[u8]) -> Arc<str> {
    hex(&Sha256::digest(bytes)).into()
}

/// Is this how a SHA-256 is written in hex?
#[must_use]
pub fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
