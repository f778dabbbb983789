//! Components on servers, named by a URL and the digest of the file, with and without TLS.

use std::fs;

use provost_tests::Ran;

use super::bench::{certificate, component, config, digest, judged, kept, line, setup};
use super::server::{Server, reply, tls};

/// A server of the component at `/judge.wasm`, of something else at `/other.wasm`, and of a page where a component was.
fn server() -> Server {
    let bytes = fs::read(component()).unwrap();
    Server::start(move |request, stream| match request {
        "GET /judge.wasm" => reply(stream, "200 OK", "", &bytes),
        "GET /moved.wasm" => reply(stream, "302 Found", "location: /judge.wasm\r\n", b""),
        "GET /other.wasm" => reply(stream, "200 OK", "", b"other"),
        "GET /plain.wasm" => reply(stream, "302 Found", "location: http://example.org/judge.wasm\r\n", b""),
        "GET /packed.wasm" => reply(stream, "200 OK", "content-encoding: gzip\r\n", b"\x1f\x8b packed"),
        _ => reply(stream, "404 Not Found", "", b"<html>"),
    })
}

/// Returns the digits of the digest of the component.
fn digits() -> String {
    digest(&fs::read(component()).unwrap()).trim_start_matches("sha256:").to_owned()
}

#[test]
fn a_component_on_a_server_is_pulled_by_the_digest_of_its_file() {
    let (setup, server) = (setup(), server());
    let url = format!("http://{}/moved.wasm", server.address);
    let pinned = line(&setup.run(&["plugin", "pull", &url]));
    assert_eq!(pinned, format!("component = \"{url}#sha256={}\"", digits()));
    assert_eq!(kept(setup.dir()), [format!("{}.wasm", digits())]);
    assert!(server.asked().contains(&"GET /moved.wasm.minisig".to_owned()), "{:?}", server.asked());
    fs::write(setup.dir().join("provost.toml"), config(&pinned)).unwrap();
    drop(server);
    let host = setup.up();
    judged(&host);
    host.down();
}

#[test]
fn what_a_server_sends_instead_is_refused_and_not_kept() {
    let (setup, server) = (setup(), server());
    let refused = |path: &str, what: &str| {
        let url = format!("http://{}{path}#sha256={}", server.address, digits());
        let ran = setup.run(&["plugin", "pull", &url]);
        assert_eq!((ran.code, &*ran.stdout), (1, ""), "{ran:?}");
        assert!(ran.stderr.contains(what) && ran.stderr.contains("\nhint: "), "{what}: {ran:?}");
        assert_eq!(kept(setup.dir()), Vec::<String>::new());
    };
    let changed = format!("the component has the digest {}, not sha256:{}", digest(b"other"), digits());
    refused("/other.wasm", &changed);
    refused("/missing.wasm", "has no such artifact or file");
    refused("/plain.wasm", "redirects to a place without encryption");
    // What is packed is not unpacked: the digest is that of the bytes that are sent.
    refused("/packed.wasm", "it was changed");
}

#[test]
fn a_server_with_tls_is_trusted_by_its_certificate_and_the_signature_beside_the_file_is_used() {
    let setup = setup();
    for arguments in [&["plugin", "keygen", "ops"][..], &["plugin", "sign", "judge.wasm", "--key", "ops.key"]]
    {
        assert_eq!(setup.run(arguments).code, 0);
    }
    let Some((_server, port)) = tls(&setup, "") else {
        assert!(std::env::var_os("PROVOST_GATE").is_none(), "python3 is missing");
        return;
    };
    let url = format!("https://localhost:{port}/judge.wasm");
    let pull = |trusted: bool| {
        let mut command = setup.command(&["plugin", "pull", &url, "--output", "pulled.wasm"]);
        if trusted {
            command.env("SSL_CERT_FILE", certificate("localhost.crt"));
        }
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    };
    let distrusted = pull(false);
    assert_eq!(distrusted.code, 1, "{distrusted:?}");
    assert!(distrusted.stderr.contains("certificate"), "{distrusted:?}");
    assert!(!setup.dir().join("pulled.wasm").exists());
    let pulled = pull(true);
    assert_eq!(line(&pulled), format!("component = \"{url}#sha256={}\"", digits()));
    let verified = setup.run(&["plugin", "verify", "pulled.wasm", "--key", "ops.pub"]);
    assert!(verified.stdout.contains("signed with the key of ops"), "{verified:?}");
    assert_eq!(kept(setup.dir()), Vec::<String>::new(), "it was written to a file instead");
}
