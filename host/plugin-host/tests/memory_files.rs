//! The memory of plugins, on full disks and in files that cannot be used.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod guests;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::{Arc, Mutex};

use fail::FailScenario;
use guests::{Bench, ask, restart};
use provost_plugin_host::{HostOptions, Lacks, PluginHost};
use provost_tests::{components, eventually};

/// Creates something at a path.
type Put<'a> = &'a dyn Fn(&Path);

/// The names and reasons of the current lacks.
type List = Arc<Mutex<Vec<(String, String)>>>;

/// A host that reports its lacks to the list.
fn host_with(dir: &Path, list: &List) -> PluginHost {
    let list = list.clone();
    let lacks = Lacks::new(move |what, reason| {
        let mut list = list.lock().unwrap();
        list.retain(|(other, _)| other != what);
        list.extend(reason.map(|reason| (what.to_owned(), reason)));
    });
    PluginHost::new(HostOptions { lacks, ..guests::options(dir) })
}

#[test]
fn a_memory_that_a_full_disk_could_not_take_is_written_when_there_is_room_again() {
    let scenario = FailScenario::setup();
    let Bench { dir, host } = Bench::new();
    drop(host);
    let list = List::default();
    let bench = Bench { host: host_with(dir.path(), &list), dir };
    fail::cfg("memory.write", "return(28)").unwrap();
    let counter = bench.policy("p", &components::counter());
    for count in 1..=3 {
        assert_eq!(ask(&counter).unwrap().action, restart(count), "the plugin goes on");
    }
    let told = eventually("it is told", || list.lock().unwrap().clone(), |list| !list.is_empty());
    let (what, why) = &told[0];
    assert_eq!(what, "the memory of p");
    assert!(why.contains("p.memory: No space left on device") && why.contains("is tried again"), "{why}");
    let file = bench.dir.path().join("memory/p.memory");
    assert!(!file.exists());
    // No further write is needed for the retry.
    fail::remove("memory.write");
    eventually("it is written", || list.lock().unwrap().clone(), |list| list.is_empty());
    assert!(file.exists());
    let Bench { dir, host } = bench;
    drop((counter, host));
    let bench = Bench { host: PluginHost::new(guests::options(dir.path())), dir };
    assert_eq!(ask(&bench.policy("p", &components::counter())).unwrap().action, restart(4));
    scenario.teardown();
}

#[test]
fn a_memory_whose_directory_was_removed_is_written_into_a_new_one() {
    let bench = Bench::new();
    let memory = bench.dir.path().join("memory");
    fs::remove_dir_all(&memory).unwrap();
    let counter = bench.policy("p", &components::counter());
    ask(&counter).unwrap();
    eventually("it is written", || memory.join("p.memory").exists(), |is_there| *is_there);
    assert_eq!(fs::metadata(&memory).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_memory_file_that_cannot_be_used_is_put_aside_and_the_plugin_begins_anew() {
    let bench = Bench::new();
    let memory = bench.dir.path().join("memory");
    let at = |name: &str| memory.join(name);
    let good = {
        let counter = bench.policy("good", &components::counter());
        ask(&counter).unwrap();
        eventually("it is written", || fs::read(at("good.memory")).unwrap_or_default(), |it| !it.is_empty())
    };
    fs::write(bench.dir.path().join("elsewhere"), &good).unwrap();
    let unfit: [(&str, Put<'_>); 7] = [
        ("damaged", &|path| fs::write(path, b"provost-memory-1\nnonsense").unwrap()),
        ("empty", &|path| fs::write(path, b"").unwrap()),
        ("foreign", &|path| fs::write(path, b"\x7fELF").unwrap()),
        ("large", &|path| fs::File::create(path).unwrap().set_len((256 << 20) + 1).unwrap()),
        ("linked", &|path| symlink(bench.dir.path().join("elsewhere"), path).unwrap()),
        ("piped", &|path| guests::pipe(path)),
        ("open", &|path| {
            fs::write(path, &good).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
        }),
    ];
    for (name, put) in unfit {
        put(&at(&format!("{name}.memory")));
        let counter = bench.policy(name, &components::counter());
        assert_eq!(ask(&counter).unwrap().action, restart(1), "{name}");
        assert!(fs::symlink_metadata(at(&format!("{name}.memory.damaged"))).is_ok(), "{name}");
        eventually("it is written anew", || at(&format!("{name}.memory")).is_file(), |is_file| *is_file);
    }
    assert_eq!(fs::read(bench.dir.path().join("elsewhere")).unwrap(), good, "no link was followed");
}

#[test]
fn files_are_put_aside_beside_earlier_ones_up_to_a_bound() {
    let Bench { dir, host } = Bench::new();
    drop(host);
    let memory = dir.path().join("memory");
    for _ in 0..12 {
        fs::write(memory.join("p.memory"), b"damaged").unwrap();
        let bench =
            Bench { host: PluginHost::new(guests::options(dir.path())), dir: tempfile::tempdir().unwrap() };
        drop(bench.policy("p", &components::counter()));
    }
    let mut names: Vec<_> = fs::read_dir(&memory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names.len(), 8, "{names:?}");
    assert_eq!((&*names[0], &*names[7]), ("p.memory.damaged".as_ref(), "p.memory.damaged-8".as_ref()));
}
