//! The host's side of `settings`: the plugin's settings from the operator.

use super::bindings::settings::Host;
use super::instance::Guest;

impl Host for Guest {
    fn json(&mut self) -> String {
        self.context().settings.as_ref().to_owned()
    }
}
