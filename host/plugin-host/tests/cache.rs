//! Compiled code on disk: found again, and never trusted when it should not be.

#![expect(clippy::unwrap_used, reason = "a test whose ground gives way has failed")]

mod guests;

use provost_tests::components;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use guests::{Bench, ask};
use provost_plugin_host::{CacheCounts, HostOptions, PluginHost};
use provost_state::Plugins as _;

fn entry(bench: &Bench) -> PathBuf {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(bench.dir.path().join("cache")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries.remove(0)
}

/// Loads and asks the good policy on another host with the same cache.
fn load_again(bench: &Bench) -> CacheCounts {
    let host: PluginHost = bench.again();
    host.load(bench.spec("good", &components::good_policy())).unwrap();
    ask(&host.policy("good").unwrap()).unwrap();
    host.cache_counts()
}

fn loaded_once() -> Bench {
    let bench = Bench::new();
    bench.policy("good", &components::good_policy());
    assert_eq!(bench.host.cache_counts(), CacheCounts { misses: 1, ..CacheCounts::default() });
    bench
}

const HIT: CacheCounts = CacheCounts { hits: 1, misses: 0, rejected: 0 };
const REJECTED: CacheCounts = CacheCounts { hits: 0, misses: 0, rejected: 1 };

#[test]
fn the_second_load_finds_the_first_ones_code() {
    let bench = loaded_once();
    let written = fs::metadata(entry(&bench)).unwrap().ino();
    assert_eq!(load_again(&bench), HIT);
    assert_eq!(fs::metadata(entry(&bench)).unwrap().ino(), written);
}

#[test]
fn the_cache_is_this_users_alone() {
    let bench = loaded_once();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(bench.dir.path().join("cache")), 0o700);
    assert_eq!(mode(entry(&bench)), 0o600);
}

#[test]
fn a_damaged_entry_is_recompiled_and_replaced() {
    let bench = loaded_once();
    let path = entry(&bench);
    let whole = fs::read(&path).unwrap();
    let half = &whole[..whole.len() / 2];
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for damaged in [&[], half, &flipped, b"short"] as [&[u8]; 4] {
        fs::write(&path, damaged).unwrap();
        assert_eq!(load_again(&bench), REJECTED);
        assert_eq!(load_again(&bench), HIT);
    }
}

#[test]
fn a_forged_entry_whose_digest_fits_is_recompiled_and_replaced() {
    use sha2::{Digest, Sha256};
    let bench = loaded_once();
    let path = entry(&bench);
    for forged in [&b"no code at all"[..], &components::good_policy()] {
        fs::write(&path, [forged, &Sha256::digest(forged)[..]].concat()).unwrap();
        assert_eq!(load_again(&bench), REJECTED);
        assert_eq!(load_again(&bench), HIT);
    }
}

#[test]
fn an_entry_that_others_may_write_is_not_loaded() {
    let bench = loaded_once();
    fs::set_permissions(entry(&bench), fs::Permissions::from_mode(0o622)).unwrap();
    assert_eq!(load_again(&bench), REJECTED);
    assert_eq!(load_again(&bench), HIT);
}

#[test]
fn an_entry_that_is_a_link_is_not_followed() {
    let bench = loaded_once();
    let path = entry(&bench);
    let elsewhere = bench.dir.path().join("elsewhere");
    fs::rename(&path, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    assert_eq!(load_again(&bench), REJECTED);
    assert_eq!(load_again(&bench), HIT);
}

#[test]
fn an_entry_that_is_a_pipe_is_not_waited_for_and_replaced() {
    let bench = loaded_once();
    let path = entry(&bench);
    fs::remove_file(&path).unwrap();
    guests::pipe(&path);
    assert_eq!(load_again(&bench), REJECTED);
    assert_eq!(load_again(&bench), HIT);
}

#[test]
fn a_memory_file_that_is_a_pipe_keeps_no_host_from_starting_or_from_ending() {
    let bench = Bench::new();
    let memory = bench.dir.path().join("memory");
    let bytes = fs::read(provost_tests::guest("conductor")).unwrap();
    // What is read, and what is written beside it before it is put in its place.
    for name in ["conductor.memory", ".conductor.memory.1-0.new"] {
        let _ = fs::remove_file(memory.join(name));
        guests::pipe(&memory.join(name));
    }
    let host = bench.again();
    let mut spec = bench.spec("conductor", &bytes);
    spec.settings_json = r#"{"wait": "0s", "replicas": 1}"#.to_owned();
    host.load(spec).unwrap();
    let (_registry, world) = guests::one_crash();
    let mut consumer = host.consumer("conductor").unwrap();
    let changes = provost_state::Batch { changes: Vec::new(), missed: 3 };
    consumer.on_change(&changes, &world).unwrap();
    drop((consumer, host));
    let written = fs::symlink_metadata(memory.join("conductor.memory")).unwrap();
    assert!(written.is_file(), "what it remembers has taken the place of the pipe");
}

#[test]
fn a_directory_that_others_may_write_is_not_used() {
    let bench = loaded_once();
    let cache = bench.dir.path().join("cache");
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(load_again(&bench), CacheCounts { misses: 1, ..CacheCounts::default() });
}

#[test]
fn a_host_without_a_cache_compiles() {
    let bench = Bench::new();
    let host = PluginHost::new(HostOptions::default());
    host.load(bench.spec("good", &components::good_policy())).unwrap();
    ask(&host.policy("good").unwrap()).unwrap();
    assert_eq!(host.cache_counts().misses, 1);
}
