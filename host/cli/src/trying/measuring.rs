//! Measures calls: how long they take, how much they use, and how far that is from the limits in force.

use provost_plugin_host::{Bench, Limit, Outcome, Reply, Role, Workbench};
use provost_supervisor::Clock;

use super::case::Case;
use super::checking::{check_vectors, chosen};
use super::error::TryError;
use super::suite::vector_case;
use super::vector_file::VectorFile;

/// The calls before the measurement, of which nothing is kept, as a share of those that are measured.
const WARM_SHARE: usize = 10;

/// The calls of one case.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) calls: usize,
    /// The fault of the call that failed; the measurement ended with it.
    pub(crate) fault: Option<String>,
    pub(crate) p50_ns: u64,
    pub(crate) p95_ns: u64,
    pub(crate) p99_ns: u64,
    pub(crate) fuel_max: u64,
    pub(crate) memory_bytes_max: u64,
    /// The number of calls that one core makes in a second, with the instances made and dropped.
    pub(crate) per_second: u64,
    pub(crate) rooms: Vec<Room>,
}

/// How much of one limit is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) limit: Limit,
    /// The most that a call used; of the time, the 99th percentile. In bytes, nanoseconds or a count.
    pub(crate) used: u64,
    /// The limit, in the same unit.
    pub(crate) most: u64,
}

impl Room {
    /// Returns by which factor the limit is more than what is used; `None` if nothing is used.
    pub(crate) fn factor(&self) -> Option<f64> {
        (self.used > 0).then(|| self.most as f64 / self.used as f64)
    }
}

/// Measures the calls of all vectors or, if there are none, of a usual case of each role.
///
/// # Errors
/// [`TryError`] if the component is refused, or a case cannot be made.
pub(crate) fn measure(
    workbench: &Workbench,
    setup: &provost_plugin_host::Setup,
    files: &[VectorFile],
    calls: usize,
) -> Result<Vec<Measured>, TryError> {
    let vectors: Vec<_> = files.iter().flat_map(|file| &file.vectors).collect();
    if vectors.is_empty() {
        let bench = workbench.set_up(setup)?;
        let usual = |role: Role| {
            let case = Case::made_up(role, &Default::default())?;
            Ok(measured(&bench, format!("a usual {role} call"), &case, calls))
        };
        // A component without a role is an error and not an empty table.
        if let ([], Err(error)) = (&*bench.roles(), chosen(&bench.roles(), None)) {
            return Err(error);
        }
        return bench.roles().into_iter().map(usual).collect();
    }
    check_vectors(files, &workbench.roles())?;
    // A vector that expects a failure is no work to be measured.
    let worked = vectors.into_iter().filter(|vector| !vector.expects_failure());
    let each = worked.map(|vector| {
        let bench = workbench.set_up(&vector.setup)?;
        let case = vector_case(vector, chosen(&bench.roles(), vector.role)?)?;
        Ok(measured(&bench, vector.name.clone(), &case, calls))
    });
    each.collect()
}

fn measured(bench: &Bench, name: String, case: &Case, calls: usize) -> Measured {
    let clock = Clock::new();
    for _ in 0..calls / WARM_SHARE {
        let _ = bench.ask(&case.input, &case.world);
    }
    let mut all = Vec::with_capacity(calls);
    let mut fault = None;
    let begun = clock.now().mono_ns;
    for _ in 0..calls {
        let outcome = bench.ask(&case.input, &case.world);
        fault = outcome.reply.as_ref().err().map(|fault| format!("{}: {fault}", fault.kind.as_str()));
        all.push(outcome);
        if fault.is_some() {
            break;
        }
    }
    let took_ns = clock.now().mono_ns.saturating_sub(begun).max(1);
    let done = all.len() as u64;
    let mut times: Vec<u64> = all.iter().map(|outcome| outcome.ns).collect();
    times.sort_unstable();
    let at = |percent: usize| quantile(&times, percent);
    let most = |of: fn(&Outcome) -> u64| all.iter().map(of).max().unwrap_or(0);
    let (fuel_max, memory_bytes_max) = (most(|it| it.fuel), most(|it| it.memory_bytes));
    let mut rooms = vec![
        room(bench, case.role, Limit::CallTime, at(99)),
        room(bench, case.role, Limit::Fuel, fuel_max),
        room(bench, case.role, Limit::Memory, memory_bytes_max),
    ];
    let others = [
        (Limit::Answer, most(body_bytes)),
        (Limit::Store, most(written_bytes)),
        (Limit::LogLines, most(|it| it.lines.len() as u64 + it.lines_dropped)),
    ];
    let used = others.into_iter().filter(|(_, used)| *used > 0);
    rooms.extend(used.map(|(limit, used)| room(bench, case.role, limit, used)));
    Measured {
        name,
        role: case.role,
        calls: all.len(),
        fault,
        p50_ns: at(50),
        p95_ns: at(95),
        p99_ns: at(99),
        fuel_max,
        memory_bytes_max,
        per_second: done.saturating_mul(1_000_000_000) / took_ns,
        rooms,
    }
}

fn room(bench: &Bench, role: Role, limit: Limit, used: u64) -> Room {
    let limits = bench.limits();
    let most = match limit {
        Limit::CallTime => limits.call_ms(role).saturating_mul(1_000_000),
        _ => limits.get(limit).unwrap_or(u64::MAX),
    };
    Room { limit, used, most }
}

fn body_bytes(outcome: &Outcome) -> u64 {
    match &outcome.reply {
        Ok(Reply::View(response)) => response.body.len() as u64,
        _ => 0,
    }
}

fn written_bytes(outcome: &Outcome) -> u64 {
    let bytes = outcome.written.iter().filter_map(|(key, value)| Some(key.len() + value.as_ref()?.len()));
    bytes.sum::<usize>() as u64
}

/// Returns for each limit the use of it that leaves least, in the order of the limits.
pub(super) fn tightest(measured: &[Measured]) -> Vec<Room> {
    let rooms = || measured.iter().flat_map(|one| &one.rooms);
    let share = |room: &&Room| (u128::from(room.used) << 64) / u128::from(room.most.max(1));
    let of = |limit: Limit| rooms().filter(|room| room.limit == limit).max_by_key(share).copied();
    Limit::ALL.into_iter().filter_map(of).collect()
}

/// Returns the value below which this share of the sorted values is; 0 if there are none.
fn quantile(sorted: &[u64], percent: usize) -> u64 {
    let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!([50, 95, 99].map(|percent| quantile(&hundred, percent)), [50, 95, 99]);
        assert_eq!([50, 99].map(|percent| quantile(&[3], percent)), [3, 3]);
        assert_eq!(quantile(&[], 50), 0);
    }

    #[test]
    fn head_room_is_a_factor_and_that_of_the_largest_use_is_shown() {
        let room = |used, most| Room { limit: Limit::Fuel, used, most };
        assert_eq!((room(25, 100).factor(), room(0, 100).factor()), (Some(4.0), None));
        let measured = |room| Measured {
            name: "a".into(),
            role: Role::RestartPolicy,
            calls: 1,
            fault: None,
            p50_ns: 1,
            p95_ns: 1,
            p99_ns: 1,
            fuel_max: 1,
            memory_bytes_max: 1,
            per_second: 1,
            rooms: vec![room],
        };
        // The limits of two vectors may differ.
        let all = [measured(room(25, 100)), measured(room(20, 40)), measured(room(30, 100))];
        assert_eq!(tightest(&all), [room(20, 40)]);
    }
}
