//! The options of a process: how it is stopped, its streams, its checks, its type.

use provost_state::{ProcessType, Signal};
use provost_supervisor::{Check, Escaped, SocketAddress, SocketKind, Stderr, Stdin, StopTo};

use crate::{refusal, specs};

const HEAD: &str = "[process.a]\ncommand = 'a'\n";

#[test]
fn each_option_of_a_child_reaches_its_spec_and_has_a_default() {
    let plain = &specs(HEAD)[0];
    assert_eq!(
        (plain.stop_signal, plain.stop_to, plain.escaped),
        (Signal::TERM, StopTo::Group, Escaped::Kill)
    );
    assert_eq!((plain.stderr, plain.stdin, plain.tty), (Stderr::Own, Stdin::Null, false));

    let all = "stop = { signal = 'SIGRTMIN+3', to = 'main', escaped = 'leave' }\nstderr = 'merge'\nstdin = 'open'\n\
               ready = { tcp = '127.0.0.1:$PORT', own_port = true }\n";
    let spec = &specs(&format!("{HEAD}{all}"))[0];
    assert_eq!(spec.stop_signal, Signal::new(37).unwrap());
    assert_eq!((spec.stop_to, spec.escaped), (StopTo::Main, Escaped::Leave));
    assert_eq!((spec.stderr, spec.stdin), (Stderr::Merged, Stdin::Open));
    let ready = spec.ready.as_ref().unwrap();
    assert_eq!((&ready.check, ready.own_port), (&Check::Tcp("127.0.0.1:$PORT".into()), true));

    assert!(specs(&format!("{HEAD}tty = true\nstderr = 'merge'\n"))[0].tty);
}

