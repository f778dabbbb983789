//! What each view shows, at several sizes.

use super::*;

#[test]
fn the_list_shows_the_state_of_all_processes_in_eighty_columns() {
    insta::assert_snapshot!(Seen::new(80, 12).shown(), @r"
    provost  4 processes  1 stopped 2 running 1 backoff               host 17 up 61s
     1 Processes   2 Logs   3 Plugins   4 State   5 Events
     NAME      PHASE        SINCE  RESTARTS     CPU     MEMORY  REASON
     web       unhealthy     192s         0   37.5%  5242880 B  http answers 503
     worker.1  running       192s         0    1.0%  5242880 B  running
     worker.2  backoff         2s        12       -          -  third failure�[2J i…
     migrate   stopped          -         0       -          -  not started yet




    Enter detail  l logs  r restart  s start  x stop  / find  ? help  q quit
    ");
}

#[test]
fn a_wide_terminal_has_all_columns_and_a_small_one_the_most_important() {
    insta::assert_snapshot!(Seen::new(130, 8).shown(), @r"
    provost  4 processes  1 stopped 2 running 1 backoff                                                                 host 17 up 61s
     1 Processes   2 Logs   3 Plugins   4 State   5 Events                                   all 38.5% 10485760 B  host 0.4% 5242880 B
     NAME      GROUP    PHASE        SINCE  RESTARTS     CPU     MEMORY       TREND      PID  NEXT            REASON
     web       -        unhealthy     192s         0   37.5%  5242880 B        ▁▃▆█     4711  -               http answers 503
     worker.1  workers  running       192s         0    1.0%  5242880 B        ▁▁▁▁     4711  -               running
     worker.2  workers  backoff         2s        12       -          -                    -  start at 7      third failure�[2J in a…

    Enter detail  l logs  r restart  s start  x stop  / find  t tree  Space mark  o sort  K signal  c scale  y copy  ? help  q quit
    ");
    insta::assert_snapshot!(Seen::new(40, 10).shown(), @r"
    provost  4 processes  1 stopped 2 runni…
     1 Processes   2   3   4   5
     NAME     PHASE       SINCE RESTARTS
     web      unhealthy    192s        0
     worker.1 running      192s        0
     worker.2 backoff        2s       12
     migrate  stopped         -        0


    Enter detail  l logs  ? help  q quit
    ");
    insta::assert_snapshot!(Seen::new(9, 2).shown(), @"too small");
}

#[test]
fn the_tree_has_a_heading_for_each_group() {
    let mut seen = Seen::new(80, 12);
    seen.keys("t↓↓ ");
    insta::assert_snapshot!(seen.shown(), @r"
    provost  4 processes  1 stopped 2 running 1 backoff               host 17 up 61s
     1 Processes   2 Logs   3 Plugins   4 State   5 Events                  1 marked
     NAME        PHASE        SINCE  RESTARTS     CPU     MEMORY  REASON
     web         unhealthy     192s         0   37.5%  5242880 B  http answers 503
     migrate     stopped          -         0       -          -  not started yet
    *workers (1 of 2 running)
       worker.1  running       192s         0    1.0%  5242880 B  running
       worker.2  backoff         2s        12       -          -  third failure�[2J…



    Enter detail  l logs  r restart  s start  x stop  / find  ? help  q quit
    ");
    assert_eq!(seen.keys("r\x1b"), []);
    assert_eq!(seen.ui.list.targets(), ["workers:*"]);
}

#[test]
fn the_detail_pane_explains_and_shows_the_last_lines() {
    let mut seen = Seen::new(80, 24);
    let effects = seen.keys("\n");
    assert_eq!(effects, []);
    let follow = Request::Follow { slot: Slot::Detail, targets: vec!["web".into()], lines: 50 };
    let explain = Request::Explain("web".into());
    let process = Request::Process("web".into());
    assert_eq!(seen.ui.wants(&seen.model), [Request::Dependencies, follow, explain, process.clone()]);
    assert_eq!(seen.ui.wants(&seen.model), [process], "it has not been answered yet");
    seen.learn(News::Process(Box::new(ProcessDetail {
        process: processes().remove(0),
        ..Default::default()
    })));
    assert_eq!(seen.ui.wants(&seen.model), [], "what has not changed is not asked for again");
    let event = |at: u64| Event {
        at: at.to_string(),
        process: "web".into(),
        kind: EventKind::Health,
        ..Event::default()
    };
    let explanation = Explanation {
        process: processes().remove(0),
        sentence: "web is running.".into(),
        history: (0..20).map(event).collect(),
        forgotten: 0,
        deaths: None,
        policies: None,
    };
    seen.learn(News::Explained { name: "web".into(), outcome: Ok(Box::new(explanation)) });
    let needs = Dependency { process: "migrate".into(), ..Dependency::default() };
    let web = Dependent { name: "web".into(), depends_on: vec![needs], ..Dependent::default() };
    seen.learn(News::Dependencies(Dependencies { generation: 1, processes: vec![web] }));
    seen.learn(News::LogsBegin(Slot::Detail, vec!["web".into()]));
    for number in 0..20 {
        let News::Log(_, item) = line("web", &format!("line {number}")) else { unreachable!() };
        seen.learn(News::Log(Slot::Detail, item));
    }
    insta::assert_snapshot!(seen.shown(), @r"
    provost  4 processes  1 stopped 2 running 1 backoff               host 17 up 61s
     1 Processes   2 Logs   3 Plugins   4 State   5 Events
     NAME      PHASE        SINCE  RESTARTS     CPU     MEMORY  REASON
     web       unhealthy     192s         0   37.5%  5242880 B  http answers 503
     worker.1  running       192s         0    1.0%  5242880 B  running
     worker.2  backoff         2s        12       -          -  third failure�[2J i…
     migrate   stopped          -         0       -          -  not started yet



    ── web running ──────────────────────────────────────────────────────── z all ──
    web is running.
      check fails    http answers 503
      uses           37.5% CPU, 5242880 B resident, 3145728 B proportional; process…
      depends on     migrate (stopped)
      …
      @18 web health
      @19 web health
    Its last lines:
      line 17
      line 18
      line 19

    Enter detail  l logs  r restart  s start  x stop  / find  ? help  q quit
    ");
}

#[test]
fn logs_of_several_processes_are_wrapped_searched_and_filtered() {
    let mut seen = Seen::new(40, 14);
    let effects = seen.keys(" ↓ l");
    let targets = vec!["web".to_owned(), "worker.2".to_owned()];
    assert_eq!(effects, [Effect::Ask(Request::Follow { slot: Slot::Logs, targets, lines: 500 })]);
    seen.learn(News::LogsBegin(Slot::Logs, vec!["web".into(), "worker.2".into()]));
    for news in [
        line("web", "GET /\t200"),
        line("worker.2", "a long line that has to be wrapped because it is so long"),
        line("web", "an [error] \x1b[31min red"),
        line("web", "GET /health"),
    ] {
        seen.learn(news);
    }
    insta::assert_snapshot!(seen.shown(), @r"
    provost  4 processes  1 stopped 2 runni…
     1   2 Logs   3   4   5
    logs of web, worker.2 · following




    web        GET /   200
    worker.2   a long line that has to be wr
               apped because it is so long
    web        an [error] \e[31min red
    web        GET /health

    f freeze  & filter  ? help  q quit
    ");
    seen.keys("w/error\n");
    insta::assert_snapshot!(seen.shown(), @r"
    provost  4 processes  1 stopped 2 runni…
     1   2 Logs   3   4   5
    logs of web, worker.2 · frozen · search…





    web        GET /   200
    worker.2   a long line that has to be w…
    web        an [error] \e[31min red
    web        GET /health

    f freeze  & filter  ? help  q quit
    ");
    seen.keys("\x1b\x1b&get\n");
    seen.keys("m");
    insta::assert_snapshot!(seen.shown(), @r"
    provost  4 processes  1 stopped 2 runni…
     1   2 Logs   3   4   5
    logs of web, worker.2 · following · wit…







    web        GET /   200
    web        GET /health

    f freeze  & filter  ? help  q quit
    ");
    let Some(Effect::Copy(copied)) = seen.keys("y").pop() else { panic!("nothing is copied") };
    insta::assert_snapshot!(copied, @r"
    web        GET /   200
    web        GET /health
    ");
}

#[test]
fn plugins_have_their_figures_and_the_selected_one_its_details() {
    let mut seen = Seen::new(80, 16);
    let version = |faults| PluginVersion {
        version: 2,
        source: "bundled:backoff".into(),
        digest: "0123456789abcdef".into(),
        roles: vec![PluginRole::RestartPolicy],
        calls: 9,
        faults,
        faults_by_kind: [(FaultKind::Trap, faults)].into(),
        last_fault: Some(Fault { kind: FaultKind::Trap, message: "unreachable".into() }),
        ..PluginVersion::default()
    };
    let plugin = |name: &str, status: PluginStatus, faults| Plugin {
        name: name.into(),
        reason: (status != PluginStatus::Active).then(|| "3 faults in 60 s".into()),
        status,
        active: version(faults),
        former: Some(version(0)),
    };
    seen.model.status.plugins =
        vec![plugin("backoff", PluginStatus::Active, 1), plugin("moody", PluginStatus::Quarantined, 3)];
    assert_eq!(seen.keys("3"), [Effect::Ask(Request::Watch { plugins: true })]);
    seen.keys("↓");
    insta::assert_snapshot!(seen.shown(), @r"
    provost  4 processes  1 stopped 2 running 1 backoff               host 17 up 61s
     1 Processes   2 Logs   3 Plugins   4 State   5 Events
    PLUGIN   STATUS       VERSION     CALLS  FAULTS      P50      P99  TROUBLE
    backoff  active             2         9       1        -        -  trap: unreac…
    moody    quarantined        2         9       3        -        -  3 faults in…

    ────────────────────────────────────────────────────────────────────────────────
    component  bundled:backoff (0123456789ab), signed by nobody
    roles      restart-policy
    answers    0 clamped, 0 denied; queue 0, missed 0, fuel at most 0
    status     quarantined: 3 faults in 60 s
    faults     3 trap
    last fault trap: unreachable
    former     version 2: bundled:backoff

    w swap  R reload  y copy  : commands  ? help  q quit
    ");
    seen.keys("w");
    insta::assert_snapshot!(seen.shown().lines().rev().take(2).collect::<Vec<_>>().join("\n"), @r"
    w swap  R reload  y copy  : commands  ? help  q quit
    new component of moody: bundled:backoff
    ");
    let order = Order::Swap { plugin: "moody".into(), component: "bundled:backoff".into() };
    assert_eq!(seen.keys("\ny"), [Effect::Ask(Request::Order(order))]);
}

#[test]
fn the_state_core_and_the_events_are_texts() {
    let mut seen = Seen::new(60, 9);
    assert_eq!(seen.keys("4"), [Effect::Ask(Request::StateCore)]);
    seen.learn(News::StateCore(Box::new(StateCore {
        backend: Backend::Atomic,
        rollout: 100,
        generation: 1,
        commits: 7,
        stale_incarnation: 0,
        stale_version: 0,
        illegal: 0,
        backends: Vec::new(),
    })));
    insta::assert_snapshot!(seen.shown(), @r"
    provost  4 processes  1 stopped 2 running 1 backoff
     1   2   3   4 State   5
    backend atomic
    commits 7




    R reload  y copy  : commands  ? help  q quit
    ");
    assert_eq!(seen.keys("5"), [Effect::Ask(Request::Events { since: 0 })]);
    for number in 0..20u64 {
        let event = Event {
            at: number.to_string(),
            process: "web".into(),
            kind: EventKind::Ready,
            ..Event::default()
        };
        seen.learn(News::Event(Box::new(event)));
    }
    seen.keys("↑↑");
    insta::assert_snapshot!(seen.shown(), @r"
    provost  4 processes  1 stopped 2 running 1 backoff
     1   2   3   4   5 Events
    events · 2 newer
    @14 web ready
    @15 web ready
    @16 web ready
    @17 web ready

    R reload  y copy  : commands  ? help  q quit
    ");
    assert_eq!(seen.keys("1"), [Effect::Ask(Request::NoEvents)]);
}

#[test]
fn a_host_that_is_gone_is_told_and_the_last_state_stays() {
    let mut seen = Seen::new(60, 8);
    seen.learn(News::Lost("nobody listens on the socket".into()));
    insta::assert_snapshot!(seen.shown(), @r"
    provost  no host: nobody listens on the socket
     1 Processes   2   3   4   5
     NAME     PHASE       SINCE RESTARTS    CPU    MEMORY
     web      unhealthy    192s        0  37.5% 5242880 B
     worker.1 running      192s        0   1.0% 5242880 B
     worker.2 backoff        2s       12      -         -

    Enter detail  l logs  r restart  s start  ? help  q quit
    ");
}

#[test]
fn the_details_have_all_the_room_on_request_and_are_scrolled_there() {
    let mut seen = Seen::new(60, 12);
    let sentence = "web is running with pid 4711, and its check of http://127.0.0.1:8080/health fails.";
    let event = |at: u64| Event { at: at.to_string(), process: "web".into(), ..Event::default() };
    let explanation = Explanation {
        process: processes().remove(0),
        sentence: sentence.into(),
        history: (0..9).map(event).collect(),
        forgotten: 0,
        deaths: None,
        policies: None,
    };
    seen.keys("z");
    seen.learn(News::Explained { name: "web".into(), outcome: Ok(Box::new(explanation)) });
    insta::assert_snapshot!(seen.shown(), @r"
    provost  4 processes  1 stopped 2 running 1 backoff
     1 Processes   2   3   4   5
    ── web running ──────────────────────── ↑↓ scroll  z list ──
    web is running with pid 4711, and its check of http://127.0…
      check fails    http answers 503
      uses           37.5% CPU, 5242880 B resident, 3145728 B
                     proportional; processes 2, threads 4
      @0 web
      @1 web
      @2 web

    Enter detail  l logs  r restart  s start  ? help  q quit
    ");
    seen.keys("↓↓G");
    insta::assert_snapshot!(seen.shown(), @r"
    provost  4 processes  1 stopped 2 running 1 backoff
     1 Processes   2   3   4   5
    ── web running ──────────────────────── ↑↓ scroll  z list ──
      @4 web
      @5 web
      @6 web
      @7 web
      @8 web

    It has printed nothing yet.

    Enter detail  l logs  r restart  s start  ? help  q quit
    ");
    assert_eq!(seen.ui.list.targets(), ["web"], "the arrows scroll and do not select");
    seen.keys("z↓\x1b");
    assert_eq!(seen.ui.list.targets(), ["worker.1"]);
    assert!(!seen.ui.detail.is_open());
}

#[test]
fn the_details_have_the_checks_and_the_names_of_the_variables() {
    let mut seen = Seen::new(90, 14);
    seen.keys("z");
    let last = CheckResult { passed: false, found: "http answers 503".into(), at: (NOW - 3_000).to_string() };
    let health = Check {
        kind: CheckKind::Http,
        target: "http://127.0.0.1:8080/health".into(),
        every_ms: Some(5_000),
        timeout_ms: Some(1_000),
        failures: Some(3),
        last: Some(last),
        ..Check::default()
    };
    let readiness = Check { kind: CheckKind::Log, target: "serving".into(), ..Check::default() };
    let detail = ProcessDetail {
        process: processes().remove(0),
        environment: Some(["DATABASE_URL", "HOME", "PORT"].map(str::to_owned).to_vec()),
        checks: Checks { readiness: Some(readiness), health: Some(health) },
    };
    seen.learn(News::Process(Box::new(detail)));
    insta::assert_snapshot!(seen.shown(), @r"
    provost  4 processes  1 stopped 2 running 1 backoff                         host 17 up 61s
     1 Processes   2 Logs   3 Plugins   4 State   5 Events
    ── web running ────────────────────────────────────────────────────── ↑↓ scroll  z list ──
    …
      ready check    not tried yet (log serving)
      health check   failed 3s ago: http answers 503 (http http://127.0.0.1:8080/health, every
                     5s, timeout 1s, restart after 3 failures in a row)
      uses           37.5% CPU, 5242880 B resident, 3145728 B proportional; processes 2,
                     threads 4
      environment    3 variables, values hidden: DATABASE_URL, HOME, PORT

    It has printed nothing yet.

    Enter detail  l logs  r restart  s start  x stop  / find  t tree  o sort  ? help  q quit
    ");
    assert!(seen.ui.wants(&seen.model).contains(&Request::Process("web".into())), "results change");
}
