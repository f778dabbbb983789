//! The stream of a status: everything at first, and then what has changed. However much changes, there is at most one message in
//! the time that the client says; a client that reads slowly gets fewer and larger ones.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use provost_api as api;
use provost_state::{Generation, ProcessId, ProcessState, Snapshot};
use tokio::sync::watch;
use tokio::time::Instant;

use super::asked::{Asked, Since, Wanted};
use super::message::Message;
use super::parts::Part;
use super::render;
use crate::convert::Wall;
use crate::server::context::AppState;
use crate::server::framing::{Accepted, Framing};
use crate::server::host;
use crate::server::refused::Refused;
use crate::server::select::{Matching, select};
use crate::server::streaming::Source;
use crate::server::usage;

/// The changes of a status.
pub(super) struct Watch {
    app: AppState,
    wanted: Wanted,
    /// The targets, which may also match processes that are added later; `None` for all processes.
    matching: Option<Matching>,
    framing: Framing,
    every: Duration,
    changed: watch::Receiver<Generation>,
    /// The generation that the client knows; `None` if it knows none of this host.
    known: Option<Generation>,
    /// The anchor of the times that it knows.
    wall: Wall,
    /// The hashes of the parts that it knows, by the number of the part.
    parts: [Option<u64>; Part::COUNT],
    /// The revision of the usage that was looked at last.
    usage_at: Option<u64>,
    /// Whether it knows another order of the processes than that of snapshots.
    is_arranged: bool,
    /// The rest of the message that is being sent.
    pieces: VecDeque<Bytes>,
    stage: Stage,
}

/// The progress of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The first message is sent at once, even if it says that nothing has changed.
    First,
    /// The next message is sent at `at` or later. Parts that change without a commit are looked at at `look`.
    Later {
        at: Instant,
        look: Instant,
    },
    /// The host ends: what has changed is sent at once, and then the stream ends.
    Last,
    Ended,
}

impl Watch {
    pub(super) fn begin(
        app: &AppState,
        wanted: Wanted,
        asked: &Asked,
        accepted: &Accepted,
        framing: Framing,
    ) -> Result<Self, Refused> {
        let supervisor = &app.context.supervisor;
        let world = supervisor.reader().snapshot();
        // A target that nothing matches is refused at the beginning, because it was probably mistyped.
        select(&world, &wanted.targets)?;
        let known = match accepted.last_event_id() {
            Some(id) => app.answers.generation(id),
            None => match Since::of(asked, app, &world) {
                Some(Since::Known(generation)) => Some(generation),
                Some(Since::Unknown) | None => None,
            },
        };
        Ok(Self {
            matching: (!wanted.targets.is_empty()).then(|| Matching::of(&wanted.targets)),
            wanted,
            framing,
            every: asked.every()?,
            changed: supervisor.changed(),
            known,
            wall: app.wall(),
            parts: [None; Part::COUNT],
            usage_at: None,
            is_arranged: false,
            pieces: VecDeque::new(),
            stage: Stage::First,
            app: app.clone(),
        })
    }

    /// Waits until there may be something to say.
    async fn wait(&mut self) -> Option<()> {
        let Stage::Later { at, look } = self.stage else { return Some(()) };
        tokio::time::sleep_until(at).await;
        let reader = self.app.context.supervisor.reader();
        self.changed.mark_unchanged();
        let committed = async {
            while self.known == Some(reader.latest()) {
                self.changed.changed().await.ok()?;
            }
            Some(())
        };
        if self.wanted.parts.are_only(Part::Processes) {
            return committed.await;
        }
        tokio::select! {
            committed = committed => committed,
            () = tokio::time::sleep_until(look) => Some(()),
        }
    }

