//! Files and directories: a runtime directory has one host, even after it was removed; other users can neither replace its
//! files nor read them.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use provost_tests::{Host, Setup, eventually, guest};

use crate::PROVOST;

const WEB: &str = "[process.web]\ncommand = \"echo up; exec sleep 1000\"\n";

fn mode(path: &Path) -> u32 {
    mode_of(&fs::symlink_metadata(path).unwrap())
}

fn mode_of(metadata: &fs::Metadata) -> u32 {
    metadata.permissions().mode() & 0o777
}

/// Waits until a host answers again, and checks that it is still the same one.
fn until_it_answers_again(host: &Host, what: &str) {
    let status = eventually(what, || host.run(&["status", "-o", "json"]), |ran| ran.code == 0);
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(status["host"]["pid"], host.pid(), "{what}");
}

#[test]
fn a_removed_socket_lock_or_directory_is_restored_and_there_is_never_a_second_host() {
    let host = Host::up(PROVOST, WEB);
    let web = host.until_phase("web", "running")["pid"].clone();
    let runtime = host.setup().dir().join(".provost");
    for removed in ["provost.sock", "provost.lock", "."] {
        let path = runtime.join(removed);
        match removed {
            // This fails while the host creates new files faster than they are removed.
            "." => eventually("it is removed", || fs::remove_dir_all(&runtime).is_ok(), |removed| *removed),
            _ => fs::remove_file(&path).is_ok(),
        };
        let second = host.run(&["up"]);
        assert_eq!(second.code, 1, "{removed}: {second:?}");
        let told = format!("a host is running here already: pid {}", host.pid());
        assert!(second.stderr.contains(&told), "{removed}: {second:?}");
        eventually("it is back", || path.exists(), |is_back| *is_back);
        until_it_answers_again(&host, removed);
    }
    fs::remove_file(runtime.join("provost.sock")).unwrap();
    let status = host.run(&["status"]);
    assert_eq!(status.code, 0, "an immediate request waits a moment: {status:?}");
    let aside = host.setup().dir().join("aside");
    fs::rename(&runtime, &aside).unwrap();
    until_it_answers_again(&host, "the directory was moved away");
    for (name, expected) in [("", 0o700), ("provost.sock", 0o600), ("provost.lock", 0o600)] {
        assert_eq!(mode(&runtime.join(name)), expected, "{name}");
    }
    eventually(
        "it is in the log",
        || host.log(),
        |log| log.contains("was cleaned away, and is in place again"),
    );
    assert_eq!(host.process("web")["pid"], web, "no process was touched");
    let setup = host.down();
    assert!(!setup.dir().join(".provost/provost.sock").exists());
}

#[test]
fn logs_continue_in_a_restored_directory() {
    let config =
        "[process.web]\ncommand = \"while read line; do echo $line; done < pipe; exec sleep 1000\"\n";
    let setup = Setup::new(PROVOST, config);
    assert!(setup.shell("mkfifo pipe").status().unwrap().success());
    let host = setup.up();
    let say = |line: &str| {
        assert!(host.setup().shell(&format!("echo {line} > pipe")).status().unwrap().success());
    };
    host.until_phase("web", "running");
    let runtime = host.setup().dir().join(".provost");
    eventually("it is removed", || fs::remove_dir_all(&runtime).is_ok(), |removed| *removed);
    until_it_answers_again(&host, "the directory was removed");
    say("hello");
    let log = runtime.join("logs/web.log");
    eventually(
        "the line is on the disk",
        || fs::read_to_string(&log).unwrap_or_default(),
        |log| log.contains("hello"),
    );
    assert_eq!((mode(&runtime.join("logs")), mode(&log)), (0o700, 0o600));
    host.down();
}

