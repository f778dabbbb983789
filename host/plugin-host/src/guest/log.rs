//! The host's side of `log`.

use super::bindings::log::{Host, Level};
use super::instance::Guest;

impl Host for Guest {
    fn write(&mut self, level: Level, message: String) {
        self.write_line(level, &message);
    }
}
