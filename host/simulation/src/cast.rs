//! How the played children live: what the faults of the scenario do to each life. Everything is known when a life begins, because
//! the scenario says beforehand when something goes wrong; what is random is drawn by the seed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use provost_state::{Exit, Incarnation, Moment, Usage};
use provost_supervisor::{Director, Ending, Part};
use tokio::sync::mpsc::UnboundedSender;

use crate::chance::Draw;
use crate::course::Course;
use crate::dependents::Dependents;
use crate::effects::{Effects, PlannedEnd};
use crate::impact::Affected;
use crate::scenario::{Exits, Fault, FaultKind, Scenario, Span, Window};

/// How long a child takes to end after its stop signal.
const OBEYS_WITHIN: Duration = Duration::from_millis(100);

/// What a child uses that leaks nothing, in bytes.
const RSS_BYTES: u64 = 32 << 20;

/// The signal with which the kernel ends a process when memory has run out.
const KILLED: i32 = 9;

/// The most moments of one fault at which the fate of one life is drawn: a fault with a small chance and many moments would take
/// long otherwise.
const MOMENTS_TRIED: u64 = 1_000_000;

/// How long after a process its dependents end at most, in milliseconds, if a fault takes them with it.
const DEPENDENTS_WITHIN_MS: u64 = 1_000;

/// The director of a scenario.
#[derive(Debug)]
pub(crate) struct Cast {
    faults: Vec<Named>,
    seed: u64,
    lasts_ms: u64,
    dependents: Dependents,
    /// Receives the ends to come that dependents share.
    coupled: UnboundedSender<PlannedEnd>,
    played: Mutex<Played>,
}

/// A fault, with what its draws are named after.
#[derive(Debug)]
struct Named {
    fault: Fault,
    /// Its kind, and its number among those of its kind: it stays the same if a fault of another kind is removed.
    purpose: String,
}

#[derive(Debug, Default)]
struct Played {
    /// The present or last life of each process.
    lives: HashMap<Arc<str>, Present>,
    /// How many lives of a process each fault has hit.
    hits: HashMap<(usize, Arc<str>), u32>,
    affected: Vec<Affected>,
    effects: Effects,
}

/// A life.
#[derive(Debug, Default)]
struct Present {
    started_ms: u64,
    /// When it begins to answer its checks.
    answers_from_ms: u64,
    leak: Option<Leak>,
}

/// How the memory of a life grows.
#[derive(Clone, Copy, Debug)]
struct Leak {
    fault: usize,
    base_bytes: u64,
    per_hour_bytes: u64,
    limit_bytes: Option<u64>,
}

impl Leak {
    /// Returns what a life of this age uses, in bytes.
    fn used(self, age_ms: u64) -> u64 {
        let grown = u128::from(self.per_hour_bytes) * u128::from(age_ms) / 3_600_000;
        self.base_bytes.saturating_add(u64::try_from(grown).unwrap_or(u64::MAX))
    }

    /// Returns the end of a life that starts now at the limit, if there is one.
    fn fate(self, now_ms: u64) -> Option<Fate> {
        let left = u128::from(self.limit_bytes?.saturating_sub(self.base_bytes)) * 3_600_000;
        let in_ms = left.checked_div(u128::from(self.per_hour_bytes))?;
        let at_ms = now_ms.saturating_add(u64::try_from(in_ms).unwrap_or(u64::MAX));
        Some(Fate { at_ms, exit: Exit::Signal(KILLED), out_of_memory: true })
    }
}

/// An end to come.
struct Fate {
    at_ms: u64,
    exit: Exit,
    out_of_memory: bool,
}

impl Cast {
    /// Makes the director of a scenario. `coupled` is told each end to come that dependents share.
    pub(crate) fn of(scenario: &Scenario, coupled: UnboundedSender<PlannedEnd>) -> Self {
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        let named = |fault: &Fault| {
            let number = numbers.entry(fault.kind.as_str()).or_default();
            *number += 1;
            Named { fault: fault.clone(), purpose: format!("{} {number}", fault.kind.as_str()) }
        };
        let faults = scenario.faults.iter().map(named).collect();
        let (seed, lasts_ms) = (scenario.seed, scenario.lasts_ms);
        let dependents = Dependents::among(&scenario.processes);
        Self { faults, seed, lasts_ms, dependents, coupled, played: Mutex::default() }
    }

