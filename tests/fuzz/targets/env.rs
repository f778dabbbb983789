//! Environment files. Whatever bytes there are: a refusal names the file and one line, what is taken can be given to a
//! process, and it is taken again from the plainest way of writing it.

use std::path::PathBuf;
use std::sync::LazyLock;

use provost_supervisor::fuzzing::env_file;

static DIR: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

fn path(name: &str) -> PathBuf {
    // A test and a fuzzer run it in one thread each.
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
    // What needs no quotes is written without.
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
