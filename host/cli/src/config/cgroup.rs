//! The first stage of `cgroup` of a process: the limits for all of its descendants together.

use provost_supervisor::CgroupSpec;

use super::section::Section;
use super::sections::CgroupSection;

const HINT: &str =
    "write cgroup = { cpu = \"50%\", memory = \"256MiB\", pids = 100 }, or cgroup = {} for an exact end";

/// The largest share of processor time that is taken: a thousand processors.
const PERCENT_MAX: u32 = 100_000;

/// Reads `cgroup`.
pub(super) fn read(process: &mut Section<'_>) -> Option<CgroupSection> {
    let mut table = process.table("cgroup", HINT)?;
    let (max, high) = (table.size_bytes("memory"), table.size_bytes("memory_high"));
    let cgroup = CgroupSpec {
        cpu_percent: read_cpu(&mut table),
        memory_bytes_max: max,
        memory_bytes_high: high,
        pids_max: table.count("pids").map(|count| count as u64),
        is_optional: table.flag("optional").unwrap_or(false),
    };
    for (key, bytes) in [("memory", max), ("memory_high", high)] {
        if bytes == Some(0) {
            let what = format!("`{key}` must be more than 0: nothing runs without memory");
            table.problem(table.key_span(key), what, HINT);
        }
    }
    if let (Some(max), Some(high)) = (max, high)
        && high > max
    {
        let what = "`memory_high` is above `memory`, so it would never have an effect";
        table.problem(
            table.key_span("memory_high"),
            what,
            "it slows the process down before it is killed: make it less than `memory`",
        );
    }
    let span = table.span.clone();
    table.finish();
    Some(CgroupSection { cgroup, span })
}

/// Reads `cpu`: a share of one processor in percent.
fn read_cpu(table: &mut Section<'_>) -> Option<u32> {
    let text = table.text("cpu")?;
    let percent = text.get_ref().strip_suffix('%').and_then(|number| number.trim_end().parse::<u32>().ok());
    // The kernel takes no less than 1 ms of 100.
    let percent = percent.filter(|percent| (1..=PERCENT_MAX).contains(percent));
    if percent.is_none() {
        let what = format!("`{}` is not a share of processor time", text.get_ref());
        table.problem(
            text.span(),
            what,
            "write cpu = \"50%\" for half a processor, or \"200%\" for two; at least \"1%\"",
        );
    }
    percent
}
