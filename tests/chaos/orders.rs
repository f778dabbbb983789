//! Random orders and reloads. Each worker has its own processes, so that it knows which of its orders was the last one. What got
//! no clear answer, because the host was killed, may or may not have been carried out.

use std::sync::atomic::Ordering;

use provost_tests::runs::{Act, Control, Random, Want, pause};
use serde_json::{Value, json};

use crate::fleet::{self, Member, REPLICAS};
use crate::shared::Chaos;

/// The number of workers.
pub(crate) const WORKERS: usize = 2;

/// How often an order is given at the end before it counts as a problem that it gets no clear answer.
const TRIES: usize = 50;

/// The pause between two tries, in milliseconds.
const BETWEEN_MS: u64 = 200;

/// The signals that are sent by orders.
const SIGNALS: [&str; 5] = ["TERM", "USR1", "KILL", "WINCH", "CONT"];

/// Gives orders until the run is over.
pub(crate) fn work(chaos: &Chaos, worker: usize) {
    let mut random = Random::of(chaos.seed, &format!("orders {worker}"));
    let mut control = Control::new(&chaos.machine.socket);
    let members: Vec<Member> =
        fleet::members(0).into_iter().filter(|member| member.kind.is_ordered()).collect();
    let mine: Vec<&Member> = members.iter().skip(worker).step_by(WORKERS).collect();
    while !chaos.is_over() {
        pause(random.between(50, 400));
        let names: Vec<&str> = (0..random.between(1, 3)).map(|_| random.pick(&mine).name.as_str()).collect();
        let act = *random.pick(&Act::ALL);
        order(chaos, &mut control, act, &names, random.pick::<&str>(&SIGNALS));
    }
}

/// Gives an order, and updates the model.
fn order(chaos: &Chaos, control: &mut Control, act: Act, names: &[&str], signal: &str) {
    let mut body = json!({ "select": names });
    if act == Act::Signal {
        body["signal"] = signal.into();
    }
    chaos.tally.add(act.word());
    if let Some(want) = act.want() {
        // Until there is an answer.
        names.iter().for_each(|name| chaos.model.set(name, Want::Unclear));
        let Some(outcome) = sent(chaos, control, &format!("/v1/processes/{}", act.word()), &body) else {
            return;
        };
        for result in outcome["results"].as_array().unwrap() {
            let name = result["name"].as_str().unwrap();
            if result["ok"] == true {
                chaos.model.set(name, want);
            } else if !result["error"]["message"].as_str().unwrap_or_default().contains("give it again") {
                chaos.problems.add(format!("{act:?} of {name} was refused: {}", result["error"]));
            }
        }
    } else {
        // A process that is down or ending cannot be sent a signal.
        let _ = sent(chaos, control, "/v1/processes/signal", &body);
    }
}

/// Sends an order, and returns the answer; `None` if there was none, because there is no host.
fn sent(chaos: &Chaos, control: &mut Control, path: &str, body: &Value) -> Option<Value> {
    match control.post(path, body) {
        Ok((200, answer)) => Some(serde_json::from_slice(&answer).unwrap()),
        // A host that is about to end refuses orders.
        Ok((503, _)) | Err(_) => {
            chaos.tally.add("orders without an answer");
            None
        }
        Ok((status, answer)) => {
            let answer = String::from_utf8_lossy(&answer).into_owned();
            chaos.problems.add(format!("{path} with {body} was answered with {status}: {answer}"));
            None
        }
    }
}

/// Changes the config and the number of replicas until the run is over.
pub(crate) fn configure(chaos: &Chaos) {
    let mut random = Random::of(chaos.seed, "config");
    let mut control = Control::new(&chaos.machine.socket);
    while !chaos.is_over() {
        pause(random.between(500, 3_000));
        if random.below(3) > 0 {
            let _ = scale(chaos, &mut control, random.between(2, REPLICAS as u64));
        } else {
            reload(chaos, chaos.version.load(Ordering::Relaxed) + 1);
        }
    }
}

fn scale(chaos: &Chaos, control: &mut Control, count: u64) -> bool {
    chaos.tally.add("scale");
    let outcome = sent(chaos, control, "/v1/processes/scale", &json!({ "replicas": { "replica": count } }));
    outcome.is_some_and(|outcome| outcome["results"][0]["ok"] == true)
}

/// Writes this version of the config and has it carried out; returns whether it was.
fn reload(chaos: &Chaos, version: u64) -> bool {
    chaos.tally.add("reload");
    let place = chaos.machine.dir().join("provost.toml");
    let next = place.with_extension("next");
    std::fs::write(&next, fleet::config(chaos.seed, version)).unwrap();
    std::fs::rename(next, place).unwrap();
    chaos.version.store(version, Ordering::Relaxed);
    let ran = chaos.machine.run(&["reload"]);
    if ran.code != 0 {
        chaos.tally.add("reloads without an answer");
    }
    ran.code == 0
}

/// Gives orders until it is clear what is wanted: the config is in force with all replicas, and each process whose last order got no
/// clear answer is up.
pub(crate) fn settle(chaos: &Chaos) {
    let mut control = Control::new(&chaos.machine.socket);
    let version = chaos.version.load(Ordering::Relaxed) + 1;
    again(chaos, "the config is not in force", || reload(chaos, version));
    again(chaos, "the replicas are not in force", || scale(chaos, &mut control, REPLICAS as u64));
    let mut control = Control::new(&chaos.machine.socket);
    again(chaos, "orders get no clear answer", || {
        let names = chaos.model.unclear();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        if !names.is_empty() {
            order(chaos, &mut control, Act::Start, &names, "");
        }
        chaos.model.unclear().is_empty()
    });
}

fn again(chaos: &Chaos, problem: &str, mut attempt: impl FnMut() -> bool) {
    for _ in 0..TRIES {
        if attempt() {
            return;
        }
        pause(BETWEEN_MS);
    }
    chaos.problems.add(problem);
}