    /// Returns when faults have affected which processes: those of this course, and the windows of all faults that end.
    pub(crate) fn affected(&self, processes: &[Arc<str>]) -> Vec<Affected> {
        let mut affected = std::mem::take(&mut self.played.lock().affected);
        for Named { fault, .. } in &self.faults {
            let Some(Window { from_ms, until_ms: Some(until_ms) }) = fault.kind.window() else { continue };
            let takes =
                |name: &Arc<str>| fault.with_dependents && self.depends_on_target(fault, name, processes);
            let hit = processes.iter().filter(|name| fault.of.include(name) || takes(name));
            affected.extend(hit.map(|process| Affected {
                process: process.clone(),
                fault: fault.name.clone(),
                from_ms,
                until_ms,
            }));
        }
        affected
    }

    /// Returns the indices of the faults that have hit nothing in this course.
    pub(crate) fn idle_faults(&self, course: &Course) -> Vec<usize> {
        let faults = self.faults.iter().map(|named| &named.fault);
        self.played.lock().effects.idle(faults, course)
    }

    /// Whether a process needs one to run that the fault hits.
    fn depends_on_target(&self, fault: &Fault, name: &Arc<str>, processes: &[Arc<str>]) -> bool {
        let mut targets = processes.iter().filter(|target| fault.of.include(target));
        targets.any(|target| self.dependents.of(target).contains(name))
    }

    /// Returns what needs a process to run, directly or through others.
    pub(crate) fn dependents_of(&self, process: &str) -> &[Arc<str>] {
        self.dependents.of(process)
    }

    /// Returns how long after the end of a process this life of a dependent ends, in milliseconds: at least 1.
    pub(crate) fn dependent_delay_ms(&self, fault: usize, dependent: &str, life: u64) -> u64 {
        let draw = |fault| self.draw(fault, "dependent", dependent, life).between(1, DEPENDENTS_WITHIN_MS);
        self.faults.get(fault).map_or(1, draw)
    }

    /// Notes that a fault has ended a dependent at this time.
    pub(crate) fn note_dependent(&self, fault: usize, dependent: &Arc<str>, at_ms: u64) {
        self.note(fault, dependent, at_ms, at_ms, &mut self.played.lock());
    }

    fn draw(&self, fault: &Named, what: &str, process: &str, number: u64) -> Draw {
        Draw::new(self.seed, &[&fault.purpose, what, process], number)
    }

    /// Whether a fault hits this life, if it is there.
    fn hits(&self, at: usize, fault: &Named, process: &Arc<str>, life: u64, played: &mut Played) -> bool {
        if !self.draw(fault, "hits", process, life).happens(fault.fault.chance) {
            return false;
        }
        let Some(times) = fault.fault.times else { return true };
        let hits = played.hits.entry((at, process.clone())).or_default();
        let is_hit = *hits < times;
        *hits += u32::from(is_hit);
        is_hit
    }

    fn length(&self, fault: &Named, span: Span, process: &str, life: u64) -> u64 {
        let draw = self.draw(fault, "length", process, life);
        match span {
            Span::Between(least, most) => draw.between(least, most),
            Span::Mean(mean) => draw.exponential(mean),
        }
    }

    fn fate(&self, fault: &Named, exits: &Exits, at_ms: u64, process: &str, life: u64) -> Fate {
        let last = (exits.any_of.len() as u64).saturating_sub(1);
        let which = self.draw(fault, "exit", process, life).between(0, last);
        let exit = usize::try_from(which).ok().and_then(|which| exits.any_of.get(which));
        Fate { at_ms, exit: exit.cloned().unwrap_or(Exit::Code(1)), out_of_memory: exits.out_of_memory }
    }