#[test]
fn every_command_names_a_suspended_host_whose_directory_was_removed() {
    use rustix::process::Signal;
    let host = Host::up(PROVOST, WEB);
    let pid = host.pid();
    Host::kill(&host.pid().into(), Signal::STOP);
    fs::remove_dir_all(host.setup().dir().join(".provost")).unwrap();
    for command in [&["up"][..], &["status"], &["down"]] {
        let told = host.run(command);
        assert_ne!(told.code, 0, "{told:?}");
        assert!(told.stderr.contains(&format!("pid {pid}")), "{told:?}");
        assert!(told.stderr.contains(&format!("`kill -CONT {pid}` lets it go on")), "no circle: {told:?}");
    }
    Host::kill(&host.pid().into(), Signal::CONT);
    until_it_answers_again(&host, "it goes on");
    host.down();
}

#[test]
fn without_inotify_the_host_is_degraded_and_checks_its_directory_periodically() {
    let host = Setup::new(PROVOST, WEB).up_with(&[("FAILPOINTS", "runtime.watch=return")]);
    let lacks = |status: &serde_json::Value| {
        status["host"]["degraded"].as_array().is_some_and(|all| {
            all.iter().any(|one| one["what"] == "the runtime directory" && one["reason"].is_string())
        })
    };
    eventually("it is shown", || host.status(), lacks);
    // The host looks for it periodically.
    fs::remove_file(host.setup().dir().join(".provost/provost.sock")).unwrap();
    until_it_answers_again(&host, "without notice of the kernel");
    host.down();
}

#[test]
fn all_files_of_the_host_are_private_whatever_the_umask() {
    let config = format!(
        "[host]\ncache_dir = \"cache\"\n[plugins.conductor]\ncomponent = {:?}\nsettings = {{ wait = \"0s\", replicas = 1 }}\n{WEB}\
         policies = [\"conductor\"]\n",
        guest("conductor")
    );
    let setup = Setup::new(PROVOST, &config);
    let started = setup.shell("umask 000; exec \"$PROVOST\" up --detach").status().unwrap();
    assert!(started.success());
    eventually("its line is written", || setup.run(&["logs", "web"]).stdout, |log| log.contains("up"));
    let mut looked_at = 0;
    let mut dirs = vec![setup.dir().join(".provost"), setup.dir().join("cache")];
    while let Some(dir) = dirs.pop() {
        assert_eq!(mode(&dir), 0o700, "{}", dir.display());
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            // A file that is being replaced has a name of its own until it takes the place of the former one.
            let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
            if metadata.is_dir() {
                dirs.push(path);
            } else {
                assert_eq!(mode_of(&metadata), 0o600, "{}", path.display());
                looked_at += 1;
            }
        }
    }
    assert!(looked_at >= 5, "the lock, the socket, two logs and compiled code: {looked_at}");
    assert_eq!(setup.run(&["down"]).code, 0);
}

#[test]
fn a_config_with_a_byte_order_mark_and_windows_line_endings_works() {
    let host = Setup::case(PROVOST, "windows-config").up();
    eventually("it has said where it is", || host.ok(&["logs", "web"]), |log| log == "/tmp\n");
    host.down();
}

#[test]
fn validate_creates_no_files() {
    let config = format!(
        "[host]\ncache_dir = \"cache\"\n[plugins.conductor]\ncomponent = {:?}\nsettings = {{ wait = \"0s\", replicas = 1 }}\n{WEB}",
        guest("conductor")
    );
    let setup = Setup::new(PROVOST, &config);
    let valid = setup.run(&["validate"]);
    assert_eq!(valid.code, 0, "{valid:?}");
    let names: Vec<_> = fs::read_dir(setup.dir()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["provost.toml"]);
}

