//! `logs --clear`, as an operator sees it: the lines so far are gone, and no later one is.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use provost_tests::{Host, Setup, eventually};

use crate::PROVOST;

/// A config with a process that prints the content of the file `say` as soon as it exists.
const TALK: &str = r#"
[process.web]
command = '''echo one; echo two; printf 'PIN: '
while :; do if [ -e say ]; then cat say; rm say; fi; sleep 0.05; done'''
logs = { file_size = "4KiB" }
[process.db]
command = "echo rows; exec sleep 1000"
"#;

fn say(host: &Host, text: &str) {
    let dir = host.setup().dir();
    std::fs::write(dir.join("said"), text).unwrap();
    std::fs::rename(dir.join("said"), dir.join("say")).unwrap();
    eventually("it is said", || dir.join("say").exists(), |there| !there);
}

fn printed(host: &Host, name: &str, holds: impl Fn(&str) -> bool) {
    eventually("it is printed", || host.ok(&["logs", name]), |text| holds(text));
}

#[test]
fn a_cleared_log_holds_only_later_lines_and_a_follower_is_notified() {
    let host = Host::up(PROVOST, TALK);
    printed(&host, "db", |text| text == "rows\n");
    printed(&host, "web", |text| text.ends_with("PIN: \n"));
    let long = "x".repeat(1_000) + "\n";
    say(&host, &format!("1234\n{}", long.repeat(10)));
    printed(&host, "web", |text| text.ends_with(&long.repeat(6)));
    let logs = host.setup().dir().join(".provost/logs");
    eventually("the files are rotated twice", || logs.join("web.log.2").exists(), |exists| *exists);
    let mut following = host.setup().command(&["logs", "-f", "-n", "1", "web"]);
    let mut following = following.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap() + "\n", long);

    assert_eq!(host.ok(&["logs", "--clear", "web"]), "web: the log was cleared\n");
    assert_eq!(host.ok(&["logs", "web"]), "");
    assert_eq!(host.ok(&["logs", "--grep", "x", "web"]), "");
    assert_eq!(host.ok(&["logs", "db"]), "rows\n");
    let names = std::fs::read_dir(&logs).unwrap().map(|entry| entry.unwrap().file_name());
    // The directory of gap files is empty while there is a host.
    assert_eq!(names.filter(|name| *name != "gaps").collect::<Vec<_>>(), ["db.log"]);
    say(&host, "after\n");
    printed(&host, "web", |text| text == "after\n");
    assert_eq!(lines.next().unwrap(), "the log was cleared: what was printed before is no longer in it");
    assert_eq!(lines.next().unwrap(), "after");

    let outcome = host.json(&["logs", "--clear", "-o", "json", "all"]);
    let results = outcome["results"].as_array().unwrap();
    let told: Vec<_> = results.iter().map(|it| (it["name"].as_str().unwrap(), it["ok"] == true)).collect();
    assert_eq!(told, [("web", true), ("db", true)]);
    assert_eq!(host.ok(&["logs", "all"]), "");
    // A failure for one process does not affect another.
    std::fs::create_dir(logs.join("db.log.1")).unwrap();
    let ran = host.run(&["logs", "--clear", "all"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, "web: the log was cleared\n"), "{ran:?}");
    assert!(ran.stderr.starts_with("error: db: a log file cannot be deleted: "), "{ran:?}");
    assert!(ran.stderr.contains("db.log.1 is not a regular file"), "{ran:?}");
    host.down();
    following.wait().unwrap();
}

#[test]
fn clearing_without_a_known_process_or_without_a_host_is_refused() {
    let host = Host::up(PROVOST, TALK);
    printed(&host, "db", |text| text == "rows\n");
    for arguments in [
        &["logs", "--clear"][..],
        &["logs", "--clear", "--host"],
        &["logs", "--clear", "-f", "web"],
        &["logs", "--clear", "-n", "5", "web"],
        &["logs", "--clear", "--since", "1h", "web"],
        &["logs", "--clear", "wbe"],
    ] {
        let ran = host.run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}: {ran:?}");
    }
    assert_eq!(host.ok(&["logs", "db"]), "rows\n");
    let setup: Setup = host.down();
    let ran = setup.run(&["logs", "--clear", "db"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.stderr.contains("no host is running") && ran.stderr.contains("delete the files in"),
        "{ran:?}"
    );
    assert_eq!(setup.run(&["logs", "db"]).stdout, "rows\n");
}
