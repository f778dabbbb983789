//! Turns events of `tracing` and panics into lines of the host's log.

use std::any::Any;
use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use super::log::HostLog;
use crate::daemon::last_words;
use crate::daemon::output::Event;
use crate::render::humane::one_line;

/// The variable with the lowest level that is logged: `error`, `warn`, `info` (the default), `debug` or `trace`.
const LEVEL_VARIABLE: &str = "PROVOST_LOG";

/// The largest line, in bytes; a longer one is cut.
const LINE_BYTES_MAX: usize = 16 << 10;

/// Sends everything that the host logs to `log` from now on, including panics.
pub(in crate::daemon) fn install(log: &HostLog) {
    let level = std::env::var(LEVEL_VARIABLE).ok().and_then(|level| level.parse().ok());
    let level: LevelFilter = level.unwrap_or(LevelFilter::INFO);
    // The library of MCP tells of every request, in words of the client; a higher level asks for that.
    let of_mcp = if level > LevelFilter::INFO { level } else { level.min(LevelFilter::WARN) };
    let levels = Targets::new().with_default(level).with_target("rmcp", of_mcp);
    let subscriber = tracing_subscriber::registry().with(levels).with(LogLayer(log.clone()));
    // Fails if a test in the same program has installed one already.
    let _ = subscriber.try_init();
    let log = log.clone();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map_or_else(String::new, |place| format!(" at {place}"));
        let thread = std::thread::current();
        let text = format!(
            "a defect of the host: the thread `{}` panicked{place}: {}",
            thread.name().unwrap_or("without a name"),
            message(panic.payload())
        );
        let text = cut(one_line(&text));
        last_words::say(&text);
        log.log(Event::of_host(Level::ERROR, text));
    }));
}

/// Returns the message of a panic.
fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

fn cut(mut text: String) -> String {
    if text.len() > LINE_BYTES_MAX {
        text.truncate(text.floor_char_boundary(LINE_BYTES_MAX));
        text.push('…');
    }
    text
}

struct LogLayer(HostLog);

impl<S: Subscriber> Layer<S> for LogLayer {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut parts = Parts::default();
        event.record(&mut parts);
        let text = cut(parts.message + &parts.rest);
        self.0.log(Event { name: parts.plugin, ..Event::of_host(*event.metadata().level(), text) });
    }
}

/// The parts of an event: `message key=value`.
#[derive(Default)]
struct Parts {
    plugin: Option<String>,
    message: String,
    rest: String,
}

impl Visit for Parts {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field, one_line(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.take(field, one_line(&format!("{value:?}")));
    }
}

impl Parts {
    fn take(&mut self, field: &Field, value: String) {
        match field.name() {
            "plugin" => self.plugin = Some(cut(value)),
            "message" => self.message = value,
            name => {
                // Writing into a string does not fail.
                let _ = write!(self.rest, " {name}={value}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::host_log::log::Home;
    use crate::render::style::Paint;

    #[test]
    fn an_event_becomes_a_line_with_the_name_of_its_plugin() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("provost.log");
        let log = HostLog::start(Home::File, Paint::OFF, false, &Default::default()).unwrap();
        log.keep_in(path.clone()).unwrap();
        let subscriber = tracing_subscriber::registry().with(LevelFilter::INFO).with(LogLayer(log.clone()));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("{} processes", 3);
            tracing::warn!(plugin = "notify", life = 2, "web failed\nagain");
            tracing::debug!("not shown");
            tracing::info!("{}", "x".repeat(LINE_BYTES_MAX + 1));
        });
        log.finish(None, std::time::Duration::from_secs(60));
        let text = std::fs::read_to_string(path).unwrap();
        let lines: Vec<&str> = text.lines().map(|line| line.split_once(' ').unwrap().1).collect();
        assert_eq!(lines[..2], ["provost ◆ 3 processes", "notify ◆ warning: web failed\u{fffd}again life=2"]);
        assert!(lines[2].len() < LINE_BYTES_MAX + 50 && lines[2].ends_with('…'));
    }
}
