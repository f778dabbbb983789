//! The bounds on what is granted: how much a plugin may write, where a granted name may lead, and how many handles to
//! the outside it may hold.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod guests;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use guests::Bench;
use provost_plugin_host::{Grants, Limits};
use provost_state::{Fault, FaultKind, Plugins, ViewRequest};

/// A host with the guest, which has the grants that it needs and this one.
fn granted(besides: String, limits: Limits) -> Bench {
    let bench = Bench::new();
    let outside = std::fs::read(provost_tests::guest("outside")).unwrap();
    let mut spec = bench.spec("outside", &outside);
    let here = format!("fs-read:{}", bench.dir.path().canonicalize().unwrap().display());
    let words = [besides, here, "http-out:127.0.0.1:1".into(), "clock".into(), "random".into()];
    (spec.limits, spec.grants) = (limits, Grants::parse(&words).unwrap());
    bench.host.load(spec).unwrap();
    bench
}

fn ask(bench: &Bench, path: &str, query: &str) -> Result<String, Fault> {
    let (_registry, world) = guests::one_crash();
    let request = ViewRequest { path: path.into(), query: query.into(), ..ViewRequest::default() };
    let response = bench.host.view("outside").unwrap().render(&request, &world)?;
    Ok(String::from_utf8(response.body).unwrap())
}

fn denials(bench: &Bench) -> u64 {
    bench.host.reports()[0].active.figures.denials
}

/// A host with a guest that may write into `dir` up to this many bytes.
fn writer(dir: &Path, files_bytes_max: u64) -> Bench {
    let limits = Limits { files_bytes_max, ..guests::patient() };
    granted(format!("fs-write:{}", dir.display()), limits)
}

/// The total length of all files in `dir`.
fn lying_in(dir: &Path) -> u64 {
    std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

#[test]
fn no_way_of_writing_exceeds_the_limit_of_the_directories() {
    const MOST: u64 = 1 << 20;
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let bench = writer(&root, MOST);
    for (path, query) in [
        ("resize", "a|1099511627776"),
        ("resize", "a|1048577"),
        ("fill", "a|0|4194304"),
        ("fill", "a|1073741824|4096"),
        ("stream", "a|0|4194304"),
        ("stream", "a|1073741824|4096"),
        ("append", "a|0|4194304"),
        ("ghost", "a|0|4194304"),
        ("many", "a|100000"),
    ] {
        let denied = denials(&bench);
        let answer = ask(&bench, path, &format!("{}|{query}", root.display())).unwrap();
        assert!(answer.starts_with("error: "), "{path} {query}: {answer}");
        assert!(lying_in(&root) <= MOST, "{path} {query}: {} bytes", lying_in(&root));
        assert!(std::fs::read_dir(&root).unwrap().count() <= 256, "{path} {query}");
        assert!(denials(&bench) > denied, "{path} {query}");
        for entry in std::fs::read_dir(&root).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }
}

#[test]
fn removed_files_make_room_again_and_files_of_others_count() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let bench = writer(&root, 1 << 20);
    let fill = |name: &str| ask(&bench, "stream", &format!("{}|{name}|0|524288", root.display())).unwrap();
    assert_eq!(fill("a"), "wrote 524288");
    assert_eq!(fill("a"), "wrote 524288", "over what is there");
    assert!(fill("b").starts_with("error: after "), "the directory itself takes a little");
    std::fs::remove_file(root.join("a")).unwrap();
    std::fs::remove_file(root.join("b")).unwrap();
    assert_eq!(fill("b"), "wrote 524288");
    std::fs::write(root.join("of another"), vec![0; 1 << 20]).unwrap();
    assert!(fill("c").starts_with("error: after "), "as soon as the known room is used up");
}

/// Answers one request.
fn answer_one(listener: &TcpListener) {
    let (mut stream, _) = listener.accept().unwrap();
    let mut part = [0; 1024];
    let _ = stream.read(&mut part).unwrap();
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi").unwrap();
}

#[test]
fn a_granted_name_that_leads_to_this_machine_is_refused_unless_it_is_granted_as_private() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let goes = |grant: &str, url: &str| {
        let bench = granted(grant.to_owned(), guests::patient());
        let answer = ask(&bench, "get", url).unwrap();
        (answer, denials(&bench))
    };
    fail::cfg("plugin-outside.lookup", "return(127.0.0.1)").unwrap();
    let url = format!("http://hooks.example.org:{port}/");
    let (answer, denials) = goes(&format!("http-out:hooks.example.org:{port}"), &url);
    assert!(answer.starts_with("error: ") && denials == 1, "{answer} {denials}");
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "nobody came");
    listener.set_nonblocking(false).unwrap();
    for (grant, url) in [
        (format!("http-out-private:hooks.example.org:{port}"), url),
        (format!("http-out:localhost:{port}"), format!("http://LOCALHOST.:{port}/")),
        (format!("http-out:127.0.0.1:{port}"), format!("http://127.0.0.1:{port}/")),
    ] {
        let (answer, denials) = thread::scope(|scope| {
            scope.spawn(|| answer_one(&listener));
            goes(&grant, &url)
        });
        assert_eq!((answer.as_str(), denials), ("200: hi", 0), "{grant}");
    }
    fail::remove("plugin-outside.lookup");
}

#[test]
fn more_handles_than_it_may_have_of_the_outside_are_a_fault_that_names_the_limit() {
    let bench = granted("env:HOME".to_owned(), Limits { handles_max: 1, ..guests::patient() });
    let dir = bench.dir.path().canonicalize().unwrap();
    let fault = ask(&bench, "read", &format!("{}|a", dir.display())).unwrap_err();
    assert_eq!(
        (fault.kind, &*fault.message),
        (FaultKind::Memory, "wanted more than its 1 handles (limits.handles)")
    );
}
