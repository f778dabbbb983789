//! Random faults, switched on in the running host for a short time and then off. One or two are on at once.

use crate::shared::Soak;
use provost_tests::runs::Random;
use provost_tests::runs::pause;

/// A fault: its name in the figures, and the line that switches it on, in which `NAME` stands for a process.
type Fault = (&'static str, &'static str);

const FAULTS: [Fault; 22] = [
    ("fork EAGAIN", "spawn.fork=return(11)"),
    ("fork EAGAIN", "spawn.fork=30%return(11)"),
    ("fork EMFILE", "spawn.fork=return(24)"),
    ("fork ENOMEM", "spawn.fork=50%return(12)"),
    ("cannot prepare", "spawn.prepare=20%return(on purpose)"),
    ("exec hangs", "spawn.exec=pause"),
    ("no thread", "thread.start=return"),
    ("no thread", "thread.start=50%return"),
    ("runner panics", "runner.panic=5%return"),
    ("runner panics", "runner.panic=50%return(NAME)"),
    ("clock step", "clock.step=return(3600000)"),
    ("clock step", "clock.step=return(-86400000)"),
    ("log ENOSPC", "log.write=return(28)"),
    ("log ENOSPC", "log.write=50%return(28)"),
    ("log EIO", "log.write=return(5)"),
    ("log EMFILE", "log.open=return(24)"),
    ("log EIO", "log.rotate=return(5)"),
    ("log disk hangs", "log.write=pause"),
    ("host log ENOSPC", "hostlog.write=return(28)"),
    ("host log hangs", "hostlog.write=pause"),
    ("name server", "names.lookup=return(no answer)"),
    ("plugin call", "plugin.call=30%return"),
];

/// The longest time that a fault is on, in milliseconds.
const ON_MS: u64 = 1_500;

/// Switches faults on and off until the soak is over.
pub(crate) fn work(soak: &Soak) {
    let mut random = Random::of(soak.seed, "faults");
    while !soak.is_over() {
        let mut lines = Vec::new();
        for _ in 0..random.between(1, 2) {
            let (what, line) = random.pick(&FAULTS);
            soak.tally.add(what);
            lines.push(line.replace("NAME", &random.pick(&soak.members).name));
        }
        soak.machine.set_faults(&format!("{}\n", lines.join("\n")));
        wait(soak, random.between(100, ON_MS));
        soak.machine.set_faults("");
        wait(soak, random.between(100, ON_MS));
    }
    soak.machine.set_faults("");
}

fn wait(soak: &Soak, ms: u64) {
    let mut left = ms;
    while left > 0 && !soak.is_over() {
        let step = left.min(100);
        pause(step);
        left -= step;
    }
}
