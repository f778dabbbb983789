//! Pushing, pulling, and hosts that run what was pulled, for the most part with Debian's registry.

use std::fs;
use std::path::PathBuf;

use provost_tests::Setup;
use serde_json::Value;

use super::bench::{certificate, component, config, digest, judged, kept, line, setup};
use super::debian::{Registry, is_there};
use super::server::{Server, reply};

/// A directory with a component, and a registry that keeps its files there.
struct Desk {
    setup: Setup,
    dir: PathBuf,
    registry: Registry,
    /// The name under which the component is pushed, without a tag.
    name: String,
}

/// Starts a registry; `None` where there is no such program.
fn desk() -> Option<Desk> {
    if !is_there() {
        return None;
    }
    let setup = setup();
    let dir = setup.dir().to_owned();
    let registry = Registry::start(&dir, "");
    let name = format!("oci://{}/team/judge", registry.address);
    Some(Desk { setup, dir, registry, name })
}

/// Returns the reference in the line of a config.
fn reference(line: &str) -> &str {
    line.split('"').nth(1).unwrap()
}

#[test]
fn a_component_that_was_pushed_is_pulled_at_the_start_and_from_then_on_no_network_is_needed() {
    let Some(Desk { setup, dir, registry, name }) = desk() else { return };
    let pushed = setup.run(&["plugin", "push", "judge.wasm", &format!("{name}:1.2")]);
    let pinned = line(&pushed);
    assert!(pinned.starts_with(&format!("component = \"{name}@sha256:")), "{pinned}");
    assert!(pushed.stderr.contains("without a signature"), "{pushed:?}");
    assert_eq!(line(&setup.run(&["plugin", "push", "judge.wasm", &format!("{name}:1.2")])), pinned);

    fs::write(dir.join("provost.toml"), config(&pinned)).unwrap();
    let unchecked = setup.run(&["validate"]);
    assert_eq!(unchecked.code, 2, "{unchecked:?}");
    assert!(unchecked.stderr.contains("is not in the cache"), "{unchecked:?}");
    let schema = setup.run(&["schema", "-c", "provost.toml"]);
    let note = "note: any settings of the plugin `judge` are accepted: ";
    assert!(schema.code == 0 && schema.stderr.contains(note), "{schema:?}");
    assert!(schema.stderr.contains("is not in the cache"), "{schema:?}");
    assert_eq!(kept(&dir), Vec::<String>::new());

    let host = setup.up();
    judged(&host);
    let reference = reference(&pinned);
    // It is in the cache of the host now.
    let schema = host.run(&["schema", "-c", "provost.toml"]);
    let printed: Value = serde_json::from_str(&schema.stdout).unwrap();
    assert!(printed["properties"]["plugins"]["properties"]["judge"].is_object(), "{printed}");
    assert_eq!(schema.stderr, "");
    let plugin = host.plugin("judge");
    assert_eq!(plugin["source"], reference, "{plugin}");
    assert_eq!(
        format!("sha256:{}", plugin["digest"].as_str().unwrap()),
        digest(&fs::read(component()).unwrap())
    );
    let setup = host.down();
    drop(registry);
    assert_eq!(setup.run(&["validate"]).code, 0);
    let host = setup.up();
    judged(&host);
    host.down();
}

