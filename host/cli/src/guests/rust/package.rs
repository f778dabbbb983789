//! The crate of a plugin as cargo sees it, and the crates that it depends on by path.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::guests::error::BuildError;
use crate::guests::label::Label;
use crate::guests::read;
use crate::tied;

/// The name of the SDK.
const SDK: &str = "provost-guest";

/// The crate in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Package {
    /// Its folder, absolute.
    pub(super) dir: PathBuf,
    /// Its name in cargo.
    pub(super) name: String,
    /// What its manifest says about it. The name is that of the component: `package.metadata.provost.component`, or else that of
    /// the package.
    pub(super) label: Label,
    /// The name of its compiled library, without the extension.
    pub(super) artifact: String,
    /// The root of its workspace.
    pub(super) workspace: PathBuf,
    /// The target directory of its workspace.
    pub(super) target_dir: PathBuf,
    /// Whether its workspace defines the profile `guest`.
    pub(super) has_guest_profile: bool,
    /// The crate itself and those that it depends on by path, by their names.
    pub(super) crates: BTreeMap<String, Crate>,
}

/// One crate whose source belongs to the component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Crate {
    /// Its folder.
    pub(super) dir: PathBuf,
    /// Its version.
    pub(super) version: String,
    /// The further source files and folders that `package.metadata.provost.sources` in its Cargo.toml names.
    pub(super) more: Vec<PathBuf>,
}

impl Package {
    /// Finds the crate in `dir`.
    ///
    /// # Errors
    /// [`BuildError`] if there is none, cargo cannot read it, or it has no cdylib.
    pub(super) fn find(dir: &Path) -> Result<Self, BuildError> {
        let dir = dir.canonicalize().map_err(BuildError::file(dir))?;
        let manifest = dir.join("Cargo.toml");
        if !manifest.is_file() {
            return Err(BuildError::NoCrate { dir });
        }
        let metadata = metadata(&dir)?;
        let package =
            package_at(&metadata, &manifest).ok_or_else(|| BuildError::NoCrate { dir: dir.clone() })?;
        let cdylib = array(&package["targets"]).find(|target| {
            array(&target["crate_types"]).any(|crate_type| crate_type == "cdylib")
                && target["kind"] != "example"
        });
        let artifact = cdylib.and_then(|target| target["name"].as_str());
        let artifact = artifact.ok_or(BuildError::NotCdylib { manifest })?.replace('-', "_");
        let workspace = path(&metadata["workspace_root"]);
        let root = workspace.join("Cargo.toml");
        let root = read::text(&root)?;
        let name = package["name"].as_str().unwrap_or_default().to_owned();
        let label = label(package, &name);
        let mut found = Self {
            name,
            label,
            artifact,
            workspace,
            target_dir: path(&metadata["target_directory"]),
            has_guest_profile: root.lines().any(|line| line.trim() == "[profile.guest]"),
            crates: crates(metadata, &dir)?,
            dir,
        };
        found.label.sdk = found.sdk();
        Ok(found)
    }

    /// Returns the version of the SDK: that of the crate that it depends on by path, or else that in its lock file.
    fn sdk(&self) -> Option<String> {
        if let Some(sdk) = self.crates.get(SDK) {
            return Some(sdk.version.clone());
        }
        let lock = read::text(&self.workspace.join("Cargo.lock")).ok()?;
        let lock: toml::Table = lock.parse().ok()?;
        let mut packages = lock.get("package")?.as_array()?.iter();
        let sdk = packages.find(|package| package.get("name").and_then(toml::Value::as_str) == Some(SDK))?;
        Some(sdk.get("version")?.as_str()?.to_owned())
    }
}

/// Returns what the manifest of a package says about the component.
fn label(package: &Value, name: &str) -> Label {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Label {
        name: text(&package["metadata"]["provost"]["component"]).unwrap_or_else(|| name.to_owned()),
        version: text(&package["version"]),
        description: text(&package["description"]),
        authors: array(&package["authors"]).filter_map(text).collect(),
        ..Label::default()
    }
}

/// Returns the crate in `dir` and all crates that it depends on by path.
fn crates(mut metadata: Value, dir: &Path) -> Result<BTreeMap<String, Crate>, BuildError> {
    let mut crates = BTreeMap::new();
    let mut waiting = vec![dir.to_owned()];
    while let Some(dir) = waiting.pop() {
        let manifest = dir.join("Cargo.toml");
        if package_at(&metadata, &manifest).is_none() {
            // A crate of another workspace: ask cargo there.
            metadata = self::metadata(&dir)?;
        }
        let Some(package) = package_at(&metadata, &manifest) else {
            return Err(BuildError::NoCrate { dir });
        };
        let name = package["name"].as_str().unwrap_or_default().to_owned();
        if crates.contains_key(&name) {
            continue;
        }
        let more =
            array(&package["metadata"]["provost"]["sources"]).map(|source| dir.join(path(source))).collect();
        let used = array(&package["dependencies"]).filter(|dependency| dependency["kind"] != "dev");
        waiting.extend(used.filter_map(|dependency| dependency["path"].as_str()).map(PathBuf::from));
        let version = package["version"].as_str().unwrap_or_default().to_owned();
        crates.insert(name, Crate { dir, version, more });
    }
    Ok(crates)
}

/// Returns cargo's metadata of the workspace around `dir`. Nothing is resolved, so this needs no network and
/// takes milliseconds.
fn metadata(dir: &Path) -> Result<Value, BuildError> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(dir).args(["metadata", "--no-deps", "--format-version=1"]);
    let output =
        tied::output(&mut cargo).map_err(|source| BuildError::Run { program: "cargo".to_owned(), source })?;
    let failed = |message: String| BuildError::Metadata { dir: dir.to_owned(), message };
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim_end().to_owned()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string()))
}

/// Returns the package with this manifest.
fn package_at<'a>(metadata: &'a Value, manifest: &Path) -> Option<&'a Value> {
    array(&metadata["packages"]).find(|package| path(&package["manifest_path"]) == manifest)
}

/// Returns the elements of a value; none if it is not an array.
fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Returns a value as a path.
fn path(value: &Value) -> PathBuf {
    PathBuf::from(value.as_str().unwrap_or_default())
}
