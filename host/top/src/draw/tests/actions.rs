//! What keys and the mouse do, as frames show it.

use super::*;

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
    │ z          give the details all the room, where they are scrolled… │
    │ o          sort by the next column                                 │
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
    assert!(seen.ui.detail.is_open(), "a second click opens it");
    seen.click(3, 2);
    assert!(seen.shown().contains("sorted by name"));
    assert_eq!(seen.click(30, 1), [Effect::Ask(Request::Watch { plugins: true })]);
    assert!(seen.shown().contains("there are no plugins"));
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
