//! Servers that do not speak HTTP well, or not as they say: the message says what is wrong, and not that they cannot be reached.
//! Entries of the cache that were damaged.

use std::fs;
use std::io::Write;
use std::net::TcpStream;

use provost_tests::{Ran, Setup};
use serde_json::json;

use super::bench::{component, config, digest, judged, kept, line, setup};
use super::faults::{layer, manifest};
use super::server::{Server, reply};

/// Asserts that a pull has failed with this text, and has left nothing.
fn failed(setup: &Setup, ran: &Ran, what: &str) {
    assert_eq!((ran.code, &*ran.stdout), (1, ""), "{ran:?}");
    assert!(ran.stderr.contains(what) && ran.stderr.contains("\nhint: "), "{what}: {ran:?}");
    assert_eq!(kept(setup.dir()), Vec::<String>::new());
}

/// Answers with these bytes.
fn raw(stream: &mut TcpStream, bytes: &[u8]) {
    // The client may have left.
    let _ = stream.write_all(bytes);
}

#[test]
fn what_is_not_a_whole_answer_of_http_is_told_apart_from_a_host_that_cannot_be_reached() {
    let setup = setup();
    let flood = format!("HTTP/1.1 200 OK\r\n{}", "x: y\r\n".repeat(100_000));
    let cases: [(&[u8], &str); 5] = [
        (b"HTTP/9.9 what\r\n\r\n", "answers with what is not HTTP, or breaks off: "),
        (flood.as_bytes(), "answers with what is not HTTP, or breaks off: "),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort",
            "answers with what is not HTTP, or breaks off: ",
        ),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nno number\r\n",
            "answers with what is not HTTP, or breaks off: ",
        ),
        (
            b"HTTP/1.1 302 Found\r\nlocation: /v2/\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
            "redirects too often",
        ),
    ];
    for (bytes, what) in cases {
        let bytes = bytes.to_owned();
        let server = Server::start(move |_, stream| raw(stream, &bytes));
        for place in
            [format!("http://{}/judge.wasm", server.address), format!("oci://{}/judge:1", server.address)]
        {
            let ran = setup.run(&["plugin", "pull", &place]);
            failed(&setup, &ran, &format!("{} {what}", server.address));
            assert!(!ran.stderr.contains("cannot be reached"), "{ran:?}");
        }
    }
}

#[test]
fn what_is_no_whole_file_or_no_component_is_not_kept() {
    let setup = setup();
    let bytes = fs::read(component()).unwrap();
    let server = Server::start(move |request, stream| match request {
        "GET /nothing.wasm" => reply(stream, "204 No Content", "", b""),
        "GET /part.wasm" => reply(stream, "206 Partial Content", "content-range: bytes 0-8/9\r\n", &bytes),
        "GET /empty.wasm" => reply(stream, "200 OK", "", b""),
        "GET /packed.wasm" => reply(stream, "200 OK", "content-encoding: gzip\r\n", b"\x1f\x8b packed"),
        "GET /module.wasm" => reply(stream, "200 OK", "", b"\0asm\x01\0\0\0"),
        _ => reply(stream, "404 Not Found", "", b""),
    });
    for (path, what) in [
        ("nothing.wasm", "answers with status 204"),
        ("part.wasm", "answers with status 206"),
        ("empty.wasm", "cannot be fetched: what is there is empty"),
        ("packed.wasm", "cannot be fetched: what is there is not WebAssembly"),
        ("module.wasm", "cannot be fetched: what is there is a core WebAssembly module"),
    ] {
        let url = format!("http://{}/{path}", server.address);
        failed(&setup, &setup.run(&["plugin", "pull", &url]), what);
    }
}

#[test]
fn a_wrong_header_with_the_digest_is_told_as_such() {
    let setup = setup();
    let bytes = fs::read(component()).unwrap();
    let good = manifest(json!([layer("application/wasm", &bytes, bytes.len())]));
    let (pinned, blob, other) = (digest(&good), digest(&bytes), digest(b"other"));
    let header = format!("docker-content-digest: {other}\r\n");
    let answer = |of_manifest: &'static str, wrong: String| {
        let (good, bytes) = (good.clone(), bytes.clone());
        Server::start(move |request, stream| match request {
            _ if request.contains("/manifests/") => {
                let header = if of_manifest == "manifest" { &wrong } else { "" };
                let headers = format!("content-type: application/vnd.oci.image.manifest.v1+json\r\n{header}");
                reply(stream, "200 OK", &headers, &good);
            }
            _ if request.contains("/blobs/") => reply(stream, "200 OK", &wrong, &bytes),
            _ => reply(stream, "200 OK", "", b"{}"),
        })
    };
    for (what, found) in [("manifest", &pinned), ("component", &blob)] {
        let server = answer(what, header.clone());
        for version in [":1", &format!("@{pinned}")] {
            let ran = setup.run(&["plugin", "pull", &format!("oci://{}/judge{version}", server.address)]);
            let told = format!("its header `Docker-Content-Digest` is {other}, and the {what} has {found}");
            failed(&setup, &ran, &told);
        }
    }
}

#[test]
fn a_variable_that_is_no_proxy_is_named_where_a_proxy_is_used() {
    let setup = setup();
    let bytes = fs::read(component()).unwrap();
    let server = Server::start(move |request, stream| match request {
        "GET /judge.wasm" => reply(stream, "200 OK", "", &bytes),
        _ => reply(stream, "404 Not Found", "", b""),
    });
    let pull = |place: &str| {
        let mut command = setup.command(&["plugin", "pull", place]);
        let output = command.env("HTTPS_PROXY", "garbage://me:open-sesame@[").output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for place in ["https://provost.invalid/judge.wasm", "oci://provost.invalid/judge:1"] {
        let (code, stderr) = pull(place);
        assert_eq!(code, Some(1), "{stderr}");
        assert!(
            stderr.contains("`HTTPS_PROXY` is not the address of a proxy\nhint: correct `HTTPS_PROXY`"),
            "{stderr}"
        );
        assert!(!stderr.contains("sesame"), "{stderr}");
    }
    let (code, stderr) = pull(&format!("http://{}/judge.wasm", server.address));
    assert_eq!(code, Some(0), "this machine needs no proxy: {stderr}");
}

#[test]
fn a_damaged_entry_is_told_as_such_and_is_fetched_again() {
    let setup = setup();
    let dir = setup.dir().to_owned();
    let bytes = fs::read(component()).unwrap();
    let name = digest(&bytes).trim_start_matches("sha256:").to_owned();
    let server = Server::start(move |request, stream| match request {
        "GET /judge.wasm" => reply(stream, "200 OK", "", &bytes),
        _ => reply(stream, "404 Not Found", "", b""),
    });
    let pinned = line(&setup.run(&["plugin", "pull", &format!("http://{}/judge.wasm", server.address)]));
    fs::write(dir.join("provost.toml"), config(&pinned)).unwrap();
    let entry = dir.join(format!("cache/pulled/{name}.wasm"));
    fs::write(&entry, "damaged").unwrap();
    let validated = setup.run(&["validate"]);
    assert_eq!(validated.code, 2, "{validated:?}");
    assert!(validated.stderr.contains("is damaged in the cache"), "{validated:?}");
    fs::remove_file(&entry).unwrap();
    fs::create_dir(&entry).unwrap();
    let validated = setup.run(&["validate"]);
    assert!(validated.stderr.contains("is damaged in the cache"), "{validated:?}");
    let host = setup.up();
    judged(&host);
    let setup = host.down();
    assert_eq!(setup.run(&["validate"]).code, 0);
}
