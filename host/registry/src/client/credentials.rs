//! The credentials for registries, from the files that `docker login` and `podman login` write. No program is run for them:
//! a host may be root, and those files name programs to run.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::failed::FetchError;

/// The largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The names of one registry.
const DOCKER_HUB: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/// A user name and a password.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(..)")
    }
}

/// What the files say about a registry.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) login: Option<Login>,
    /// The program that is said to have a login.
    pub(super) helper: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ConfigFile {
    auths: BTreeMap<String, Entry>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    /// What stands for credentials that are not used.
    identitytoken: Option<String>,
    /// As `identitytoken`.
    registrytoken: Option<String>,
}

impl Entry {
    /// Whether nothing is in it: then the credentials are elsewhere.
    fn is_empty(&self) -> bool {
        let texts = [&self.auth, &self.username, &self.password, &self.identitytoken, &self.registrytoken];
        texts.into_iter().flatten().all(String::is_empty)
    }

    fn login(&self) -> Option<Login> {
        // With a token there is a user name that stands for it, and no password.
        if self.identitytoken.as_ref().is_some_and(|token| !token.is_empty()) {
            return None;
        }
        let coded = self.auth.as_deref().filter(|coded| !coded.is_empty());
        if let Some(coded) = coded {
            let plain = String::from_utf8(STANDARD.decode(coded.trim()).ok()?).ok()?;
            let (user, password) = plain.split_once(':')?;
            // Docker has put a zero byte there.
            let password = password.trim_end_matches('\0');
            return Some(Login { user: user.to_owned(), password: password.to_owned() });
        }
        Some(Login { user: self.username.clone()?, password: self.password.clone()? })
    }
}

/// Returns the files in which credentials are, in the order in which they are asked.
pub(super) fn files() -> Vec<PathBuf> {
    let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = var("HOME");
    let docker = var("DOCKER_CONFIG").or_else(|| Some(home.as_ref()?.join(".docker")));
    let podman = var("XDG_RUNTIME_DIR").map(|dir| dir.join("containers/auth.json"));
    let lasting = var("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")));
    let all = [
        var("REGISTRY_AUTH_FILE"),
        docker.map(|dir| dir.join("config.json")),
        podman,
        lasting.map(|dir| dir.join("containers/auth.json")),
    ];
    all.into_iter().flatten().collect()
}

/// Returns what the first of these files that knows a repository of a registry says about it.
pub(super) fn find(files: &[PathBuf], registry: &str, repository: &str) -> Result<Found, FetchError> {
    let mut found = Found::default();
    for path in files {
        let Some(file) = read(path)? else { continue };
        let known =
            file.auths.iter().filter_map(|(key, entry)| Some((matched(key, registry, repository)?, entry)));
        let nearest = known.max_by_key(|(length, _)| *length).map(|(_, entry)| entry);
        if let Some(entry) = nearest.filter(|entry| !entry.is_empty()) {
            let login = entry.login().ok_or_else(|| FetchError::Entry {
                registry: registry.to_owned(),
                path: path.display().to_string(),
            })?;
            return Ok(Found { login: Some(login), helper: None });
        }
        let helpers = file.cred_helpers.iter();
        let named = helpers.filter_map(|(key, name)| Some((matched(key, registry, repository)?, name)));
        let nearest = named.max_by_key(|(length, _)| *length).map(|(_, name)| name);
        let helper = nearest.or(file.creds_store.as_ref());
        found.helper = found.helper.or_else(|| helper.map(|name| format!("docker-credential-{name}")));
    }
    Ok(found)
}

fn read(path: &Path) -> Result<Option<ConfigFile>, FetchError> {
    let failed = |why: String| FetchError::Credentials { path: path.display().to_string(), why };
    let text = match provost_files::read_named(path, FILE_BYTES_MAX) {
        Ok(text) => text,
        Err(error) if error.is_missing() => return Ok(None),
        Err(error) => return Err(failed(error.problem.to_string())),
    };
    // The message of the parser may repeat what is in the file.
    serde_json::from_slice(&text).map(Some).map_err(|error| {
        failed(format!("line {}, column {} is not as expected", error.line(), error.column()))
    })
}

