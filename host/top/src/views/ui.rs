//! The state of the whole view, and what each action does to it.

use provost_api::{Checks, ProcessDetail};

use super::cursor::Cursor;
use super::effect::Effect;
use super::hits::Hits;
use super::list::{List, Sort};
use super::orders;
use super::overlay::{Edit, Overlay};
use super::pane::Pane;
use super::reading::Reading;
use crate::input::{Action, Field, View};
use crate::model::{Model, Told};
use crate::request::{EVENTS, Request, Slot, Verb};

/// The number of past lines of each process in the view of logs.
const LINES: usize = 500;

/// The number of past lines in the detail pane.
pub(crate) const TAIL: usize = 50;

/// How long a message stays.
const MESSAGE_SECONDS: u8 = 8;

/// The number of columns by which logs and events are scrolled sideways.
const SIDEWAYS: usize = 20;

/// The state of the whole view.
#[derive(Debug)]
pub(crate) struct Ui {
    pub(crate) view: View,
    pub(crate) list: List,
    pub(crate) plugins: Cursor,
    /// The first visible line of the figures of the state core.
    pub(crate) state: Cursor,
    /// The number of the last visible event; `None` while new ones are followed.
    pub(crate) events_bottom: Option<u64>,
    pub(crate) reading: Reading,
    /// The number of columns that are scrolled away of logs and events.
    pub(crate) left: usize,
    /// The lines of the view that are on the screen, for copying. Drawing fills it in.
    pub(crate) visible: Vec<String>,
    /// The detail pane of the processes.
    pub(crate) detail: Pane,
    pub(crate) overlay: Option<Overlay>,
    /// The last message.
    pub(crate) told: Option<Told>,
    /// Whether the mouse is taken.
    pub(crate) mouse: bool,
    /// What the mouse can meet. Drawing fills it in.
    pub(crate) hits: Hits,
    /// The number of rows of the view on the screen. Drawing fills it in.
    pub(crate) page: usize,
    /// The number of rows of what is open above it. Drawing fills it in.
    pub(crate) overlay_page: usize,
    /// The message that was there a second ago, and for how many seconds.
    aged: (Option<Told>, u8),
    /// The process whose lines the detail pane follows.
    followed: Option<String>,
    /// The host and the time of the config whose dependencies were asked for.
    dependencies_of: Option<(u32, String)>,
    /// The process that was explained last, and its version then.
    explained: Option<(String, u64)>,
}

impl Default for Ui {
    fn default() -> Self {
        Self {
            view: View::Processes,
            list: List::default(),
            plugins: Cursor::default(),
            state: Cursor::default(),
            events_bottom: None,
            reading: Reading::default(),
            left: 0,
            visible: Vec::new(),
            detail: Pane::Closed,
            overlay: None,
            told: None,
            mouse: true,
            hits: Hits::default(),
            page: 0,
            overlay_page: 0,
            aged: (None, 0),
            dependencies_of: None,
            followed: None,
            explained: None,
        }
    }
}

impl Ui {
    /// Does what the user asks, and returns what that asks of the program.
    pub(crate) fn act(&mut self, action: Action, model: &Model) -> Vec<Effect> {
        self.list.settle(model);
        match action {
            Action::Show(view) => return self.show(view, model),
            Action::Up => self.go(-1, model),
            Action::Down => self.go(1, model),
            Action::PageUp => self.go(-self.rows(), model),
            Action::PageDown => self.go(self.rows(), model),
            Action::Top => self.go(isize::MIN / 2, model),
            Action::Bottom => self.go(isize::MAX / 2, model),
            Action::Left => self.left = self.left.saturating_sub(SIDEWAYS),
            Action::Right => self.left = (self.left + SIDEWAYS).min(usize::from(u16::MAX)),
            Action::Detail => self.detail.toggle(),
            Action::Zoom => self.detail.zoom(),
            Action::Back => self.back(),
            Action::Mark => {
                self.list.mark();
                self.go(1, model);
            }
            Action::Find | Action::Filter => self.overlay = Some(self.field(action)),
            Action::FindNext => self.find(model, false),
            Action::FindPrevious => self.find(model, true),
            Action::Tree => self.list.tree = !self.list.tree,
            Action::Sort => self.sort(self.list.sort.next()),
            Action::Reverse => self.list.reversed = !self.list.reversed,
            Action::Hide => self.hide(),
            Action::Logs => return self.follow(model),
            Action::Start => self.open(orders::processes(&self.list, Verb::Start)),
            Action::Stop => self.open(orders::processes(&self.list, Verb::Stop)),
            Action::Restart => self.open(orders::processes(&self.list, Verb::Restart)),
            Action::Signal => self.open(orders::signals(&self.list)),
            Action::Scale => self.open(orders::scale(&self.list, model)),
            Action::Swap => self.open(orders::swap(model, self.plugins.selected)),
            Action::Reload => {
                self.told = Some(Told::done("the config is compared with what runs"));
                return vec![Effect::Ask(Request::Difference)];
            }
            Action::Freeze => self.reading.freeze(&model.logs),
            Action::Wrap => self.reading.wraps = !self.reading.wraps,
            Action::Times => self.reading.times = !self.reading.times,
            Action::MarkLines => return vec![Effect::MarkLines],
            Action::Clear => {
                self.reading.bottom = None;
                return vec![Effect::ClearLines];
            }
            Action::Copy => return self.copy(model),
            Action::Mouse => {
                self.mouse = !self.mouse;
                return vec![Effect::Mouse(self.mouse)];
            }
            Action::Palette => {
                self.overlay = Some(Overlay::Palette { field: Field::default(), cursor: Cursor::default() });
            }
            Action::Help => self.overlay = Some(Overlay::Help(Cursor::default())),
            Action::Redraw => return vec![Effect::Redraw],
            Action::Suspend => return vec![Effect::Suspend],
            Action::Quit => return vec![Effect::Quit],
        }
        Vec::new()
    }

