//! Random orders, through the socket and the command line. Each worker has its own processes, so that it knows which of its
//! orders was the last one. An order to a group or to all processes is given while no other order is in progress.

use serde_json::{Value, json};

use crate::fleet::Member;
use crate::shared::Soak;
use provost_tests::runs::{Act, Control, Random, Want, pause};

/// The number of workers.
pub(crate) const WORKERS: usize = 3;

/// How often an order is given before it counts as a problem that the host reports it as lost.
const TRIES: usize = 20;

/// The signals that are sent by orders.
const SIGNALS: [&str; 6] = ["HUP", "TERM", "USR1", "KILL", "WINCH", "CONT"];

/// Gives orders until the soak is over.
pub(crate) fn work(soak: &Soak, worker: usize) {
    let mut random = Random::of(soak.seed, &format!("orders {worker}"));
    let mut control = Control::new(&soak.machine.socket);
    let mine: Vec<&Member> = soak.members.iter().skip(worker).step_by(WORKERS).collect();
    while !soak.is_over() {
        pause(random.between(20, 250));
        if worker == 0 && random.below(25) == 0 {
            to_many(soak, &mut random, &mut control);
            continue;
        }
        let _others = soak.turn.read().unwrap();
        let act = *random.pick(&Act::ALL);
        if worker == 0 {
            by_command_line(soak, act, &random.pick(&mine).name);
            continue;
        }
        let names: Vec<&str> = (0..random.between(1, 3)).map(|_| random.pick(&mine).name.as_str()).collect();
        let signal: &str = random.pick::<&str>(&SIGNALS);
        by_socket(soak, &mut control, act, &names, signal);
    }
}

/// Gives two orders to a group or to all processes. Processes that it stops are started again a little later.
fn to_many(soak: &Soak, random: &mut Random, control: &mut Control) {
    let _alone = soak.turn.write().unwrap();
    let target = match random.below(4) {
        0 => "all".to_owned(),
        _ => format!("{}:*", random.pick(&soak.members).group),
    };
    for act in
        *random.pick(&[[Act::Stop, Act::Start], [Act::Restart, Act::Signal], [Act::Start, Act::Restart]])
    {
        by_socket(soak, control, act, &[&target], "USR1");
        pause(random.between(10, 400));
    }
}

/// Gives an order through the API, repeats it for processes for which the host reports it as lost, and updates the model.
fn by_socket(soak: &Soak, control: &mut Control, act: Act, targets: &[&str], signal: &str) {
    let mut targets: Vec<String> = targets.iter().map(|target| (*target).to_owned()).collect();
    for _ in 0..TRIES {
        let mut body = json!({ "select": targets });
        if act == Act::Signal {
            body["signal"] = signal.into();
        }
        soak.tally.add(act.word());
        let answer = control.post(&format!("/v1/processes/{}", act.word()), &body);
        let outcome = match answer {
            Ok((200, body)) => serde_json::from_slice::<Value>(&body).unwrap(),
            Ok((status, body)) => {
                let body = String::from_utf8_lossy(&body).into_owned();
                soak.problems.add(format!("{act:?} of {targets:?} was answered with {status}: {body}"));
                return doubt(soak, &targets);
            }
            Err(error) => {
                soak.problems.add(format!("{act:?} of {targets:?} was not answered: {error}"));
                return doubt(soak, &targets);
            }
        };
        targets = lost(soak, act, &outcome);
        if targets.is_empty() {
            return;
        }
    }
    soak.problems.add(format!("{act:?} of {targets:?} was lost {TRIES} times"));
}

/// Updates the model from an answer, and returns the names of the processes for which the order has to be given again.
fn lost(soak: &Soak, act: Act, outcome: &Value) -> Vec<String> {
    let mut again = Vec::new();
    for result in outcome["results"].as_array().unwrap() {
        let name = result["name"].as_str().unwrap().to_owned();
        let message = result["error"]["message"].as_str().unwrap_or_default();
        match (result["ok"] == true, act.want()) {
            (true, Some(want)) => soak.model.set(&name, want),
            (false, Some(_)) if message.contains("give it again") => {
                soak.model.set(&name, Want::Unclear);
                again.push(name);
            }
            (false, Some(_)) => {
                soak.model.set(&name, Want::Unclear);
                soak.problems.add(format!("{act:?} of {name} was refused: {}", result["error"]));
            }
            // A process that is down or ending cannot be sent a signal.
            (_, None) => {}
        }
    }
    again
}

fn doubt(soak: &Soak, targets: &[String]) {
    for member in &soak.members {
        let is_meant = |target: &String| {
            *target == "all" || *target == member.name || *target == format!("{}:*", member.group)
        };
        if targets.iter().any(is_meant) {
            soak.model.set(&member.name, Want::Unclear);
        }
    }
}

/// Gives an order through the command line, and updates the model.
fn by_command_line(soak: &Soak, act: Act, name: &str) {
    soak.tally.add(act.word());
    let arguments: &[&str] = match act {
        Act::Signal => &["signal", "USR2", name],
        _ => &[act.word(), name],
    };
    let ran = soak.machine.run(arguments);
    match (ran.code, act.want()) {
        (0, Some(want)) => soak.model.set(name, want),
        (_, Some(_)) => {
            soak.model.set(name, Want::Unclear);
            if !ran.stderr.contains("give it again") {
                soak.problems.add(format!("provost {arguments:?}: {ran:?}"));
            }
        }
        (_, None) => {}
    }
}

/// Starts the processes whose last order got no clear answer.
pub(crate) fn settle(soak: &Soak) {
    let names = soak.model.unclear();
    if !names.is_empty() {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        by_socket(soak, &mut Control::new(&soak.machine.socket), Act::Start, &names, "");
    }
}

/// Restarts all processes.
pub(crate) fn restart_all(soak: &Soak) {
    by_socket(soak, &mut Control::new(&soak.machine.socket), Act::Restart, &["all"], "");
}