    /// Returns the first moment after `started_ms` at which a fault that hits at moments hits this process.
    fn moment(
        &self,
        fault: &Named,
        from_ms: u64,
        every_ms: Option<u64>,
        process: &str,
        started_ms: u64,
    ) -> Option<u64> {
        let Some(every_ms) = every_ms.filter(|every_ms| *every_ms > 0) else {
            let hits = self.draw(fault, "moment", process, 0).happens(fault.fault.chance);
            return (from_ms > started_ms && hits).then_some(from_ms);
        };
        let first = match started_ms.checked_sub(from_ms) {
            None => 0,
            Some(later_ms) => later_ms / every_ms + 1,
        };
        let moments = (first..first.saturating_add(MOMENTS_TRIED))
            .map(|number| (number, from_ms.saturating_add(every_ms.saturating_mul(number))))
            .take_while(|(_, at_ms)| *at_ms <= self.lasts_ms);
        let mut hit = moments
            .filter(|(number, _)| self.draw(fault, "moment", process, *number).happens(fault.fault.chance));
        hit.next().map(|(_, at_ms)| at_ms)
    }

    /// Returns when and how a fault ends a life that starts now, if it does.
    fn end_by(
        &self,
        at: usize,
        process: &Arc<str>,
        life: u64,
        now_ms: u64,
        played: &mut Played,
    ) -> Option<Fate> {
        let fault = self.faults.get(at)?;
        match &fault.fault.kind {
            FaultKind::Crash { window, after, exits } => {
                if !window.contains(now_ms) || !self.hits(at, fault, process, life, played) {
                    return None;
                }
                let at_ms = now_ms.saturating_add(self.length(fault, *after, process, life));
                Some(self.fate(fault, exits, at_ms, process, life))
            }
            FaultKind::Outage { window, after, exits } => {
                let at_ms = if window.contains(now_ms) {
                    now_ms.saturating_add(self.length(fault, *after, process, life))
                } else {
                    Some(window.from_ms).filter(|from_ms| *from_ms > now_ms)?
                };
                if !self.hits(at, fault, process, life, played) {
                    return None;
                }
                Some(self.fate(fault, exits, at_ms, process, life))
            }
            FaultKind::Kill { at_ms, every_ms, exits } => {
                let at_ms = self.moment(fault, *at_ms, *every_ms, process, now_ms)?;
                self.hits(at, fault, process, life, played)
                    .then(|| self.fate(fault, exits, at_ms, process, life))
            }
            FaultKind::Leak { .. }
            | FaultKind::NoStart { .. }
            | FaultKind::SlowStart { .. }
            | FaultKind::Unhealthy { .. }
            | FaultKind::ClockStep { .. } => None,
        }
    }

    /// Notes that a fault has affected a process, unless its window says so: a life that began in the window may end after it.
    fn note(&self, at: usize, process: &Arc<str>, from_ms: u64, until_ms: u64, played: &mut Played) {
        let Some(Named { fault, .. }) = self.faults.get(at) else { return };
        let ends_ms = fault.kind.window().and_then(|window| window.until_ms);
        if ends_ms.is_none_or(|ends_ms| until_ms >= ends_ms) {
            // The lives that it hits are one time if they are numbered, and a moment each otherwise.
            let is_numbered = fault.times.is_some() && ends_ms.is_none();
            let from_ms = if is_numbered { from_ms } else { until_ms };
            played.affected.push(Affected {
                process: process.clone(),
                fault: fault.name.clone(),
                from_ms,
                until_ms,
            });
        }
    }

