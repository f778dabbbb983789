//! Servers that are slow, endless, wrong or hostile: each gets a clear error, and nothing is left of what they have sent.

use std::fs;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};

use provost_tests::{Ran, Setup};
use serde_json::{Value, json};

use super::bench::{certificate, component, digest, kept, line, setup};
use super::server::{Server, reply, reply_endlessly, reply_hanging, tls};

/// Returns a manifest with these layers.
pub(super) fn manifest(layers: Value) -> Vec<u8> {
    let config =
        json!({ "mediaType": "application/vnd.wasm.config.v0+json", "digest": digest(b"{}"), "size": 2 });
    json!({ "schemaVersion": 2, "config": config, "layers": layers }).to_string().into_bytes()
}

/// Returns a layer that names a component.
pub(super) fn layer(media_type: &str, component: &[u8], size: usize) -> Value {
    json!({ "mediaType": media_type, "digest": digest(component), "size": size })
}

/// A registry with one manifest, whose blob is answered by `blob`.
fn registry(manifest: Vec<u8>, blob: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> Server {
    Server::start(move |request, stream| match request {
        "GET /v2/" => reply(stream, "200 OK", "", b"{}"),
        _ if request.contains("/manifests/") => {
            let media_type = "content-type: application/vnd.oci.image.manifest.v1+json\r\n";
            reply(stream, "200 OK", media_type, &manifest);
        }
        _ => blob(stream),
    })
}

/// Pulls from a registry by a digest, and returns what the command says.
fn pull(setup: &Setup, server: &Server, digest: &str, options: &[&str]) -> Ran {
    let reference = format!("oci://{}/judge@{digest}", server.address);
    setup.run(&[&["plugin", "pull", &reference], options].concat())
}

/// Asserts that a pull has failed with this text, and has left nothing.
fn failed(setup: &Setup, ran: &Ran, what: &str) {
    assert_eq!((ran.code, &*ran.stdout), (1, ""), "{ran:?}");
    assert!(ran.stderr.contains(what) && ran.stderr.contains("\nhint: "), "{what}: {ran:?}");
    assert_eq!(kept(setup.dir()), Vec::<String>::new());
}

#[test]
fn a_manifest_or_a_component_with_another_digest_is_refused() {
    let setup = setup();
    let good = manifest(json!([layer("application/wasm", b"component", 9)]));
    let server = registry(good.clone(), |stream| reply(stream, "200 OK", "", b"componemt"));
    let ran = pull(&setup, &server, &digest(b"other"), &[]);
    let told =
        format!("the manifest has the digest {}, not {}: it was changed", digest(&good), digest(b"other"));
    failed(&setup, &ran, &told);
    let ran = pull(&setup, &server, &digest(&good), &[]);
    let (found, wanted) = (digest(b"componemt"), digest(b"component"));
    failed(&setup, &ran, &format!("the component has the digest {found}, not {wanted}: it was changed"));
}

#[test]
fn an_artifact_that_is_not_one_component_is_refused_with_what_it_is() {
    let setup = setup();
    let tar = "application/vnd.oci.image.layer.v1.tar+gzip";
    let index = json!({ "schemaVersion": 2, "manifests": [] }).to_string().into_bytes();
    let two = json!([layer("application/wasm", b"a", 1), layer("application/wasm", b"b", 1)]);
    for (manifest, what) in [
        (
            manifest(json!([layer(tar, b"a", 1)])),
            "its layer is `application/vnd.oci.image.layer.v1.tar+gzip`",
        ),
        (manifest(two), "it has 2 layers, and a component is one"),
        (manifest(json!([])), "it has 0 layers"),
        (
            manifest(json!([layer("application/wasm", b"a", 1 << 30)])),
            "its component has 1073741824 bytes, more than",
        ),
        (index, "it is an index of several artifacts"),
        (b"<html>".to_vec(), "its manifest cannot be read"),
    ] {
        let pinned = digest(&manifest);
        let server = registry(manifest, |stream| reply(stream, "200 OK", "", b"a"));
        failed(&setup, &pull(&setup, &server, &pinned, &[]), what);
        let blobs = server.asked().into_iter().filter(|asked| asked.contains("/blobs/")).count();
        assert_eq!(blobs, 0, "the component is not even asked for");
    }
}

#[test]
fn an_answer_without_an_end_is_cut_off() {
    let setup = setup();
    let good = manifest(json!([layer("application/wasm", b"component", 9)]));
    let server = registry(good.clone(), reply_endlessly);
    failed(&setup, &pull(&setup, &server, &digest(&good), &[]), "sends more than 9 bytes");
    let server = Server::start(|_, stream| reply_endlessly(stream));
    let url = format!("http://{}/judge.wasm", server.address);
    failed(&setup, &setup.run(&["plugin", "pull", &url]), "sends more than 67108864 bytes");
    // The library reads a manifest without a bound; the process in which it does has one.
    let ran = pull(&setup, &server, &digest(b""), &[]);
    failed(&setup, &ran, "the server sends more than a fetch may take of memory (256 MiB)");
}

#[test]
fn a_server_that_hangs_is_left_when_the_time_is_over() {
    let setup = setup();
    let options = ["--timeout", "500ms"];
    let server = Server::start(|_, stream| reply_hanging(stream));
    failed(&setup, &pull(&setup, &server, &digest(b""), &options), "it was not done within 0.5 s");
    let good = manifest(json!([layer("application/wasm", b"component", 9)]));
    let server = registry(good.clone(), reply_hanging);
    failed(&setup, &pull(&setup, &server, &digest(&good), &options), "it was not done within 0.5 s");
}

#[test]
fn what_is_passing_is_tried_again() {
    let setup = setup();
    let bytes = fs::read(component()).unwrap();
    let good = manifest(json!([layer("application/wasm", &bytes, bytes.len())]));
    let pinned = digest(&good);
    let tries = AtomicUsize::new(0);
    let server = registry(good, move |stream| match tries.fetch_add(1, Ordering::Relaxed) {
        0 => reply(stream, "503 Service Unavailable", "", b"later"),
        // It breaks off in the middle of the component.
        1 => {
            let head =
                format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", bytes.len());
            let _ = std::io::Write::write_all(stream, head.as_bytes());
        }
        _ => reply(stream, "200 OK", "", &bytes),
    });
    let ran = pull(&setup, &server, &pinned, &[]);
    assert_eq!(line(&ran), format!("component = \"oci://{}/judge@{pinned}\"", server.address));
    let blobs = server.asked().into_iter().filter(|asked| asked.contains("/blobs/")).count();
    assert_eq!(blobs, 3);
}

#[test]
fn a_password_is_sent_to_its_registry_and_never_shown() {
    let setup = setup();
    let server = Server::start(|_, stream| {
        let wants = "www-authenticate: Basic realm=\"here\"\r\n";
        reply(
            stream,
            "401 Unauthorized",
            wants,
            b"{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"no\"}]}",
        );
    });
    let anonymous = pull(&setup, &server, &digest(b""), &[]);
    failed(&setup, &anonymous, &format!("{} denies access: there are no credentials for it", server.address));
    // me:open-sesame
    let auths = json!({ "auths": { &server.address: { "auth": "bWU6b3Blbi1zZXNhbWU=" } } });
    fs::write(setup.dir().join("config.json"), auths.to_string()).unwrap();
    let reference = format!("oci://{}/judge@{}", server.address, digest(b""));
    let mut command = setup.command(&["plugin", "pull", &reference]);
    let output = command.env("DOCKER_CONFIG", setup.dir()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("denies access with the credentials that there are"), "{stderr}");
    assert!(!stderr.contains("sesame") && !stderr.contains("bWU6"), "{stderr}");
}

#[test]
fn two_pulls_of_the_same_at_the_same_time_both_succeed() {
    let setup = setup();
    let bytes = fs::read(component()).unwrap();
    let good = manifest(json!([layer("application/wasm", &bytes, bytes.len())]));
    let pinned = digest(&good);
    let server = registry(good, move |stream| reply(stream, "200 OK", "", &bytes));
    std::thread::scope(|scope| {
        let pulls = [(); 4].map(|()| scope.spawn(|| line(&pull(&setup, &server, &pinned, &[]))));
        let lines = pulls.map(|pull| pull.join().unwrap());
        assert!(lines.iter().all(|line| *line == lines[0]), "{lines:?}");
    });
    assert_eq!(kept(setup.dir()).len(), 2, "no unfinished file is left");
}

#[test]
fn a_registry_over_tls_cannot_redirect_to_a_place_without_encryption() {
    let setup = setup();
    let plain = Server::start(|_, stream| reply(stream, "200 OK", "", b"{}"));
    let Some((_server, port)) = tls(&setup, &format!("http://{}/v2/judge/manifests/1", plain.address)) else {
        assert!(std::env::var_os("PROVOST_GATE").is_none(), "python3 is missing");
        return;
    };
    // This way of writing the address is not known to be this machine, so it is spoken to as any other is.
    let mut command = setup.command(&["plugin", "pull", &format!("oci://127.1:{port}/judge:1")]);
    // What needs no proxy needs encryption all the same.
    command.env("SSL_CERT_FILE", certificate("localhost.crt")).env("NO_PROXY", "127.0.0.1,localhost");
    let output = command.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains(&format!("127.1:{port} redirects to a place without encryption")), "{stderr}");
    assert_eq!(plain.asked(), Vec::<String>::new());
}
