//! The words of the live view: those of the other commands.

use provost_api::{Difference, Event, Explanation, Outcome, Process, StateCore};
use provost_top::Words;

use super::local::Times;
use super::page::Page;
use super::style::Paint;
use super::{difference, events, explain, humane, outcome, state_core, status, terminal};

/// The words of the live view. The view has colours itself, so that these texts have none.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    page: Page,
    clock: provost_supervisor::Clock,
}

impl Live {
    /// Takes the time zone of the page.
    pub(crate) fn new(page: &Page) -> Self {
        let page = Page { paint: Paint::OFF, ..page.endless() };
        Self { page, clock: provost_supervisor::Clock::new() }
    }

    fn page(&self, columns: usize) -> Page {
        Page { columns: Some(columns), ..self.page.clone() }
    }
}

impl Words for Live {
    fn now_ms(&self) -> u64 {
        self.clock.now().wall_ms
    }

    fn time(&self, time: &str) -> String {
        Times::new(&self.page.zone, self.now_ms()).shown(time)
    }

    fn span(&self, ms: u64) -> String {
        humane::span(ms)
    }

    fn ago(&self, time: &str) -> Option<String> {
        humane::ago(time, self.now_ms())
    }

    fn size(&self, bytes: u64) -> String {
        humane::size(bytes)
    }

    fn cpu(&self, cores: f64) -> String {
        humane::cpu(cores)
    }

    fn latency(&self, ns: u64) -> String {
        state_core::nanoseconds(ns)
    }

    fn one_line(&self, text: &str) -> String {
        humane::one_line(text)
    }

    fn log_line(&self, text: &str) -> String {
        terminal::shown(text.as_bytes(), false)
    }

    fn next(&self, process: &Process) -> Option<String> {
        status::next(process, self.now_ms())
    }

    fn event(&self, event: &Event, names: usize) -> String {
        let line = events::Lines::new(&self.page, self.now_ms(), names).line(event);
        line.trim_end().to_owned()
    }

    fn explanation(&self, explanation: &Explanation, columns: usize) -> String {
        explain::text(explanation, self.now_ms(), &self.page(columns))
    }

    fn difference(&self, changes: &Difference, columns: usize) -> String {
        difference::text(changes, &self.page(columns))
    }

    fn state_core(&self, core: &StateCore, columns: usize) -> String {
        state_core::text(core, &self.page(columns))
    }

    fn errors(&self, order: &Outcome) -> String {
        outcome::errors(order)
    }
}
