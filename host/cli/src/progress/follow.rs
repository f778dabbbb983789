//! Following the events of the host while a command waits. It never changes the result of the command: if there are no
//! events, nothing is shown.

use std::collections::HashSet;
use std::io::{self, Write};
use std::pin::pin;
use std::time::Duration;

use provost_api::client::{Client, EventsAsked, Lines};
use provost_api::{Dependencies, Event, Status};
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use super::board::{Board, Goal};
use super::screen::Screen;
use crate::render::style::Paint;

/// How often a terminal is drawn at most, and after how many of these times even if nothing has changed, for the times in it.
const FRAME: Duration = Duration::from_millis(100);
const STILL_FRAMES: u32 = 10;

/// How long the begin waits for the host.
const FIRST_ANSWER: Duration = Duration::from_secs(2);

/// How long the end waits for the last events.
const LAST_EVENTS: Duration = Duration::from_secs(1);

/// Where progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// On standard error: in place on a terminal, line by line elsewhere.
    Everywhere,
    /// Only if standard error is a terminal.
    OnTerminals,
    /// Nowhere.
    Nowhere,
}

#[derive(Debug)]
enum Output {
    Terminal(Screen),
    Lines,
    Nothing,
}

impl Output {
    fn of(shown: Shown) -> Self {
        match (shown, Screen::of_stderr()) {
            (Shown::Nowhere, _) => Self::Nothing,
            (Shown::Everywhere | Shown::OnTerminals, Some(screen)) => Self::Terminal(screen),
            (Shown::Everywhere, None) => Self::Lines,
            (Shown::OnTerminals, None) => Self::Nothing,
        }
    }
}

/// The progress of a command.
#[derive(Debug)]
pub(crate) struct Follow {
    client: Client,
    board: Board,
    output: Output,
    paint: Paint,
    clock: fn() -> u64,
    /// Whether the host has said which processes there are.
    is_known: bool,
    /// `None` if there are none, or no more.
    events: Option<Lines<Event>>,
    /// What is asked for of the events; `since` is the generation of the last one that was noticed.
    asked: EventsAsked,
    frames: Interval,
    /// The number of frames since the terminal was drawn; `None` if it has to be drawn.
    still: Option<u32>,
}

