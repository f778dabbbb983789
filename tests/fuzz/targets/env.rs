//! Environment files. For all bytes: a refusal names the file, accepted variables can be passed to a process, and those that
//! need no quotes are read back unchanged when they are written as `name=value`.

use std::path::PathBuf;
use std::sync::LazyLock;

use provost_supervisor::fuzzing::env_file;

static DIR: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

fn path(name: &str) -> PathBuf {
    // Tests and fuzzers call this target from one thread, so a fixed name is enough.
    DIR.path().join(name)
}

pub(super) fn run(data: &[u8]) {
    let file = path("given.env");
    std::fs::write(&file, data).unwrap();
    let variables = match env_file(&file) {
        Ok(variables) => variables,
        Err(refusal) => {
            assert!(refusal.contains("given.env"), "{refusal}");
            assert!(refusal.len() < 1_000 && !refusal.contains('\0'), "{refusal}");
            return;
        }
    };
    for (name, value) in &variables {
        assert!(!name.is_empty() && !name.contains(['=', '\0', '\n']), "{name:?}");
        assert!(!value.contains('\0'), "{value:?}");
    }
    // Only variables that need no quotes are written back.
    let plain =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./:,-".contains(&byte));
    let mut text = String::new();
    let kept: Vec<_> = variables.into_iter().filter(|(name, value)| plain(name) && plain(value)).collect();
    for (name, value) in &kept {
        text.push_str(&format!("{name}={value}\n"));
    }
    let again = path("again.env");
    std::fs::write(&again, text).unwrap();
    assert_eq!(env_file(&again).unwrap(), kept);
}
