//! What a process is set to before its program is executed, and its cgroup: each key, and each way to get it wrong.

use provost_supervisor::{CapabilitySets, CgroupSpec, IoPriority, Limit, Limited, Setup};

use crate::{parse, refusal, specs};

const HEAD: &str = "[process.a]\ncommand = 'a'\n";

/// The bit of `CAP_NET_BIND_SERVICE`.
const BIND: u64 = 1 << 10;

fn setup(line: &str) -> Setup {
    specs(&format!("{HEAD}{line}\n"))[0].setup.clone()
}

fn cgroup(line: &str) -> Option<CgroupSpec> {
    specs(&format!("{HEAD}{line}\n"))[0].cgroup.clone()
}

/// Checks that a line is refused at this column, with these words and with a hint.
#[track_caller]
fn refused(line: &str, column: usize, words: &str) {
    let said = refusal(&format!("{HEAD}{line}\n"));
    assert!(said.starts_with(&format!("error: conf/provost.toml:3:{column}: ")), "{line}: {said}");
    assert!(said.contains(words) && said.contains("\nhint: "), "{line}: {said}");
}

#[test]
fn a_process_that_says_nothing_is_set_to_nothing() {
    assert!(setup("").is_empty());
    assert_eq!(cgroup(""), None);
}

#[test]
fn each_key_reaches_the_spec() {
    let user = |user: &str, group: Option<&str>| {
        (Some(user.to_owned()).filter(|user| !user.is_empty()), group.map(str::to_owned))
    };
    for (line, expected) in [
        ("user = 'www-data'", user("www-data", None)),
        ("user = 'www-data:adm'", user("www-data", Some("adm"))),
        ("user = ':adm'", user("", Some("adm"))),
        ("user = 33", user("33", None)),
        ("user = '33:4'", user("33", Some("4"))),
    ] {
        let setup = setup(line);
        assert_eq!((setup.user, setup.group), expected, "{line}");
    }
    assert_eq!(setup("groups = ['adm', '4']").groups, ["adm", "4"]);
    assert_eq!(setup("umask = '027'").umask, Some(0o27));
    assert_eq!(setup("nice = -20").nice, Some(-20));
    assert_eq!(setup("oom_score_adj = 1000").oom_score_adj, Some(1000));
    assert!(setup("no_new_privs = true").no_new_privs);
    for (word, priority) in [
        ("idle", IoPriority::Idle),
        ("best-effort", IoPriority::BestEffort(4)),
        ("best-effort:7", IoPriority::BestEffort(7)),
        ("realtime:0", IoPriority::RealTime(0)),
    ] {
        assert_eq!(setup(&format!("ioprio = '{word}'")).io_priority, Some(priority));
    }
}

#[test]
fn a_limit_is_one_value_or_two_with_a_unit_that_fits() {
    for (limit, expected) in [
        ("nofile = 1024", (Limited::Nofile, Limit::Both(Some(1024), Some(1024)))),
        ("core = 'unlimited'", (Limited::Core, Limit::Both(None, None))),
        ("as = '2GiB'", (Limited::As, Limit::Both(Some(2 << 30), Some(2 << 30)))),
        ("cpu = '90s'", (Limited::Cpu, Limit::Both(Some(90), Some(90)))),
        ("cpu = '1ms'", (Limited::Cpu, Limit::Both(Some(1), Some(1)))),
        ("rttime = '200ms'", (Limited::Rttime, Limit::Both(Some(200_000), Some(200_000)))),
        ("nproc = { soft = 5 }", (Limited::Nproc, Limit::Soft(Some(5)))),
        ("nproc = { soft = 5, hard = 'unlimited' }", (Limited::Nproc, Limit::Both(Some(5), None))),
    ] {
        let limits = setup(&format!("limits = {{ {limit} }}")).limits;
        assert_eq!(Vec::from_iter(limits), [expected], "{limit}");
    }
    for limited in Limited::ALL {
        assert_eq!(setup(&format!("limits.{} = 7", limited.word())).limits.len(), 1);
    }
}