    /// Returns the number of rows of a page.
    fn rows(&self) -> isize {
        isize::try_from(self.page.max(1)).unwrap_or(isize::MAX)
    }

    /// Opens what is asked before an order, or tells why it cannot be given.
    pub(super) fn open(&mut self, overlay: Result<Overlay, Told>) {
        match overlay {
            Ok(overlay) => self.overlay = Some(overlay),
            Err(told) => self.told = Some(told),
        }
    }

    pub(super) fn show(&mut self, view: View, model: &Model) -> Vec<Effect> {
        let before = std::mem::replace(&mut self.view, view);
        let mut effects = Vec::new();
        if before == view {
            return effects;
        }
        self.left = 0;
        self.visible.clear();
        if [before, view].contains(&View::Plugins) {
            effects.push(Effect::Ask(Request::Watch { plugins: view == View::Plugins }));
        }
        if before == View::Events {
            effects.push(Effect::Ask(Request::NoEvents));
        }
        match view {
            View::Events => {
                self.events_bottom = None;
                let since = model.status.generation.saturating_sub(EVENTS);
                effects.push(Effect::Ask(Request::Events { since }));
            }
            View::State => effects.push(Effect::Ask(Request::StateCore)),
            View::Logs if self.reading.targets.is_empty() => {
                effects.extend(self.follow(model));
            }
            View::Processes | View::Logs | View::Plugins => {}
        }
        effects
    }

    /// Follows the logs of the marked or selected processes.
    fn follow(&mut self, model: &Model) -> Vec<Effect> {
        let targets = self.list.targets();
        if targets.is_empty() {
            self.told = Some(Told::failed("no process is selected"));
            return Vec::new();
        }
        self.reading = self.reading.of_others(targets.clone());
        let mut effects = self.show(View::Logs, model);
        effects.push(Effect::Ask(Request::Follow { slot: Slot::Logs, targets, lines: LINES }));
        effects
    }

    pub(super) fn go(&mut self, by: isize, model: &Model) {
        match self.view {
            View::Processes => match &mut self.detail {
                Pane::Whole(cursor) => cursor.by(by),
                Pane::Closed | Pane::Shared => self.list.go(model, by),
            },
            View::Logs if by < 0 => self.reading.up(&model.logs, by.unsigned_abs(), self.page),
            View::Logs => self.reading.down(&model.logs, by.unsigned_abs()),
            View::Plugins => self.plugins.by(by),
            View::State => self.state.by(by),
            View::Events => {
                let (first, end) = (model.events_first(), model.events_end());
                let page = u64::try_from(self.page).unwrap_or(0).max(1);
                let least = (first + page).min(end).saturating_sub(1);
                let bottom = self.events_bottom.unwrap_or(end.saturating_sub(1));
                let bottom = bottom.saturating_add_signed(i64::try_from(by).unwrap_or(0)).max(least);
                self.events_bottom = (bottom + 1 < end).then_some(bottom);
            }
        }
    }

