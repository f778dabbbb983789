//! The result of a run as people read it.

use std::fmt::Write as _;

use provost_simulation::{Breach, Course, Invariant, Made, Track, Verdict};
use provost_state::PhaseKind;

use super::outcome::{Figures, Outcome, Standing};
use super::smallest::Smallest;
use crate::render::humane::{counted, delay, one_line, precise, span};
use crate::render::page::Page;
use crate::render::style::{Paint, Style};
use crate::render::table::{Cell, Table};

/// The most processes that are listed.
const PROCESSES_SHOWN: usize = 20;

/// The most breaches of one expectation that are shown.
const BREACHES_SHOWN: usize = 3;

/// Said of a scenario that cannot be broken.
const NOTHING_EXPECTED: &str = "it expects nothing: [[expect]] says what must hold";

/// Renders one run.
pub(crate) fn text(outcome: &Outcome, page: &Page) -> String {
    let mut text = heading(outcome, page);
    text += &processes(outcome, page);
    text += &expected(outcome, page);
    let course = &outcome.played.course;
    let _ = writeln!(
        text,
        "{}, {} and {} in {} of virtual time{}",
        lives(course.lives()),
        counted(course.restarts() as u64, "restart"),
        counted(course.decisions, "decision"),
        precise(course.lasted_ms),
        speed(outcome),
    );
    if let Some(code) = course.shut_down {
        let _ = writeln!(text, "a policy has shut the host down with exit code {code}");
    }
    text
}

/// Renders what has come of several scenarios, in one line.
pub(crate) fn sum(standings: &[Standing]) -> String {
    let words = [
        (Standing::Holds, "holds", "hold"),
        (Standing::Broken, "broken", "broken"),
        (Standing::Untested, "untested", "untested"),
        (Standing::Unexpecting, "expects nothing", "expect nothing"),
    ];
    let part = |(standing, one, many): (Standing, &str, &str)| match standings
        .iter()
        .filter(|each| **each == standing)
        .count()
    {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {many}")),
    };
    let parts: Vec<String> = words.into_iter().filter_map(part).collect();
    format!("{}: {}\n", counted(standings.len() as u64, "scenario"), parts.join(", "))
}

fn lives(count: usize) -> String {
    match count {
        1 => "1 life".to_owned(),
        count => format!("{count} lives"),
    }
}

fn heading(outcome: &Outcome, page: &Page) -> String {
    let name = page.paint.text(Style::Bold, &one_line(&outcome.name));
    let mut text = format!("{name}, {}, seed {}\n", precise(outcome.lasts_ms), outcome.seed);
    if !outcome.about.is_empty() {
        let _ = writeln!(text, "{}", one_line(&outcome.about));
    }
    text
}

fn speed(outcome: &Outcome) -> String {
    let restarts = outcome.played.course.restarts() as u64;
    let took = outcome.took_ms.max(1);
    let per_second = restarts * 1_000 / took;
    format!(", played in {} ({per_second} restarts a second)", precise(outcome.took_ms))
}

fn processes(outcome: &Outcome, page: &Page) -> String {
    let mut table = Table::new(&[
        "PROCESS",
        "LIVES",
        "RESTARTS",
        "IN A ROW",
        "LONGEST DELAY",
        "READY",
        "GIVEN UP",
        "AT THE END",
    ]);
    let tracks = &outcome.played.course.tracks;
    // Those that were restarted most often say most.
    let mut shown: Vec<&Track> = tracks.iter().collect();
    shown.sort_by_key(|track| std::cmp::Reverse(track.lives.len()));
    for track in shown.iter().take(PROCESSES_SHOWN) {
        let figures = outcome.figures(track);
        table.row(vec![
            Cell::new(&*track.name),
            Cell::new(figures.lives.to_string()),
            Cell::new(figures.restarts.to_string()),
            Cell::new(figures.failures_in_a_row.to_string()),
            Cell::maybe(figures.longest_delay_ms.map(delay)),
            Cell::new(percent(outcome.ready_millis(&figures))),
            Cell::maybe((figures.given_up > 0).then(|| figures.given_up.to_string())),
            Cell::styled(track.phase.as_str(), style_of(track.phase)),
        ]);
    }
    let mut text = table.render(page);
    if tracks.len() > PROCESSES_SHOWN {
        let _ = writeln!(text, "and {} more processes", tracks.len() - PROCESSES_SHOWN);
    }
    text
}

fn percent(millis: u64) -> String {
    format!("{}.{} %", millis / 10, millis % 10)
}

fn style_of(phase: PhaseKind) -> Style {
    match phase {
        PhaseKind::Running => Style::Green,
        PhaseKind::Fatal => Style::BoldRed,
        _ => Style::Plain,
    }
}

fn expected(outcome: &Outcome, page: &Page) -> String {
    if outcome.verdicts.is_empty() {
        return format!("{}\n", page.paint.text(Style::Dim, NOTHING_EXPECTED));
    }
    let verdicts = outcome.verdicts.iter();
    verdicts.map(|(invariant, verdict)| judged(invariant, verdict, page.paint)).collect()
}

/// Renders what does not hold in a run: it is broken, nothing has tested it, or it does not expect anything.
pub(crate) fn unheld(outcome: &Outcome, paint: Paint) -> String {
    if outcome.verdicts.is_empty() {
        return format!("{}\n", paint.text(Style::Dim, NOTHING_EXPECTED));
    }
    let unheld = outcome.verdicts.iter().filter(|(_, verdict)| !matches!(verdict, Verdict::Held(_)));
    unheld.map(|(invariant, verdict)| judged(invariant, verdict, paint)).collect()
}

