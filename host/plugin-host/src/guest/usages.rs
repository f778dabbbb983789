//! The host's side of `usages`: what the processes use, as the request to a view has it.

use super::bindings::types::Usage;
use super::bindings::usages::{Host, ProcessUsage};
use super::convert;
use super::instance::Guest;

impl Host for Guest {
    fn processes(&mut self) -> Vec<ProcessUsage> {
        let usages = self.usages().0.iter();
        let process = |one: &provost_state::ViewUsage| ProcessUsage {
            name: one.name.as_ref().to_owned(),
            group: one.group.as_ref().to_owned(),
            incarnation: one.incarnation.0,
            usage: convert::usage(&one.usage),
        };
        usages.map(process).collect()
    }

    fn host(&mut self) -> Option<Usage> {
        self.usages().1.as_ref().map(convert::usage)
    }
}
