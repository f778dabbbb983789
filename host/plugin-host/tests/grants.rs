//! Grants open exactly what they name: interface by interface at load time, and each target at call time.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod guests;

use provost_tests::components;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use guests::Bench;
use provost_plugin_host::{Grants, Limits};
use provost_state::{FaultKind, PluginStatus, Plugins, Replacement, StartAction, ViewRequest};

/// All grants that the guest needs, with reading in `dir`.
fn everything(dir: &Path) -> Vec<String> {
    let dir = dir.display();
    [
        format!("fs-read:{dir}"),
        "http-out:127.0.0.1:1".into(),
        "env:PATH".into(),
        "clock".into(),
        "random".into(),
    ]
    .into()
}

fn load(bench: &Bench, name: &str, limits: Limits, grants: &[String]) {
    let outside = std::fs::read(provost_tests::guest("outside")).unwrap();
    let mut spec = bench.spec(name, &outside);
    (spec.limits, spec.grants) = (limits, Grants::parse(grants).unwrap());
    bench.load(spec).unwrap();
}

/// A host with the guest, which has these grants.
fn granted(grants: &[String]) -> Bench {
    let bench = Bench::new();
    load(&bench, "outside", guests::patient(), grants);
    bench
}

fn refusal(bench: &Bench) -> Arc<str> {
    let status = bench.host.reports().remove(0).status;
    let PluginStatus::Refused(why) = status else { unreachable!("it is {status:?}") };
    why
}

fn ask(bench: &Bench, path: &str, query: &str) -> Result<String, provost_state::Fault> {
    ask_of(bench, "outside", path, query)
}

fn ask_of(bench: &Bench, name: &str, path: &str, query: &str) -> Result<String, provost_state::Fault> {
    let (_registry, world) = guests::one_crash();
    let request = ViewRequest { path: path.into(), query: query.into(), ..ViewRequest::default() };
    let response = bench.host.view(name).unwrap().render(&request, &world)?;
    Ok(String::from_utf8(response.body).unwrap())
}

fn denials(bench: &Bench) -> u64 {
    bench.host.reports()[0].active.figures.denials
}

#[test]
fn without_any_one_of_its_grants_a_plugin_is_refused_with_the_missing_one() {
    let dir = tempfile::tempdir().unwrap();
    let all = everything(dir.path());
    for (grant, import) in [
        ("fs-read:", "`wasi:filesystem/types@0.2"),
        ("http-out:", "`wasi:http/types@0.2"),
        ("clock", "`wasi:clocks/monotonic-clock@0.2"),
        ("random", "`wasi:random/random@0.2"),
    ] {
        let but_one: Vec<String> = all.iter().filter(|word| !word.starts_with(grant)).cloned().collect();
        assert_eq!(but_one.len(), all.len() - 1);
        let why = refusal(&granted(&but_one));
        assert!(why.starts_with(&format!("it imports {import}")), "{why}");
        assert!(why.contains(&format!("allow = [\"{grant}")), "{why}");
    }
    let bench = granted(&all);
    let report = &bench.host.reports()[0];
    assert_eq!((&report.status, report.active.grants.len()), (&PluginStatus::Active, 5));
}

#[test]
fn a_policy_is_never_granted_anything() {
    let bench = Bench::new();
    let mut spec = bench.spec("judge", &components::good_policy());
    spec.grants = Grants::parse(&["clock"]).unwrap();
    bench.load(spec).unwrap();
    let why = refusal(&bench);
    assert!(why.starts_with("it is a restart-policy, and a policy is granted nothing"), "{why}");
}

/// Loads the conductor, a start policy that sets the variables in its settings.
fn conductor(bench: &Bench, grants: &[&str]) {
    let bytes = std::fs::read(provost_tests::guest("conductor")).unwrap();
    let mut spec = bench.spec("conductor", &bytes);
    spec.grants = Grants::parse(grants).unwrap();
    spec.settings_json =
        r#"{"wait": "0s", "replicas": 1, "set": {"NODE_OPTIONS": "--import=data:x", "LD_PRELOAD": "x.so",
        "PATH": "/x", "PROVOST_REPLICA": "9", "MODE": "quiet", "APP_A": "a", "APP_A=B": "c"}}"#
            .into();
    bench.load(spec).unwrap();
}

