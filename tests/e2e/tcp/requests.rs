//! The config of the API over TCP, its tokens, and who is refused.

use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use provost_tests::{Host, Setup, eventually};
use rustix::process::{Uid, geteuid};
use serde_json::Value;

use super::{address, ask, get, token};
use crate::PROVOST;

const LOCAL: &str = "[api]\nlisten = \"127.0.0.1:0\"\n[process.web]\ncommand = \"exec sleep 1000\"\n";

#[test]
fn a_token_of_the_command_line_is_accepted_by_a_running_host_until_it_is_revoked() {
    let host = Host::up(PROVOST, LOCAL);
    let address = address(&host);
    assert_eq!(get(&address, "/v1/status", "pvt_wrong").0, 401);
    let secret = token(&host, "ci", "operate");
    assert!(secret.starts_with("pvt_"), "{secret}");
    eventually("the new token is accepted", || get(&address, "/v1/status", &secret).0, |code| *code == 200);
    let list = host.json(&["token", "list", "-o", "json"]);
    assert_eq!((&list["tokens"][0]["name"], &list["tokens"][0]["scope"]), (&"ci".into(), &"operate".into()));
    assert!(!list.to_string().contains(&secret[4..]) && !host.ok(&["token", "list"]).contains(&secret[4..]));
    let file = host.setup().dir().join(".provost/tokens/ci.json");
    assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    let stop = format!("Authorization: Bearer {secret}\r\nContent-Length: 0\r\n");
    assert_eq!(ask(&address, "POST", "/v1/shutdown", &stop).0, 403, "it may not end the host");
    host.ok(&["token", "revoke", "ci"]);
    eventually("the token is refused", || get(&address, "/v1/status", &secret).0, |code| *code == 401);
    let brief = host.ok(&["token", "new", "brief", "--expires", "1ms"]);
    eventually(
        "the token has expired",
        || get(&address, "/v1/status", brief.trim()),
        |(code, body)| *code == 401 && body.contains("the token `brief` has expired"),
    );
    eventually(
        "all processes are ready",
        || ask(&address, "GET", "/readyz", ""),
        |answer| *answer == (200, "{\"ready\":true}".to_owned()),
    );
    assert_eq!(ask(&address, "GET", "/livez", "").0, 200);
    host.down();
}

#[test]
fn an_address_that_is_in_use_ends_the_start_before_anything_runs() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let setup = Setup::new(
        PROVOST,
        &format!(
            "[api]\nlisten = \"{address}\"\n[process.web]\ncommand = \"touch started; exec sleep 1000\"\n"
        ),
    );
    let ran = setup.run(&["up"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains(&format!("error: cannot listen on {address}: ")), "{}", ran.stderr);
    assert!(!setup.dir().join("started").exists());
}

