//! The port for compiling components. Compiling a hostile component takes minutes and gigabytes, so a host gives it to
//! a process with limits; this crate knows nothing of processes. The result is machine code, so an implementation of
//! this port is trusted.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::engine::{self, Layout};
use crate::text::one_line;

use super::recognise::recognise;

/// Compiles components for the engines of this host.
pub trait Compiler: fmt::Debug + Send + Sync {
    /// Returns the machine code of `component` for engines of this layout. It may take as long as its own limits allow,
    /// and is called on threads that may block.
    ///
    /// # Errors
    /// [`CompileError`] if there is no code.
    fn compile(&self, component: &[u8], layout: Layout) -> Result<Vec<u8>, CompileError>;
}

/// Why a component was not compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// The component is not valid; the reason.
    #[error("{0}")]
    Invalid(String),
    /// It could not be compiled: it hit the limit that is named, or the compiler crashed. The text continues a sentence
    /// after the name of the component.
    #[error("{0}")]
    Failed(String),
}

/// Compiles in this process, without limits: for tests, and inside the process that has the limits.
#[derive(Clone, Copy, Debug, Default)]
pub struct InProcess;

impl Compiler for InProcess {
    fn compile(&self, component: &[u8], layout: Layout) -> Result<Vec<u8>, CompileError> {
        // Without this check, wasmtime would compile the text format as well.
        recognise(component).map_err(|problem| CompileError::Invalid(problem.to_string()))?;
        let engine = engine::compiling(layout)
            .map_err(|error| CompileError::Failed(format!("was not compiled: {error}")))?;
        // The compiler panics if it cannot start its threads.
        match catch_unwind(AssertUnwindSafe(|| engine.precompile_component(component))) {
            Ok(code) => code.map_err(|error| CompileError::Invalid(one_line(&error))),
            Err(_) => Err(CompileError::Failed("was not compiled: the compiler panicked".to_owned())),
        }
    }
}
