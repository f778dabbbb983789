//! The component that a command without a host names, and its compilation.

use std::sync::Arc;

use provost_plugin_host::{Compiler, Source};
use provost_registry::Reference;

use crate::args::CompileArgs;
use crate::compiling::ChildCompiler;
use crate::config::{CompileLimits, usual_store};
use crate::failure::Failure;
use crate::fetching::{Fetcher, Reach};

/// Returns the absolute path of a component, because what it is for may be in another directory.
pub(super) fn located(component: &str) -> Result<String, Failure> {
    match Source::parse(component) {
        Source::Bundled(_) => return Ok(component.to_owned()),
        Source::Remote(reference) => {
            pinned(&reference)?;
            return Ok(reference);
        }
        Source::Path(_) => {}
    }
    if component.is_empty() {
        return Err(Failure::usage("the component is empty", "name a .wasm file, or `bundled:NAME`"));
    }
    let path = std::path::absolute(component).map_err(Failure::without_directory)?;
    if let Ok(false) = path.try_exists() {
        let what = format!("there is no file `{}`: build the component or correct the path", path.display());
        return Err(Failure::usage(
            what,
            "nothing was changed; a component is a .wasm file, or `bundled:NAME`",
        ));
    }
    path.to_str().map(str::to_owned).ok_or_else(|| {
        Failure::usage(format!("{} is not Unicode", path.display()), "give the file another name")
    })
}

/// Returns the component that a command without a host reads. One that is elsewhere is fetched, unless it is in the cache.
pub(super) fn at_hand(component: &str) -> Result<Source, Failure> {
    let reference = match Source::parse(component) {
        Source::Remote(reference) => reference,
        here => return Ok(here),
    };
    pinned(&reference)?;
    let fetched = Fetcher::reading(usual_store(), Reach::Network).component(&reference);
    let fetched = fetched.map_err(|error| Failure::failed(&error, &error.hint))?;
    Ok(Source::Path(fetched.path))
}

/// Returns the compiler of a command without a host.
pub(super) fn compiler(args: CompileArgs) -> Arc<dyn Compiler> {
    ChildCompiler::with_options(args.options(), CompileLimits::default())
}

/// Fails if a reference has no digest.
fn pinned(component: &str) -> Result<(), Failure> {
    Reference::pinned(component).map(drop).map_err(|error| Failure::usage(&error, error.hint()))
}
