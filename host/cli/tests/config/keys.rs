//! Misspelt keys and values beyond their bounds: one mistake is one problem, with what was meant or what is possible.

use crate::refusal;

#[test]
fn a_misspelt_key_that_has_to_be_there_is_not_told_to_be_missing_as_well() {
    let process = "[process.a]\ncommand = 'a'\n";
    let plugin = "[plugins.a]\ncomponent = 'bundled:otp'\n";
    for (head, table, meant) in [
        ("[host]\n", "restart_budget = { restart = 3, per = '1m' }", "restarts"),
        ("[api]\n", "tls = { crt = 'a', key = 'b' }", "cert"),
        (process, "replicas = { mn = 1, max = 2 }", "min"),
        (process, "limits = { nofile = { sofd = 3 } }", "soft"),
        (process, "sockets = { a = { adress = '127.0.0.1:1' } }", "address"),
        (plugin, "quarantine = { fault = 3, per = '1m' }", "faults"),
    ] {
        let told = refusal(&format!("{head}{table}\n"));
        assert_eq!(told.matches("error: ").count(), 1, "{table}: {told}");
        assert!(told.contains(&format!("did you mean `{meant}`?")), "{meant}: {told}");
    }
}

#[test]
fn a_duration_and_a_size_beyond_their_bounds_are_told_with_them() {
    let long = refusal("[process.a]\ncommand = 'a'\nstop = { grace = '36501d' }\n");
    assert!(
        long.contains(":3:18: `36501d` is too long: a duration is at most 36500d, a hundred years"),
        "{long}"
    );
    let large = refusal("[process.a]\ncommand = 'a'\nlogs = { file_size = '1048577TiB' }\n");
    assert!(large.contains("`1048577TiB` is too large: a size is at most 1048576TiB"), "{large}");
}
