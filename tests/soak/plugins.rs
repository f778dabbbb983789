//! Random changes of plugins: load, swap, roll back, reload, unload; and calls of a view.

use crate::shared::Soak;
use provost_tests::runs::Random;

/// Changes one plugin, or calls a view.
pub(crate) fn change(soak: &Soak, random: &mut Random) {
    let first = random.between(50, 200);
    let settings = format!(r#"{{"first": "{first}ms", "max": "1s"}}"#);
    let extra = format!("extra-{}", random.below(3));
    let (what, arguments): (_, Vec<&str>) = match random.below(7) {
        0 | 1 => ("swap", vec!["plugin", "swap", "backoff", "--settings", &settings]),
        2 => ("rollback", vec!["plugin", "rollback", "backoff"]),
        3 => ("reload", vec!["plugin", "reload", "together"]),
        4 => ("load", vec!["plugin", "load", &extra, "bundled:prometheus"]),
        5 => ("unload", vec!["plugin", "unload", &extra]),
        _ => ("view", vec!["view", "metrics", "metrics"]),
    };
    soak.tally.add(what);
    let ran = soak.machine.run(&arguments);
    // Refusals are expected: an absent plugin cannot be unloaded, a loaded one cannot be loaded again, and the like.
    let is_sound = matches!(ran.code, 0..=2);
    if !is_sound {
        soak.problems.add(format!("provost {arguments:?}: {ran:?}"));
    }
}
