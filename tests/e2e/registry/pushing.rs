//! Registries that misbehave when they are pushed to: the push has limits, and is not believed.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};

use provost_tests::{Ran, Setup};

use super::bench::{digest, setup};
use super::server::{Server, reply, reply_endlessly};

/// Pushes the component to a server.
fn push(setup: &Setup, server: &Server, options: &[&str]) -> Ran {
    let name = format!("oci://{}/judge:1", server.address);
    setup.run(&[&["plugin", "push", "judge.wasm", &name], options].concat())
}

/// Asserts that a push has failed with this text.
fn failed(ran: &Ran, what: &str) {
    assert_eq!((ran.code, &*ran.stdout), (1, ""), "{ran:?}");
    assert!(ran.stderr.contains("was not pushed: "), "{ran:?}");
    assert!(ran.stderr.contains(what) && ran.stderr.contains("\nhint: "), "{what}: {ran:?}");
}

/// A registry that has all blobs already, takes every manifest, and answers with `manifest` if it is asked for one.
fn taking(manifest: Option<&'static [u8]>) -> Server {
    Server::start(move |request, stream| match request.split(' ').next().unwrap() {
        "PUT" => reply(stream, "201 Created", "location: /v2/judge/manifests/1\r\n", b""),
        "HEAD" => reply(stream, "200 OK", "", b""),
        _ if request.contains("/manifests/") => match manifest {
            Some(manifest) => reply(stream, "200 OK", "", manifest),
            None => reply(stream, "404 Not Found", "", b""),
        },
        _ => reply(stream, "200 OK", "", b"{}"),
    })
}

#[test]
fn a_push_is_not_believed_until_the_registry_has_the_manifest() {
    let setup = setup();
    failed(&push(&setup, &taking(None), &[]), "it does not have the manifest that was pushed");
    let other = format!("the manifest has the digest {}, not sha256:", digest(b"other"));
    failed(&push(&setup, &taking(Some(b"other")), &[]), &other);
}

#[test]
fn an_endless_answer_to_a_push_ends_at_the_limit_of_memory() {
    let setup = setup();
    let limit = "the server sends more than a fetch may take of memory (256 MiB)";
    let token = Server::start(|request, stream| match request.starts_with("GET /token") {
        true => reply_endlessly(stream),
        false => {
            let here = stream.local_addr().unwrap();
            let wants = format!("www-authenticate: Bearer realm=\"http://{here}/token\"\r\n");
            reply(stream, "401 Unauthorized", &wants, b"");
        }
    });
    failed(&push(&setup, &token, &[]), limit);
    let upload = Server::start(|request, stream| match request.split(' ').next().unwrap() {
        // It has no blob, and says nothing of where to put one.
        "HEAD" => reply(stream, "404 Not Found", "", b""),
        "POST" => reply_error_endlessly(stream),
        _ => reply(stream, "200 OK", "", b"{}"),
    });
    failed(&push(&setup, &upload, &[]), limit);
}

/// Begins to answer with an error, and never ends.
fn reply_error_endlessly(stream: &mut TcpStream) {
    let zeros = vec![b'0'; 1 << 20];
    let mut sent = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
    while sent.is_ok() {
        sent = stream.write_all(&zeros);
    }
}

#[test]
fn a_registry_that_hangs_is_left_when_the_time_of_a_push_is_over() {
    let setup = setup();
    // It sends nothing until the client leaves.
    let server = Server::start(|_, stream| drop(stream.read(&mut [0])));
    failed(&push(&setup, &server, &["--timeout", "500ms"]), "it was not done within 0.5 s");
}

#[test]
fn a_panic_of_the_library_is_told_as_an_answer_that_no_registry_gives() {
    let setup = setup();
    // A token that is over at once is not kept: the library asks for another one, and panics about that.
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |request, stream| {
        let here = stream.local_addr().unwrap();
        let wants = format!("www-authenticate: Bearer realm=\"http://{here}/token\"\r\n");
        match request.starts_with("GET /token") {
            // Its claims are `{"exp":1}`.
            true if asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) => {
                reply(stream, "200 OK", "", br#"{"token":"e30.eyJleHAiOjF9.x"}"#);
            }
            true => reply(stream, "200 OK", "", br#"{"token":"a\r\nX: y"}"#),
            false => reply(stream, "401 Unauthorized", &wants, b""),
        }
    });
    let name = format!("oci://{}/judge:1", server.address);
    for arguments in [&["plugin", "pull", &name][..], &["plugin", "push", "judge.wasm", &name]] {
        let ran = setup.run(arguments);
        assert_eq!((ran.code, &*ran.stdout), (1, ""), "{ran:?}");
        assert!(ran.stderr.contains("it does not answer as a registry does\nhint: "), "{ran:?}");
        assert!(!ran.stderr.contains("panicked") && !ran.stderr.contains(".rs"), "{ran:?}");
    }
}
