//! The effect of the umask. The umask belongs to the whole program, so this test is a separate program.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use provost_files::{Access, Cursor, create_new, open_or_create, own_dir, replace};
use rustix::fs::Mode;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn what_is_made_is_for_this_user_alone_whatever_the_umask() {
    let dir = tempfile::tempdir().unwrap();
    for umask in [0o000, 0o022, 0o077, 0o777] {
        rustix::process::umask(Mode::from_raw_mode(umask));
        let dir = dir.path().join(format!("{umask:o}"));
        own_dir(&dir.join("deep")).unwrap();
        open_or_create(&dir.join("lock"), Cursor::Start).unwrap();
        replace(&dir.join("memory"), Access::Private, &[b"text"]).unwrap();
        create_new(&dir.join("key"), Access::Private, &[b"text"]).unwrap();
        create_new(&dir.join("public"), Access::Umask, &[b"text"]).unwrap();
        for (name, expected) in
            [("", 0o700), ("deep", 0o700), ("lock", 0o600), ("memory", 0o600), ("key", 0o600)]
        {
            assert_eq!(mode(&dir.join(name)), expected, "{name} with umask {umask:o}");
        }
        assert_eq!(mode(&dir.join("public")), 0o666 & !umask, "with umask {umask:o}");
    }
    rustix::process::umask(Mode::from_raw_mode(0o022));
}
