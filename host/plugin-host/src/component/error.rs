//! Why a component cannot be loaded: mistakes in the config, and bytes that are not a component.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use provost_state::naming::BadName;

use crate::engine::EngineError;
use crate::limits::{LimitError, SettingsTooLarge};

use super::remote::RemoteError;

/// The largest component that is loaded, in bytes. A Python component has about 18 MB.
pub(crate) const COMPONENT_BYTES_MAX: u64 = 64 << 20;

/// Why a plugin cannot be loaded: a mistake in the config.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The path is empty.
    #[error("the path of the component is empty: name a .wasm file, or `bundled:NAME`")]
    NoPath,
    /// The name is not allowed for a plugin.
    #[error("{error}: {hint}", error = .0, hint = .0.hint())]
    BadName(#[from] BadName),
    /// The file does not exist.
    #[error("there is no file `{}`: build the component or correct the path", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The path is a directory.
    #[error("`{}` is a directory, not a component: name the .wasm file in it", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
    },
    /// The file exists but cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The I/O error.
        source: io::Error,
    },
    /// There is no bundled component of this name.
    #[error("there is no bundled component `{name}`: {}the bundled ones are `{bundled}`", meant(*.nearest))]
    NotBundled {
        /// The name that was asked for.
        name: String,
        /// The bundled one that may have been meant.
        nearest: Option<&'static str>,
        /// The names that there are.
        bundled: String,
    },
    /// It is elsewhere, and cannot be fetched.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The bytes are not a component.
    #[error("`{component}` {problem}")]
    Component {
        /// The source of the bytes.
        component: String,
        /// What is wrong with them.
        problem: ComponentError,
    },
    /// The name is already taken.
    #[error("there is a plugin called `{name}` already: give this one another name")]
    NameTaken {
        /// The name.
        name: Arc<str>,
    },
    /// It was granted access to the outside, and the thread that waits for that cannot be started.
    #[error("the thread that waits for the granted resources cannot be started: {0}")]
    Outside(io::Error),
    /// A limit is outside of what the host can give.
    #[error(transparent)]
    ImpossibleLimit(#[from] LimitError),
    /// The settings are larger than their limit.
    #[error(transparent)]
    SettingsTooLarge(#[from] SettingsTooLarge),
    /// The configured SHA-256 is malformed.
    #[error("`{0}` is not a SHA-256: that has 64 hexadecimal digits, which `provost plugin inspect` shows")]
    NoSha256(String),
    /// The engine for its limits cannot be started.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map(|nearest| format!("did you mean `{nearest}`? ")).unwrap_or_default()
}

/// Why some bytes are not a component. The text continues a sentence after the name of the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ComponentError {
    /// There are no bytes.
    #[error("is empty: build it with `provost plugin build`")]
    Empty,
    /// The bytes are not WebAssembly.
    #[error("is not WebAssembly: it does not begin with the bytes `\\0asm`")]
    NotWasm,
    /// The bytes are the text format.
    #[error("is WebAssembly text: turn it into a binary component first (`wasm-tools parse`)")]
    Text,
    /// The bytes are a core module.
    #[error("is a core WebAssembly module, not a component: build it with `provost plugin build`")]
    CoreModule,
    /// Compiled code, which is never accepted: it would run unchecked.
    #[error(
        "is code compiled for one machine, which cannot be checked: load the component that it came from"
    )]
    Compiled,
    /// The bytes are damaged, truncated, or of a newer format.
    #[error("is not a valid component (damaged, cut off, or of a newer format): {0}")]
    Invalid(String),
    /// The component is too large.
    #[error("has {bytes} bytes: a component may have at most {COMPONENT_BYTES_MAX}")]
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// The engine that examines it cannot be started.
    #[error("cannot be examined: {0}")]
    Engine(#[from] EngineError),
}
