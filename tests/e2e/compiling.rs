//! Compilation in a separate process, as an operator sees it: errors name its limits, nothing waits for it, and refused
//! components are reported.

use provost_tests::{Setup, components, eventually, guest};

use crate::PROVOST;

/// Encodes `n` as unsigned LEB128, as WebAssembly does.
fn leb(mut n: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(n & 0x7f).unwrap();
        n >>= 7;
        bytes.push(if n == 0 { low } else { low | 0x80 });
        if n == 0 {
            return bytes;
        }
    }
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id], &leb(content.len())[..], content].concat()
}

/// Makes a component of 900 KB whose only function consists of loops: it takes minutes and gigabytes to compile.
fn bomb() -> Vec<u8> {
    let function = [&[0][..], &[0x03, 0x40, 0x0b].repeat(300_000), &[0x0b]].concat();
    let code = [&[1][..], &leb(function.len()), &function].concat();
    let module =
        [&b"\0asm\x01\0\0\0"[..], &section(1, &[1, 0x60, 0, 0]), &section(3, &[1, 0]), &section(10, &code)]
            .concat();
    [&b"\0asm\x0d\0\x01\0"[..], &section(1, &module)].concat()
}

#[test]
fn a_component_that_takes_too_long_to_compile_is_refused_and_the_limit_is_named() {
    let config = "[host]\ncache_dir = \"cache\"\n[plugins]\ncompile = { time = \"1s\" }\n[plugins.bomb]\ncomponent = \"bomb.wasm\"\n\
                  [process.web]\ncommand = \"exec sleep 1000\"\npolicies = [\"bomb\"]\n";
    let setup = Setup::new(PROVOST, config);
    std::fs::write(setup.dir().join("bomb.wasm"), bomb()).unwrap();
    let told = "it was not compiled: that takes more than 1.0s";
    let validated = setup.run(&["validate"]);
    assert_eq!(validated.code, 2, "{validated:?}");
    assert!(validated.stderr.contains(told) && validated.stderr.contains("`compile.time`"), "{validated:?}");
    assert!(!setup.dir().join(".provost").exists(), "nothing is left behind but the cache");

    // The host starts without it, and loading it again is refused with the same message.
    let host = setup.up();
    eventually("it is refused", || host.plugins()[0].clone(), |it| it["status"] == "refused");
    assert_eq!(host.process("web")["phase"], "running");
    let loaded = host.run(&["plugin", "load", "again", "bomb.wasm"]);
    assert!(loaded.code == 1 && loaded.stderr.contains(told), "{loaded:?}");
    host.down();
}

#[test]
fn a_component_that_takes_too_much_memory_to_compile_is_refused_and_the_limit_is_named() {
    let config = "[host]\ncache_dir = \"cache\"\n[plugins]\ncompile = { memory = \"256MiB\" }\n[plugins.bomb]\ncomponent = \"bomb.wasm\"\n";
    let setup = Setup::new(PROVOST, config);
    std::fs::write(setup.dir().join("bomb.wasm"), bomb()).unwrap();
    let validated = setup.run(&["validate"]);
    assert_eq!(validated.code, 2, "{validated:?}");
    assert!(validated.stderr.contains("more than 256 MiB of memory"), "{validated:?}");
    assert!(validated.stderr.contains("`compile.memory`"), "{validated:?}");
}

