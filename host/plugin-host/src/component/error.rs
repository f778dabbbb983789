//! Why no component can be had: mistakes in the config, and bytes that are no component.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use provost_state::naming::BadName;

use crate::engine::EngineError;
use crate::limits::{LimitError, SettingsTooLarge};

/// The largest component that is loaded, in bytes. A Python component has some 18 MB.
pub(crate) const COMPONENT_BYTES_MAX: u64 = 64 << 20;

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
    /// The configured SHA-256 is malformed.
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