    /// Returns the message with what the client does not know yet, if there is anything.
    fn look(&mut self, host: Option<api::Host>) -> Option<Message> {
        let app = &self.app;
        let (world, wall) = (app.context.supervisor.reader().snapshot(), app.wall());
        // If the clock was set, the times of all processes are other ones.
        let since = Since::after(self.known.filter(|_| wall == self.wall), &world);
        let is_removed = |since| world.removed_since(since).is_none_or(|removed: &[_]| !removed.is_empty());
        let mut says_something = match since {
            Since::Unknown => true,
            Since::Known(since) => self.stage == Stage::First || is_removed(since),
        };
        let mut message = Message::default();
        self.framing.begin(message.end_mut(), app.answers.id(world.generation()));
        render::push_head(app, &world, wall, Some(since), message.end_mut());
        let mut present: Vec<&str> = Vec::with_capacity(Part::COUNT);
        if self.wanted.parts.has(Part::Processes) {
            let (chosen, fields) = (self.chosen(&world, since), self.wanted.fields.as_ref());
            let processes = render::processes(app, &world, fields, chosen.as_deref(), Some(since), wall);
            says_something |= processes.len() > "[]".len();
            message.end_mut().extend_from_slice(br#","processes":"#);
            message.push(processes);
            present.push(Part::Processes.word());
        }
        let others = self.push_others(&world, wall, host, &mut message, &mut present);
        (self.known, self.wall) = (Some(world.generation()), wall);
        if !says_something && !others {
            return None;
        }
        let end = message.end_mut();
        render::push(end, "parts", &present);
        end.push(b'}');
        self.framing.end(end);
        Some(message)
    }

    /// Returns the processes that the targets match, among those that are new to the client; `None` for all.
    fn chosen(&self, world: &Snapshot, since: Since) -> Option<Vec<ProcessId>> {
        let matching = self.matching.as_ref()?;
        let ids = |states: &mut dyn Iterator<Item = &Arc<ProcessState>>| {
            let mut ids: Vec<ProcessId> =
                states.filter(|state| matching.has(state)).map(|state| state.id).collect();
            ids.sort_unstable();
            ids
        };
        Some(match since {
            Since::Known(since) => ids(&mut world.changed_since(since)),
            Since::Unknown => ids(&mut world.iter()),
        })
    }

    /// Appends the parts that change without a commit and that are new to the client, and their names. Returns true if there are any.
    fn push_others(
        &mut self,
        world: &Snapshot,
        wall: Wall,
        host: Option<api::Host>,
        message: &mut Message,
        present: &mut Vec<&str>,
    ) -> bool {
        let before = present.len();
        let mut host = host;
        let needs_chosen = self.wanted.parts.has(Part::Replicas) || self.wanted.parts.has(Part::Usage);
        let chosen = if needs_chosen { self.chosen(world, Since::Unknown) } else { None };
        for part in [Part::Replicas, Part::Plugins, Part::Host] {
            if !self.wanted.parts.has(part) {
                continue;
            }
            let end = message.end_mut();
            let begin = end.len();
            match part {
                Part::Replicas => render::push_replicas(&self.app, world, chosen.as_deref(), end),
                Part::Plugins => render::push_plugins(&self.app, world, end),
                Part::Host => host.take().into_iter().for_each(|host| self.push_host(host, end)),
                Part::Processes | Part::Usage => {}
            }
            let hash = self.app.answers.hash(&end[begin..]);
            match self.is_new(part, hash) {
                true => present.push(part.word()),
                false => end.truncate(begin),
            }
        }
        if self.wanted.parts.has(Part::Usage)
            && let Some(usage) = self.new_usage(world, wall, chosen.as_deref())
        {
            message.end_mut().extend_from_slice(br#","usage":"#);
            message.push(usage);
            present.push(Part::Usage.word());
        }
        present.len() > before
    }

    /// Whether the client does not know a part with this hash; from now on it does.
    fn is_new(&mut self, part: Part, hash: u64) -> bool {
        self.parts[part as usize].replace(hash) != Some(hash)
    }

    /// Returns what the chosen processes use, if it is new to the client. Other samples of everything always are, because they have
    /// their time.
    fn new_usage(&mut self, world: &Snapshot, wall: Wall, chosen: Option<&[ProcessId]>) -> Option<Bytes> {
        let usages = self.app.context.supervisor.usages();
        if self.knows_usage(usages.revision, world, wall) {
            return None;
        }
        let usage = usage::of(&self.app, &usages, chosen);
        let is_new = chosen.is_none() || self.is_new(Part::Usage, self.app.answers.hash(&usage));
        is_new.then_some(usage)
    }

    /// Whether the usage of this revision is the one that was looked at last: it has many rows, and changes seldom.
    fn knows_usage(&mut self, revision: u64, world: &Snapshot, wall: Wall) -> bool {
        let is_same_choice = self.matching.is_none() || self.known == Some(world.generation());
        self.usage_at.replace(revision) == Some(revision) && wall == self.wall && is_same_choice
    }

    /// Appends the host and the order of the processes.
    fn push_host(&mut self, host: api::Host, body: &mut Vec<u8>) {
        render::push_host(&self.app, host, body);
        let listing = self.app.context.supervisor.listing();
        // Once it was another one than that of snapshots, the client has to learn that it is this one again.
        self.is_arranged |= !listing.is_of_snapshots;
        if self.is_arranged {
            render::push_order(&self.app, listing, body);
        }
    }
}

impl Source for Watch {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(piece) = self.pieces.pop_front() {
                return Some(piece);
            }
            if self.stage == Stage::Ended {
                return None;
            }
            self.wait().await?;
            let host = match self.wanted.parts.has(Part::Host) {
                true => Some(host::described(&self.app.context).await),
                false => None,
            };
            let known = self.known;
            let message = self.look(host);
            self.stage = match self.stage {
                Stage::Last | Stage::Ended => Stage::Ended,
                Stage::First | Stage::Later { .. } => {
                    let now = Instant::now();
                    let look = now + self.every;
                    // After a silence, the next commit is sent at once. Commits that do not concern the client count as none.
                    let is_silence = message.is_none() && known == self.known;
                    Stage::Later { at: if is_silence { now } else { look }, look }
                }
            };
            self.pieces = message.map(Message::into_pieces).unwrap_or_default();
        }
    }

    fn finish(&mut self) {
        self.stage = Stage::Last;
    }
}
