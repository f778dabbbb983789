//! The manifest of a copied SDK. The real one inherits from the workspace; this one stands alone, with the same versions.

use toml::{Table, Value};

use super::embedded::{SDK_MANIFEST, WORKSPACE_MANIFEST};
use super::error::ProjectError;

/// Returns the manifest of the copied SDK.
pub(super) fn of_the_sdk() -> Result<String, ProjectError> {
    alone(SDK_MANIFEST, WORKSPACE_MANIFEST)
}

/// Returns the version of the SDK.
pub(super) fn version() -> Result<String, ProjectError> {
    let manifest = read(&of_the_sdk()?)?;
    let version = manifest.get("package").and_then(|package| package.get("version")).and_then(Value::as_str);
    version.map(str::to_owned).ok_or_else(|| ProjectError::Manifest("it has no version".to_owned()))
}

/// Replaces everything in `manifest` that is inherited from `workspace` by what is inherited, and leaves out the lints.
pub(super) fn alone(manifest: &str, workspace: &str) -> Result<String, ProjectError> {
    let mut manifest = read(manifest)?;
    let mut workspace = read(workspace)?;
    let Some(Value::Table(workspace)) = workspace.remove("workspace") else {
        return Err(ProjectError::Manifest("there is no [workspace]".to_owned()));
    };
    // The lints of the workspace are rules for its authors.
    manifest.remove("lints");
    let of_packages = table(&workspace, "package");
    if let Some(Value::Table(package)) = manifest.get_mut("package") {
        for (key, value) in package.iter_mut().filter(|(_, value)| inherits(value)) {
            *value = of_packages.get(key).cloned().ok_or_else(|| missing(key))?;
        }
        // The copy has no page for a registry, and is not published.
        package.remove("readme");
        package.remove("include");
        package.insert("publish".to_owned(), Value::Boolean(false));
    }
    let versions = table(&workspace, "dependencies");
    resolve(&mut manifest, &versions)?;
    if let Some(Value::Table(targets)) = manifest.get_mut("target") {
        for (_, target) in targets.iter_mut() {
            if let Value::Table(target) = target {
                resolve(target, &versions)?;
            }
        }
    }
    let text = toml::to_string(&manifest).map_err(|error| ProjectError::Manifest(error.to_string()))?;
    Ok(format!(
        "# Written by `provost plugin`: the SDK as a crate that stands alone. `provost plugin sdk` replaces it.\n{text}"
    ))
}

/// Replaces the inherited dependencies of one section of dependencies.
fn resolve(owner: &mut Table, versions: &Table) -> Result<(), ProjectError> {
    for section in ["dependencies", "build-dependencies", "dev-dependencies"] {
        let Some(Value::Table(dependencies)) = owner.get_mut(section) else { continue };
        for (name, dependency) in dependencies.iter_mut().filter(|(_, value)| inherits(value)) {
            *dependency = resolved(dependency, versions.get(name).ok_or_else(|| missing(name))?);
        }
    }
    Ok(())
}

/// Returns a dependency with what it inherits; its own features are added to the inherited ones.
fn resolved(own: &Value, inherited: &Value) -> Value {
    let mut whole = match inherited {
        Value::Table(table) => table.clone(),
        version => Table::from_iter([("version".to_owned(), version.clone())]),
    };
    for (key, value) in own.as_table().into_iter().flatten().filter(|(key, _)| *key != "workspace") {
        match (whole.get_mut(key), value) {
            (Some(Value::Array(known)), Value::Array(more)) => known.extend(more.iter().cloned()),
            _ => {
                whole.insert(key.clone(), value.clone());
            }
        }
    }
    Value::Table(whole)
}

fn inherits(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

fn table(owner: &Table, key: &str) -> Table {
    owner.get(key).and_then(Value::as_table).cloned().unwrap_or_default()
}

fn missing(key: &str) -> ProjectError {
    ProjectError::Manifest(format!("`{key}` is inherited, and the workspace has none"))
}

fn read(text: &str) -> Result<Table, ProjectError> {
    text.parse().map_err(|error: toml::de::Error| ProjectError::Manifest(error.to_string()))
}
