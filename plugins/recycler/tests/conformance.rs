//! Tests the table of the recycler: which samples restart a process. The rows of memmon and pm2 are those of their
//! documents: memmon restarts at a look at which the memory is above the limit, and so does `max_memory_restart`.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use provost_guest::testing::{MadeUpWorld, invariants, sample, usage};
use provost_guest::{Sample, UsageAction, UsagePolicy, settings};
use provost_plugin_recycler::Recycler;

const MIB: u64 = 1 << 20;
const HOUR: u64 = 3_600_000;

fn policy(json: &str) -> Recycler {
    let policy: Recycler = settings::parse(json).expect("these settings are good");
    policy.check().expect("these settings agree");
    policy
}

/// A sample of a process that is an hour old, whose memory was `mib`, the newest first.
fn of(mib: &[u64]) -> Sample {
    let (now, former) = mib.split_first().expect("there is a sample");
    Sample {
        former: former.iter().map(|mib| usage(mib * MIB)).collect(),
        uptime: HOUR,
        ..sample("web", now * MIB)
    }
}

fn action(json: &str, sample: &Sample) -> UsageAction {
    policy(json).on_sample(sample, &MadeUpWorld::default()).action
}

const RESTART: UsageAction = UsageAction::Restart(None);
const PASS: UsageAction = UsageAction::Pass;

#[test]
fn any_sample_is_judged_alike() {
    let policy = policy(r#"{"rss_max": "1GiB", "pss_max": "512MiB", "age_max": "12h"}"#);
    invariants::never_panics::<Sample>(&policy);
    invariants::same_input_same_decision::<Sample>(&policy);
}

#[test]
fn the_table() {
    let exact = r#"{"rss_max": "100MiB", "jitter": 0}"#;
    let at_once = r#"{"rss_max": "100MiB", "samples": 1, "jitter": 0}"#;
    let table: [(&str, &[u64], UsageAction); 12] = [
        (exact, &[101], PASS),
        (exact, &[101, 101], PASS),
        (exact, &[101, 101, 101], RESTART),
        (exact, &[101, 101, 101, 5, 5], RESTART),
        (exact, &[500, 100, 500, 500], PASS),
        (exact, &[100, 101, 101, 101], PASS),
        (exact, &[100, 100, 100], PASS),
        // memmon -a 100MB, pm2 max_memory_restart: "100M"
        (at_once, &[101], RESTART),
        (at_once, &[100], PASS),
        (at_once, &[99, 101], PASS),
        (r#"{"rss_max": 104857600, "samples": 2, "jitter": 0}"#, &[101, 101], RESTART),
        (r#"{"age_max": "2h", "jitter": 0}"#, &[9_999, 9_999, 9_999], PASS),
    ];
    for (json, mib, expected) in table {
        assert_eq!(action(json, &of(mib)), expected, "{json} {mib:?}");
    }
}

#[test]
fn proportional_memory_counts_only_where_it_was_read() {
    let json = r#"{"pss_max": "100MiB", "samples": 2, "jitter": 0}"#;
    let mut sample = of(&[500, 500]);
    assert_eq!(action(json, &sample), PASS, "it was not read");
    sample.usage.pss_bytes = Some(101 * MIB);
    assert_eq!(action(json, &sample), PASS, "it was read once");
    sample.former[0].pss_bytes = Some(101 * MIB);
    assert_eq!(action(json, &sample), RESTART);
}

#[test]
fn a_young_process_is_left_alone_until_it_has_settled() {
    let json = r#"{"rss_max": "100MiB", "settle": "30s", "samples": 1, "jitter": 0}"#;
    for (uptime, expected) in [(0, PASS), (29_999, PASS), (30_000, RESTART)] {
        assert_eq!(action(json, &Sample { uptime, ..of(&[500]) }), expected, "{uptime} ms");
    }
    let default = r#"{"rss_max": "100MiB", "samples": 1, "jitter": 0}"#;
    assert_eq!(action(default, &Sample { uptime: 59_999, ..of(&[500]) }), PASS);
    assert_eq!(action(default, &Sample { uptime: 60_000, ..of(&[500]) }), RESTART);
}

#[test]
fn a_process_is_restarted_at_its_age_whatever_it_uses() {
    let json = r#"{"age_max": "24h", "jitter": 0}"#;
    for (uptime, expected) in [(24 * HOUR - 1, PASS), (24 * HOUR, RESTART)] {
        assert_eq!(action(json, &Sample { uptime, ..of(&[1]) }), expected, "{uptime} ms");
    }
}

#[test]
fn it_may_take_the_drain_time_to_end() {
    let json = r#"{"rss_max": "100MiB", "samples": 1, "drain": "2m"}"#;
    assert_eq!(action(json, &of(&[500])), UsageAction::Restart(Some(120_000)));
}

#[test]
fn the_limits_of_replicas_are_spread_below_the_limit_and_the_same_for_all_samples_of_a_life() {
    let json = r#"{"age_max": "10h", "jitter": 0.5}"#;
    let limit = |name: &str, incarnation: u64| {
        let minutes = (1..=600_u64).find(|minutes| {
            let sample = Sample { name: name.into(), incarnation, uptime: minutes * 60_000, ..of(&[1]) };
            action(json, &sample) == RESTART
        });
        minutes.expect("the limit itself restarts")
    };
    let mut limits: Vec<u64> = (1..=20).map(|number| limit(&format!("web.{number}"), 1)).collect();
    assert!(limits.iter().all(|minutes| (300..=600).contains(minutes)), "{limits:?}");
    limits.sort_unstable();
    limits.dedup();
    assert!(limits.len() >= 15, "they are spread: {limits:?}");
    assert_ne!(limit("web.1", 1), limit("web.1", 2), "each life has its own");
}

#[test]
fn the_reason_names_the_figure_that_decided() {
    let mut sample = of(&[1_536, 1_536, 1_536]);
    sample.usage.members = 4;
    let reason = |json: &str, sample: &Sample| policy(json).on_sample(sample, &MadeUpWorld::default()).reason;
    assert_eq!(
        reason(r#"{"rss_max": "1GiB", "jitter": 0}"#, &sample),
        "1.5 GiB of resident memory in 4 process(es), above 1.0 GiB for 3 samples"
    );
    assert_eq!(
        reason(r#"{"age_max": "30m", "jitter": 0}"#, &sample),
        "it is 60 min 0 s old: the limit of this life is 30 min 0 s"
    );
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    for (json, error) in [
        ("{}", "it has no limit"),
        (r#"{"rss_max": "1GiB", "samples": 0}"#, "`samples` is 0"),
        (r#"{"rss_max": "1GiB", "samples": 62}"#, "`samples` is 62"),
        (r#"{"rss_max": "1GiB", "jitter": 1}"#, "`jitter` is 1"),
    ] {
        let policy: Recycler = settings::parse(json).expect("it can be read");
        let refusal = policy.check().expect_err(json);
        assert!(refusal.starts_with(error), "{refusal}");
    }
    for json in
        [r#"{"rss_max": "lots"}"#, r#"{"rss_max": 0}"#, r#"{"rss_max": "1 XB"}"#, r#"{"rss": "1GiB"}"#]
    {
        assert!(settings::parse::<Recycler>(json).is_err(), "{json}");
    }
}