fn judged(invariant: &Invariant, verdict: &Verdict, paint: Paint) -> String {
    let (word, style, note) = match verdict {
        Verdict::Held(times) => ("holds", Style::Green, format!("tested {}", times_of(*times))),
        Verdict::Untested => ("untested", Style::Dim, "nothing in this scenario has tested it".to_owned()),
        Verdict::Broken { count, .. } => ("BROKEN", Style::BoldRed, times_of(*count)),
    };
    let mut text = format!("{}{invariant} ({note})\n", paint.text(style, &format!("{word:<9}")));
    if let Verdict::Broken { breaches, .. } = verdict {
        for Breach { at_ms, process, what } in breaches.iter().take(BREACHES_SHOWN) {
            let process = process.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
            let what = one_line(&format!("{process}{what}"));
            let _ = writeln!(text, "         at {}: {what}", precise(*at_ms));
        }
    }
    text
}

fn times_of(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

/// Renders the smallest scenario that still breaks.
pub(crate) fn shrunk(smallest: &Smallest, page: &Page) -> String {
    let rest = if smallest.is_minimal { "" } else { "; smaller ones remain untried" };
    let title = format!("the smallest scenario that still breaks it, of {} tried{rest}:", smallest.tried);
    let mut text = format!("\n{}\n", page.paint.text(Style::Bold, &title));
    for line in smallest.text.lines() {
        let _ = writeln!(text, "  {line}");
    }
    text
}

/// Renders two runs of one scenario side by side: that of the component, and that of another one.
pub(crate) fn against(ours: &Outcome, theirs: &Outcome, other: &str, page: &Page) -> String {
    let mut table = Table::new(&["", "SUBJECT", "AGAINST"]);
    let mut row = |what: &str, of: &dyn Fn(&Outcome) -> String| {
        table.row(vec![Cell::new(what), Cell::new(of(ours)), Cell::new(of(theirs))]);
    };
    let all = |outcome: &Outcome| -> Vec<Figures> {
        outcome.played.course.tracks.iter().map(|track| outcome.figures(track)).collect()
    };
    row("restarts", &|one| one.played.course.restarts().to_string());
    row("most failures in a row", &|one| {
        all(one).iter().map(|figures| figures.failures_in_a_row).max().unwrap_or(0).to_string()
    });
    row("longest delay", &|one| {
        all(one).iter().filter_map(|figures| figures.longest_delay_ms).max().map_or_else(|| "-".into(), delay)
    });
    row("given up", &|one| all(one).iter().map(|figures| figures.given_up).sum::<usize>().to_string());
    row("ready", &|one| percent(mean_ready(one)));
    row("broken", &|one| match one.broken() {
        broken if broken.is_empty() => "-".to_owned(),
        broken => broken.join(", "),
    });
    let first = first_difference(&ours.played.course, &theirs.played.course);
    let first = first.map_or_else(
        || match ours.played.course.tracks == theirs.played.course.tracks {
            true => "both took the same course\n".to_owned(),
            false => "both made the same decisions about ends, but the lives of their processes differ\n"
                .to_owned(),
        },
        |first| format!("the first difference {first}\n"),
    );
    format!("against {}\n{}{first}", one_line(other), table.render(page))
}

fn mean_ready(outcome: &Outcome) -> u64 {
    let tracks = &outcome.played.course.tracks;
    let sum: u64 = tracks.iter().map(|track| outcome.ready_millis(&outcome.figures(track))).sum();
    sum.checked_div(tracks.len() as u64).unwrap_or(0)
}

/// Describes the first decision about an end in which two courses differ; one may have made more of them.
fn first_difference(ours: &Course, theirs: &Course) -> Option<String> {
    let differences = ours.tracks.iter().zip(&theirs.tracks).filter_map(|(ours, theirs)| {
        let is_same =
            |(ours, theirs): &(&Made, &Made)| (ours.at_ms, ours.action) == (theirs.at_ms, theirs.action);
        let same = ours.decisions.iter().zip(&theirs.decisions).take_while(is_same).count();
        let (our, their) = (ours.decisions.get(same), theirs.decisions.get(same));
        let at_ms = our.into_iter().chain(their).map(|made| made.at_ms).min()?;
        Some((at_ms, &ours.name, our, their))
    });
    let (at_ms, name, ours, theirs) = differences.min_by_key(|(at_ms, ..)| *at_ms)?;
    let said = |made: Option<&Made>| match made {
        Some(made) => one_line(&format!("{} ({})", made.action, made.reason)),
        None => "no decision".to_owned(),
    };
    Some(format!("is at {} of {name}: {}; against {}", span(at_ms), said(ours), said(theirs)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts_the_scenarios_in_the_words_of_the_verdicts() {
        let of = |holds, broken, untested| {
            let many = |standing, count| std::iter::repeat_n(standing, count);
            let all = many(Standing::Untested, untested).chain(many(Standing::Broken, broken));
            sum(&all.chain(many(Standing::Holds, holds)).collect::<Vec<_>>())
        };
        assert_eq!(of(10, 1, 1), "12 scenarios: 10 hold, 1 broken, 1 untested\n");
        assert_eq!(of(1, 0, 2), "3 scenarios: 1 holds, 2 untested\n");
        assert_eq!(of(2, 0, 0), "2 scenarios: 2 hold\n");
        let none = Standing::Unexpecting;
        assert_eq!(sum(&[Standing::Holds, none]), "2 scenarios: 1 holds, 1 expects nothing\n");
        assert_eq!(sum(&[none, none]), "2 scenarios: 2 expect nothing\n");
    }
}
