//! A whole frame: its lines from the top to the bottom.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::canvas::Canvas;
use super::scene::Scene;
use super::{bars, detail, list, logs, overlay, plugins, texts};
use crate::input::View;
use crate::views::Pane;

/// The least height for two lines at the top.
const TALL: u16 = 8;

/// The least height of a view that shares the room with the detail pane.
const SHARED: u16 = 12;

/// Draws a frame on an empty buffer, and returns where the cursor is, if there is one.
pub(crate) fn frame(buffer: &mut Buffer, scene: &mut Scene<'_>) -> Option<Position> {
    let area = *buffer.area();
    let mut canvas = Canvas::new(buffer, area);
    scene.ui.hits.clear();
    if area.height < 3 || area.width < 10 {
        canvas.text(0, 0, "too small", scene.theme.dim());
        return None;
    }
    let mut rest = area;
    bars::head(&mut canvas.part(top(&mut rest, 1)), scene);
    if area.height >= TALL && !scene.still {
        bars::tabs(&mut canvas.part(top(&mut rest, 1)), scene);
    }
    let keys = if scene.still { Rect::ZERO } else { bottom(&mut rest, 1) };
    let message = if scene.still { Rect::ZERO } else { bottom(&mut rest, 1) };
    let troubles = bars::troubles(scene);
    for trouble in troubles.iter().take(usize::from(area.height / TALL)) {
        canvas.part(bottom(&mut rest, 1)).text(0, 0, trouble, scene.theme.warning());
    }
    view(&mut canvas, rest, scene);
    bars::keys(&mut canvas.part(keys), scene);
    let field = bars::message(&mut canvas.part(message), scene);
    overlay::draw(&mut canvas.part(area), scene).or(field)
}

fn view(canvas: &mut Canvas<'_>, area: Rect, scene: &mut Scene<'_>) {
    let mut rest = area;
    match scene.ui.view {
        View::Processes if scene.ui.detail == Pane::Shared => {
            let below = match rest.height {
                0..SHARED => rest.height.saturating_sub(4),
                height => height * 6 / 10,
            };
            let pane = bottom(&mut rest, below);
            list::draw(&mut canvas.part(rest), scene);
            detail::draw(&mut canvas.part(pane), scene);
        }
        View::Processes if scene.ui.detail.is_open() => detail::draw(&mut canvas.part(rest), scene),
        View::Processes => list::draw(&mut canvas.part(rest), scene),
        View::Logs => logs::draw(&mut canvas.part(rest), scene),
        View::Plugins => plugins::draw(&mut canvas.part(rest), scene),
        View::State => texts::state(&mut canvas.part(rest), scene),
        View::Events => texts::events(&mut canvas.part(rest), scene),
    }
}

/// Takes rows from the top of an area.
fn top(rest: &mut Rect, rows: u16) -> Rect {
    let rows = rows.min(rest.height);
    let taken = Rect { height: rows, ..*rest };
    (rest.y, rest.height) = (rest.y + rows, rest.height - rows);
    taken
}

/// Takes rows from the bottom of an area.
fn bottom(rest: &mut Rect, rows: u16) -> Rect {
    let rows = rows.min(rest.height);
    rest.height -= rows;
    Rect { y: rest.y + rest.height, height: rows, ..*rest }
}