#[test]
fn what_is_pulled_is_checked_and_what_cannot_be_had_leaves_the_former_one() {
    let Some(Desk { setup, dir, registry, name }) = desk() else { return };
    let pinned = line(&setup.run(&["plugin", "push", "judge.wasm", &format!("{name}:1")]));
    fs::write(dir.join("provost.toml"), config(&pinned)).unwrap();
    let host = setup.up();
    judged(&host);

    let other = format!("{name}@{}", digest(b"other"));
    let swap = host.run(&["plugin", "swap", "judge", &other]);
    assert_eq!(swap.code, 1, "{swap:?}");
    assert!(swap.stderr.contains("has no such artifact"), "{swap:?}");
    fs::write(dir.join("provost.toml"), config(&format!("component = \"{other}\""))).unwrap();
    let reload = host.run(&["reload"]);
    assert_ne!(reload.code, 0, "{reload:?}");
    assert!(reload.stderr.contains("has no such artifact"), "{reload:?}");
    drop(registry);
    let reload = host.run(&["reload"]);
    assert!(reload.stderr.contains("cannot be reached"), "{reload:?}");
    let plugin = host.plugin("judge");
    assert_eq!((&plugin["version"], &plugin["status"]), (&1.into(), &"active".into()), "{plugin}");

    // The one in the cache needs no registry.
    let reference = reference(&pinned);
    let swapped = host.run(&["plugin", "swap", "judge", reference, "--settings", "{\"first\": \"30ms\"}"]);
    assert_eq!(swapped.code, 0, "{swapped:?}");
    assert_eq!(host.plugin("judge")["version"], 2);
    host.down();
}

#[test]
fn a_start_without_the_component_and_without_a_registry_says_what_to_do() {
    let setup = setup();
    // A port on which nothing listens: the listener is gone.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let reference = format!("oci://{address}/judge@{}", digest(b""));
    fs::write(setup.dir().join("provost.toml"), config(&format!("component = \"{reference}\""))).unwrap();
    let up = setup.run(&["up"]);
    assert_eq!(up.code, 2, "{up:?}");
    assert!(
        up.stderr.contains(&format!("`{reference}` cannot be fetched: {address} cannot be reached")),
        "{up:?}"
    );
    assert!(up.stderr.contains("hint: check the name, the network"), "{up:?}");
    assert_eq!(kept(setup.dir()), Vec::<String>::new());
}

#[test]
fn a_signature_travels_with_its_component_and_is_required_as_for_files() {
    let Some(Desk { setup, dir, registry: _registry, name }) = desk() else { return };
    let unsigned = line(&setup.run(&["plugin", "push", "judge.wasm", &format!("{name}:unsigned")]));
    assert_eq!(setup.run(&["plugin", "keygen", "ops"]).code, 0);
    assert_eq!(setup.run(&["plugin", "sign", "judge.wasm", "--key", "ops.key"]).code, 0);
    let pushed = setup.run(&["plugin", "push", "judge.wasm", &format!("{name}:signed")]);
    assert!(pushed.stderr.contains("with its signature"), "{pushed:?}");
    let signed = line(&pushed);
    assert_ne!(signed, unsigned, "the digest covers the signature");
    let trusting =
        |line: &str| format!("{}[plugins]\nrequire_signature = true\nkeys = [\"ops.pub\"]\n", config(line));

    fs::write(dir.join("provost.toml"), trusting(&unsigned)).unwrap();
    assert_eq!(line(&setup.run(&["plugin", "pull", reference(&unsigned)])), unsigned);
    let refused = setup.run(&["validate"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("is not signed: push it with its signature"), "{refused:?}");

    fs::write(dir.join("provost.toml"), trusting(&signed)).unwrap();
    let host = setup.up();
    let plugin = host.plugin("judge");
    assert_eq!((&plugin["status"], &plugin["signed_by"]), (&"active".into(), &"ops".into()), "{plugin}");
    let setup = host.down();
    let written = setup.run(&["plugin", "pull", &format!("{name}:signed"), "--output", "pulled.wasm"]);
    assert_eq!(line(&written), signed);
    let verified = setup.run(&["plugin", "verify", "pulled.wasm", "--key", "ops.pub"]);
    assert!(verified.stdout.contains("signed with the key of ops"), "{verified:?}");
}

#[test]
fn a_tag_is_pulled_into_the_line_with_its_digest_and_the_artifact_is_laid_out_as_other_tools_do() {
    let Some(Desk { setup, dir, registry: _registry, name }) = desk() else { return };
    let pinned = line(&setup.run(&["plugin", "push", "judge.wasm", &format!("{name}:1")]));
    let pulled = setup.run(&["plugin", "pull", &format!("{name}:1")]);
    assert_eq!(line(&pulled), pinned);
    let digits = pinned.split("sha256:").nth(1).unwrap().trim_end_matches('"');
    assert_eq!(kept(&dir), [format!("{digits}.json"), format!("{digits}.wasm")]);
    assert!(pulled.stderr.contains(&format!("{digits}.wasm (")), "{pulled:?}");

    let manifest = fs::read(dir.join(format!("cache/pulled/{digits}.json"))).unwrap();
    assert_eq!(digest(&manifest), format!("sha256:{digits}"));
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["mediaType"], "application/vnd.oci.image.manifest.v1+json");
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 1);
    assert_eq!(manifest["layers"][0]["mediaType"], "application/wasm");
    assert_eq!(manifest["layers"][0]["digest"], digest(&fs::read(component()).unwrap()));
    assert_eq!(manifest["annotations"]["org.opencontainers.image.title"], "backoff", "{manifest}");

    let reference = reference(&pinned);
    let run = setup.run(&["plugin", "run", reference, "--exit", "7"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.contains("decision  restart"), "{run:?}");
}