    /// Returns the present life of a process, which starts now, and why it cannot start if it cannot.
    fn begin(
        &self,
        process: &Arc<str>,
        life: u64,
        now_ms: u64,
        played: &mut Played,
    ) -> Result<Present, Arc<str>> {
        let mut present = Present { started_ms: now_ms, answers_from_ms: now_ms, leak: None };
        for (at, named) in self.faults.iter().enumerate().filter(|(_, named)| named.fault.of.include(process))
        {
            match &named.fault.kind {
                FaultKind::NoStart { window, error }
                    if window.contains(now_ms) && self.hits(at, named, process, life, played) =>
                {
                    self.note(at, process, now_ms, now_ms, played);
                    played.effects.note(at);
                    return Err(error.clone());
                }
                FaultKind::SlowStart { window, after }
                    if window.contains(now_ms) && self.hits(at, named, process, life, played) =>
                {
                    let answers = now_ms.saturating_add(self.length(named, *after, process, life));
                    self.note(at, process, now_ms, answers, played);
                    played.effects.note(at);
                    present.answers_from_ms = present.answers_from_ms.max(answers);
                }
                FaultKind::Leak { window, base_bytes, per_hour_bytes, limit_bytes }
                    if window.contains(now_ms) && self.hits(at, named, process, life, played) =>
                {
                    played.effects.note(at);
                    present.leak = Some(Leak {
                        fault: at,
                        base_bytes: *base_bytes,
                        per_hour_bytes: *per_hour_bytes,
                        limit_bytes: *limit_bytes,
                    });
                }
                _ => {}
            }
        }
        Ok(present)
    }
}

impl Director for Cast {
    fn enters(&self, process: &Arc<str>, incarnation: Incarnation, at: Moment) -> Result<Part, Arc<str>> {
        let (now_ms, life) = (at.mono_ns / 1_000_000, incarnation.0);
        let played = &mut *self.played.lock();
        let present = self.begin(process, life, now_ms, played)?;
        let mut first: Option<(usize, Fate)> =
            present.leak.and_then(|leak| Some((leak.fault, leak.fate(now_ms)?)));
        played.lives.insert(process.clone(), present);
        for (at, _) in self.faults.iter().enumerate().filter(|(_, named)| named.fault.of.include(process)) {
            if let Some(fate) = self.end_by(at, process, life, now_ms, played)
                && first.as_ref().is_none_or(|(_, first)| fate.at_ms < first.at_ms)
            {
                first = Some((at, fate));
            }
        }
        let ends = first.map(|(at, Fate { at_ms, exit, out_of_memory })| {
            self.note(at, process, now_ms, at_ms, played);
            let end = PlannedEnd { at_ms, fault: at, process: process.clone(), incarnation: life };
            played.effects.plan(&end);
            if self.faults.get(at).is_some_and(|named| named.fault.with_dependents) {
                // It fails only when the scenario has ended.
                let _ = self.coupled.send(end);
            }
            Ending { after: Duration::from_millis(at_ms - now_ms), exit, out_of_memory }
        });
        Ok(Part { ends, obeys_within: Some(OBEYS_WITHIN) })
    }

    fn answers(&self, process: &Arc<str>, _: Incarnation, at: Moment) -> Result<(), Arc<str>> {
        let now_ms = at.mono_ns / 1_000_000;
        let mut played = self.played.lock();
        let Some(present) = played.lives.get(process) else { return Err("it does not run".into()) };
        if now_ms < present.answers_from_ms {
            return Err("it does not answer yet".into());
        }
        let is_down = |named: &Named| {
            let FaultKind::Unhealthy { window } = &named.fault.kind else { return false };
            named.fault.of.include(process) && window.contains(now_ms)
        };
        let mut is_answered = true;
        for (at, _) in self.faults.iter().enumerate().filter(|(_, named)| is_down(named)) {
            played.effects.note(at);
            is_answered = false;
        }
        if is_answered { Ok(()) } else { Err("it does not answer".into()) }
    }

    fn uses(&self, process: &Arc<str>, _: Incarnation, at: Moment) -> Option<Usage> {
        let played = self.played.lock();
        let present = played.lives.get(process)?;
        let age_ms = (at.mono_ns / 1_000_000).saturating_sub(present.started_ms);
        let rss_bytes = present.leak.map_or(RSS_BYTES, |leak| leak.used(age_ms));
        Some(Usage { at, rss_bytes, threads: 1, members: 1, ..Usage::default() })
    }
}