#[test]
fn a_reload_changes_who_may_send_requests_but_not_where_the_host_listens() {
    let host = Host::up(PROVOST, LOCAL);
    let (address, secret) = (address(&host), token(&host, "ops", "admin"));
    eventually("the token is accepted", || get(&address, "/v1/ping", &secret).0, |code| *code == 200);
    let config = host.setup().dir().join("provost.toml");
    std::fs::write(&config, LOCAL.replace(":0\"\n", ":0\"\nread_only = true\nrequests_per_second = 1000\n"))
        .unwrap();
    let told = host.ok(&["reload"]);
    assert!(told.contains("api.read_only is true now"), "{told}");
    let order =
        format!("Authorization: Bearer {secret}\r\nContent-Type: application/json\r\nContent-Length: 0\r\n");
    let (code, body) = ask(&address, "POST", "/v1/config/reload", &order);
    assert!(code == 403 && body.contains("takes the scope `admin`, and this caller has `read`"), "{body}");
    std::fs::write(&config, LOCAL.replace("127.0.0.1:0", "127.0.0.1:1")).unwrap();
    let refused = host.run(&["reload"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("`api.listen` cannot change while the host runs"), "{}", refused.stderr);
    assert_eq!(host.status()["host"]["listen"][0], format!("http://{address}"));
    host.down();
}

#[test]
fn the_lines_of_a_bad_config_are_shown_to_an_admin_alone() {
    let host = Host::up(PROVOST, LOCAL);
    let (address, reader, admin) =
        (address(&host), token(&host, "reader", "operate"), token(&host, "admin", "admin"));
    let config = host.setup().dir().join("provost.toml");
    std::fs::write(&config, format!("{LOCAL}comand = \"hunter2\"\n")).unwrap();
    let report = |secret: &str| {
        let told = || get(&address, "/v1/config/difference", secret);
        let (_, body) = eventually("the config is refused", told, |(code, _)| *code == 422);
        serde_json::from_str::<Value>(&body).unwrap()["detail"].as_str().unwrap().to_owned()
    };
    let whole = report(&admin);
    assert!(whole.contains("5 | comand = \"hunter2\""), "{whole}");
    let file = config.display().to_string();
    insta::assert_snapshot!(report(&reader).replace(&file, "CONFIG"), @r"
    error: CONFIG:5:1: unknown key `comand` in [process.web]
    hint: did you mean `command`? keys here: `command`, `group`, `stop`, `stderr`, `stdin`, `tty`, `logs`, `cwd`, `env`, `env_files`, `autostart`, `policies`, `depends_on`, `ready`, `sockets`, `watchdog`, `health`, `usage`, `replicas`, `user`, `groups`, `umask`, `nice`, `ioprio`, `oom_score_adj`, `limits`, `no_new_privs`, `capabilities`, `cgroup`, `type`, `success_codes`
    ");
    host.down();
}

#[test]
fn a_config_that_would_expose_the_host_by_mistake_is_refused_where_it_is_written() {
    for (api, line, what) in [
        (
            "listen = \"0.0.0.0:9191\"",
            "2:10",
            "other machines reach 0.0.0.0:9191, and without TLS their tokens",
        ),
        ("listen = [\"[::]:9191\"]", "2:11", "other machines reach [::]:9191"),
        ("listen = \"localhost:9191\"", "2:10", "`localhost:9191` in `listen` is not an address with a port"),
        ("listen = \"9191\"", "2:10", "`9191` in `listen` is not an address with a port"),
        ("tls = { cert = \"x\" }", "2:7", "`tls` needs the files of a certificate"),
        ("tls = { cert = \"no.crt\", key = \"no.key\" }", "2:16", "no.crt: No such file"),
        ("hosts = [\"*\"]", "2:10", "`*` in `hosts` is not a name or an address"),
        ("origins = [\"*\"]", "2:12", "`*` in `origins` is not the origin of a page"),
        ("requests_per_second = 0", "2:23", "`requests_per_second` must be at least 1"),
        ("port = 9191", "2:1", "unknown key `port` in [api]"),
    ] {
        let setup =
            Setup::new(PROVOST, &format!("[api]\n{api}\n[process.web]\ncommand = \"exec sleep 1000\"\n"));
        let ran = setup.run(&["validate"]);
        assert_eq!(ran.code, 2, "{api}: {ran:?}");
        assert!(ran.stderr.contains(&format!("provost.toml:{line}: ")), "{api}: {}", ran.stderr);
        assert!(ran.stderr.contains(what), "{api}: {}", ran.stderr);
    }
    let setup = Setup::new(PROVOST, "[api]\nlisten = \"0.0.0.0:9191\"\nplaintext = true\n");
    assert_eq!(setup.run(&["validate"]).code, 0);
}

#[test]
fn another_user_gets_no_answer_on_the_unix_socket() {
    if !geteuid().is_root() {
        println!("skipped: only root can be another user");
        return;
    }
    let host = Host::up(PROVOST, LOCAL);
    let status = host.status();
    let socket = PathBuf::from(status["host"]["socket"].as_str().unwrap());
    // Whatever the modes permit, the host looks at the peer.
    let open = |path: &Path| std::fs::set_permissions(path, PermissionsExt::from_mode(0o777)).unwrap();
    [host.setup().dir(), socket.parent().unwrap(), &socket].into_iter().for_each(open);
    let as_nobody = std::thread::spawn(move || {
        let nobody = Uid::from_raw(65_534);
        rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
        let mut stream = UnixStream::connect(socket).unwrap();
        let mut answer = Vec::new();
        // The host may reset the connection.
        let _ = std::io::Write::write_all(&mut stream, b"GET /v1/ping HTTP/1.1\r\nHost: x\r\n\r\n");
        let _ = stream.read_to_end(&mut answer);
        answer
    });
    assert_eq!(as_nobody.join().unwrap(), b"", "it was answered");
    eventually("it is logged", || host.log(), |log| log.contains("refused a connection from another user"));
    host.down();
}

#[test]
fn a_token_needs_a_good_name_that_is_not_taken() {
    let setup = Setup::new(PROVOST, LOCAL);
    assert_eq!(setup.run(&["token", "list"]).stdout, "no tokens: `provost token new NAME` makes one\n");
    let made = setup.run(&["token", "new", "ci", "--expires", "30d", "-o", "json"]);
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    assert_eq!((&made["name"], &made["scope"]), (&"ci".into(), &"read".into()));
    let taken = setup.run(&["token", "new", "ci"]);
    assert_eq!(taken.code, 2);
    insta::assert_snapshot!(taken.stderr, @r"
    error: there is a token `ci` already
    hint: choose another name, or revoke that one: `provost token revoke ci`
    ");
    let bad = setup.run(&["token", "new", "../ci"]);
    assert_eq!(bad.code, 2);
    insta::assert_snapshot!(bad.stderr, @r"
    error: `../ci` cannot be a name
    hint: use letters, digits, `_`, `.` and `-`, beginning with a letter or digit, at most 100
    ");
    let late = setup.run(&["token", "new", "late", "--expires", "0s"]);
    assert_eq!(late.code, 2);
    insta::assert_snapshot!(late.stderr, @r"
    error: the token would expire as soon as it is made
    hint: give it some time with `--expires`, such as 30d; without that it never expires
    ");
    let unknown = setup.run(&["token", "revoke", "cd"]);
    assert_eq!(unknown.code, 2);
    let told = unknown.stderr.replace(setup.dir().to_str().unwrap(), "DIR");
    insta::assert_snapshot!(told, @r"
    error: there is no token `cd` in DIR/.provost/tokens
    hint: `provost token list` shows all of them
    ");
    let odd = setup.run(&["token", "new", "x", "--scope", "root"]);
    assert_eq!(odd.code, 2);
    assert!(odd.stderr.contains("unknown scope `root` (expected `read`, `operate` or `admin`)"), "{odd:?}");
}