#[test]
fn a_start_policy_sets_what_it_is_granted_and_the_rest_is_dropped_counted_and_named() {
    let everything =
        ["NODE_OPTIONS", "LD_PRELOAD", "PATH", "PROVOST_REPLICA", "MODE", "APP_A", "APP_A=B", "GREETING"];
    for (grants, set) in [
        (&[][..], &[][..]),
        (&["set-env:MODE", "set-env:APP_*"], &["APP_A", "MODE"]),
        (&["set-env:NODE_OPTIONS", "set-env:GREETING"], &["GREETING", "NODE_OPTIONS"]),
    ] {
        let bench = Bench::new();
        conductor(&bench, grants);
        let (_registry, world) = guests::one_crash();
        let policy = bench.host.policy("conductor").unwrap();
        let answer = policy.before_start(&guests::plan(), &world).unwrap();
        let Some(StartAction::Allow { env }) = &answer.action else { unreachable!("it is {answer:?}") };
        let mut names: Vec<&str> = env.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, set, "{grants:?}");
        let dropped = (everything.len() - set.len()) as u64;
        assert_eq!(denials(&bench), dropped, "{grants:?}");
        assert!(
            answer.reason.starts_with("its turn; not set, because set-env does not grant it: "),
            "{answer:?}"
        );
        assert_eq!(
            answer.reason.contains("NODE_OPTIONS"),
            !set.contains(&"NODE_OPTIONS"),
            "{}",
            answer.reason
        );
        // A trial is restricted in the same way, and is not counted.
        let trial = bench.host.swap("conductor", &Replacement::default(), &world).unwrap().notes.join("\n");
        assert!(trial.contains("not set, because set-env does not grant it"), "{trial}");
        assert_eq!(denials(&bench), 0, "a new version");
    }
}

#[test]
fn variables_are_granted_only_to_plugins_that_judge_starts() {
    let bench = Bench::new();
    let mut spec = bench.spec("judge", &components::good_policy());
    spec.grants = Grants::parse(&["set-env:MODE"]).unwrap();
    bench.load(spec).unwrap();
    assert!(refusal(&bench).contains("judges no starts"), "{}", refusal(&bench));
    let dir = tempfile::tempdir().unwrap();
    let mut grants = everything(dir.path());
    grants.push("set-env:MODE".to_owned());
    let why = refusal(&granted(&grants));
    assert!(why.contains("judges no starts"), "{why}");
    // The grant of a variable does not let a policy use other grants.
    let bench = Bench::new();
    conductor(&bench, &["set-env:MODE", "clock"]);
    assert!(refusal(&bench).contains("a policy is granted nothing but its trigger"), "{}", refusal(&bench));
}

#[test]
fn files_are_read_only_where_that_is_granted() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(dir.path().join("in"), "inside").unwrap();
    std::fs::write(other.path().join("secret"), "secret").unwrap();
    std::os::unix::fs::symlink(other.path().join("secret"), dir.path().join("link")).unwrap();
    std::os::unix::fs::symlink("in", dir.path().join("within")).unwrap();
    let bench = granted(&everything(dir.path()));
    let within = |path: &str| format!("{}|{path}", dir.path().display());
    assert_eq!(ask(&bench, "read", &within("in")).unwrap(), "inside");
    assert_eq!(ask(&bench, "read", &within("within")).unwrap(), "inside", "a link that stays inside");
    assert_eq!(denials(&bench), 0);
    let name = other.path().file_name().unwrap().to_str().unwrap();
    let secret = other.path().join("secret").display().to_string();
    for (attempt, escape) in [
        ("read", within("link")),
        ("read", within(&format!("../{name}/secret"))),
        ("read", within(&secret)),
        ("write", within("in")),
        ("write", within("new")),
    ] {
        let before = denials(&bench);
        let answer = ask(&bench, attempt, &escape).unwrap();
        assert!(
            answer == "error: not-permitted" || answer == "error: read-only",
            "{attempt} {escape}: {answer}"
        );
        assert_eq!(denials(&bench), before + 1, "{attempt} {escape} is counted");
    }
    let elsewhere = format!("{}|secret", other.path().display());
    assert_eq!(ask(&bench, "read", &elsewhere).unwrap(), "error: it is not granted");
    assert_eq!(std::fs::read(dir.path().join("in")).unwrap(), b"inside");
    assert!(!dir.path().join("new").exists());
}

