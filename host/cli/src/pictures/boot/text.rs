//! The chains for a terminal.

use super::firsts::{Boot, First, Source};
use crate::pictures::graph::Node;
use crate::render::humane::{counted_are, no_longer_remembered, one_line, precise};
use crate::render::page::Page;
use crate::render::style::Style;
use crate::render::table::{Cell, Table};

/// The largest number of chains that are shown unless targets are named.
pub(super) const CHAINS_MAX: usize = 20;

/// The largest number of names in a sentence.
const NAMES_MAX: usize = 5;

/// Renders the chains of the processes at `targets`, those that were ready last first. If they were not `named`, there are at
/// most 20.
pub(crate) fn text(boot: &Boot, targets: &[usize], named: bool, page: &Page) -> String {
    let mut text = page.sentence(Style::Bold, &summary(boot));
    if boot.forgotten > 0 {
        let forgotten = format!(
            "{}: times with a ~ are from the status, and what is not known any more is a -",
            no_longer_remembered(boot.forgotten, "change")
        );
        text.push_str(&page.sentence(Style::Yellow, &forgotten));
    }
    let mut targets = targets.to_vec();
    targets.sort_by_key(|at| std::cmp::Reverse(boot.firsts[*at].ready.unwrap_or(u64::MAX)));
    let left_out = if named { 0 } else { targets.len().saturating_sub(CHAINS_MAX) };
    targets.truncate(targets.len() - left_out);
    if !targets.is_empty() {
        text.push('\n');
        text.push_str(&table(boot, &targets).render(page));
    }
    if left_out > 0 {
        let left_out = counted_are(left_out as u64, "chain");
        let more = format!("\n{left_out} not shown; name one to see its chain\n");
        text.push_str(&more);
    }
    text
}

/// Returns the sentence about all processes.
fn summary(boot: &Boot) -> String {
    let name = |at: usize| one_line(boot.graph.name(at));
    let waiting = boot.not_ready();
    let last = boot.last_ready();
    let last_was =
        |(at, ready): (usize, u64)| format!("{} was ready last, after {}", name(at), precise(ready));
    match (last, waiting.as_slice()) {
        (None, []) => "The start of the host started no process.".to_owned(),
        (Some((at, ready)), []) => {
            format!(
                "Everything was ready {} after the start of the host; {} was the last.",
                precise(ready),
                name(at)
            )
        }
        (last, waiting) => {
            let mut names: Vec<String> = waiting.iter().take(NAMES_MAX).map(|at| name(*at)).collect();
            if waiting.len() > NAMES_MAX {
                names.push(format!("{} more", waiting.len() - NAMES_MAX));
            }
            let so_far = last.map(|last| format!("; of the others, {}", last_was(last))).unwrap_or_default();
            match (names.as_slice(), boot.forgotten) {
                ([one], 0) => format!("{one} has not been ready{so_far}."),
                ([one], _) => format!("{one} is not known to have been ready{so_far}."),
                (many, 0) => format!("These have not been ready: {}{so_far}.", many.join(", ")),
                (many, _) => format!("These are not known to have been ready: {}{so_far}.", many.join(", ")),
            }
        }
    }
}

fn table(boot: &Boot, targets: &[usize]) -> Table {
    let mut table = Table::new(&["PROCESS", "ASKED", "SPAWNED", "READY", "WAITED", "TOOK", "NOTE"])
        .leaving(&["ASKED", "SPAWNED", "NOTE"])
        .lines_max(2);
    for target in targets {
        for (depth, link) in boot.chain(*target).iter().enumerate() {
            let (Some(node), Some(first)) = (boot.graph.nodes().get(link.at), boot.firsts.get(link.at))
            else {
                continue;
            };
            let before =
                if depth == 0 { String::new() } else { format!("{:1$}└─ ", "", (depth - 1) * 3) };
            let how = link.condition.as_ref().map(|condition| format!(" ({condition})")).unwrap_or_default();
            table.row(row(format!("{before}{}{how}", node.name), node, first));
        }
    }
    table
}

fn row(name: String, node: &Node, first: &First) -> Vec<Cell> {
    let about = if first.source == Source::Status { "~" } else { "" };
    let time = |time: Option<u64>| Cell::maybe(time.map(|ms| format!("{about}{}", precise(ms))));
    let between = |from: Option<u64>, to: Option<u64>| from.zip(to).map(|(from, to)| to.saturating_sub(from));
    let note = match (first.ready, first.lives) {
        _ if first.source == Source::Forgotten => "its first start is no longer remembered".to_owned(),
        (Some(_), 0 | 1) => String::new(),
        (Some(_), lives) => format!("ready in its {} incarnation", ordinal(lives)),
        (None, _) if first.at_boot == Some(false) => "not asked to start by the host".to_owned(),
        (None, _) if first.source == Source::Status && node.ready => "ready since an unknown time".to_owned(),
        (None, _) => format!("not ready ({})", first.phase),
    };
    let style = if first.ready.is_none() && !node.ready { Style::Yellow } else { Style::Plain };
    vec![
        Cell::new(name),
        time(first.asked),
        time(first.spawned),
        time(first.ready),
        time(between(first.asked, first.spawned)),
        time(between(first.spawned, first.ready)),
        Cell::styled(note, style),
    ]
}

fn ordinal(lives: u64) -> String {
    let ending = match (lives % 100, lives % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{lives}{ending}")
}

#[cfg(test)]
mod tests {
    use super::super::firsts::tests::{forgetful, shop};
    use super::*;

    #[test]
    fn the_chain_leads_to_what_came_last() {
        let boot = shop();
        let targets = boot.of_boot(boot.graph.last());
        insta::assert_snapshot!(text(&boot, &targets, false, &Page::plain()), @r#"
        These have not been ready: worker, late; of the others, web was ready last, after 514ms.

        PROCESS                ASKED  SPAWNED  READY  WAITED  TOOK   NOTE
        late                   5ms    -        -      -       -      not ready (waiting)
        └─ worker (completed)  5ms    511ms    -      506ms   -      not ready (backoff)
           └─ db (ready)       4ms    6ms      510ms  2ms     504ms
        web                    4ms    513ms    514ms  509ms   1ms
        └─ db (ready)          4ms    6ms      510ms  2ms     504ms
        "#);
        insta::assert_snapshot!(text(&boot, &targets, false, &Page::narrow(60)), @r#"
        These have not been ready: worker, late; of the others, web
        was ready last, after 514ms.

        PROCESS                READY  WAITED  TOOK
        late                   -      -       -
        └─ worker (completed)  -      506ms   -
           └─ db (ready)       510ms  2ms     504ms
        web                    514ms  509ms   1ms
        └─ db (ready)          510ms  2ms     504ms
        "#);
    }

    #[test]
    fn a_boot_that_is_no_longer_remembered_says_so() {
        let boot = forgetful();
        let targets = boot.of_boot(boot.graph.last());
        insta::assert_snapshot!(text(&boot, &targets, false, &Page::plain()), @r#"
        These are not known to have been ready: migrate, db, web.
        9 changes are no longer remembered: times with a ~ are from the status, and what is not known any more is a -

        PROCESS        ASKED  SPAWNED  READY  WAITED  TOOK  NOTE
        web            -      -        -      -       -     its first start is no longer remembered
        └─ db (ready)  -      ~6ms     -      -       -     ready since an unknown time
        "#);
    }
}