#[test]
fn capabilities_are_one_list_or_two() {
    let sets = |line: &str| setup(line).capabilities;
    let both = |bounding, ambient| Some(CapabilitySets { bounding, ambient });
    assert_eq!(sets("capabilities = ['NET_BIND_SERVICE']"), both(BIND, BIND));
    assert_eq!(sets("capabilities = ['cap_net_bind_service']"), both(BIND, BIND));
    assert_eq!(sets("capabilities = []"), both(0, 0));
    assert_eq!(sets("capabilities = { ambient = ['NET_BIND_SERVICE'] }"), both(u64::MAX, BIND));
    assert_eq!(sets("capabilities = { bounding = ['NET_BIND_SERVICE'] }"), both(BIND, 0));
}

#[test]
fn a_cgroup_has_limits_or_none() {
    assert_eq!(cgroup("cgroup = {}"), Some(CgroupSpec::default()));
    let all = "cgroup = { cpu = '150%', memory = '2MiB', memory_high = '1MiB', pids = 9, optional = true }";
    let expected = CgroupSpec {
        cpu_percent: Some(150),
        memory_bytes_max: Some(2 << 20),
        memory_bytes_high: Some(1 << 20),
        pids_max: Some(9),
        is_optional: true,
    };
    assert_eq!(cgroup(all), Some(expected));
    let config = parse("[host]\ncgroup = '/sys/fs/cgroup/own'\n").unwrap();
    assert_eq!(config.settings.cgroups.root.as_deref(), Some(std::path::Path::new("/sys/fs/cgroup/own")));
}

#[test]
fn a_wrong_value_is_reported_where_it_is_with_what_to_write() {
    refused("user = ''", 8, "cannot be a user");
    refused("user = 'a:'", 8, "cannot be a user");
    refused("user = 'a b'", 8, "cannot be a user");
    refused("user = -1", 8, "cannot be a user");
    refused("user = 4294967295", 8, "cannot be a user");
    refused("user = true", 8, "must be a text");
    refused("groups = 'adm'", 10, "must be a list of texts");
    refused("groups = ['adm', 'a b']", 18, "cannot be a group");
    refused("umask = '09'", 9, "is not a umask");
    refused("umask = '7777'", 9, "is not a umask");
    refused("umask = 27", 9, "must be a text");
    refused("nice = 20", 8, "out of its bounds");
    refused("nice = '5'", 8, "must be a whole number");
    refused("oom_score_adj = -1001", 17, "out of its bounds");
    refused("ioprio = 'idle:1'", 10, "is not a priority for disks");
    refused("ioprio = 'best-effort:8'", 10, "is not a priority for disks");
    refused("no_new_privs = 'yes'", 16, "must be true or false");
    refused("limits = { nofile = 'many' }", 21, "the limit `nofile` must be a whole number");
    refused("limits = { nofile = -1 }", 21, "the limit `nofile` must be a whole number");
    refused("limits = { as = '2 gigs' }", 17, "a size such as");
    refused("limits = { nofiles = 3 }", 12, "unknown key `nofiles`");
    refused("limits = { nofile = { hard = 3 } }", 21, "has no `soft` limit");
    refused("limits = { nofile = { soft = 4, hard = 3 } }", 23, "is above the hard one");
    refused("limits = 5", 10, "must be a table");
    refused("capabilities = ['NET_BIND']", 17, "there is no capability `NET_BIND`");
    refused("capabilities = 'ALL'", 16, "must be a table");
    refused("capabilities = { bounding = [], ambient = ['KILL'] }", 33, "`bounding` does not have");
    refused("cgroup = { cpu = 50 }", 18, "must be a text");
    refused("cgroup = { cpu = '0%' }", 18, "is not a share of processor time");
    refused("cgroup = { memory = '0B' }", 12, "must be more than 0");
    refused("cgroup = { memory = '1MiB', memory_high = '2MiB' }", 29, "is above `memory`");
    refused("cgroup = { pids = 0 }", 19, "must be at least 1");
    refused("cgroup = true", 10, "must be a table");
}

#[test]
fn a_key_of_another_supervisor_is_translated() {
    for (line, key) in [
        ("uid = 5", "user"),
        ("LimitNOFILE = 5", "limits"),
        ("CPUQuota = '5%'", "cgroup"),
        ("OOMScoreAdjust = 5", "oom_score_adj"),
        ("CapabilityBoundingSet = ''", "capabilities"),
        ("NoNewPrivileges = true", "no_new_privs"),
        ("IOSchedulingClass = 'idle'", "ioprio"),
    ] {
        refused(line, 1, &format!("is called `{key}` here"));
    }
}