#[test]
fn links_in_the_runtime_directory_are_neither_followed_nor_truncated() {
    for name in ["provost.lock", "logs"] {
        let setup = Setup::new(PROVOST, WEB);
        let runtime = setup.dir().join(".provost");
        fs::create_dir(&runtime).unwrap();
        let victim = setup.dir().join("victim");
        if name == "logs" { fs::create_dir(&victim) } else { fs::write(&victim, "keep me") }.unwrap();
        symlink(&victim, runtime.join(name)).unwrap();
        let refused = setup.run(&["up"]);
        assert_eq!(refused.code, 1, "{refused:?}");
        let told = format!("/.provost/{name}: it is a symbolic link, which is not followed here");
        assert!(refused.stderr.contains(&told), "{refused:?}");
        match name {
            "logs" => assert_eq!(fs::read_dir(&victim).unwrap().count(), 0),
            _ => assert_eq!(fs::read_to_string(&victim).unwrap(), "keep me"),
        }
    }
    // A log file that is a link affects only the log of its process, and the target stays unchanged.
    let setup = Setup::new(PROVOST, WEB);
    let logs = setup.dir().join(".provost/logs");
    fs::create_dir_all(&logs).unwrap();
    fs::write(setup.dir().join("victim"), "keep me").unwrap();
    symlink("../../victim", logs.join("web.log")).unwrap();
    let host = setup.up();
    host.until_phase("web", "running");
    eventually(
        "it is shown",
        || host.status().to_string(),
        |status| status.contains("it is a symbolic link"),
    );
    assert_eq!(fs::read_to_string(host.setup().dir().join("victim")).unwrap(), "keep me");
    host.down();
}

#[test]
fn a_host_of_root_uses_directories_of_the_owner_of_the_config_and_of_no_other_user() {
    use std::os::unix::fs::{MetadataExt, chown};
    let config = format!("[host]\nruntime_dir = \"sub/run\"\nlog_dir = \"out/logs\"\n{WEB}");
    let setup = Setup::new(PROVOST, &config);
    let dir = setup.dir().to_owned();
    fs::create_dir(dir.join("sub")).unwrap();
    fs::create_dir(dir.join("out")).unwrap();
    let give = |names: &[&str], user: u32| {
        names.iter().all(|name| chown(dir.join(name), Some(user), Some(user)).is_ok())
    };
    // Only root can change the owner of a file.
    if !give(&["", "sub", "out", "provost.toml"], 54_321) {
        return;
    }
    let refused = |told: &str| {
        let refused = setup.run(&["up"]);
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(refused.stderr.contains(told), "{refused:?}");
        assert!(refused.stderr.contains("hint: "), "{refused:?}");
        assert!(!dir.join("sub/run/provost.sock").exists());
    };
    assert!(give(&["sub"], 54_322));
    refused("/sub: it belongs to user 54322, and the host runs as user 0");
    assert!(!dir.join("sub/run").exists());
    assert!(give(&["sub"], 54_321) && give(&["out"], 54_322));
    refused("cannot keep logs: ");
    assert!(!dir.join("out/logs").exists());
    assert!(give(&["out"], 54_321) && give(&["provost.toml"], 54_322));
    refused("it belongs to user 54321, and the host runs as user 0");
    assert!(give(&["provost.toml", "sub/run"], 54_321));
    refused("/sub/run: it belongs to user 54321, and the host runs as user 0");
    fs::remove_dir_all(dir.join("sub/run")).unwrap();
    fs::set_permissions(dir.join("sub"), fs::Permissions::from_mode(0o777)).unwrap();
    refused("/sub: other users may write it (mode 0777)");
    fs::set_permissions(dir.join("sub"), fs::Permissions::from_mode(0o755)).unwrap();
    let valid = setup.run(&["validate", "--strict"]);
    assert_eq!(valid.code, 0, "no warning: {valid:?}");
    let host = setup.up();
    for made in ["sub/run", "sub/run/provost.sock", "sub/run/provost.lock", "out/logs"] {
        let made = dir.join(made);
        assert_eq!(fs::symlink_metadata(&made).unwrap().uid(), 0, "{}", made.display());
        assert_eq!(mode(&made) & 0o077, 0, "{}", made.display());
    }
    host.until_phase("web", "running");
    host.down();
}

