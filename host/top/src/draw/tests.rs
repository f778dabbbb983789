//! Frames of every view, at sizes from a wide terminal to a small one, compared as text.

use crossterm::event::{KeyCode, MouseButton, MouseEvent, MouseEventKind};
use provost_api::{
    Backend, Dependencies, Dependency, Dependent, Desired, Difference, Event, EventKind, Exit, Explanation,
    Failing, Fault, FaultKind, Health, ItemChange, ItemDifference, LogItem, LogStream, Phase, Plugin,
    PluginRole, PluginStatus, PluginVersion, Process, ProcessUsage, Replicas, StateCore, Status,
};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::{Scene, Theme, frame};
use crate::app::text;
use crate::input::Key;
use crate::model::{Model, News};
use crate::request::{Order, Request, Slot, Verb};
use crate::views::{Effect, Ui};
use crate::words::tests::{NOW, Plain};

fn process(name: &str, phase: Phase, reason: &str) -> Process {
    let lives = phase == Phase::Running;
    Process {
        name: name.into(),
        desired: if phase == Phase::Stopped { Desired::Down } else { Desired::Up },
        pid: lives.then_some(4711),
        started_at: lives.then(|| (NOW - 192_000).to_string()),
        reason: reason.into(),
        phase,
        ..Process::default()
    }
}

fn processes() -> Vec<Process> {
    let worker = |number: u32, phase| Process {
        group: Some("workers".into()),
        ..process(&format!("worker.{number}"), phase, "running")
    };
    vec![
        Process {
            health: Health::Unhealthy,
            failing: Some(Failing { why: "http answers 503".into(), since: NOW.to_string() }),
            ..process("web", Phase::Running, "http answers 503")
        },
        worker(1, Phase::Running),
        Process {
            restarts: 12,
            exit: Some(Exit::Code { code: 3 }),
            next_action_at: Some("7".into()),
            ended_at: Some((NOW - 2_000).to_string()),
            reason: "third failure\x1b[2J in a row".into(),
            ..worker(2, Phase::Backoff)
        },
        process("migrate", Phase::Stopped, "not started yet"),
    ]
}

/// What the host and its processes use, in the look at this time.
fn usage(at: u32) -> Vec<ProcessUsage> {
    let one = |process: &str, cpu: f64| ProcessUsage {
        process: process.into(),
        host: process == "provost",
        at: at.to_string(),
        cpu,
        rss_bytes: 5 << 20,
        pss_bytes: Some(3 << 20),
        threads: 4,
        members: 2,
        ..ProcessUsage::default()
    };
    vec![one("provost", 0.004), one("web", f64::from(at) / 8.0), one("worker.1", 0.01)]
}

struct Seen {
    ui: Ui,
    model: Model,
    terminal: Terminal<TestBackend>,
}

impl Seen {
    fn new(columns: u16, rows: u16) -> Self {
        let mut model = Model::default();
        let mut status = Status { boot: "b".into(), processes: processes(), ..Status::default() };
        status.host.pid = 17;
        status.host.started_at = (NOW - 61_000).to_string();
        status.replicas = vec![Replicas { name: "worker".into(), wanted: 2, running: 1, least: 1, most: 5 }];
        for at in 0..4 {
            status.usage = Some(usage(at));
            model.learn(News::Status(Box::new(status.clone())));
        }
        let terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        Self { ui: Ui::default(), model, terminal }
    }

    fn learn(&mut self, news: News) {
        self.ui.hear(&news, &Plain);
        self.model.learn(news);
    }

    fn shown(&mut self) -> String {
        let Self { ui, model, terminal } = self;
        let theme = Theme { colors: false };
        terminal
            .draw(|target| {
                let mut scene = Scene { ui, model, words: &Plain, theme, still: false };
                if let Some(cursor) = frame(target.buffer_mut(), &mut scene) {
                    target.set_cursor_position(cursor);
                }
            })
            .unwrap();
        text(terminal.backend().buffer())
    }

    fn keys(&mut self, keys: &str) -> Vec<Effect> {
        let mut effects = Vec::new();
        for c in keys.chars() {
            let code = match c {
                '\n' => KeyCode::Enter,
                '\x1b' => KeyCode::Esc,
                '↓' => KeyCode::Down,
                '↑' => KeyCode::Up,
                c => KeyCode::Char(c),
            };
            let ctrl = c == '\x10';
            let code = if ctrl { KeyCode::Char('p') } else { code };
            effects.extend(self.ui.press(Key { code, ctrl }, &self.model));
            // As the loop does: a key is answered by a frame.
            self.shown();
        }
        effects
    }