impl Follow {
    /// Begins to follow the processes that `targets` name; none mean all. `clock` returns milliseconds since the Unix epoch.
    pub(crate) async fn begin(
        client: &Client,
        targets: &[String],
        (verb, goal): (&'static str, Goal),
        (shown, paint): (Shown, Paint),
        clock: fn() -> u64,
    ) -> Self {
        let output = Output::of(shown);
        let is_wanted = goal == Goal::Up || !matches!(output, Output::Nothing);
        // A host that does not answer is the business of the command, which must not wait for it twice.
        let patience = if goal == Goal::Up { Duration::MAX } else { FIRST_ANSWER };
        let mut asked = EventsAsked { select: targets.to_vec(), follow: true, ..EventsAsked::default() };
        let answer = match is_wanted {
            true => timeout(patience, begin(client, &mut asked, goal)).await.ok().flatten(),
            false => None,
        };
        let is_known = answer.is_some();
        let (status, dependencies, events) = answer.unwrap_or_default();
        let mut board = Board::new(verb, goal, &status.processes, clock());
        board.learn(&dependencies);
        let mut frames = interval(FRAME);
        frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first one would be there at once; nothing is drawn for what is done at once.
        frames.reset();
        Self {
            client: client.clone(),
            board,
            output,
            paint,
            clock,
            is_known,
            events,
            asked,
            frames,
            still: None,
        }
    }

    /// Returns the processes.
    pub(crate) fn board(&self) -> &Board {
        &self.board
    }

    /// Whether the host has said which processes there are.
    pub(crate) fn is_known(&self) -> bool {
        self.is_known
    }

    /// Whether no more events will come, because the host has ended or was not there.
    pub(crate) fn is_over(&self) -> bool {
        self.events.is_none()
    }

    /// Shows progress until `work` is done, and returns its result.
    pub(crate) async fn until<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                result = &mut work => return result,
                () = self.step() => {}
            }
        }
    }

    /// Waits for the next event, or the next frame of a terminal. Dropping the future before it resolves loses nothing.
    pub(crate) async fn step(&mut self) {
        let draws = matches!(self.output, Output::Terminal(_));
        tokio::select! {
            event = next(&mut self.events) => match event {
                Some(event) => self.on(&event),
                None => self.events = None,
            },
            _ = self.frames.tick(), if draws => self.frame(),
        }
    }

    fn on(&mut self, event: &Event) {
        self.asked.since = self.asked.since.max(event.generation);
        if let (Some(line), Output::Lines) = (self.board.on(event), &self.output) {
            // If nothing can be written, nothing has to be shown.
            let _ = io::stderr().lock().write_all(line.as_bytes());
        }
        self.still = None;
    }

    fn frame(&mut self) {
        match self.still {
            Some(still) if still < STILL_FRAMES => self.still = Some(still + 1),
            _ => self.draw(),
        }
    }

    fn draw(&mut self) {
        if let Output::Terminal(screen) = &mut self.output {
            let lines = self.board.lines((self.clock)(), screen.size(), self.paint);
            screen.draw(&lines);
            self.still = Some(0);
        }
    }

    /// Prints something above the lines of a terminal.
    pub(crate) fn above<T>(&mut self, print: impl FnOnce() -> T) -> T {
        if let Output::Terminal(screen) = &mut self.output {
            screen.erase();
        }
        let printed = print();
        if self.still.is_some() {
            self.draw();
        }
        printed
    }

    /// Takes notice of the last events, and ends the progress with its summary. `of_host` says that the host is ending with it.
    pub(crate) async fn finish(mut self, of_host: bool) {
        let _ = timeout(LAST_EVENTS, self.last_events(of_host)).await;
        if let Output::Terminal(screen) = &mut self.output
            && self.board.concerned() > 0
        {
            let (columns, _) = screen.size();
            let lines = self.board.lines((self.clock)(), (columns, 2), self.paint);
            screen.draw(&lines);
        }
    }

    async fn last_events(&mut self, of_host: bool) {
        if self.events.is_none() {
            return;
        }
        if !of_host {
            // The stream that follows has no end, and what the command waited for may not have arrived in it.
            self.asked.follow = false;
            let Ok(rest) = self.client.events_of(&self.asked).await else { return };
            self.events = Some(rest);
        }
        while let Some(event) = next(&mut self.events).await {
            self.on(&event);
        }
    }
}

/// The processes that are meant, what they wait for if that matters, and the stream of the events from then on if there are
/// processes.
type Answer = (Status, Dependencies, Option<Lines<Event>>);

async fn begin(client: &Client, asked: &mut EventsAsked, goal: Goal) -> Option<Answer> {
    let mut status = client.status(&asked.select).await.ok()?;
    asked.since = status.generation;
    let mut dependencies = Dependencies::default();
    if goal == Goal::Up {
        dependencies = client.dependencies().await.ok()?;
        // A process whose start has not been carried out yet looks like one that is not to be started.
        let started = dependencies.processes.iter().filter(|one| one.autostart);
        let started: HashSet<&str> = started.map(|one| one.name.as_str()).collect();
        status.processes.retain(|process| started.contains(process.name.as_str()));
    }
    let events = match status.processes.is_empty() {
        true => None,
        false => client.events_of(asked).await.ok(),
    };
    Some((status, dependencies, events))
}

/// Returns the next event, or `None` at the end. Never resolves if there is no stream.
async fn next(events: &mut Option<Lines<Event>>) -> Option<Event> {
    match events {
        Some(events) => events.next().await.ok().flatten(),
        None => std::future::pending().await,
    }
}
