//! Frames of every view, at sizes from a wide terminal to a small one, compared as text.

mod actions;
mod views;

use crossterm::event::{KeyCode, MouseButton, MouseEvent, MouseEventKind};
use provost_api::{
    Backend, Check, CheckKind, CheckResult, Checks, Dependencies, Dependency, Dependent, Desired, Difference,
    Event, EventKind, Exit, Explanation, Failing, Fault, FaultKind, Health, ItemChange, ItemDifference,
    LogItem, LogStream, Phase, Plugin, PluginRole, PluginStatus, PluginVersion, Process, ProcessDetail,
    ProcessUsage, Replicas, StateCore, Status,
};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::{Scene, Theme, frame};
use crate::app::text;
use crate::input::Key;
use crate::model::{Model, News};
use crate::request::{Order, Request, Slot, Verb};
use crate::views::{Effect, Ui};
use crate::words::tests::{NOW, Plain};

fn process(name: &str, phase: Phase, reason: &str) -> Process {
    let lives = phase == Phase::Running;
    Process {
        name: name.into(),
        desired: if phase == Phase::Stopped { Desired::Down } else { Desired::Up },
        pid: lives.then_some(4711),
        started_at: lives.then(|| (NOW - 192_000).to_string()),
        reason: reason.into(),
        phase,
        ..Process::default()
    }
}

fn processes() -> Vec<Process> {
    let worker = |number: u32, phase| Process {
        group: Some("workers".into()),
        ..process(&format!("worker.{number}"), phase, "running")
    };
    vec![
        Process {
            health: Health::Unhealthy,
            failing: Some(Failing { why: "http answers 503".into(), since: NOW.to_string() }),
            ..process("web", Phase::Running, "http answers 503")
        },
        worker(1, Phase::Running),
        Process {
            restarts: 12,
            exit: Some(Exit::Code { code: 3 }),
            next_action_at: Some("7".into()),
            ended_at: Some((NOW - 2_000).to_string()),
            reason: "third failure\x1b[2J in a row".into(),
            ..worker(2, Phase::Backoff)
        },
        process("migrate", Phase::Stopped, "not started yet"),
    ]
}

/// What the host and its processes use, in the look at this time.
fn usage(at: u32) -> Vec<ProcessUsage> {
    let one = |process: &str, cpu: f64| ProcessUsage {
        process: process.into(),
        host: process == "provost",
        at: at.to_string(),
        cpu,
        rss_bytes: 5 << 20,
        pss_bytes: Some(3 << 20),
        threads: 4,
        members: 2,
        ..ProcessUsage::default()
    };
    vec![one("provost", 0.004), one("web", f64::from(at) / 8.0), one("worker.1", 0.01)]
}

struct Seen {
    ui: Ui,
    model: Model,
    terminal: Terminal<TestBackend>,
}

impl Seen {
    fn new(columns: u16, rows: u16) -> Self {
        let mut model = Model::default();
        let mut status = Status { boot: "b".into(), processes: processes(), ..Status::default() };
        status.host.pid = 17;
        status.host.started_at = (NOW - 61_000).to_string();
        status.replicas = vec![Replicas { name: "worker".into(), wanted: 2, running: 1, least: 1, most: 5 }];
        for at in 0..4 {
            status.usage = Some(usage(at));
            model.learn(News::Status(Box::new(status.clone())));
        }
        let terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        Self { ui: Ui::default(), model, terminal }
    }

    fn learn(&mut self, news: News) {
        self.ui.hear(&news, &Plain);
        self.model.learn(news);
    }

    fn shown(&mut self) -> String {
        let Self { ui, model, terminal } = self;
        let theme = Theme { colors: false };
        terminal
            .draw(|target| {
                let mut scene = Scene { ui, model, words: &Plain, theme, still: false };
                if let Some(cursor) = frame(target.buffer_mut(), &mut scene) {
                    target.set_cursor_position(cursor);
                }
            })
            .unwrap();
        text(terminal.backend().buffer())
    }

    fn keys(&mut self, keys: &str) -> Vec<Effect> {
        let mut effects = Vec::new();
        for c in keys.chars() {
            let code = match c {
                '\n' => KeyCode::Enter,
                '\x1b' => KeyCode::Esc,
                '↓' => KeyCode::Down,
                '↑' => KeyCode::Up,
                c => KeyCode::Char(c),
            };
            let ctrl = c == '\x10';
            let code = if ctrl { KeyCode::Char('p') } else { code };
            effects.extend(self.ui.press(Key { code, ctrl }, &self.model));
            // As the loop does: a key is answered by a frame.
            self.shown();
        }
        effects
    }

    fn click(&mut self, column: u16, row: u16) -> Vec<Effect> {
        let kind = MouseEventKind::Down(MouseButton::Left);
        let modifiers = crossterm::event::KeyModifiers::NONE;
        self.ui.mouse(MouseEvent { kind, column, row, modifiers }, &self.model)
    }
}

fn line(process: &str, text: &str) -> News {
    let stream = LogStream::Stdout;
    let (process, text) = (process.into(), text.into());
    News::Log(Slot::Logs, LogItem::Text { process, stream, at: "5".into(), text, partial: false })
}
