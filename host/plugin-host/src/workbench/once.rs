//! A compiler that compiles each component once for each layout, so that one component can be set up many times.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::component::{CompileError, Compiler};
use crate::engine::Layout;

type Code = Result<Vec<u8>, CompileError>;

/// Compiles the first time and remembers the code, for the one component that it is used for.
#[derive(Debug)]
pub(super) struct Once {
    compiler: Arc<dyn Compiler>,
    compiled: Mutex<Vec<(Layout, Code)>>,
}

impl Once {
    pub(super) fn new(compiler: Arc<dyn Compiler>) -> Self {
        Self { compiler, compiled: Mutex::default() }
    }
}

impl Compiler for Once {
    fn compile(&self, component: &[u8], layout: Layout) -> Code {
        let known = |compiled: &[(Layout, Code)]| {
            compiled.iter().find(|(known, _)| *known == layout).map(|(_, code)| code.clone())
        };
        if let Some(code) = known(&self.compiled.lock()) {
            return code;
        }
        let code = self.compiler.compile(component, layout);
        self.compiled.lock().push((layout, code.clone()));
        code
    }
}
