//! Misbehaving policies: each is refused or overruled, the failsafe restarts its process, the host's memory stays bounded,
//! and status says what happened.

use std::fmt::Write as _;

use provost_tests::{Host, Setup, components, eventually, guest, hostile};
use serde_json::Value;

use crate::PROVOST;

/// The bound on the resident memory of the host; beyond it the host leaks what a guest allocated.
const MEMORY_KIB_MAX: u64 = 300 * 1024;

/// Returns a config with a guest as the only policy. Guests that do not test the deadline have a minute for a call, because
/// the test machine may be busy.
fn judged_by(guest_name: &str) -> String {
    let limits = if guest_name == "loops" { "" } else { "limits = { call_time = \"1m\" }\n" };
    format!(
        "[host]\ndecision_deadline = \"1m\"\n[plugins.judge]\ncomponent = {:?}\n{limits}[process.web]\ncommand = \"exit 1\"\npolicies = [\"judge\"]\n\
         [process.bystander]\ncommand = \"exec sleep 1000\"\n",
        guest(guest_name)
    )
}

/// Revives a plugin, which may have failed its trial call, so that the host calls it.
fn revive(host: &Host, name: &str) {
    eventually("it is compiled", || host.plugin(name), |it| it["status"] != "compiling");
    host.ok(&["plugin", "revive", name]);
}

/// Waits until the failsafe has restarted this process, twice in all, and says why in these words.
fn until_failsafe(host: &Host, process: &str, says_why: impl Fn(&str) -> bool) {
    host.until(process, "is restarted twice by the failsafe, which says why", |it| {
        it["restarts"].as_u64() >= Some(2)
            && it["decision"]["by"] == "failsafe"
            && it["decision"]["overruled"].as_str().is_some_and(&says_why)
    });
}

/// Checks that the failsafe restarts the process of a misbehaving policy and that its decision contains the words `told`.
/// Returns the host and the report about the plugin.
fn survives(guest_name: &str, told: &[&str]) -> (Host, Value) {
    let host = Host::up(PROVOST, &judged_by(guest_name));
    revive(&host, "judge");
    until_failsafe(&host, "web", |overruled| told.iter().all(|word| overruled.contains(word)));
    assert_eq!(host.process("bystander")["phase"], "running");
    assert!(host.memory_kib() < MEMORY_KIB_MAX, "{} KiB", host.memory_kib());
    let answered = |it: &Value| it["calls"].as_u64() >= Some(2) || it["status"] == "refused";
    let plugin = eventually("it was called or refused", || host.plugins()[0].clone(), answered);
    if plugin["faults"] != 0 || plugin["status"] == "refused" {
        assert!(host.ok(&["status"]).contains("judge"), "status names it: {}", host.ok(&["status"]));
    }
    (host, plugin)
}

#[test]
fn a_policy_that_loops_forever_is_stopped_at_its_deadline() {
    let (host, plugin) = survives("loops", &["judge", "100 ms"]);
    assert_eq!(plugin["last_fault"]["kind"], "deadline");
    assert!(plugin["faults"].as_u64() >= Some(2), "{plugin}");
    host.down();
}

#[test]
fn the_failsafe_decides_for_a_policy_that_traps() {
    let (host, plugin) = survives("traps", &["judge", "trap"]);
    assert_eq!(plugin["last_fault"]["kind"], "trap");
    host.down();
}

#[test]
fn a_policy_that_allocates_without_end_is_stopped_at_its_limit() {
    let (host, plugin) = survives("hogs", &["judge", "MiB"]);
    assert_eq!(plugin["last_fault"]["kind"], "memory");
    host.down();
}

#[test]
fn a_policy_that_asks_for_an_absurd_delay_is_overruled() {
    let (host, _) = survives("absurd", &["judge", "1000000000000000000 ms", "restart_delay_max"]);
    host.down();
}

#[test]
fn a_policy_with_an_import_that_is_not_granted_is_refused_and_the_import_is_named() {
    let setup = Setup::new(PROVOST, &judged_by("sockets"));
    for arguments in [&["validate"][..], &["up"], &["up", "--detach"]] {
        let refused = setup.run(arguments);
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.stderr.contains("wasi:sockets"), "{refused:?}");
    }
    assert_eq!(setup.run(&["status"]).code, 3, "nothing was started");
}