/// Returns the length of a key that stands for this repository; `None` if it stands for another one.
fn matched(key: &str, registry: &str, repository: &str) -> Option<usize> {
    let key = key.split_once("://").map_or(key, |(_, rest)| rest).trim_end_matches('/');
    let (host, path) = key.split_once('/').unwrap_or((key, ""));
    let is_hub = |name: &str| DOCKER_HUB.contains(&name);
    if host != registry && !(is_hub(host) && is_hub(registry)) {
        return None;
    }
    // `https://index.docker.io/v1/` is the key of Docker for the whole registry.
    let is_whole = path.is_empty() || path == "v1" || path == "v2";
    let is_in = repository.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    (is_whole || is_in).then_some(if is_whole { 0 } else { path.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(config: &str, registry: &str, repository: &str) -> Found {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        std::fs::write(&path, config).unwrap();
        find(&[dir.path().join("missing"), path], registry, repository).unwrap()
    }

    fn login(user: &str, password: &str) -> Option<Login> {
        Some(Login { user: user.to_owned(), password: password.to_owned() })
    }

    #[test]
    fn a_login_is_found_by_its_registry_and_the_nearest_path() {
        // me:secret, and team:other.
        let config = r#"{ "auths": {
            "ghcr.io": { "auth": "bWU6c2VjcmV0" },
            "ghcr.io/team": { "auth": "dGVhbTpvdGhlcg==" },
            "https://index.docker.io/v1/": { "username": "hub", "password": "x" } } }"#;
        assert_eq!(found(config, "ghcr.io", "me/judge").login, login("me", "secret"));
        assert_eq!(found(config, "ghcr.io", "team/judge").login, login("team", "other"));
        assert_eq!(found(config, "ghcr.io", "teams/judge").login, login("me", "secret"));
        assert_eq!(found(config, "docker.io", "me/judge").login, login("hub", "x"));
        assert_eq!(found(config, "quay.io", "me/judge"), Found::default());
    }

    #[test]
    fn a_program_that_has_the_login_is_named_and_not_run() {
        let config = r#"{ "auths": { "ghcr.io": {} }, "credHelpers": { "ghcr.io": "gh" } }"#;
        let found_one = found(config, "ghcr.io", "me/judge");
        assert_eq!(found_one, Found { login: None, helper: Some("docker-credential-gh".to_owned()) });
        let stored = found(r#"{ "credsStore": "secretservice" }"#, "ghcr.io", "me/judge");
        assert_eq!(stored.helper.as_deref(), Some("docker-credential-secretservice"));
    }

    #[test]
    fn an_entry_that_is_not_understood_is_an_error_that_names_its_file_and_repeats_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        for entry in [
            r#"{ "auth": "!!!" }"#,
            r#"{ "auth": "c2VjcmV0" }"#,
            r#"{ "auth": "bWU6", "identitytoken": "c2VjcmV0" }"#,
            r#"{ "registrytoken": "c2VjcmV0" }"#,
            r#"{ "auth": "", "username": "c2VjcmV0" }"#,
        ] {
            std::fs::write(&path, format!(r#"{{ "auths": {{ "ghcr.io": {entry} }} }}"#)).unwrap();
            let error = find(std::slice::from_ref(&path), "ghcr.io", "x").unwrap_err().to_string();
            let expected = format!(
                "the credentials for ghcr.io in `{}` are not a user name and a password",
                path.display()
            );
            assert_eq!(error, expected, "{entry}");
        }
    }

    #[test]
    fn a_file_that_is_not_one_is_named_and_not_quoted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        std::fs::write(&path, r#"{ "auths": "c2VjcmV0" }"#).unwrap();
        let error = find(std::slice::from_ref(&path), "ghcr.io", "x").unwrap_err().to_string();
        assert!(error.contains(&*path.display().to_string()), "{error}");
        assert!(error.contains("line 1") && !error.contains("c2VjcmV0"), "{error}");
    }
}