    fn click(&mut self, column: u16, row: u16) -> Vec<Effect> {
        let kind = MouseEventKind::Down(MouseButton::Left);
        let modifiers = crossterm::event::KeyModifiers::NONE;
        self.ui.mouse(MouseEvent { kind, column, row, modifiers }, &self.model)
    }
}

fn line(process: &str, text: &str) -> News {
    let stream = LogStream::Stdout;
    let (process, text) = (process.into(), text.into());
    News::Log(Slot::Logs, LogItem::Text { process, stream, at: "5".into(), text, partial: false })
}

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
     NAME      GROUP    PHASE        SINCE  RESTARTS     CPU     MEMORY      PID  NEXT            EXIT     REASON
     web       -        unhealthy     192s         0   37.5%  5242880 B     4711  -               -        http answers 503
     worker.1  workers  running       192s         0    1.0%  5242880 B     4711  -               -        running
     worker.2  workers  backoff         2s        12       -          -        -  start at 7      3        third failure�[2J in a row

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
    assert_eq!(seen.ui.wants(&seen.model), [Request::Dependencies, follow, explain]);
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
    };
    seen.learn(News::Explained { name: "web".into(), outcome: Ok(Box::new(explanation)) });
    let needs = Dependency { process: "migrate".into(), ..Dependency::default() };
    let web = Dependent { name: "web".into(), depends_on: vec![needs], ..Dependent::default() };
    seen.learn(News::Dependencies(Dependencies { generation: 1, processes: vec![web] }));
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



    ── web running ─────────────────────────────────────────────────────────────────
    web is running.
      uses           37.5% CPU, 5242880 B resident (3145728 B proportional), 4 thre…
      depends on     migrate (stopped)
      …
      @17 web health
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
    moody    quarantined        2         9       3        -        -  3 faults in …



    ────────────────────────────────────────────────────────────────────────────────
    component  bundled:backoff (0123456789ab), signed by nobody
    roles      restart-policy
    answers    0 clamped, 0 denied; queue 0, missed 0, fuel at most 0
    faults     3 trap
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
fn an_order_is_carried_out_only_after_its_confirmation() {
    let mut seen = Seen::new(60, 12);
    assert_eq!(seen.keys("↓r"), []);
    insta::assert_snapshot!(seen.shown(), @r"
    provost  4 processes  1 stopped 2 running 1 backoff
     1 Processes   2   3   4   5
     NAME     PHASE       SINCE RESTARTS    CPU    MEMORY
     web      unhealthy    192s        0  37.5% 5242880 B
     worker.1 running  ┌─ Confirm ─────────┐.0% 5242880 B
     worker.2 backoff  │ restart worker.1? │  -         -
     migrate  stopped  └─ y yes  n no ─────┘  -         -




    Enter detail  l logs  r restart  s start  ? help  q quit
    ");
    assert_eq!(seen.keys("n"), [], "nothing is done");
    let order = |verb| {
        let targets = vec!["worker.1".to_owned()];
        vec![Effect::Ask(Request::Order(Order::Processes { verb, targets }))]
    };
    assert_eq!(seen.keys("xy"), order(Verb::Stop));
    assert_eq!(seen.keys("K↓↓↓\ny"), order(Verb::Signal("TERM".into())));
    assert_eq!(seen.keys("cx"), []);
    insta::assert_snapshot!(seen.shown().lines().rev().nth(1).unwrap(), @"replicas of worker (1 to 5 in the confi…2x");
    seen.keys("\n");
    assert!(seen.shown().contains("`2x` is not a number of replicas"));
    seen.keys("c");
    seen.ui.press(Key { code: KeyCode::Backspace, ctrl: false }, &seen.model);
    let scaled = Order::Scale { name: "worker".into(), count: 4 };
    assert_eq!(seen.keys("4\ny"), [Effect::Ask(Request::Order(scaled))]);
    seen.keys("↑c");
    assert!(seen.shown().contains("web has no replicas"), "{}", seen.shown());
}

#[test]
fn a_reload_shows_first_what_it_would_change() {
    let mut seen = Seen::new(60, 12);
    assert_eq!(seen.keys("R"), [Effect::Ask(Request::Difference)]);
    let one = ItemDifference { name: "web".into(), change: ItemChange::Changed, ..ItemDifference::default() };
    let difference = Difference { processes: vec![one], ..Difference::default() };
    seen.learn(News::Difference(Ok(Box::new(difference))));
    insta::assert_snapshot!(seen.shown(), @r"
    provost  4 processes  1 stopped 2 running 1 backoff
     1 Processes   2   3   4   5
     NAME     PHASE       SINCE RESTARTS    CPU    MEMORY
     web      unhealthy┌─ Confirm ──────────┐5% 5242880 B
     worker.1 running  │ reload the config? │0% 5242880 B
     worker.2 backoff  │                    │ -         -
     migrate  stopped  │ changed web        │ -         -
                       └─ y yes  n no ──────┘



    Enter detail  l logs  r restart  s start  ? help  q quit
    ");
    assert_eq!(seen.keys("y"), [Effect::Ask(Request::Order(Order::Reload))]);
    seen.learn(News::Difference(Ok(Box::default())));
    assert!(seen.shown().contains("nothing differs"));
    seen.learn(News::Difference(Err("error: `comand` is unknown\nhint: `command`".into())));
    assert!(seen.shown().contains("error: `comand` is unknown"));
}

#[test]
fn the_help_and_the_palette_come_from_the_table_of_keys() {
    let mut seen = Seen::new(70, 14);
    seen.keys("?");
    insta::assert_snapshot!(seen.shown(), @r"
    provost  4 processes  1 stopped 2 running 1 backoff     host 17 up 61s
    ┌─ Keys ─────────────────────────────────────────────────────────────┐
    │ Enter      show or hide why the selected process is in its state   │
    │ l          follow the logs of the selected or marked processes, o… │
    │ r          restart the selected or marked processes                │
    │ s          start the selected or marked processes                  │
    │ x          stop the selected or marked processes                   │
    │ /          narrow the list to names with a text; search in the lo… │
    │ t          show a tree of groups, or a list                        │
    │ Space      mark the selected process for the next order or its lo… │
    │ o          sort by the next column                                 │
    │ O          reverse the order                                       │
    └─ Esc closes ───────────────────────────────────────────────────────┘
    Enter detail  l logs  r restart  s start  x stop  ? help  q quit
    ");
    seen.keys("?\x10stop");
    insta::assert_snapshot!(seen.shown(), @r"
    provost  4 processes  1 stopped 2 running 1 backoff     host 17 up 61s
    ┌─ Commands ─────────────────────────────────────────────────────────┐
    │ > stop                                                             │
    │ stop the selected or marked processes                            x │
    │                                                                    │
    │                                                                    │
    │                                                                    │
    │                                                                    │
    │                                                                    │
    │                                                                    │
    │                                                                    │
    │                                                                    │
    └─ Enter does it  Esc closes ────────────────────────────────────────┘
    Enter detail  l logs  r restart  s start  x stop  ? help  q quit
    ");
    seen.keys("\n");
    assert!(seen.shown().contains("stop web?"), "the palette only asks");
    seen.keys("\x1b:worker.2\n");
    assert_eq!(seen.ui.list.targets(), ["worker.2"]);
}

#[test]
fn the_mouse_selects_sorts_scrolls_and_presses() {
    let mut seen = Seen::new(80, 12);
    seen.shown();
    seen.click(3, 5);
    assert_eq!(seen.ui.list.targets(), ["worker.2"]);
    seen.click(3, 5);
    assert!(seen.ui.detail, "a second click opens it");
    seen.click(3, 2);
    assert!(seen.shown().contains("sorted by name"));
    assert_eq!(seen.click(30, 1), [Effect::Ask(Request::Watch { plugins: true })]);
    assert!(seen.shown().contains("there are no plugins"));
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
fn a_filter_narrows_the_list_while_it_is_typed() {
    let mut seen = Seen::new(60, 9);
    seen.keys("/work");
    insta::assert_snapshot!(seen.shown(), @r"
    provost  4 processes  1 stopped 2 running 1 backoff
     1 Processes   2   3   4   5               names with `work`
     NAME     PHASE       SINCE RESTARTS    CPU    MEMORY
     worker.1 running      192s        0   1.0% 5242880 B
     worker.2 backoff        2s       12      -         -


    names with: work
    Enter detail  l logs  r restart  s start  ? help  q quit
    ");
    seen.keys("\n\x1b");
    assert_eq!(seen.shown().matches("worker").count(), 2);
    assert!(seen.shown().contains("web"));
}

#[test]
fn no_size_of_the_terminal_is_too_small_or_too_large() {
    let views = "\n\n\n12345?\x1b:\x1bR";
    for (columns, rows) in [(1, 1), (10, 3), (20, 4), (40, 10), (80, 24), (300, 100), (3, 90), (200, 2)] {
        let mut seen = Seen::new(columns, rows);
        seen.learn(line("web", &"long ".repeat(100)));
        for key in views.chars() {
            seen.keys(&key.to_string());
        }
        seen.learn(News::Difference(Err("a line\n".repeat(50))));
        seen.shown();
    }
}
