//! The processor time of a process.

/// The unit of processor time in `/proc/PID/stat`.
const TICKS_PER_SECOND: u64 = 100;

/// Returns the processor time that a process itself has used, in milliseconds.
pub(crate) fn cpu_ms(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields = stat.rsplit(") ").next().unwrap().split(' ').skip(11).take(2);
    fields.map(|ticks| ticks.parse::<u64>().unwrap()).sum::<u64>() * 1_000 / TICKS_PER_SECOND
}
