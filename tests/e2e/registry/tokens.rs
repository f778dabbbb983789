//! Registries that demand a token of the kind Bearer: with and without credentials, and with what gives no usable token.

use std::fs;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};

use provost_tests::{Ran, Setup};
use serde_json::json;

use super::bench::{component, digest, kept, line, setup};
use super::faults::{layer, manifest};
use super::server::{Asked, Server, reply};

/// The header with the credentials `me:open-sesame`.
const BASIC: &str = "Basic bWU6b3Blbi1zZXNhbWU=";

const DENIED: &[u8] = br#"{"errors":[{"code":"DENIED","message":"requested access is denied"}]}"#;

/// Answers that a token is needed, which this server gives.
fn challenge(stream: &mut TcpStream) {
    let here = stream.local_addr().unwrap();
    let wants = format!("www-authenticate: Bearer realm=\"http://{here}/token\",service=\"here\"\r\n");
    reply(stream, "401 Unauthorized", &wants, br#"{"errors":[{"code":"UNAUTHORIZED","message":"no"}]}"#);
}

/// A registry with the same manifest under `public/judge`, which everyone may read, and `team/judge`, for which a token is needed that
/// only `me` gets.
fn registry(manifest: Vec<u8>, component: Vec<u8>) -> Server {
    Server::start_seeing(move |Asked { request, authorization }, stream| {
        let authorization = authorization.as_deref();
        if request.starts_with("GET /token?") {
            let token: &[u8] = match authorization {
                None => br#"{"token":"token-of-everyone"}"#,
                Some(BASIC) => br#"{"access_token":"token-of-me"}"#,
                Some(_) => return reply(stream, "401 Unauthorized", "", DENIED),
            };
            return reply(stream, "200 OK", "", token);
        }
        match (authorization, request) {
            (Some("Bearer token-of-everyone"), request) if request.contains("/team/") => {
                reply(stream, "403 Forbidden", "", DENIED);
            }
            (Some("Bearer token-of-everyone" | "Bearer token-of-me"), request) => {
                let body = if request.contains("/manifests/") { &manifest } else { &component };
                reply(stream, "200 OK", "content-type: application/vnd.oci.image.manifest.v1+json\r\n", body);
            }
            _ => challenge(stream),
        }
    })
}

/// Pulls with the credentials `me:open-sesame` for a registry, or with none.
fn pull(setup: &Setup, server: &Server, name: &str, has_login: bool) -> Ran {
    let auths = match has_login {
        true => json!({ "auths": { &server.address: { "auth": BASIC.trim_start_matches("Basic ") } } }),
        false => json!({}),
    };
    fs::write(setup.dir().join("config.json"), auths.to_string()).unwrap();
    let mut command = setup.command(&["plugin", "pull", &format!("oci://{}/{name}", server.address)]);
    let output = command.env("DOCKER_CONFIG", setup.dir()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Returns each request for which a header `authorization` was sent, without its query, with the header.
fn authorized(server: &Server) -> Vec<(String, String)> {
    let seen = server.seen().into_iter();
    let with = seen.filter_map(|Asked { request, authorization }| Some((request, authorization?)));
    with.map(|(request, header)| (request.split('?').next().unwrap().to_owned(), header)).collect()
}

#[test]
fn a_registry_that_demands_a_token_gets_the_one_of_everyone_or_the_one_for_the_credentials() {
    let setup = setup();
    let bytes = fs::read(component()).unwrap();
    let good = manifest(json!([layer("application/wasm", &bytes, bytes.len())]));
    let (pinned, blob) = (digest(&good), digest(&bytes));
    let server = registry(good.clone(), bytes.clone());
    let public = pull(&setup, &server, "public/judge:1", false);
    assert_eq!(line(&public), format!("component = \"oci://{}/public/judge@{pinned}\"", server.address));
    let expected =
        ["GET /v2/public/judge/manifests/1".to_owned(), format!("GET /v2/public/judge/blobs/{blob}")];
    let of_everyone = "Bearer token-of-everyone".to_owned();
    assert_eq!(authorized(&server), expected.map(|request| (request, of_everyone.clone())));
    let scope = "GET /token?scope=repository%3Apublic%2Fjudge%3Apull&service=here".to_owned();
    assert_eq!(server.asked().iter().filter(|asked| **asked == scope).count(), 1, "{:?}", server.asked());

    let refused = pull(&setup, &server, "team/judge:1", false);
    assert_eq!(refused.code, 1, "{refused:?}");
    let told = format!("{} denies access: there are no credentials for it", server.address);
    assert!(refused.stderr.contains(&told), "{refused:?}");

    let server = registry(good, bytes);
    let pulled = pull(&setup, &server, "team/judge:1", true);
    assert_eq!(line(&pulled), format!("component = \"oci://{}/team/judge@{pinned}\"", server.address));
    assert!(!pulled.stderr.contains("token-of-me") && !pulled.stderr.contains("sesame"), "{pulled:?}");
    let of_me = "Bearer token-of-me".to_owned();
    let expected = [
        ("GET /token".to_owned(), BASIC.to_owned()),
        ("GET /v2/team/judge/manifests/1".to_owned(), of_me.clone()),
        (format!("GET /v2/team/judge/blobs/{blob}"), of_me),
    ];
    assert_eq!(authorized(&server), expected, "the password goes only to what gives the token");
}

#[test]
fn a_passing_failure_of_what_gives_tokens_is_tried_again_without_credentials_only() {
    let setup = setup();
    let bytes = fs::read(component()).unwrap();
    let good = manifest(json!([layer("application/wasm", &bytes, bytes.len())]));
    let fails_once = || {
        let (asked, manifest, component) = (AtomicBool::new(false), good.clone(), bytes.clone());
        Server::start_seeing(move |Asked { request, authorization }, stream| {
            if request.starts_with("GET /token?") {
                return match asked.swap(true, Ordering::Relaxed) {
                    false => reply(stream, "503 Service Unavailable", "", b"<html>"),
                    true => reply(stream, "200 OK", "", br#"{"token":"x"}"#),
                };
            }
            match authorization.as_deref() {
                Some("Bearer x") => {
                    let body = if request.contains("/manifests/") { &manifest } else { &component };
                    reply(
                        stream,
                        "200 OK",
                        "content-type: application/vnd.oci.image.manifest.v1+json\r\n",
                        body,
                    );
                }
                _ => challenge(stream),
            }
        })
    };
    let server = fails_once();
    let pulled = pull(&setup, &server, "public/judge:1", false);
    assert_eq!(
        line(&pulled),
        format!("component = \"oci://{}/public/judge@{}\"", server.address, digest(&good))
    );
    let server = fails_once();
    let refused = pull(&setup, &server, "team/judge:1", true);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("gives no token for the credentials that there are"), "{refused:?}");
    let sent = authorized(&server);
    assert_eq!(
        sent,
        [("GET /token".to_owned(), BASIC.to_owned())],
        "an account may be locked after a few tries"
    );
}

#[test]
fn what_gives_no_usable_token_is_told_as_what_it_is_by_pull_and_push() {
    let setup = setup();
    let large = json!({ "token": "x".repeat(1 << 20) }).to_string();
    let cases: [(&str, &[u8], &str); 7] = [
        (
            "500 Internal Server Error",
            b"out of order",
            "gives no token to those without credentials: out of order",
        ),
        ("500 Internal Server Error", b"<html>", "gives no token to those without credentials\n"),
        ("401 Unauthorized", b"who?", "gives no token to those without credentials: who?"),
        ("403 Forbidden", DENIED, "denies access: there are no credentials for it"),
        ("200 OK", b"<html>", "does not answer as a registry does: what it sends as a token is none"),
        ("200 OK", br#"{"token":"a\r\nX: y"}"#, "its token has characters that no token can have"),
        ("200 OK", large.as_bytes(), "its token has 1048576 bytes"),
    ];
    for (status, body, what) in cases {
        let (status, body) = (status.to_owned(), body.to_owned());
        let server = Server::start(move |request, stream| match request.starts_with("GET /token") {
            true => reply(stream, &status, "", &body),
            false => challenge(stream),
        });
        let name = format!("oci://{}/judge:1", server.address);
        for arguments in [&["plugin", "pull", &name][..], &["plugin", "push", "judge.wasm", &name]] {
            let ran = setup.run(arguments);
            assert_eq!((ran.code, &*ran.stdout), (1, ""), "{ran:?}");
            assert!(ran.stderr.contains(what) && ran.stderr.contains("\nhint: "), "{what}: {ran:?}");
            assert!(ran.stderr.contains(&server.address), "{ran:?}");
        }
        let tokens = server.asked().into_iter().filter(|asked| asked.starts_with("GET /token")).count();
        // Without credentials, what gives no token is asked again: it may be a passing failure.
        let times = if what.contains("gives no token") { 3 } else { 1 };
        assert_eq!(tokens, 2 * times, "{what}");
    }
    assert_eq!(kept(setup.dir()), Vec::<String>::new());
}

#[test]
fn credentials_that_are_not_understood_are_told_and_nothing_is_asked_without_them() {
    let setup = setup();
    let server = Server::start(|_, stream| challenge(stream));
    let auths = json!({ "auths": { &server.address: { "identitytoken": "open-sesame" } } });
    fs::write(setup.dir().join("config.json"), auths.to_string()).unwrap();
    let name = format!("oci://{}/judge:1", server.address);
    for arguments in [&["plugin", "pull", &name][..], &["plugin", "push", "judge.wasm", &name]] {
        let output = setup.command(arguments).env("DOCKER_CONFIG", setup.dir()).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let told = format!("the credentials for {} in `", server.address);
        assert!(stderr.contains(&told) && stderr.contains("are not a user name and a password"), "{stderr}");
        assert!(!stderr.contains("sesame"), "{stderr}");
    }
    assert_eq!(server.asked(), Vec::<String>::new());
}
