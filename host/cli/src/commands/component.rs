//! The component that a command names.

use crate::failure::Failure;

/// Returns the absolute path of a component, because what it is for may be in another directory.
pub(super) fn located(component: &str) -> Result<String, Failure> {
    if component.starts_with("bundled:") {
        return Ok(component.to_owned());
    }
    if component.is_empty() {
        return Err(Failure::usage("the component is empty", "name a .wasm file, or `bundled:NAME`"));
    }
    let path = std::path::absolute(component)?;
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
