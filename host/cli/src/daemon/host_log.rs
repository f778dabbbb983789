//! The host's own log: one line an event, named after the plugin that said it.

use std::fmt::{self, Write as _};
use std::io;
use std::path::Path;

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::detach::open_log;
use crate::render::humane::{one_line, timestamp};
use crate::render::style::{Paint, Style};

/// How much is said: `error`, `warn`, `info` (the default), `debug` or `trace`.
const LEVEL_VARIABLE: &str = "PROVOST_LOG";

fn level() -> LevelFilter {
    std::env::var(LEVEL_VARIABLE).ok().and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO)
}

/// Logs to standard error, for people who watch; names take `width` columns.
pub(crate) fn to_terminal(paint: Paint, width: usize) {
    let format = Lines { paint, width, timed: false };
    let subscriber = tracing_subscriber::fmt().with_max_level(level()).event_format(format);
    // Somebody else has set one up: a test, in the same program.
    let _ = subscriber.with_writer(io::stderr).try_init();
}

/// Logs to a file, with times.
pub(crate) fn to_file(path: &Path) -> io::Result<()> {
    let file = open_log(path)?;
    let format = Lines { paint: Paint::OFF, width: 0, timed: true };
    let subscriber = tracing_subscriber::fmt().with_max_level(level()).event_format(format);
    let _ = subscriber.with_writer(std::sync::Mutex::new(file)).try_init();
    Ok(())
}

/// `NAME ◆ message key=value`.
struct Lines {
    paint: Paint,
    width: usize,
    timed: bool,
}

/// The parts of an event.
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
            "plugin" => self.plugin = Some(value),
            "message" => self.message = value,
            name => {
                // Writing into a string does not fail.
                let _ = write!(self.rest, " {name}={value}");
            }
        }
    }
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut parts = Parts::default();
        event.record(&mut parts);
        let (style, word) = match *event.metadata().level() {
            Level::ERROR => (Style::BoldRed, "error: "),
            Level::WARN => (Style::Yellow, "warning: "),
            Level::INFO => (Style::Dim, ""),
            Level::DEBUG => (Style::Dim, "debug: "),
            Level::TRACE => (Style::Dim, "trace: "),
        };
        if self.timed {
            write!(writer, "{} ", timestamp(now_ms()))?;
        }
        let name = format!("{:<width$}", parts.plugin.as_deref().unwrap_or("provost"), width = self.width);
        write!(writer, "{} {} ", self.paint.text(Style::Dim, &name), self.paint.text(style, "◆"))?;
        writeln!(
            writer,
            "{}{}{}",
            self.paint.text(style, word),
            parts.message,
            self.paint.text(Style::Dim, &parts.rest)
        )
    }
}

fn now_ms() -> u64 {
    provost_supervisor::Clock::new().now().wall_ms
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_named_after_the_plugin_that_said_it() {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .event_format(Lines { paint: Paint::OFF, width: 8, timed: false })
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("{} processes", 3);
            tracing::warn!(plugin = "notify", life = 2, "web failed\nagain");
            tracing::debug!("not shown");
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text, "provost  ◆ 3 processes\nnotify   ◆ warning: web failed\u{fffd}again life=2\n");
    }
}
