//! Servers that hang: they block no other load of a host, no start is longer than one fetch may take, and a client that leaves ends
//! its fetch.

use std::fs;
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use provost_tests::{Ends, Host, eventually, guest};

use super::bench::{component, config, digest, judged, kept, line, setup};
use super::server::{Server, reply};

/// Returns the reference of a file of a server that has these bytes, or would have them.
fn reference(server: &Server, path: &str, bytes: &[u8]) -> String {
    format!("http://{}/{path}#sha256={}", server.address, digest(bytes).trim_start_matches("sha256:"))
}

/// A server of the component at `/good.wasm`, which holds all requests for `/hanging…` until their clients leave, and the number of
/// those that have left.
fn server() -> (Server, Arc<AtomicUsize>) {
    let (bytes, left) = (fs::read(component()).unwrap(), Arc::<AtomicUsize>::default());
    let counted = left.clone();
    let server = Server::start(move |request, stream| match request {
        "GET /good.wasm" => reply(stream, "200 OK", "", &bytes),
        hanging if hanging.starts_with("GET /hanging") => {
            // It ends when the client leaves.
            let _ = stream.read(&mut [0]);
            counted.fetch_add(1, Ordering::Relaxed);
        }
        _ => reply(stream, "404 Not Found", "", b""),
    });
    (server, left)
}

/// The number of the requests for what hangs.
fn hanging(server: &Server) -> usize {
    server.asked().iter().filter(|asked| asked.starts_with("GET /hanging")).count()
}

fn load(host: &Host, name: &str, component: &str) {
    let loaded = host.run(&["plugin", "load", name, component]);
    assert_eq!(loaded.code, 0, "{loaded:?}");
    assert_eq!(host.plugin(name)["status"], "active");
}

#[test]
fn loads_that_hang_block_no_other_change_and_end_when_their_clients_leave() {
    let (setup, (server, left)) = (setup(), server());
    let bytes = fs::read(component()).unwrap();
    let good = reference(&server, "good.wasm", &bytes);
    line(&setup.run(&["plugin", "pull", &good]));
    let host = setup.up();
    let clients: Vec<Ends> = (0..10)
        .map(|number| {
            let name = format!("hanging{number}");
            let reference = reference(&server, &format!("{name}.wasm"), name.as_bytes());
            let mut command = host.setup().command(&["plugin", "load", &name, &reference]);
            Ends(command.stderr(std::process::Stdio::null()).spawn().unwrap())
        })
        .collect();
    eventually("two fetches are in progress", || hanging(&server), |count| *count == 2);
    load(&host, "bundled", "bundled:backoff");
    load(&host, "cached", &good);
    let pinned = format!("component = \"{good}\"");
    fs::write(host.setup().dir().join("provost.toml"), config(&pinned)).unwrap();
    assert_eq!(host.run(&["reload"]).code, 0);
    judged(&host);
    assert_eq!((hanging(&server), left.load(Ordering::Relaxed)), (2, 0), "the others wait for their turn");

    drop(clients);
    eventually(
        "their fetches end",
        || (hanging(&server), left.load(Ordering::Relaxed)),
        |(begun, ended)| begun == ended,
    );
    // It is not in the cache.
    for name in kept(host.setup().dir()) {
        fs::remove_file(host.setup().dir().join("cache/pulled").join(name)).unwrap();
    }
    load(&host, "fetched", &good);
    assert_eq!(hanging(&server), left.load(Ordering::Relaxed));
    host.down();
}

#[test]
fn a_start_gives_all_components_together_the_time_of_one_and_tells_a_problem_for_each() {
    let (setup, (server, _)) = (setup(), server());
    let plugin = |number: usize| {
        let name = format!("hanging{number}");
        let reference = reference(&server, &format!("{name}.wasm"), name.as_bytes());
        format!("[plugins.{name}]\ncomponent = \"{reference}\"\n")
    };
    let plugins: String = (0..5).map(plugin).collect();
    fs::write(setup.dir().join("provost.toml"), format!("[host]\ncache_dir = \"cache\"\n{plugins}")).unwrap();
    let output = setup.command(&["up"]).env("FAILPOINTS", "fetch.time=return(5000)").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    for number in 0..5 {
        assert!(stderr.contains(&format!("/hanging{number}.wasm#")), "{stderr}");
    }
    // The time that is left as it begins: all, or a moment less.
    let within: Vec<_> = stderr.split("cannot be fetched: it was not done within ").skip(1).collect();
    assert!(within.iter().all(|left| left.starts_with("5 s") || left.starts_with("4.")), "{stderr}");
    assert_eq!(within.len(), 2, "{stderr}");
    let overtaken = "cannot be fetched: other fetches took all of the 5 s that there are for it";
    assert_eq!(stderr.matches(overtaken).count(), 3, "{stderr}");
    assert_eq!(hanging(&server), 2, "nothing is tried twice, and what has no time is not begun");
}

/// A server of two components, of which it sends none before both are asked for.
fn server_of_both(components: [Vec<u8>; 2]) -> Server {
    let both = (Mutex::new(0), Condvar::new());
    Server::start(move |request, stream| {
        let bytes = match request {
            "GET /first.wasm" => &components[0],
            "GET /second.wasm" => &components[1],
            _ => return reply(stream, "404 Not Found", "", b""),
        };
        *both.0.lock().unwrap() += 1;
        both.1.notify_all();
        drop(both.1.wait_while(both.0.lock().unwrap(), |asked| *asked < 2).unwrap());
        reply(stream, "200 OK", "", bytes);
    })
}

#[test]
fn a_start_and_a_reload_fetch_two_components_at_the_same_time() {
    let dir = guest("x").ancestors().nth(4).unwrap().join("plugins");
    let components =
        || ["backoff/backoff.wasm", "otp/otp.wasm"].map(|path| fs::read(dir.join(path)).unwrap());
    let config = |server: &Server| {
        let [first, second] = components();
        let (first, second) =
            (reference(server, "first.wasm", &first), reference(server, "second.wasm", &second));
        format!(
            "[host]\ncache_dir = \"cache\"\n[plugins.first]\ncomponent = \"{first}\"\n\
             [plugins.second]\ncomponent = \"{second}\"\n"
        )
    };
    let (setup, server) = (setup(), server_of_both(components()));
    fs::write(setup.dir().join("provost.toml"), config(&server)).unwrap();
    let host = setup.up();
    let active = |host: &Host| {
        for name in ["first", "second"] {
            eventually("it is active", || host.plugin(name), |plugin| plugin["status"] == "active");
        }
    };
    active(&host);
    let setup = host.down();

    fs::remove_dir_all(setup.dir().join("cache/pulled")).unwrap();
    fs::write(setup.dir().join("provost.toml"), "[host]\ncache_dir = \"cache\"\n").unwrap();
    let (host, server) = (setup.up(), server_of_both(components()));
    fs::write(host.setup().dir().join("provost.toml"), config(&server)).unwrap();
    assert_eq!(host.run(&["reload"]).code, 0);
    active(&host);
    host.down();
}
