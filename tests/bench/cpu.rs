//! The processor time of a process and of its threads.

/// The unit of processor time in `/proc/PID/stat`.
const TICKS_PER_SECOND: u64 = 100;

/// Returns the processor time that a process itself has used, in milliseconds.
pub(crate) fn cpu_ms(pid: u32) -> u64 {
    of_stat(&std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap())
}

/// Returns the processor time that the threads of this name have used, in milliseconds.
pub(crate) fn thread_cpu_ms(pid: u32, name: &str) -> u64 {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().map(|task| task.unwrap().path());
    // A thread may end between the list and the look at it.
    let named = tasks
        .filter(|task| std::fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim_end() == name));
    named.filter_map(|task| std::fs::read_to_string(task.join("stat")).ok()).map(|stat| of_stat(&stat)).sum()
}

fn of_stat(stat: &str) -> u64 {
    let fields = stat.rsplit(") ").next().unwrap().split(' ').skip(11).take(2);
    fields.map(|ticks| ticks.parse::<u64>().unwrap()).sum::<u64>() * 1_000 / TICKS_PER_SECOND
}