#[test]
fn signals_have_names_and_numbers() {
    for (text, number) in [
        ("'TERM'", 15),
        ("'sigusr1'", 10),
        ("9", 9),
        ("'34'", 34),
        ("0x40", 64),
        ("'RTMAX-1'", 63),
        ("'POLL'", 29),
    ] {
        let spec = &specs(&format!("{HEAD}stop = {{ signal = {text} }}\n"))[0];
        assert_eq!(spec.stop_signal.number(), number, "{text}");
    }
    for text in ["0", "32", "'33'", "65", "-1", "'RTMIN+31'", "''", "true", "'TREM'"] {
        let said = refusal(&format!("{HEAD}stop = {{ signal = {text} }}\n"));
        assert!(said.starts_with("error: conf/provost.toml:3:19: "), "{text}: {said}");
    }
    insta::assert_snapshot!(refusal(&format!("{HEAD}stop = {{ signal = 33 }}\n")), @r#"
        error: conf/provost.toml:3:19: signal 33 cannot be sent: the C library keeps 32 and 33 for its threads
         3 | stop = { signal = 33 }
           |                   ^^
        hint: the first real-time signal is SIGRTMIN, which is 34
        "#);
    insta::assert_snapshot!(refusal(&format!("{HEAD}stop = {{ signal = 'TREM' }}\n")), @r#"
        error: conf/provost.toml:3:19: `TREM` is not a signal
         3 | stop = { signal = 'TREM' }
           |                   ^^^^^^
        hint: did you mean `SIGTERM`? write a name such as "TERM", "SIGHUP" or "SIGRTMIN+3", or a number from 1 to 31 or 34 to 64
        "#);
}

#[test]
fn streams_that_do_not_go_with_a_terminal_are_refused_with_the_reason() {
    insta::assert_snapshot!(refusal(&format!("{HEAD}tty = true\nstdin = 'open'\nstderr = 'own'\n")), @r#"
        error: conf/provost.toml:4:1: `stdin` of [process.a] does not go with `tty = true`
         4 | stdin = 'open'
           | ^^^^^
        hint: a terminal is standard input, output and error in one: remove `stdin`, or `tty`

        error: conf/provost.toml:5:1: `stderr` of [process.a] does not go with `tty = true`
         5 | stderr = 'own'
           | ^^^^^^
        hint: a terminal is standard input, output and error in one: remove `stderr`, or `tty`
        "#);
    assert!(refusal(&format!("{HEAD}stdin = 'null'\ntty = true\n")).contains("3:1: `stdin` of [process.a]"));
}

#[test]
fn a_wrong_option_is_refused_with_the_right_ones() {
    for (line, place, what) in [
        ("stop = { to = 'leader' }", "3:15", "cannot be `leader`"),
        ("stop = { escaped = 'kil' }", "3:20", "did you mean `kill`? values of `escaped`: `kill`, `leave`"),
        ("stderr = 'stdout'", "3:10", "values of `stderr`: `own`, `merge`"),
        ("type = 'jobs'", "3:8", "did you mean `job`? values of `type`: `service`, `job`"),
        ("ready = { exec = 'true', within = 'soon' }", "3:35", "is not a duration"),
        ("health = { exec = 'true', within = '1s' }", "3:27", "unknown key `within`"),
        ("stdin = 1", "3:9", "`stdin` in [process.a] must be a text, not a whole number"),
        ("tty = 'yes'", "3:7", "`tty` in [process.a] must be true or false"),
        ("logs = { files = 1000000000 }", "3:10", "`files` is 1000000000, but at most 10000 are kept"),
        ("ready = { log = 'up', own_port = true }", "3:23", "`own_port` goes with `tcp` and `http` only"),
        ("ready = { exec = 'true', own_port = true }", "3:26", "`own_port` goes with `tcp` and `http` only"),
        ("ready = { tcp = '${PORT' }", "3:17", "`${` has no `}` after it"),
        ("health = { http = 'http://a/${b c}' }", "3:19", "`${b c}` names no variable"),
        ("ready = { tcp = 'localhost$PORT' }", "3:17", "is not a host and a port"),
        ("health = { tcp = 'a:1', own_port = true }", "3:25", "unknown key `own_port`"),
    ] {
        let said = refusal(&format!("{HEAD}{line}\n"));
        assert!(said.contains(&format!("provost.toml:{place}: ")) && said.contains(what), "{line}: {said}");
        assert_eq!(said.matches("error:").count(), 1, "{said}");
    }
}

#[test]
fn checks_may_have_variables_and_two_dollars_are_one() {
    for line in [
        "ready = { tcp = '$HOST:${PORT}' }",
        "ready = { tcp = '$ADDRESS' }",
        "ready = { http = 'http://127.0.0.1:$PORT/$PATH' }",
        "ready = { http = '${URL}' }",
        "ready = { log = 'costs $$5 and $5' }",
    ] {
        assert!(specs(&format!("{HEAD}{line}\n"))[0].ready.is_some(), "{line}");
    }
}

#[test]
fn a_number_in_the_environment_becomes_its_decimal_text() {
    let spec = &specs(&format!("{HEAD}env = {{ A = 0x10, B = 1_000, C = -7 }}\n"))[0];
    assert_eq!((&*spec.env["A"], &*spec.env["B"], &*spec.env["C"]), ("16", "1000", "-7"));
}

#[test]
fn a_job_and_a_deadline_reach_their_specs() {
    assert_eq!(specs(HEAD)[0].process_type, ProcessType::Service);
    assert_eq!(specs(&format!("{HEAD}type = 'service'\n"))[0].process_type, ProcessType::Service);
    assert_eq!(specs(&format!("{HEAD}type = 'job'\n"))[0].process_type, ProcessType::job());
    let codes = &specs(&format!("{HEAD}type = 'job'\nsuccess_codes = [0, 3]\nreplicas = 2\n"))[1];
    assert_eq!(codes.process_type, ProcessType::Job { success_codes: [0, 3].into() });
    let late = &specs(&format!("{HEAD}ready = {{ exec = 'true', within = '90s' }}\n"))[0];
    assert_eq!(late.ready.as_ref().unwrap().within_ms, Some(90_000));
}

#[test]
fn keys_that_do_not_go_with_a_job_are_refused_with_the_reason() {
    let job = |others: &str| refusal(&format!("{HEAD}type = 'job'\n{others}\n"));
    insta::assert_snapshot!(job("ready = { log = 'up' }"), @r#"
        error: conf/provost.toml:4:1: `ready` of [process.a] does not go with `type = "job"`: a job is ready when it has ended with a success code
         4 | ready = { log = 'up' }
           | ^^^^^
        hint: remove `ready`, or `type`
        "#);
    insta::assert_snapshot!(job("health = { tcp = '127.0.0.1:1' }"), @r#"
        error: conf/provost.toml:4:1: `health` of [process.a] does not go with `type = "job"`: a job is judged by its exit code
         4 | health = { tcp = '127.0.0.1:1' }
           | ^^^^^^
        hint: remove `health`, or `type`
        "#);
    insta::assert_snapshot!(job("replicas = { min = 1, max = 2 }"), @r#"
        error: conf/provost.toml:4:1: `replicas` of [process.a] does not go with `type = "job"`: only services have a variable number of replicas; a job may have a fixed one
         4 | replicas = { min = 1, max = 2 }
           | ^^^^^^^^
        hint: write replicas = 3, or remove `type`
        "#);
    insta::assert_snapshot!(job("success_codes = [256]"), @r#"
        error: conf/provost.toml:4:17: `success_codes` of [process.a] must be a list of exit codes, which are numbers from 0 to 255
         4 | success_codes = [256]
           |                 ^^^^^
        hint: write success_codes = [0, 3]; without it exit code 0 is the success
        "#);
    for bad in ["success_codes = []", "success_codes = 0", "success_codes = ['0']", "success_codes = [-1]"] {
        assert!(job(bad).contains("must be a list of exit codes"), "{bad}");
    }
    insta::assert_snapshot!(refusal(&format!("{HEAD}success_codes = [3]\n")), @r#"
        error: conf/provost.toml:3:1: `success_codes` of [process.a] goes with `type = "job"` only
         3 | success_codes = [3]
           | ^^^^^^^^^^^^^
        hint: add type = "job"; the exit of a service is judged by its policies
        "#);
    insta::assert_snapshot!(refusal(&format!("{HEAD}ready = {{ exec = 'true', within = '0s' }}\n")), @r#"
        error: conf/provost.toml:3:26: `within` must be more than 0
         3 | ready = { exec = 'true', within = '0s' }
           |                          ^^^^^^
        hint: write within = "30s", or leave it out to wait for as long as it takes
        "#);
}

#[test]
fn sockets_are_in_the_order_of_the_file_and_the_readiness_descriptor_follows_them() {
    let all = "sockets = { z = '[::1]:80', a = { address = 'run/a.sock', type = 'datagram', mode = '660' } }\n\
               ready = { fd = 5 }\nwatchdog = '5s'\n";
    let spec = &specs(&format!("{HEAD}{all}"))[0];
    let [z, a] = &spec.sockets[..] else { panic!("{:?}", spec.sockets) };
    assert_eq!((&*z.name, z.kind, z.mode), ("z", SocketKind::Stream, None));
    assert_eq!(z.address, SocketAddress::Ip("[::1]:80".parse().unwrap()));
    assert_eq!((&*a.name, a.kind, a.mode), ("a", SocketKind::Datagram, Some(0o660)));
    assert!(
        matches!(&a.address, SocketAddress::Path(path) if path.is_absolute() && path.ends_with("run/a.sock"))
    );
    assert_eq!((spec.ready_descriptor(), spec.watchdog_ms), (Some(5), Some(5_000)));
    assert!(specs(&format!("{HEAD}ready = {{ notify = true }}\n"))[0].has_notify_socket());
    let same = "[process.b]\ncommand = 'b'\nsockets = { x = '[::1]:80' }\n";
    let said = refusal(&format!("{HEAD}{all}{same}"));
    assert!(said.contains("the socket `x` of `b` has the address of one of `a`"), "{said}");
    // Paths are compared, and measured, from the directory of the config.
    let same = "[process.b]\ncommand = 'b'\nsockets = { x = './run/./a.sock' }\n";
    let said = refusal(&format!("{HEAD}{all}{same}"));
    assert!(said.contains("the socket `x` of `b` has the address of one of `a`"), "{said}");
    let longest = format!("/{}", "p".repeat(106));
    assert_eq!(specs(&format!("{HEAD}sockets = {{ x = '{longest}' }}\n"))[0].sockets.len(), 1);
    for (path, bytes) in
        [(format!("{longest}p"), "has 108 bytes"), (format!("./{}", "p".repeat(105)), "has 1")]
    {
        let said = refusal(&format!("{HEAD}sockets = {{ x = '{path}' }}\n"));
        assert!(said.contains("the path of the socket `x` has ") && said.contains(bytes), "{said}");
        assert!(said.contains(", and the kernel takes at most 107: /"), "{said}");
    }
}