/// The hostile policy that is not admitted, which keeps a first host from starting.
const REFUSED: &str = "ten-thousand-imports";

/// Makes a setup in which each hostile policy decides about its own process, beside a hostile view, a consumer that never
/// returns and a policy that floods the log, and beside a good policy, a good consumer and a good view.
fn with_hostile_plugins() -> Setup {
    let mut config = String::from(
        "[host]\ndecision_deadline = \"1m\"\nrestart_budget = { restarts = 99, per = \"1ms\" }\n\
         [plugins.good]\ncomponent = \"bundled:backoff\"\nsettings = { first = \"20ms\", factor = 1.0 }\n\
         limits = { call_time = \"1m\" }\n\
         [plugins.notify]\ncomponent = \"bundled:notify\"\nlimits = { call_time = \"1m\" }\n\
         [plugins.metrics]\ncomponent = \"bundled:prometheus\"\nlimits = { call_time = \"1m\" }\n\
         [plugins.stuck]\ncomponent = \"stuck.wasm\"\n\
         [plugins.page]\ncomponent = \"page.wasm\"\nlimits = { memory = \"128MiB\", call_time = \"1m\" }\n\
         [plugins.chatty]\ncomponent = \"chatty.wasm\"\nlimits = { log_lines = 1, call_time = \"1m\" }\n\
         [process.flooded]\ncommand = \"exit 1\"\npolicies = [\"chatty\"]\n\
         [process.judged]\ncommand = \"exit 1\"\npolicies = [\"good\"]\n\
         [process.bystander]\ncommand = \"exec sleep 1000\"\n",
    );
    for one in hostile::policies() {
        write!(
            config,
            "[plugins.{0}]\ncomponent = \"{0}.wasm\"\nlimits = {{ {1} }}\n\
             [process.of-{0}]\ncommand = \"exit 1\"\npolicies = [\"{0}\"]\n",
            one.name, one.limits
        )
        .unwrap();
    }
    let setup = Setup::new(PROVOST, &config);
    let put =
        |name: &str, bytes: &[u8]| std::fs::write(setup.dir().join(format!("{name}.wasm")), bytes).unwrap();
    for one in hostile::policies() {
        let bytes = if one.name == REFUSED { components::good_policy() } else { one.bytes };
        put(one.name, &bytes);
    }
    put("stuck", &hostile::consumer_that_never_returns());
    put("page", &hostile::hundred_megabytes());
    put("chatty", &hostile::log_flood());
    setup
}

