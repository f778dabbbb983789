//! One frame as text, for scripts.

use provost_api::client::Client;
use provost_api::columns::width;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::options::{Frame, Options};
use crate::draw::{Scene, Theme, frame};
use crate::failure::TopError;
use crate::input::View;
use crate::model::{Model, News};
use crate::request::{self, EVENTS};
use crate::views::Ui;
use crate::words::Words;

/// The height of a frame of another view than that of the processes.
const ROWS: usize = 24;

/// The lines beside the rows of a view: the head, a heading, and one for a trouble.
const AROUND: usize = 3;

/// Returns one frame as plain text, without keys.
///
/// # Errors
/// [`TopError::Host`] if the host does not answer.
pub async fn once(
    client: &Client,
    words: &dyn Words,
    options: &Options,
    size: Frame,
) -> Result<String, TopError> {
    let mut model = Model::default();
    let asked = request::status(options.targets.clone(), options.view == View::Plugins);
    let status = client.status_of(&asked).await?;
    let generation = status.generation;
    model.learn(News::Status(Box::new(status)));
    if options.tree {
        model.learn(News::Dependencies(client.dependencies().await?));
    }
    match options.view {
        View::State => model.learn(News::StateCore(Box::new(client.state_core().await?))),
        View::Events => {
            let mut events = client.events(generation.saturating_sub(EVENTS), false).await?;
            while let Some(event) = events.next().await? {
                model.learn(News::Event(Box::new(event)));
            }
        }
        View::Processes | View::Logs | View::Plugins => {}
    }
    let mut ui = Ui::default();
    ui.view = options.view;
    ui.list.tree = options.tree;
    let rows = match options.view {
        View::Processes => ui.list.rows(&model).len() + AROUND,
        _ => ROWS,
    };
    let rows = size.rows.unwrap_or_else(|| u16::try_from(rows).unwrap_or(u16::MAX));
    // A buffer has at most this many cells.
    let rows = rows.clamp(3, u16::MAX / size.columns.max(1));
    let mut buffer = Buffer::empty(Rect::new(0, 0, size.columns, rows));
    let theme = Theme { colors: false };
    frame(&mut buffer, &mut Scene { ui: &mut ui, model: &model, words, theme, still: true });
    Ok(text(&buffer))
}

/// Returns the text of a frame without the spaces at the ends of its lines, and without empty lines at its end.
pub(crate) fn text(buffer: &Buffer) -> String {
    let mut text = String::new();
    for row in buffer.area().rows() {
        let mut line = String::new();
        let mut covered = 0;
        for place in row.columns() {
            let Some(cell) = buffer.cell(place.as_position()) else { continue };
            // The cell behind a wide character is empty.
            if covered > 0 {
                covered -= 1;
                continue;
            }
            covered = width(cell.symbol()).saturating_sub(1);
            line.push_str(cell.symbol());
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    let end = text.trim_end_matches('\n').len();
    text.truncate(end);
    text.push('\n');
    text
}
