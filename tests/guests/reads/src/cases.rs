//! Questions to the host, each with its answer as text. A test asks them in the host, and natively the stand-ins of the SDK, and
//! compares.

use provost_guest::memory::{self, Slot};
use provost_guest::{Fields, Phase, ProcessState, World, log, plugins, usages};

/// A question.
type Ask = fn(&dyn World) -> String;

/// The questions by their names. Each begins with an empty memory.
pub const CASES: [(&str, Ask); 24] = [
    ("numbers", |world| format!("{} {} {}", world.generation(), world.taken_at(), world.size())),
    ("counts", |world| format!("{:?}", world.counts())),
    ("get", |world| {
        let names = ["a", "b", "c", "d", "e", "f", "gone", "", "A"];
        format!("{:#?}", names.map(|name| world.get(name)))
    }),
    ("page", |world| {
        let most = u32::MAX;
        let ranges =
            [(0, 3), (2, 0), (1, 2), (0, 1024), (0, 1025), (0, most), (world.size(), 1), (most, most)];
        each(ranges, |(offset, limit)| told(&world.page(offset, limit)))
    }),
    ("the end of the pages", |world| told(&world.page(world.size() - 2, 5))),
    ("columns", |world| format!("{:#?}", world.columns(Fields::all(), 0, 7))),
    ("some columns", |world| format!("{:#?}", world.columns(Fields::GROUPS | Fields::PIDS, 1, 2))),
    ("no columns", |world| format!("{:?}", world.columns(Fields::empty(), 0, 5))),
    ("the sizes of columns", |world| {
        let size = world.size();
        let ranges =
            [(0, 0), (0, 65_536), (0, 65_537), (0, u32::MAX), (size - 1, 9), (size, 9), (u32::MAX, u32::MAX)];
        each(ranges, |(offset, limit)| {
            let columns = world.columns(Fields::PIDS, offset, limit);
            format!("{} {}", columns.size, columns.pids.len())
        })
    }),
    ("rows", |world| {
        let shown = |phase| {
            let rows = world.rows(Fields::NAMES).in_phase(phase);
            rows.take(5).map(|row| row.name().to_owned() + ",").collect::<String>()
        };
        let grouped = world.rows(Fields::NAMES).in_group("site").map(|row| row.name().to_owned());
        format!("{} {} {:?}", world.names().count(), each(Phase::ALL, shown), grouped.collect::<Vec<_>>())
    }),
    ("changes", |world| {
        let now = world.generation();
        let since =
            [(0, u32::MAX), (now, 0), (now - 1, 1), (now - 4, 2), (now - 4, 9), (now - 1_500, u32::MAX)];
        each(since, |(generation, limit)| match world.changed_since(generation, limit) {
            Some(changed) => told(&changed),
            None => "too many".to_owned(),
        })
    }),
    ("changes after the future", |world| format!("{:?}", world.changed_since(u64::MAX, 0))),
    ("removals", |world| {
        let now = world.generation();
        each([0, now - 1, now, u64::MAX], |since| format!("{:?}", world.removed_since(since)))
    }),
    ("groups", |world| each(["", "site", "jobs", "nobody"], |group| told(&world.group(group)))),
    ("deaths", |world| {
        let asked = [("a", 0), ("a", 1), ("a", 2), ("a", u32::MAX), ("b", 9), ("gone", 9), ("nobody", 9)];
        each(asked, |(name, limit)| format!("{:?}", world.deaths(name, limit)))
    }),
    ("a value", |_| {
        let count: Slot<u32> = Slot::new("count");
        let before = count.get();
        let set = count.of("web").set(&7).and_then(|()| count.update(|count| *count += 1));
        count.of("db").delete();
        format!("{before:?} {set:?} {:?} {:?}", count.of("web").get(), memory::keys())
    }),
    ("a value that is deleted", |_| {
        let count: Slot<u32> = Slot::new("count");
        let set = count.set(&1);
        count.delete();
        format!("{set:?} {:?} {:?}", count.get(), memory::keys())
    }),
    ("a value of another type", |_| {
        let set = Slot::new("count").set(&"many".to_owned());
        format!("{set:?} {:?}", Slot::<u32>::new("count").get())
    }),
    ("the length of keys", |_| {
        each([0, 1, 254, 255, 256], |length| format!("{:?}", Slot::new("").of(&"k".repeat(length)).set(&1)))
            + &format!("{:?} {}", Slot::new("").set(&1), memory::keys().len())
    }),
    ("a full memory", |_| {
        let text: Slot<String> = Slot::new("text");
        let of = |bytes: usize| "x".repeat(bytes);
        // 4 bytes of the key and 2 quotes.
        let sizes = [65_531, 65_530, 65_530, 10, 65_530];
        let set = each(sizes, |bytes| format!("{:?}", text.set(&of(bytes))));
        let more = text.of("more").set(&of(0));
        text.delete();
        format!("{set}{more:?} {:?}", text.of("more").set(&of(0)))
    }),
    ("lines", |_| {
        log::debug("a line for authors");
        log::write(log::Level::Trace, "");
        log::warn("two\nlines\n");
        log::error("ü".repeat(3_000));
        String::new()
    }),
    ("usages", |_| format!("{:#?} {:#?}", usages::host(), usages::processes())),
    ("plugins", |_| format!("{:#?}", plugins::loaded())),
    ("the order of keys", |_| {
        let set = ["b", "a/2", "ä", "a", "B"].map(|key| Slot::new(key).set(&1).is_ok());
        format!("{set:?} {:?}", memory::keys())
    }),
];

/// Returns the answer to the question of this name.
pub(crate) fn answer(name: &str, world: &dyn World) -> Option<String> {
    let (_, ask) = CASES.iter().find(|(known, _)| *known == name)?;
    Some(ask(world))
}

/// Returns the answers for each of these, one a line.
fn each<T>(of: impl IntoIterator<Item = T>, answer: impl Fn(T) -> String) -> String {
    of.into_iter().map(|one| answer(one) + "\n").collect()
}

/// Returns the number of processes, and the first and the last name.
fn told(processes: &[ProcessState]) -> String {
    let name =
        |process: Option<&ProcessState>| process.map(|process| process.name.clone()).unwrap_or_default();
    format!("{} {} {}", processes.len(), name(processes.first()), name(processes.last()))
}