#[test]
fn a_config_that_others_may_write_gives_a_warning_with_a_remedy() {
    let setup = Setup::new(PROVOST, WEB);
    let config = setup.dir().join("provost.toml");
    let chmod = |mode| fs::set_permissions(&config, fs::Permissions::from_mode(mode)).unwrap();
    chmod(0o644);
    assert_eq!(setup.run(&["validate", "--strict"]).code, 0);
    let mut cases = vec![(0o666, "everybody may write the config (mode 0666)", "`chmod go-w provost.toml`")];
    // Only root can give a file to a group that it is not a member of.
    if std::os::unix::fs::chown(&config, None, Some(54_321)).is_ok() {
        cases.push((0o664, "the group 54321 may write the config (mode 0664)", "`chmod g-w provost.toml`"));
    }
    for (bits, what, hint) in cases {
        chmod(bits);
        let told = |text: &str| assert!(text.contains(what) && text.contains(hint), "{text}");
        let valid = setup.run(&["validate"]);
        assert_eq!(valid.code, 0, "{valid:?}");
        told(&valid.stderr);
        let json: serde_json::Value =
            serde_json::from_str(&setup.run(&["validate", "-o", "json"]).stdout).unwrap();
        assert_eq!(json["problems"][0]["severity"], "warning", "{json}");
        assert_eq!(setup.run(&["validate", "--strict"]).code, 2);
        let up = setup.run(&["up", "--detach"]);
        assert_eq!(up.code, 0, "{up:?}");
        told(&up.stderr);
        told(&setup.host_log());
        assert_eq!(setup.run(&["down"]).code, 0);
    }
}

#[test]
fn a_directory_that_others_can_change_is_refused_with_a_remedy_and_a_link_among_its_parents_is_accepted() {
    let setup = Setup::new(PROVOST, &format!("[host]\nruntime_dir = \"theirs/run\"\n{WEB}"));
    let theirs = setup.dir().join("theirs");
    fs::create_dir(&theirs).unwrap();
    fs::set_permissions(&theirs, fs::Permissions::from_mode(0o777)).unwrap();
    let refused = |told: &str| {
        let refused = setup.run(&["up"]);
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(refused.stderr.contains(told), "{refused:?}");
        assert!(
            refused.stderr.contains("hint: ") && refused.stderr.contains("`host.runtime_dir`"),
            "{refused:?}"
        );
        assert!(!theirs.join("run").exists(), "nothing is made there");
    };
    refused("theirs: other users may write it (mode 0777)");
    fs::set_permissions(&theirs, fs::Permissions::from_mode(0o755)).unwrap();
    // Only root can change the owner of a directory.
    if std::os::unix::fs::chown(&theirs, Some(54_321), None).is_ok() {
        refused("theirs: it belongs to user 54321, and the host runs as user 0");
        fs::remove_dir(&theirs).unwrap();
    } else {
        fs::remove_dir(&theirs).unwrap();
    }
    fs::create_dir(setup.dir().join("ours")).unwrap();
    symlink("ours", &theirs).unwrap();
    let host = setup.up();
    assert!(host.setup().dir().join("ours/run/provost.sock").exists());
    host.down();
}

#[test]
fn two_hosts_never_write_into_the_same_log_files() {
    let logs = tempfile::tempdir().unwrap();
    let config = format!("[host]\nlog_dir = {:?}\n{WEB}", logs.path().join("shared"));
    let (first, second) = (Setup::new(PROVOST, &config), Setup::new(PROVOST, &config));
    let host = first.up();
    let refused = second.run(&["up", "--detach"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("another host keeps the logs of its processes in"), "{refused:?}");
    assert!(refused.stderr.contains("set another `host.log_dir`"), "{refused:?}");
    host.down();
    second.up().down();
}

#[test]
fn a_start_in_a_read_only_directory_names_what_cannot_be_written() {
    let setup = Setup::new(PROVOST, "");
    let can = setup.shell("unshare -rm true").status().unwrap().success();
    if !can {
        // A container may have no mounts of its own.
        return;
    }
    let prepare = "mkdir -p ro && mount -t tmpfs none ro && cp provost.toml ro";
    for (before, named) in
        [("true", "/ro/.provost:"), ("mkdir -m 700 ro/.provost", "/ro/.provost/provost.lock:")]
    {
        for options in ["", "--detach"] {
            let line = format!(
                "exec unshare -rm sh -c '{prepare} && {before} && mount -o remount,ro ro && exec \"$PROVOST\" -c ro/provost.toml up {options}'"
            );
            let output = setup.shell(&line).output().unwrap();
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{stderr}");
            let told = format!("{named} Read-only file system");
            assert!(stderr.starts_with("error: ") && stderr.contains(&told), "{told}: {stderr}");
        }
    }
}
