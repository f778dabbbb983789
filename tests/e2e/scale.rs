//! Many processes and much output.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};

use provost_tests::{Host, eventually, is_alive};

use crate::PROVOST;

#[test]
fn five_hundred_processes_run_are_seen_at_one_generation_and_leave_nothing_behind() {
    let mut config = String::from("[process.tree]\ncommand = \"sleep 1000 & sleep 1001 & echo up; wait\"\n");
    for number in 0..499 {
        config.push_str(&format!("[process.p{number}]\ncommand = [\"sleep\", \"1000\"]\n"));
    }
    let host = Host::up(PROVOST, &config);
    let status = eventually(
        "all are running",
        || host.status(),
        |status| status["processes"].as_array().unwrap().iter().all(|it| it["phase"] == "running"),
    );
    let processes = status["processes"].as_array().unwrap();
    assert_eq!(processes.len(), 500);
    let generation = status["generation"].as_u64().unwrap();
    // The status is one consistent snapshot: the last change of each process has a unique number, and the newest of them
    // is the generation of the snapshot.
    let numbers: HashSet<u64> = processes.iter().map(|it| it["generation"].as_u64().unwrap()).collect();
    assert_eq!(numbers.len(), 500);
    assert_eq!(numbers.iter().max(), Some(&generation));
    let versions: u64 = processes.iter().map(|it| it["version"].as_u64().unwrap()).sum();
    assert_eq!(versions + 500, generation, "as many changes as the versions say");

    let groups: Vec<u64> = processes.iter().map(|it| it["pid"].as_u64().unwrap()).collect();
    let tree = processes.iter().find(|it| it["name"] == "tree").unwrap()["pid"].as_u64().unwrap();
    let members = eventually("the tree has grown", || members_of(tree), |members| members.len() == 3);
    host.down();
    for pid in groups.into_iter().chain(members) {
        eventually(&format!("{pid} is gone"), || is_alive(pid), |alive| !alive);
    }
}

/// Returns the processes of a process group.
fn members_of(group: u64) -> Vec<u64> {
    let pids = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let in_group = |pid: &u64| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields = stat.rsplit(") ").next().unwrap_or_default();
        fields.split(' ').nth(2) == Some(&group.to_string())
    };
    pids.filter(in_group).collect()
}

#[test]
fn the_last_output_of_processes_is_in_their_logs_when_the_host_has_ended() {
    let mut config = String::new();
    for number in 0..10 {
        config.push_str(&format!(
            "[process.w{number}]\nready = {{ log = \"up\" }}\n\
             command = \"trap 'seq 1 9000; exit 0' TERM; echo up; while :; do sleep 0.05; done\"\n"
        ));
    }
    let host = Host::up(PROVOST, &config);
    for number in 0..10 {
        host.until_phase(&format!("w{number}"), "running");
    }
    let setup = host.down();
    for number in 0..10 {
        let log = std::fs::read_to_string(setup.dir().join(format!(".provost/logs/w{number}.log"))).unwrap();
        let numbers = log.lines().filter_map(|line| line.rsplit(' ').next()?.parse::<u32>().ok());
        assert!(numbers.eq(1..=9000), "w{number}: {} lines", log.lines().count());
    }
    let shown = std::fs::read_to_string(setup.dir().join("up.log")).unwrap();
    assert!(shown.contains("all processes have ended"), "{shown}");
}

#[test]
fn a_million_lines_arrive_whole_and_in_order_while_status_answers() {
    const LINES: usize = 1_000_000;
    let config = format!(
        "[process.flood]\ncommand = [\"seq\", \"-f\", \"line %.0f of the flood\", \"{LINES}\"]\n\
         logs = {{ file_size = \"8MiB\", files = 100 }}\n"
    );
    let host = Host::up(PROVOST, &config);
    // Each check is a status that the host answered.
    host.until("flood", "has ended", |it| it["phase"] == "exited");
    let dir = host.setup().dir().join(".provost/logs");
    let files = || {
        let mut files: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        // The directory of gap files is not one of them.
        files.retain(|path| path.is_file());
        // `.log.12` is older than `.log.2`, and `.log` is the newest.
        files.sort_by_key(|path| {
            std::cmp::Reverse(path.extension().and_then(|it| it.to_str()?.parse::<u32>().ok()).unwrap_or(0))
        });
        files
    };
    let last = format!("line {LINES} of the flood\n");
    eventually(
        "the last line is in the file",
        || host.ok(&["logs", "-n", "1", "flood"]),
        |line| *line == last,
    );
    let (mut expected, mut begun) = (0, String::new());
    for path in files() {
        assert!(std::fs::metadata(&path).unwrap().len() <= 8 << 20, "{}", path.display());
        for line in BufReader::new(std::fs::File::open(&path).unwrap()).lines() {
            let line = line.unwrap();
            let [tag, text] = line.splitn(4, ' ').skip(2).collect::<Vec<_>>()[..] else { panic!("{line}") };
            // A line consists of several parts if the child was interrupted within it for long.
            begun.push_str(text);
            if tag == "F" {
                expected += 1;
                assert_eq!(std::mem::take(&mut begun), format!("line {expected} of the flood"));
            }
        }
    }
    assert_eq!(expected, LINES);
    assert!(files().len() > 1, "the files were rotated");
    let tail = host.ok(&["logs", "-n", "2", "flood"]);
    assert!(
        tail.contains(&format!("line {} of", LINES - 1)) && tail.contains(&format!("line {LINES} of")),
        "{tail}"
    );
    host.down();
}
