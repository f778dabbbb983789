//! Compiled code on disk: it is found again, and never trusted when it must not be.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod guests;

use provost_tests::components;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use guests::{Bench, ask};
use provost_plugin_host::{CacheBounds, CacheCounts, HostOptions, PluginHost};
use provost_state::Plugins as _;

fn entries(bench: &Bench) -> Vec<PathBuf> {
    fs::read_dir(bench.dir.path().join("cache")).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn entry(bench: &Bench) -> PathBuf {
    let mut entries = entries(bench);
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
    let key = fs::read(&path).unwrap()[..32].to_vec();
    for forged in [&b"no code at all"[..], &components::good_policy()] {
        let digest = Sha256::new().chain_update(&key).chain_update(forged).finalize();
        fs::write(&path, [&key, &digest[..], forged].concat()).unwrap();
        assert_eq!(load_again(&bench), REJECTED);
        assert_eq!(load_again(&bench), HIT);
    }
}

#[test]
fn an_entry_that_was_copied_over_that_of_another_component_is_recompiled_and_runs_as_itself() {
    let bench = loaded_once();
    let of_good = entry(&bench);
    let other = components::policy_with_delay(777);
    let host = bench.again();
    host.load(bench.spec("other", &other)).unwrap();
    let mut entries = entries(&bench);
    entries.retain(|path| *path != of_good);
    fs::copy(&of_good, &entries[0]).unwrap();
    let host = bench.again();
    host.load(bench.spec("other", &other)).unwrap();
    assert_eq!(host.cache_counts(), REJECTED);
    assert_eq!(ask(&host.policy("other").unwrap()).unwrap().action, guests::restart(777));
    assert_eq!(load_again(&bench), HIT);
}

/// A host whose cache has a bound of one byte.
fn cramped(bench: &Bench) -> PluginHost {
    let cache_bounds = CacheBounds { bytes_max: 1, ..CacheBounds::default() };
    PluginHost::new(HostOptions { cache_bounds, ..guests::options(bench.dir.path()) })
}

#[test]
fn the_least_recently_used_entry_is_removed_first_and_none_that_is_in_use() {
    let bench = loaded_once();
    let in_use = entry(&bench);
    // The remaining entry is older, and another host has it in use.
    let host = cramped(&bench);
    host.load(bench.spec("other", &components::policy_with_delay(1))).unwrap();
    assert_eq!(entries(&bench).len(), 2, "both are in use");
    drop(host);
    let _another = cramped(&bench);
    assert_eq!(entries(&bench), [in_use]);
    drop(bench.host);
    let dir = bench.dir.path().join("cache");
    let _third = PluginHost::new(HostOptions {
        cache_bounds: CacheBounds { bytes_max: 1, ..CacheBounds::default() },
        ..guests::options(bench.dir.path())
    });
    assert_eq!(fs::read_dir(dir).unwrap().count(), 0);
}

#[test]
fn an_entry_that_is_unused_for_too_long_is_removed_and_a_use_makes_it_young_again() {
    let bench = loaded_once();
    let path = entry(&bench);
    let days = |days: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(days * 86_400);
    let aged = |path: &PathBuf| fs::File::open(path).unwrap().set_modified(days(1)).unwrap();
    aged(&path);
    assert_eq!(load_again(&bench), HIT);
    assert!(fs::metadata(&path).unwrap().modified().unwrap() > days(2));
    aged(&path);
    let dir = bench.dir.path().to_owned();
    drop(bench.host);
    let _host = PluginHost::new(guests::options(&dir));
    assert!(!path.exists());
}

#[test]
fn files_of_a_killed_host_are_removed_and_foreign_files_are_left_alone() {
    let bench = loaded_once();
    let cache = bench.dir.path().join("cache");
    let (left, fresh) = (cache.join(".key.cwasm.1-0.new"), cache.join(".key.cwasm.2-0.new"));
    fs::write(&left, "half").unwrap();
    fs::write(&fresh, "half").unwrap();
    fs::File::open(&left).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    guests::pipe(&cache.join("pipe.cwasm"));
    fs::create_dir(cache.join("dir.cwasm")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", cache.join("link.cwasm")).unwrap();
    fs::write(cache.join("README"), "mine").unwrap();
    drop(cramped(&bench));
    assert!(!left.exists() && fresh.exists());
    for kept in ["pipe.cwasm", "dir.cwasm", "link.cwasm", "README"] {
        assert!(fs::symlink_metadata(cache.join(kept)).is_ok(), "{kept}");
    }
}

#[test]
fn unfinished_files_count_towards_the_bound() {
    let bench = loaded_once();
    let path = entry(&bench);
    let bytes_max = fs::metadata(&path).unwrap().len() + 10;
    let (dir, cache) = (bench.dir.path().to_owned(), path.parent().unwrap().to_owned());
    drop(bench.host);
    let clean = || {
        let cache_bounds = CacheBounds { bytes_max, ..CacheBounds::default() };
        drop(PluginHost::new(HostOptions { cache_bounds, ..guests::options(&dir) }));
        path.exists()
    };
    let left = cache.join(".key.cwasm.1-0.new");
    fs::write(&left, "half").unwrap();
    assert!(clean(), "both have room");
    fs::write(&left, "more than ten").unwrap();
    assert!(!clean() && left.exists());
}

#[test]
fn a_cache_that_others_could_exchange_is_neither_used_nor_made() {
    let bench = loaded_once();
    let dir = bench.dir.path().to_owned();
    let chmod = |mode| fs::set_permissions(&dir, fs::Permissions::from_mode(mode)).unwrap();
    chmod(0o777);
    assert_eq!(load_again(&bench), CacheCounts { misses: 1, ..CacheCounts::default() });
    fs::rename(dir.join("cache"), dir.join("aside")).unwrap();
    assert_eq!(load_again(&bench), CacheCounts { misses: 1, ..CacheCounts::default() });
    assert!(!dir.join("cache").exists());
    fs::rename(dir.join("aside"), dir.join("cache")).unwrap();
    chmod(0o755);
    assert_eq!(load_again(&bench), HIT);
    // Only root can give a directory away.
    if std::os::unix::fs::chown(&dir, Some(54_321), None).is_ok() {
        assert_eq!(load_again(&bench), CacheCounts { misses: 1, ..CacheCounts::default() });
        let cache_owners = provost_files::Owners::and(54_321);
        let host = PluginHost::new(HostOptions { cache_owners, ..guests::options(&dir) });
        host.load(bench.spec("good", &components::good_policy())).unwrap();
        assert_eq!(host.cache_counts(), HIT, "they are those of the owner of the config");
    }
}

#[test]
fn hosts_that_share_a_cache_at_the_same_time_all_answer() {
    let bench = Bench::new();
    let specs: Vec<_> =
        (0..3_u64).map(|n| bench.spec(&format!("p{n}"), &components::policy_with_delay(n))).collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let host = cramped(&bench);
                for (n, spec) in (0..3_u64).zip(&specs) {
                    host.load(spec.clone()).unwrap();
                    let answer = ask(&host.policy(&spec.name).unwrap()).unwrap();
                    assert_eq!(answer.action, guests::restart(n));
                }
            });
        }
    });
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
fn a_memory_file_that_is_a_pipe_keeps_no_host_from_starting_or_ending() {
    let bench = Bench::new();
    let memory = bench.dir.path().join("memory");
    let bytes = fs::read(provost_tests::guest("conductor")).unwrap();
    // The file that is read, and the one that is written beside it before it replaces it.
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