#[test]
fn a_registry_over_tls_is_spoken_to_with_the_certificates_that_are_trusted() {
    if !is_there() {
        return;
    }
    let setup = setup();
    let (cert, key) = (certificate("localhost.crt"), certificate("localhost.key"));
    let tls = format!("  tls:\n    certificate: {cert:?}\n    key: {key:?}\n");
    let registry = Registry::start(setup.dir(), &tls);
    // Only these ways of writing the address are known to be this machine, so this one is spoken to as any other is.
    let port = registry.address.rsplit(':').next().unwrap();
    let name = format!("oci://127.1:{port}/judge:1");
    let push = |trusted: bool| {
        let mut command = setup.command(&["plugin", "push", "judge.wasm", &name]);
        if trusted {
            command.env("SSL_CERT_FILE", &cert);
        }
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, stderr) = push(false);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("has a certificate that is not trusted: "), "{stderr}");
    assert!(stderr.contains("hint: name the root certificate in SSL_CERT_FILE"), "{stderr}");
    let (code, stderr) = push(true);
    assert_eq!(code, Some(0), "{stderr}");
    let pulled = setup.command(&["plugin", "pull", &name]).env("SSL_CERT_FILE", &cert).output().unwrap();
    assert!(pulled.status.success(), "{}", String::from_utf8_lossy(&pulled.stderr));
    assert_eq!(kept(setup.dir()).len(), 2);
}

#[test]
fn a_component_that_a_host_has_in_use_is_not_removed_to_make_room() {
    let setup = setup();
    let dir = setup.dir().to_owned();
    let (judge, other) =
        (fs::read(component()).unwrap(), b"\0asm\x0d\0\x01\0, of which a store knows nothing".to_vec());
    let (first, second) = (judge.clone(), other.clone());
    let server = Server::start(move |request, stream| match request {
        "GET /judge.wasm" => reply(stream, "200 OK", "", &first),
        "GET /other.wasm" => reply(stream, "200 OK", "", &second),
        _ => reply(stream, "404 Not Found", "", b""),
    });
    let url = |path: &str| format!("http://{}/{path}", server.address);
    let entry = |bytes: &[u8]| format!("{}.wasm", digest(bytes).trim_start_matches("sha256:"));
    let pinned = line(&setup.run(&["plugin", "pull", &url("judge.wasm")]));
    let small = format!("{}[plugins]\ncache = {{ size = \"1KiB\" }}\n", config(&pinned));
    fs::write(dir.join("provost.toml"), small).unwrap();
    let host = setup.up();
    line(&host.run(&["plugin", "pull", &url("other.wasm")]));
    let mut both = [entry(&judge), entry(&other)];
    both.sort();
    assert_eq!(kept(&dir), both);
    let setup = host.down();
    line(&setup.run(&["plugin", "pull", &url("other.wasm")]));
    assert_eq!(kept(&dir), [entry(&other)], "nobody has it in use any more");
}