#[test]
fn files_are_written_where_that_is_granted() {
    let dir = tempfile::tempdir().unwrap();
    let mut grants = everything(dir.path());
    grants[0] = grants[0].replace("fs-read", "fs-write");
    let bench = granted(&grants);
    let goal = format!("{}|new", dir.path().display());
    assert_eq!(ask(&bench, "write", &goal).unwrap(), "written");
    assert_eq!(ask(&bench, "read", &goal).unwrap(), "written");
    assert_eq!((std::fs::read(dir.path().join("new")).unwrap(), denials(&bench)), (b"written".to_vec(), 0));
}

#[test]
fn a_directory_that_is_gone_is_named() {
    let bench = granted(&everything(Path::new("/nonexistent")));
    assert!(
        refusal(&bench).starts_with("its grant `fs-read:/nonexistent` cannot be opened"),
        "{}",
        refusal(&bench)
    );
    let why = ask(&bench, "now", "").unwrap_err();
    assert_eq!(why.kind, FaultKind::Refused);
    assert!(why.message.contains("its grant `fs-read:/nonexistent` cannot be opened"), "{why}");
}

#[test]
fn a_directory_that_is_a_link_is_refused_and_what_it_leads_to_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (real, link) = (dir.path().join("real"), dir.path().join("link"));
    std::fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let why = refusal(&granted(&everything(&link)));
    let says = format!("links are not followed: grant `{}`", real.canonicalize().unwrap().display());
    assert!(why.contains(&says), "{why}");
}

#[test]
fn a_directory_that_is_replaced_after_the_load_keeps_meaning_what_was_granted() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (pub_dir, aside) = (dir.path().join("pub"), dir.path().join("aside"));
    std::fs::create_dir(&pub_dir).unwrap();
    std::fs::write(pub_dir.join("file"), "granted").unwrap();
    std::fs::write(other.path().join("file"), "secret").unwrap();
    let bench = Bench::new();
    let inner = everything(&pub_dir);
    let mut outer = inner.clone();
    outer.push(format!("fs-write:{}", dir.path().display()));
    load(&bench, "writer", guests::patient(), &outer);
    load(&bench, "reader", guests::patient(), &inner);
    let file = format!("{}|file", pub_dir.display());
    let both = |expected: &str| {
        for name in ["writer", "reader"] {
            assert_eq!(ask_of(&bench, name, "read", &file).unwrap(), expected, "{name}");
        }
    };
    both("granted");
    // A plugin that may write in the parent replaces the directory by a link: both plugins still see the original.
    let up = "../".repeat(dir.path().components().count());
    let away = format!("{up}{}", other.path().strip_prefix("/").unwrap().display());
    let goal = format!("{}|pub|aside|{away}", dir.path().display());
    assert_eq!(ask_of(&bench, "writer", "replace", &goal).unwrap(), "replaced");
    assert_eq!(std::fs::read(pub_dir.join("file")).unwrap(), b"secret", "the link leads out");
    both("granted");
    // The grant is for the directory itself, wherever it is moved.
    std::fs::write(aside.join("file"), "moved").unwrap();
    both("moved");
    // A version that is made after the replacement is refused.
    let outside = std::fs::read(provost_tests::guest("outside")).unwrap();
    let mut late = bench.spec("late", &outside);
    late.grants = Grants::parse(&inner).unwrap();
    bench.load(late).unwrap();
    let status = bench.host.reports().into_iter().find(|report| &*report.name == "late").unwrap().status;
    assert!(format!("{status:?}").contains("links are not followed"), "{status:?}");
}

#[test]
fn a_pipe_in_a_granted_directory_is_refused_at_once_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    guests::pipe(&pipe);
    std::fs::write(dir.path().join("file"), "still there").unwrap();
    let mut grants = everything(dir.path());
    grants[0] = grants[0].replace("fs-read", "fs-write");
    let bench = granted(&grants);
    let goal = |name: &str| format!("{}|{name}", dir.path().display());
    let open = || {
        std::fs::read_dir("/proc/self/fd")
            .unwrap()
            .filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok().filter(|to| *to == pipe))
            .count()
    };
    // There are more attempts than threads for blocking operations.
    for attempt in 0..20 {
        let path = if attempt % 2 == 0 { "read" } else { "write" };
        let answer = ask(&bench, path, &goal("pipe")).unwrap();
        assert_eq!(answer, "error: unsupported", "{path}");
    }
    assert_eq!((open(), denials(&bench)), (0, 20));
    assert_eq!(ask(&bench, "read", &goal("file")).unwrap(), "still there");
}

