//! Writes down what happens: a task follows the commits, and the recorder is given the decisions.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use provost_state::{
    Answer, Change, ChangeKind, Desired, EventKind, Generation, JudgedAction, Note, Noted, Phase, PhaseKind,
    ProcessState, Reader, Recorder, Trigger,
};
use tokio::sync::watch;

use crate::course::{Course, GivenUp, Life, LifeEnd, Made, PolicyFault, Track};

/// How many changes are read at once.
const CHANGES_READ: usize = 1_024;

/// What was written down so far. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observer(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    course: Course,
    /// The place of each process among the tracks.
    places: HashMap<Arc<str>, usize>,
    lives: usize,
}

impl Observer {
    /// Begins to write down what happens to these processes; each with whether it is a job.
    pub(crate) fn of(processes: impl Iterator<Item = (Arc<str>, bool)>) -> Self {
        let mut seen = Seen::default();
        for (name, is_job) in processes {
            seen.places.insert(name.clone(), seen.course.tracks.len());
            seen.course.tracks.push(Track {
                name,
                is_job,
                lives: Vec::new(),
                decisions: Vec::new(),
                given_up: Vec::new(),
                unwanted: Vec::new(),
                phase: PhaseKind::Stopped,
                reason: "".into(),
            });
        }
        Self(Arc::new(Mutex::new(seen)))
    }

    /// Follows the commits until there are `lives_max` lives, and returns then.
    pub(crate) async fn follow(
        &self,
        reader: &Reader,
        mut changed: watch::Receiver<Generation>,
        lives_max: usize,
    ) {
        let mut cursor = Generation(0);
        loop {
            changed.mark_unchanged();
            cursor = self.read(reader, cursor);
            if self.0.lock().lives >= lives_max || changed.changed().await.is_err() {
                return;
            }
        }
    }

    /// Reads all commits after `cursor`, and returns the last one.
    fn read(&self, reader: &Reader, mut cursor: Generation) -> Generation {
        loop {
            let page = reader.changes_since(cursor, CHANGES_READ);
            let seen = &mut *self.0.lock();
            for change in &page.changes {
                seen.enter(change);
            }
            cursor = page.cursor;
            if page.changes.len() < CHANGES_READ {
                return cursor;
            }
        }
    }

    /// Returns how this life of a process has ended, if it has.
    pub(crate) fn end_of(&self, process: &str, incarnation: u64) -> Option<LifeEnd> {
        let seen = &mut *self.0.lock();
        let track = track_of(&mut seen.course, &seen.places, process)?;
        track.lives.iter().rev().find(|life| life.incarnation == incarnation)?.end.clone()
    }

    /// Returns the number of the last life of a process if it had begun at this time and has not ended.
    pub(crate) fn living_at(&self, process: &str, at_ms: u64) -> Option<u64> {
        let seen = &mut *self.0.lock();
        let last = track_of(&mut seen.course, &seen.places, process)?.lives.last()?;
        (last.end.is_none() && last.started_ms <= at_ms).then_some(last.incarnation)
    }

    /// Returns what was written down, with the phases at the end.
    pub(crate) fn course(&self, reader: &Reader, lasted_ms: u64, shut_down: Option<u8>) -> Course {
        let mut seen = self.0.lock();
        let mut course = std::mem::take(&mut seen.course);
        let world = reader.snapshot();
        for track in &mut course.tracks {
            if let Some(state) = world.by_name(&track.name) {
                track.phase = state.phase.kind();
                track.reason = state.reason.clone();
            }
        }
        Course { lasted_ms, shut_down, ..course }
    }
}

fn track_of<'c>(
    course: &'c mut Course,
    places: &HashMap<Arc<str>, usize>,
    name: &str,
) -> Option<&'c mut Track> {
    course.tracks.get_mut(*places.get(name)?)
}

impl Seen {
    fn enter(&mut self, change: &Change) {
        let ChangeKind::Event(event) = change.kind else { return };
        let state = &*change.state;
        let at_ms = state.changed_at.mono_ns / 1_000_000;
        let Some(track) = track_of(&mut self.course, &self.places, state.name()) else { return };
        enter_wish(track, state, at_ms);
        match event {
            EventKind::Spawned => {
                track.lives.push(Life {
                    incarnation: state.incarnation.0,
                    cause: state.cause,
                    started_ms: at_ms,
                    ready_ms: None,
                    end: None,
                });
                self.lives += 1;
            }
            EventKind::Ready => {
                if let Some(life) = track.lives.last_mut() {
                    life.ready_ms.get_or_insert(at_ms);
                }
            }
            EventKind::Exited => {
                if let (Some(life), Some(exit)) = (track.lives.last_mut(), &state.exit) {
                    let is_asked = change.from == PhaseKind::Stopping;
                    life.end = Some(LifeEnd { at_ms, exit: exit.clone(), is_asked });
                }
            }
            _ => {}
        }
        if matches!(state.phase, Phase::Fatal) && change.from != PhaseKind::Fatal {
            track.given_up.push(GivenUp { at_ms, reason: state.reason.clone() });
        }
    }
}

/// Notes from when to when a process is not requested.
fn enter_wish(track: &mut Track, state: &ProcessState, at_ms: u64) {
    let is_open = track.unwanted.last().is_some_and(|(_, until)| until.is_none());
    match (state.desired, is_open) {
        (Desired::Down, false) => track.unwanted.push((at_ms, None)),
        (Desired::Up, true) => {
            if let Some((_, until)) = track.unwanted.last_mut() {
                *until = Some(at_ms);
            }
        }
        _ => {}
    }
}

impl Recorder for Observer {
    fn record(&self, note: Note) {
        let Noted::Decision(judged) = note.what else { return };
        let at_ms = note.at.mono_ns / 1_000_000;
        let seen = &mut *self.0.lock();
        let course = &mut seen.course;
        course.decisions += 1;
        let mut failed = 0;
        for asked in &judged.asked {
            let Answer::Failed { why, .. } = &asked.answer else { continue };
            failed += 1;
            course.faults_count += 1;
            if course.faults.len() < Course::FAULTS_KEPT {
                let (process, policy) = (judged.trigger.name().clone(), asked.name.clone());
                course.faults.push(PolicyFault { at_ms, process, policy, why: why.clone() });
            }
        }
        course.bounded += u64::from(judged.overruled.is_some() && failed == 0);
        let (Trigger::Exit(ended), JudgedAction::Exit(action)) = (&judged.trigger, judged.action) else {
            return;
        };
        let made = Made {
            at_ms,
            incarnation: ended.incarnation.0,
            exit: ended.exit.clone(),
            uptime_ms: ended.uptime_ms,
            failures: ended.failures,
            action,
            by: judged.by.clone(),
            reason: judged.reason.clone(),
            overruled: judged.overruled.clone(),
        };
        if let Some(track) = track_of(course, &seen.places, &ended.name) {
            track.decisions.push(made);
        }
    }
}