#[test]
fn a_host_full_of_hostile_plugins_keeps_working_and_names_each_with_its_cause_and_its_limit() {
    let mut host = with_hostile_plugins().up();
    for one in hostile::policies().iter().filter(|one| one.name == REFUSED) {
        std::fs::write(host.setup().dir().join(format!("{REFUSED}.wasm")), &one.bytes).unwrap();
    }
    // The next host finds it in the place of the good one, and goes on.
    host.goes_on();
    let refused = eventually("it is refused", || host.plugin(REFUSED), |it| it["status"] == "refused");
    assert_eq!(refused["calls"], 0, "{refused}");
    for one in hostile::policies() {
        revive(&host, one.name);
    }
    revive(&host, "stuck");
    let pid = host.process("bystander")["pid"].clone();
    for one in hostile::policies() {
        let process = format!("of-{}", one.name);
        until_failsafe(&host, &process, |overruled| {
            one.expected.iter().chain([&one.name]).all(|words| overruled.contains(words))
        });
        // A refused plugin was never called: it has a reason instead of a fault.
        let why = |plugin: &Value| {
            let why = plugin["last_fault"]["message"].as_str().or(plugin["reason"].as_str());
            one.expected.iter().all(|words| why.is_some_and(|why| why.contains(words)))
        };
        eventually(&format!("{} says why", one.name), || host.plugin(one.name), why);
    }
    let page = host.run(&["view", "page"]);
    assert_ne!(page.code, 0);
    assert!(
        page.stderr.contains("page")
            && page.stderr.contains("passed more data in one call than an answer of 8 MiB"),
        "{page:?}"
    );
    eventually(
        "the consumer that never returns is stopped",
        || host.plugin("stuck"),
        |stuck| {
            stuck["last_fault"]["message"]
                .as_str()
                .is_some_and(|told| told.contains("took longer than its 1000 ms"))
        },
    );
    eventually(
        "the flood is dropped",
        || host.plugin("chatty"),
        |chatty| chatty["lines_dropped"].as_u64() >= Some(9_000),
    );

    // All others have kept working, and still do.
    assert_eq!(
        (&host.process("bystander")["pid"], &host.process("bystander")["incarnation"]),
        (&pid, &1.into())
    );
    let before = host.process("judged")["restarts"].as_u64();
    let after = host.until("judged", "is judged again", |it| it["restarts"].as_u64() > before);
    assert_eq!((&after["decision"]["by"], &after["decision"]["delay_ms"]), (&"good".into(), &20.into()));
    let told = host.plugin("notify")["calls"].as_u64();
    eventually("the other consumer is called", || host.plugin("notify"), |it| it["calls"].as_u64() > told);
    assert_eq!(host.plugin("notify")["faults"], 0);
    let status = host.ok(&["status"]);
    assert!(hostile::policies().iter().all(|one| status.contains(one.name)), "{status}");
    assert!(host.ok(&["view", "metrics"]).contains("provost_plugin_faults_total{plugin=\"memory-bomb\""));
    assert!(host.memory_kib() < MEMORY_KIB_MAX, "{} KiB", host.memory_kib());
    host.down();
}

#[test]
fn truncated_files_and_settings_of_ten_megabytes_are_refused() {
    let host = Host::up(PROVOST, "[process.web]\ncommand = \"exec sleep 1000\"\n");
    let whole = std::fs::read(guest("moody")).unwrap();
    std::fs::write(host.setup().dir().join("cut.wasm"), &whole[..whole.len() / 2]).unwrap();
    let cut = host.run(&["plugin", "load", "cut", "cut.wasm"]);
    assert_eq!(cut.code, 1, "{cut:?}");
    assert!(cut.stderr.contains("plugin `cut`") && cut.stderr.contains("cut.wasm"), "{cut:?}");
    assert_eq!(host.plugins().len(), 0);
    assert_eq!(host.process("web")["phase"], "running");
    host.down();

    let text = "x".repeat(10 << 20);
    let config =
        format!("[plugins.fat]\ncomponent = \"bundled:backoff\"\nsettings = {{ first = \"{text}\" }}\n");
    let fat = Setup::new(PROVOST, &config).run(&["validate"]);
    assert_eq!(fat.code, 2, "{}", &fat.stderr[..fat.stderr.len().min(500)]);
    assert!(fat.stderr.contains("at most 1 MiB are allowed"), "{}", &fat.stderr[..fat.stderr.len().min(500)]);
    assert!(fat.stderr.len() < 4096, "ten megabytes are not repeated to people");
}

#[test]
fn compiled_code_that_was_altered_in_the_cache_is_not_run() {
    let config = "[host]\ncache_dir = \"cache\"\n[plugins.judge]\ncomponent = \"bundled:backoff\"\n\
                  settings = { first = \"20ms\" }\n[process.web]\ncommand = \"exit 1\"\npolicies = [\"judge\"]\n";
    let host = Host::up(PROVOST, config);
    eventually("it is compiled", || host.plugins()[0].clone(), |it| it["status"] == "active");
    let setup = host.down();
    let entries = || -> Vec<_> {
        let files = std::fs::read_dir(setup.dir().join("cache")).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.is_file()).collect()
    };
    let honest = entries();
    assert!(!honest.is_empty());
    for entry in &honest {
        let mut bytes = std::fs::read(entry).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xff;
        std::fs::write(entry, bytes).unwrap();
    }
    let host = setup.up();
    host.until("web", "is judged by it", |it| it["decision"]["by"] == "judge");
    assert!(host.log().contains("recompiled") || host.log().contains("cache"), "{}", host.log());
    host.down();
}