    fn back(&mut self) {
        match self.view {
            View::Processes if self.detail.is_open() => self.detail = Pane::Closed,
            View::Processes if !self.list.marked.is_empty() => self.list.marked.clear(),
            View::Processes => self.list.filter.clear(),
            View::Logs if !self.reading.search.is_empty() || !self.reading.filter.is_empty() => {
                (self.reading.search, self.reading.filter) = Default::default();
                self.reading.found = None;
            }
            View::Logs if self.reading.bottom.is_some() => self.reading.bottom = None,
            View::Events if self.events_bottom.is_some() => self.events_bottom = None,
            _ => self.told = None,
        }
    }

    fn field(&self, action: Action) -> Overlay {
        let (what, text) = match (self.view, action) {
            (View::Logs, Action::Filter) => (Edit::Lines, &self.reading.filter),
            (View::Logs, _) => (Edit::Search, &self.reading.search),
            _ => (Edit::Names, &self.list.filter),
        };
        Overlay::Edit { what, field: Field::of(text) }
    }

    pub(super) fn find(&mut self, model: &Model, older: bool) {
        if !self.reading.find(&model.logs, older, self.page) {
            let where_to = if older { "older" } else { "newer" };
            let wanted = &self.reading.search;
            self.told = Some(match wanted.is_empty() {
                true => Told::failed("nothing is searched: `/` begins a search"),
                false => Told::failed(format!("no {where_to} line has `{wanted}`")),
            });
        }
    }

    pub(super) fn sort(&mut self, sort: Sort) {
        self.list.reversed = self.list.sort == sort && !self.list.reversed;
        self.list.sort = sort;
        let reversed = if self.list.reversed { ", reversed" } else { "" };
        self.told = Some(Told::done(format!("sorted {}{reversed}", sort.said())));
    }

    fn hide(&mut self) {
        self.list.hides_down = !self.list.hides_down;
        let what = if self.list.hides_down { "hidden" } else { "shown" };
        self.told = Some(Told::done(format!("processes that are meant to be down are {what}")));
    }

    fn copy(&mut self, model: &Model) -> Vec<Effect> {
        let name = match self.view {
            View::Processes => self.list.selected(),
            View::Plugins => model.status.plugins.get(self.plugins.selected).map(|plugin| &*plugin.name),
            View::Logs | View::State | View::Events => None,
        };
        let (text, what) = match name {
            Some(name) => (name.to_owned(), name.to_owned()),
            None => (self.visible.join("\n"), format!("{} lines", self.visible.len())),
        };
        if text.is_empty() {
            self.told = Some(Told::failed("there is nothing to copy"));
            return Vec::new();
        }
        self.told =
            Some(Told::done(format!("{what} went to the clipboard of the terminal, if it takes OSC 52")));
        vec![Effect::Copy(text)]
    }

    /// Takes back a message that has been there long enough. It is called once a second.
    pub(crate) fn age(&mut self) {
        let (before, seconds) = &mut self.aged;
        match *before == self.told {
            true => *seconds += 1,
            false => (*before, *seconds) = (self.told.clone(), 0),
        }
        if *seconds >= MESSAGE_SECONDS {
            (self.told, self.aged) = Default::default();
        }
    }

    /// Returns what has to be asked because of what is shown now. It is called at most twice a second.
    pub(crate) fn wants(&mut self, model: &Model) -> Vec<Request> {
        let mut wanted = Vec::new();
        if self.view == View::State {
            wanted.push(Request::StateCore);
        }
        let host = &model.status.host;
        let config = (host.pid, host.config_loaded_at.clone());
        if (self.list.tree || self.detail.is_open()) && self.dependencies_of.as_ref() != Some(&config) {
            wanted.push(Request::Dependencies);
            self.dependencies_of = Some(config);
        }
        self.list.settle(model);
        let is_open = self.view == View::Processes && self.detail.is_open();
        let shown = is_open.then(|| self.list.process(model)).flatten();
        let followed = shown.map(|process| process.name.clone());
        if followed != self.followed {
            wanted.push(match &followed {
                Some(name) => {
                    Request::Follow { slot: Slot::Detail, targets: vec![name.clone()], lines: TAIL }
                }
                None => Request::Unfollow(Slot::Detail),
            });
            self.followed = followed;
        }
        if let Some(process) = shown {
            let now = (process.name.clone(), process.generation);
            if self.explained.as_ref() != Some(&now) {
                wanted.push(Request::Explain(process.name.clone()));
                self.explained = Some(now);
            }
            // Results of checks change without a change of the process.
            let is_known = |detail: &ProcessDetail| {
                detail.process.generation == process.generation && detail.checks == Checks::default()
            };
            if !model.detail_of(&process.name).is_some_and(is_known) {
                wanted.push(Request::Process(process.name.clone()));
            }
        }
        wanted
    }
}
