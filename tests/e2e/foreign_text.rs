//! Untrusted text: control sequences and invisible characters never reach a terminal, and a query reaches its view
//! completely.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::Stdio;

use provost_tests::{Host, Setup, guest};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::PROVOST;

/// A text that clears the screen, sets the title, changes the colour, and reverses the rest of the line.
const EVIL: &str = "good\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\u{202e}live\nnext\tline\n";

const OBEYED: [char; 4] = ['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}'];

/// Starts a host with a view that reads files of the host's directory, and returns that, too.
fn host() -> (Host, String) {
    let host = Host::up(PROVOST, "[process.web]\ncommand = \"exec sleep 1000\"\n");
    let dir = host.setup().dir().display().to_string();
    let (outside, read) = (guest("outside").display().to_string(), format!("fs-read:{dir}"));
    let grants = ["clock", "random", "http-out:127.0.0.1:1", &read].map(|grant| ["--allow", grant]);
    host.ok(&[&["plugin", "load", "outside", &outside], grants.as_flattened()].concat());
    std::fs::write(host.setup().dir().join("evil.txt"), EVIL).unwrap();
    (host, dir)
}

/// Returns what a command writes to a terminal.
fn on_a_terminal(setup: &Setup, arguments: &[&str]) -> String {
    let master: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let slave = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let slave = File::options().read(true).write(true).open(slave).unwrap();
    let mut command = setup.command(arguments);
    let mut child = command.stdout(slave).stderr(Stdio::null()).spawn().unwrap();
    drop(command);
    let mut written = Vec::new();
    // Reading ends with an error when the last descriptor of the slave is closed.
    let _ = File::from(master).read_to_end(&mut written);
    assert!(child.wait().unwrap().success());
    String::from_utf8_lossy(&written).into_owned()
}

#[test]
fn the_output_of_a_view_is_sanitized_on_a_terminal_and_unchanged_elsewhere() {
    let (host, dir) = host();
    let path = format!("read?{dir}|evil.txt");
    let shown = on_a_terminal(host.setup(), &["view", "outside", &path]);
    assert!(shown.contains("good") && shown.contains("next\tline"), "{shown:?}");
    assert!(shown.contains('\u{fffd}') && !shown.contains(OBEYED), "{shown:?}");
    let raw = on_a_terminal(host.setup(), &["view", "outside", &path, "-o", "raw"]);
    assert!(OBEYED.iter().all(|c| raw.contains(*c)), "{raw:?}");
    assert_eq!(host.ok(&["view", "outside", &path]), EVIL, "a pipe gets the bytes");
    assert!(!host.ok(&["view", "outside", &path, "-o", "text"]).contains(OBEYED));
    host.down();
}

#[test]
fn a_query_reaches_its_view_percent_encoded() {
    let (host, dir) = host();
    for (asked, handed) in
        [("a b", "a%20b"), ("a%20b", "a%20b"), ("ä#", "%C3%A4%23"), ("50%", "50%25"), ("x=1&y", "x=1&y")]
    {
        std::fs::write(host.setup().dir().join(handed), handed).unwrap();
        assert_eq!(host.ok(&["view", "outside", &format!("read?{dir}|{asked}")]), handed, "{asked}");
    }
    host.down();
}

#[test]
fn text_that_an_error_quotes_is_sanitized() {
    let setup =
        Setup::new(PROVOST, "[process.web]\ncommand = \"x\"\n\"\u{202e}\u{200b}cwd\" = \"\u{9b}31m\"\n");
    let host = Host::up(PROVOST, "[process.web]\ncommand = \"exec sleep 1000\"\n");
    let odd = "web\u{1b}[2J\u{9b}\u{202e}\u{200b}";
    for ran in [
        setup.run(&["validate"]),
        host.run(&["status", odd]),
        host.run(&["explain", odd]),
        host.run(&["view", odd]),
        host.run(&["plugin", "load", odd, "bundled:backoff"]),
        host.run(&["status", "-o", odd]),
        host.run(&[odd]),
    ] {
        assert!(ran.code != 0 && !ran.stderr.is_empty(), "{ran:?}");
        assert!(!ran.stderr.contains(OBEYED) && !ran.stderr.contains('\u{200b}'), "{ran:?}");
    }
    host.down();
}

#[test]
fn a_number_that_would_lose_precision_and_a_grant_that_matches_nothing_are_refused() {
    let host = Host::up(PROVOST, "[process.web]\ncommand = \"exec sleep 1000\"\n");
    let load = ["plugin", "load", "judge", "bundled:backoff"];
    let number = "{\"give_up_after\": 123456789012345678901234567890}";
    let ran = host.run(&[&load[..], &["--settings", number]].concat());
    assert!(ran.code == 2 && ran.stderr.contains("would be changed"), "{ran:?}");
    for (grant, why) in [
        ("http-out:[nonsense]:80", "`nonsense` is not an IPv6 address"),
        ("http-out:example.org:0", "a number from 1 to 65535"),
        ("http-out:127.1:80", "four decimal numbers"),
        ("env:A B", "the name of one variable"),
    ] {
        let ran = host.run(&[&load[..], &["--allow", grant]].concat());
        assert!(ran.code != 0 && ran.stderr.contains(why), "{ran:?}");
    }
    let file = host.setup().dir().join("settings.json");
    std::fs::write(&file, "{\"give_up_after\": 7}").unwrap();
    host.ok(&[&load[..], &["--settings", &format!("@{}", file.display())]].concat());
    host.down();
}
