//! Entering the terminal, drawing on it, and leaving it as it was: at the end, before a suspension, and after a panic.

use std::cell::RefCell;
use std::io::{self, IsTerminal, Write};
use std::rc::Rc;
use std::time::Duration;

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Position;

use super::output::Output;
use super::sequences::{CLEAR, ENTER, LEAVE, MOUSE_OFF, MOUSE_ON, SYNC_BEGIN, SYNC_END, copy};
use crate::failure::TopError;

/// The longest wait for a terminal that takes nothing, when it is left.
const LEAVE_WITHIN: Duration = Duration::from_secs(1);

/// Collects what a frame writes.
#[derive(Clone, Debug, Default)]
struct Collected(Rc<RefCell<Vec<u8>>>);

impl Write for Collected {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The terminal while the view has it.
#[derive(Debug)]
pub(crate) struct Screen {
    terminal: Terminal<CrosstermBackend<Collected>>,
    collected: Collected,
    output: Output,
    entered: bool,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// [`TopError::NoTerminal`], [`TopError::Terminal`].
    pub(crate) fn enter(mouse: bool) -> Result<Self, TopError> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Err(TopError::NoTerminal);
        }
        let collected = Collected::default();
        let terminal = Self::new_terminal(&collected)?;
        let output = Output::start().map_err(TopError::Terminal)?;
        let mut screen = Self { terminal, collected, output, entered: false };
        // The library reads NO_COLOR, too, and resets all attributes then where a colour is set. The view decides itself.
        crossterm::style::force_color_output(true);
        restore_after_panic();
        screen.enter_again(mouse)?;
        Ok(screen)
    }

    /// Takes the terminal again, and forgets what was drawn.
    ///
    /// # Errors
    /// [`TopError::Terminal`].
    pub(crate) fn enter_again(&mut self, mouse: bool) -> Result<(), TopError> {
        enable_raw_mode().map_err(TopError::Terminal)?;
        self.entered = true;
        self.output.send(ENTER.into());
        self.take_mouse(mouse);
        self.forget()
    }

    /// Forgets what was drawn: the next frame is drawn as a whole.
    ///
    /// # Errors
    /// [`TopError::Terminal`].
    pub(crate) fn forget(&mut self) -> Result<(), TopError> {
        self.output.send(CLEAR.into());
        // `Terminal::clear` would ask the terminal where its cursor is, and the answer comes among the keys.
        self.terminal = Self::new_terminal(&self.collected)?;
        Ok(())
    }

    fn new_terminal(collected: &Collected) -> Result<Terminal<CrosstermBackend<Collected>>, TopError> {
        Terminal::new(CrosstermBackend::new(collected.clone())).map_err(TopError::Terminal)
    }

    /// Takes the mouse, or gives it back to the terminal.
    pub(crate) fn take_mouse(&mut self, taken: bool) {
        self.output.send(if taken { MOUSE_ON } else { MOUSE_OFF }.into());
    }

    /// Copies a text to the clipboard of the terminal.
    pub(crate) fn copy(&mut self, text: &str) {
        self.output.send(copy(text).into());
    }

    /// Draws a frame: only what differs from the former one is sent, and it is shown at once.
    ///
    /// # Errors
    /// [`TopError::Terminal`].
    pub(crate) fn draw(
        &mut self,
        frame: impl FnOnce(&mut Buffer) -> Option<Position>,
    ) -> Result<(), TopError> {
        // For tests: a panic while the terminal is taken.
        fail::fail_point!("top.draw");
        let drawn = self.terminal.draw(|target| {
            if let Some(cursor) = frame(target.buffer_mut()) {
                target.set_cursor_position(cursor);
            }
        });
        drawn.map_err(TopError::Terminal)?;
        let frame = self.collected.0.take();
        self.output.send([SYNC_BEGIN.as_bytes(), &frame, SYNC_END.as_bytes()].concat());
        Ok(())
    }

    /// Whether something is not written yet. The next frame waits for it.
    pub(crate) fn is_busy(&self) -> bool {
        self.output.is_busy()
    }

    /// Waits until the next text is written.
    ///
    /// # Errors
    /// [`TopError::Terminal`] if the terminal is gone.
    pub(crate) async fn written(&mut self) -> Result<(), TopError> {
        self.output.written().await.map_err(TopError::Terminal)
    }

    /// Whether the terminal is gone although no signal has said so.
    pub(crate) fn is_gone(&self) -> bool {
        !io::stdout().is_terminal()
    }

    /// Leaves the terminal as it was. It waits at most a second for a terminal that takes nothing.
    pub(crate) async fn leave(&mut self) {
        if !std::mem::take(&mut self.entered) {
            return;
        }
        self.output.send(LEAVE.into());
        let written = async { while self.output.is_busy() && self.output.written().await.is_ok() {} };
        // Nothing else can be done for such a terminal.
        let _ = tokio::time::timeout(LEAVE_WITHIN, written).await;
        let _ = disable_raw_mode();
    }
}

/// Restores the terminal before the message of a panic is printed.
fn restore_after_panic() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        // Without the lock of standard output, which the writing thread may hold.
        let _ = rustix::io::write(rustix::stdio::stdout(), LEAVE.as_bytes());
        let _ = disable_raw_mode();
        before(panic);
    }));
}
