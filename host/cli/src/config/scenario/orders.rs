//! The first stage of `[[order]]`.

use provost_simulation::{Order, OrderKind, Targets};

use super::targets::{self, Targeted};
use crate::config::section::Section;

const KINDS: [(&str, OrderKind); 3] =
    [("start", OrderKind::Start), ("stop", OrderKind::Stop), ("restart", OrderKind::Restart)];

const HINT: &str = "write at = \"1h\", do = \"restart\", of = \"web\"";

pub(super) fn read(mut section: Section<'_>) -> Option<Targeted<Order>> {
    let words = targets::read(&mut section);
    let (at_ms, every_ms) = (section.duration_ms("at"), section.duration_ms("every"));
    let kind = section.word("do", &KINDS);
    for key in ["at", "do"] {
        if section.lacks(key) {
            section.problem(section.span.clone(), format!("an order has no `{key}`"), HINT);
        }
    }
    let span = section.span.clone();
    section.finish();
    Some(Targeted { what: Order { at_ms: at_ms?, every_ms, kind: kind?, of: Targets::All }, words, span })
}
