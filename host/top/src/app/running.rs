//! The loop: news, keys, signals and time, and when a frame is drawn.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event, EventStream};
use futures_util::StreamExt;
use provost_api::client::Client;
use rustix::process::{Signal, kill_current_process_group};
use tokio::signal::unix::{Signal as Listener, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::options::Options;
use crate::draw::{Scene, Theme, frame};
use crate::failure::TopError;
use crate::feed::Hub;
use crate::input::Key;
use crate::model::{Line, Model, News};
use crate::terminal::Screen;
use crate::views::{Effect, Ui};
use crate::words::Words;

/// The shortest pause between two frames after a key.
const ANSWER: Duration = Duration::from_millis(20);

/// How often the ages on the screen are drawn anew.
const AGES: Duration = Duration::from_secs(1);

/// How often is looked whether what is shown needs more from the host.
const WANTS: Duration = Duration::from_millis(500);

/// The most news that are taken at once.
const BATCH: usize = 256;

/// Whether the loop goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    On,
    End,
}

/// Signals that end the view, and the one after a suspension by another program.
struct Signals {
    ends: [Listener; 3],
    goes_on: Listener,
}

impl Signals {
    fn listen() -> Result<Self, TopError> {
        let listen = |kind| signal(kind).map_err(TopError::Terminal);
        Ok(Self {
            ends: [
                listen(SignalKind::terminate())?,
                listen(SignalKind::interrupt())?,
                listen(SignalKind::hangup())?,
            ],
            goes_on: listen(SignalKind::from_raw(Signal::CONT.as_raw()))?,
        })
    }
}

/// Waits for one of these signals.
async fn any(signals: &mut [Listener; 3]) {
    let [one, two, three] = signals;
    tokio::select! {
        _ = one.recv() => {}
        _ = two.recv() => {}
        _ = three.recv() => {}
    }
}

/// The view while it runs.
struct App {
    ui: Ui,
    model: Model,
    hub: Hub,
    screen: Screen,
    words: Arc<dyn Words>,
    theme: Theme,
    every: Duration,
    /// When the next frame is due; `None` if nothing has changed.
    due: Option<Instant>,
    drawn_at: Instant,
}

/// Runs the view until the user leaves it, a signal ends it or the terminal is gone.
///
/// # Errors
/// [`TopError`].
pub async fn run(client: Client, words: Arc<dyn Words>, options: Options) -> Result<(), TopError> {
    // Before anything is drawn: a host that is not there is an error of the command, as for all commands.
    client.ping().await?;
    let Options { targets, every_ms, colors, tree, view } = options;
    let (hub, news) = Hub::open(client, Arc::clone(&words), targets, every_ms);
    let mut ui = Ui::default();
    ui.list.tree = tree;
    let screen = Screen::enter(ui.mouse)?;
    let now = Instant::now();
    let every = Duration::from_millis(every_ms);
    let theme = Theme { colors };
    let mut app =
        App { ui, model: Model::default(), hub, screen, words, theme, every, due: Some(now), drawn_at: now };
    let effects = app.ui.act(crate::input::Action::Show(view), &app.model);
    let result = match app.carry_out(effects) {
        Ok(_) => app.go_on(news).await,
        Err(error) => Err(error),
    };
    app.screen.leave().await;
    result
}

impl App {
    async fn go_on(&mut self, mut news: mpsc::Receiver<News>) -> Result<(), TopError> {
        let mut keys = EventStream::new();
        let mut signals = Signals::listen()?;
        let (mut ages, mut wants) = (interval(AGES), interval(WANTS));
        ages.set_missed_tick_behavior(MissedTickBehavior::Delay);
        wants.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let due = self.due.unwrap_or(self.drawn_at);
            tokio::select! {
                biased;
                () = any(&mut signals.ends) => return Ok(()),
                Some(_) = signals.goes_on.recv() => self.screen.enter_again(self.ui.mouse)?,
                event = keys.next() => {
                    let event = event.unwrap_or_else(|| Err(std::io::ErrorKind::UnexpectedEof.into()));
                    if self.take(event.map_err(TopError::Terminal)?, &mut keys).await? == Flow::End {
                        return Ok(());
                    }
                }
                written = self.screen.written(), if self.screen.is_busy() => written?,
                () = sleep_until(due), if self.due.is_some() && !self.screen.is_busy() => self.draw()?,
                _ = ages.tick() => {
                    if self.screen.is_gone() {
                        return Ok(());
                    }
                    self.ui.age();
                    self.changed(self.every);
                }
                _ = wants.tick() => self.want(),
                _ = news.recv_many(&mut batch, BATCH) => {
                    for news in batch.drain(..) {
                        self.ui.hear(&news, &*self.words);
                        self.model.learn(news);
                    }
                    if let Some(told) = self.model.told.take() {
                        self.ui.told = Some(told);
                    }
                    self.changed(self.every);
                }
            }
        }
    }

    /// Notes that the screen is out of date: the next frame is drawn so long after the last one.
    fn changed(&mut self, after: Duration) {
        let due = self.drawn_at + after;
        self.due = Some(self.due.map_or(due, |before| before.min(due)));
    }

    fn draw(&mut self) -> Result<(), TopError> {
        self.due = None;
        self.drawn_at = Instant::now();
        let Self { ui, model, words, theme, .. } = self;
        let mut scene = Scene { ui, model, words: &**words, theme: *theme, still: false };
        self.screen.draw(|buffer| frame(buffer, &mut scene))
    }

    fn want(&mut self) {
        for request in self.ui.wants(&self.model) {
            self.hub.ask(request);
        }
    }

    /// Takes an event of the terminal.
    async fn take(&mut self, event: Event, keys: &mut EventStream) -> Result<Flow, TopError> {
        let effects = match event {
            Event::Key(event) => match Key::of(event) {
                Some(key) => self.ui.press(key, &self.model),
                None => Vec::new(),
            },
            Event::Mouse(event) => self.ui.mouse(event, &self.model),
            Event::Paste(text) => self.ui.paste(&text, &self.model),
            Event::Resize(..) | Event::FocusGained | Event::FocusLost => Vec::new(),
        };
        self.changed(ANSWER);
        if effects.contains(&Effect::Suspend) {
            self.suspend(keys).await?;
        }
        self.carry_out(effects)
    }

    fn carry_out(&mut self, effects: Vec<Effect>) -> Result<Flow, TopError> {
        for effect in effects {
            match effect {
                Effect::Ask(request) => self.hub.ask(request),
                Effect::Copy(text) => self.screen.copy(&text),
                Effect::Mouse(taken) => self.screen.take_mouse(taken),
                Effect::MarkLines => self.model.logs.add(Line::Mark(self.words.now_ms())),
                Effect::ClearLines => self.model.logs.clear(),
                Effect::Redraw => self.screen.forget()?,
                Effect::Suspend => {}
                Effect::Quit => return Ok(Flow::End),
            }
        }
        // What is shown now may need more.
        self.want();
        Ok(Flow::On)
    }

    /// Gives the terminal back, and stops this process group, as a shell expects it, until it goes on.
    async fn suspend(&mut self, keys: &mut EventStream) -> Result<(), TopError> {
        self.screen.leave().await;
        // In a group that no shell can resume, the kernel ignores this signal.
        kill_current_process_group(Signal::TSTP).map_err(|error| TopError::Terminal(error.into()))?;
        *keys = EventStream::new();
        self.screen.enter_again(self.ui.mouse)
    }
}
