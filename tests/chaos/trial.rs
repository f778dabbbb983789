//! One run, from the start of the host to its end.

use provost_tests::Setup;
use provost_tests::bench::clock::now_ns;
use provost_tests::runs::{Options, keep};

use crate::losses::Orphans;
use crate::machine::Machine;
use crate::shared::Chaos;
use crate::{blows, fleet, history, lines, orders, verdict, watch};

const PROVOST: &str = env!("CARGO_BIN_EXE_provost");

/// Runs the chaos, and returns its problems and its figures in one line.
pub(crate) fn run(options: &Options, orphans: Orphans) -> (Vec<String>, String) {
    // A copy: a build that goes on beside a long run replaces the program.
    let programs = tempfile::tempdir().unwrap();
    let program = programs.path().join("provost");
    std::fs::copy(PROVOST, &program).unwrap();
    let setup = Setup::new(program.to_str().unwrap(), &fleet::config(options.seed, 0));
    fleet::prepare(setup.dir());
    let chaos = Chaos::new(options, Machine::new(setup), orphans);
    let figures = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| whole(&chaos, options.seconds)));
    chaos.end();
    chaos.machine.clear();
    if options.keep || !chaos.problems.list().is_empty() || figures.is_err() {
        keep("chaos", chaos.machine.dir());
    }
    let figures = figures.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    (chaos.problems.list(), figures)
}

fn whole(chaos: &Chaos, seconds: u64) -> String {
    if chaos.machine.until_another(None, || ()).is_none() {
        chaos.problems.add(format!("the host does not answer after its start: {}", chaos.machine.log()));
        return String::new();
    }
    verdict::converges(chaos, "after the start");
    let silences = storm(chaos, seconds);
    if chaos.machine.until_held().is_none() {
        chaos.problems.add("no host with a keeper answers after the storm");
        return String::new();
    }
    chaos.model.doubt(|at| chaos.losses.may_be_forgotten(at));
    orders::settle(chaos);
    verdict::converges(chaos, "at the end");
    verdict::no_orphans(chaos);
    verdict::no_defects(chaos);
    verdict::goes_down(chaos);
    let history = history::check(chaos);
    let lives = verdict::no_doubles(chaos, &history.told);
    let lines = lines::check(chaos, &history.told);
    format!(
        "{}; {} processes, {} lives ({} begun again); {} lines, {} of them a second time, {} cut, the last ones of {} lives \
         lost that ended unseen and of {} that ended just before, at most {} ms, and of {} that were abandoned as they were started; the journal has {} ends ({} unknown) and {} decisions, and {} of the \
         {} ends that processes have noted; {}",
        chaos.tally.words(),
        fleet::members(0).len(),
        lives.count,
        lives.again.len(),
        lines.whole,
        lines.doubled,
        lines.cut,
        lines.unseen,
        lines.unread,
        chaos.losses.behind(),
        lines.abandoned,
        history.ends,
        history.unknown,
        history.decisions,
        history.confirmed,
        history.noted,
        silences.words(),
    )
}

/// Runs all disturbances at once for the given time.
fn storm(chaos: &Chaos, seconds: u64) -> blows::Silences {
    std::thread::scope(|scope| {
        scope.spawn(|| watch::work(chaos));
        scope.spawn(|| orders::configure(chaos));
        for worker in 0..orders::WORKERS {
            scope.spawn(move || orders::work(chaos, worker));
        }
        let end = now_ns() + seconds * 1_000_000_000;
        let silences = blows::work(chaos, || now_ns() >= end);
        chaos.end();
        silences
    })
}