#[test]
fn a_variable_is_seen_if_it_is_granted() {
    let dir = tempfile::tempdir().unwrap();
    let bench = granted(&everything(dir.path()));
    assert_eq!(ask(&bench, "env", "PATH").unwrap(), format!("{:?}", std::env::var("PATH").ok()));
    assert!(std::env::var("CARGO_MANIFEST_DIR").is_ok());
    assert_eq!(ask(&bench, "env", "CARGO_MANIFEST_DIR").unwrap(), "None");
}

#[test]
fn time_and_randomness_are_available_once_granted() {
    let dir = tempfile::tempdir().unwrap();
    let bench = granted(&everything(dir.path()));
    let written = bench.dir.path().join("now");
    std::fs::write(&written, "").unwrap();
    let now = std::fs::metadata(written).unwrap().modified().unwrap();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let told: u64 = ask(&bench, "now", "").unwrap().parse().unwrap();
    // The time of a file may lag behind the clock by a tick.
    assert!(told >= now, "{told} is before {now}");
    assert_ne!(ask(&bench, "random", "").unwrap(), ask(&bench, "random", "").unwrap());
    assert_eq!(ask(&bench, "wait", "5").unwrap(), "waited");
}

/// Answers `most` requests with `hello`.
fn server(most: usize) -> (u16, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = thread::spawn(move || {
        for stream in listener.incoming().take(most) {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).unwrap();
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello")
                .unwrap();
        }
    });
    (port, serving)
}

#[test]
fn requests_go_only_where_that_is_granted() {
    let dir = tempfile::tempdir().unwrap();
    let (port, serving) = server(1);
    let mut grants = everything(dir.path());
    grants[1] = format!("http-out:127.0.0.1:{port}");
    let bench = granted(&grants);
    assert_eq!(ask(&bench, "get", &format!("http://127.0.0.1:{port}/x")).unwrap(), "200: hello");
    serving.join().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let other = listener.local_addr().unwrap().port();
    for url in [
        format!("http://127.0.0.1:{other}/"),
        format!("http://localhost:{port}/"),
        "http://127.0.0.1/".into(),
    ] {
        let before = denials(&bench);
        let answer = ask(&bench, "get", &url).unwrap();
        assert!(answer.starts_with("error: the operator has not granted it"), "{url}: {answer}");
        assert_eq!(denials(&bench), before + 1, "{url} is counted");
    }
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody came");
}

#[test]
fn a_wait_that_would_never_end_ends_at_the_deadline() {
    let dir = tempfile::tempdir().unwrap();
    // One wait is for a server that accepts the request and never answers, the other is a sleep of an hour.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let bench = Bench::new();
    let mut grants = everything(dir.path());
    grants[1] = format!("http-out:127.0.0.1:{port}");
    load(&bench, "outside", Limits { call_ms_max: Some(200), ..Limits::default() }, &grants);
    for (path, query) in [("wait", "3600000"), ("get", &format!("http://127.0.0.1:{port}/"))] {
        match ask(&bench, path, query) {
            Err(fault) => assert_eq!(
                (fault.kind, &*fault.message),
                (FaultKind::Deadline, "took longer than its 200 ms (limits.call_time)"),
                "{path}"
            ),
            // The timeout of a request is that of the call, so either of the two may end first.
            Ok(answer) => assert_eq!((path, answer.as_str()), ("get", "error: connection read timeout")),
        }
    }
    load(&bench, "patient", guests::patient(), &grants);
    assert_eq!(ask_of(&bench, "patient", "now", "").map(|_| ()), Ok(()), "others are well");
}

#[test]
fn an_exit_is_a_fault_of_the_plugin_alone() {
    let dir = tempfile::tempdir().unwrap();
    let bench = granted(&everything(dir.path()));
    let fault = ask(&bench, "exit", "").unwrap_err();
    assert_eq!((fault.kind, &*fault.message), (FaultKind::Trap, "trapped: it exited with code 1"));
    assert_eq!(ask(&bench, "say", "to whom it may concern").unwrap(), "said");
}
