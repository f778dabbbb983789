//! Memory files of plugins. For all bytes: the file is read or, if it is damaged, moved aside unchanged, and the file of
//! another plugin stays as it was.

use std::fs;
use std::sync::LazyLock;

use provost_plugin_host::fuzzing::Memories;

static MEMORIES: LazyLock<(tempfile::TempDir, Memories)> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let memories = Memories::new(&dir.path().join("memory")).unwrap();
    fs::write(memories.file("neighbour"), NEIGHBOUR).unwrap();
    (dir, memories)
});

/// A file with one value.
const NEIGHBOUR: &[u8] = include_bytes!("../corpus/memory/one");

pub(super) fn run(data: &[u8]) {
    let memories = &MEMORIES.1;
    let file = memories.file("given");
    let aside = file.with_extension("memory.damaged");
    let _ = fs::remove_file(&aside);
    fs::write(&file, data).unwrap();
    let seen = memories.load("given");
    let bytes: usize = seen.iter().map(|(key, value)| key.len() + value.len()).sum();
    assert!(bytes <= data.len(), "{bytes} bytes out of {}", data.len());
    if seen.is_empty() && !file.exists() {
        assert_eq!(fs::read(&aside).unwrap(), data, "a damaged file is moved aside unchanged");
    } else {
        assert_eq!(memories.load("given"), seen, "a second read has the same result");
    }
    let neighbour = memories.load("neighbour");
    assert_eq!(neighbour.len(), 1);
    assert_eq!(neighbour["key"], b"value");
}