/// These commands read no config, so `[plugins]` beside them is not what limits them.
#[test]
fn a_command_without_a_host_names_its_own_limits_of_a_compilation_and_takes_others() {
    let config = "[plugins]\ncompile = { time = \"1h\" }\n";
    let setup = Setup::new(PROVOST, config);
    std::fs::write(setup.dir().join("bomb.wasm"), bomb()).unwrap();
    let scenario = "[process.web]\ncommand = \"web\"\n";
    std::fs::write(setup.dir().join("calm.toml"), scenario).unwrap();
    let vectors = setup.dir().join("tests/vectors");
    std::fs::create_dir_all(&vectors).unwrap();
    std::fs::write(vectors.join("a.toml"), "[[vector]]\nname = \"a\"\nexpect = { action = \"restart\" }\n")
        .unwrap();
    for command in [
        &["run", "bomb.wasm"][..],
        &["bench", "bomb.wasm"],
        &["inspect", "bomb.wasm"],
        &["test", "--component", "bomb.wasm"],
        &["simulate", "bomb.wasm", "--scenario", "calm.toml"],
    ] {
        let ran = setup.run(&[&["plugin"], command, &["--compile-time", "1s"]].concat());
        let told = format!("{}{}", ran.stdout, ran.stderr);
        // An inspection shows a refusal, and does not fail by it.
        assert_eq!(ran.code == 0, command[0] == "inspect", "{command:?}: {ran:?}");
        assert!(told.contains("that takes more than 1.0s"), "{command:?}: {ran:?}");
        assert!(told.contains("which is what `--compile-time` gives it"), "{command:?}: {ran:?}");
    }
    let memory = setup.run(&["plugin", "run", "bomb.wasm", "--compile-memory", "256MiB"]);
    assert!(memory.code == 2 && memory.stderr.contains("`--compile-memory`"), "{memory:?}");
    let good = ["plugin", "run", "bundled:backoff", "--compile-time", "10m", "--compile-memory", "3GiB"];
    assert_eq!(setup.run(&good).code, 0);
    let wrong = setup.run(&["plugin", "run", "bundled:backoff", "--compile-time", "2h"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("it must be from 1s to 1h"), "{wrong:?}");
}

#[test]
fn processes_start_under_the_failsafe_while_a_plugin_is_compiled_and_the_plugin_decides_once_ready() {
    let config = "[host]\ncache_dir = \"cache\"\n[plugins]\ncompile = { wait = \"50ms\" }\n\
                  [plugins.judge]\ncomponent = \"bundled:backoff\"\nsettings = { first = \"30ms\", factor = 1.0 }\n\
                  [plugins.told]\ncomponent = \"bundled:notify\"\n\
                  [process.web]\ncommand = \"exit 1\"\npolicies = [\"judge\"]\n";
    let setup = Setup::new(PROVOST, config);
    let faults = setup.dir().join("faults");
    std::fs::write(&faults, "compile.start=pause").unwrap();
    let env = [("PROVOST_FAULTS", faults.to_str().unwrap()), ("FAILPOINTS", "compile.start=pause")];
    let host = setup.up_with(&env);
    let judged = host.until("web", "is judged", |web| web["restarts"].as_u64() >= Some(1));
    assert_eq!(judged["decision"]["by"], "failsafe");
    let overruled = judged["decision"]["overruled"].as_str().unwrap();
    assert!(overruled.contains("it is not ready: its component ("), "{overruled}");
    assert_eq!(host.plugins()[0]["status"], "compiling");
    assert!(host.ok(&["status"]).contains("compiling"), "{}", host.ok(&["status"]));
    assert!(host.log().contains("the plugin `judge` ("), "{}", host.log());
    std::fs::write(&faults, "").unwrap();
    eventually("it is ready", || host.plugins()[0].clone(), |it| it["status"] == "active");
    host.until("web", "is judged by it", |web| {
        web["decision"]["by"] == "judge" && web["decision"]["delay_ms"] == 30
    });
    let told = || host.plugins()[1].clone();
    eventually("the consumer is told", told, |it| it["calls"].as_u64() >= Some(1));
    assert!(host.log().contains("from now on it answers"), "{}", host.log());
    host.down();
}

#[test]
fn a_policy_that_traps_at_every_call_is_refused_live_reported_by_validate_and_quarantined_at_the_start() {
    let config = format!(
        "[plugins.bad]\ncomponent = {:?}\n[process.web]\ncommand = \"exec sleep 1000\"\npolicies = [\"bad\"]\n",
        guest("traps")
    );
    let setup = Setup::new(PROVOST, &config);
    let validated = setup.run(&["validate"]);
    assert_eq!(validated.code, 2, "{validated:?}");
    let told = "its trial as restart-policy failed (incarnation 1 of `web` ended";
    assert!(
        validated.stderr.contains("provost.toml:2:13") && validated.stderr.contains(told),
        "{validated:?}"
    );
    assert!(!setup.dir().join(".provost").exists(), "nothing is left behind but the cache");
    let host = setup.up();
    let tried = eventually("it is tried", || host.plugins()[0].clone(), |it| it["status"] == "quarantined");
    assert!(tried["reason"].as_str().unwrap().contains(told), "{tried}");
    let loaded = host.run(&["plugin", "load", "live", guest("traps").to_str().unwrap()]);
    assert!(loaded.code == 1 && loaded.stderr.contains("its trial as restart-policy failed"), "{loaded:?}");
    host.down();
}

#[test]
fn a_policy_decides_while_twenty_four_views_with_eight_memories_each_run() {
    let config = "[plugins.page]\ncomponent = \"page.wasm\"\nquarantine = { faults = 100000, per = \"1m\" }\n\
                  [plugins.judge]\ncomponent = \"bundled:backoff\"\nsettings = { first = \"20ms\", factor = 1.0 }\nlimits = { call_time = \"1m\" }\n\
                  [process.web]\ncommand = \"exit 1\"\npolicies = [\"judge\"]\n";
    let config = format!(
        "[host]\ndecision_deadline = \"1m\"\nrestart_budget = {{ restarts = 99, per = \"1ms\" }}\n{config}"
    );
    let setup = Setup::new(PROVOST, &config);
    // The view answers its trial, which has an empty path, and loops forever for all other paths.
    let body = "(if (i32.gt_u (local.get $path-len) (i32.const 0)) (then (loop $l (br $l)))) (i32.const 64)";
    std::fs::write(setup.dir().join("page.wasm"), components::view_with_memories(8, body)).unwrap();
    let host = setup.up();
    eventually("it judges", || host.process("web"), |web| web["decision"]["by"] == "judge");
    let before = host.process("web")["restarts"].as_u64().unwrap();
    let mut views: Vec<_> = (0..24)
        .map(|_| {
            let mut view = host.setup().command(&["view", "page", "spin"]);
            view.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap()
        })
        .collect();
    host.until("web", "is judged beside them", |web| web["restarts"].as_u64() >= Some(before + 5));
    let judge = host.plugins()[1].clone();
    assert_eq!(judge["faults"], 0, "{judge}");
    assert_eq!(host.process("web")["decision"]["by"], "judge");
    for view in &mut views {
        view.wait().unwrap();
    }
    host.down();
}
