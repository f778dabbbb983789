//! Renders the steps of a reload, one line for each, and the result of scaling.

use provost_api::{ReloadStep, ReloadStepKind as Kind, ReloadSummary, Scaled};

use super::humane::{counted, one_line};
use super::style::{Paint, Style};

/// Renders a step, with its newline; empty for the last one, see [`done`], and for steps that have failed, see [`failures`].
pub(crate) fn step(step: &ReloadStep, paint: Paint) -> String {
    let style = match step.kind {
        Kind::Failed | Kind::Done => return String::new(),
        Kind::Added | Kind::Started | Kind::Up => Style::Green,
        Kind::Removed | Kind::Removing => Style::Red,
        Kind::Restarted | Kind::Postponed => Style::Yellow,
        _ => Style::Plain,
    };
    format!("{}: {}\n", subject(step), paint.text(style, &one_line(&step.message)))
}

fn subject(step: &ReloadStep) -> String {
    match (&step.process, &step.plugin) {
        (Some(process), _) => one_line(process),
        (None, Some(plugin)) => format!("plugin {}", one_line(plugin)),
        (None, None) => "config".to_owned(),
    }
}

/// Renders what a reload has done in all.
pub(crate) fn done(summary: &ReloadSummary) -> String {
    let ReloadSummary { added, removed, changed, restarted, postponed, plugins, host, failed } = *summary;
    let some = |count: u64, words: String| (count > 0).then_some(words);
    let restarts = [
        some(restarted, format!("{restarted} restarted")),
        some(postponed, format!("{postponed} postponed")),
    ];
    let restarts = restarts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let restarts = if restarts.is_empty() { restarts } else { format!(" ({restarts})") };
    let parts = [
        some(added, format!("{} added", counted(added, "process"))),
        some(changed, format!("{} changed{restarts}", counted(changed, "process"))),
        some(removed, format!("{} removed", counted(removed, "process"))),
        some(plugins, format!("{} changed", counted(plugins, "plugin"))),
        some(host, format!("{} of the host changed", counted(host, "setting"))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    match (parts.is_empty(), failed) {
        (true, 0) => "reloaded: nothing differed\n".to_owned(),
        (true, _) => "reloaded: nothing was changed\n".to_owned(),
        (false, _) => format!("reloaded: {}\n", parts.join(", ")),
    }
}

/// Renders the steps that have failed, as errors.
pub(crate) fn failures(failed: &[ReloadStep]) -> String {
    let one = |step: &ReloadStep| {
        let (why, hint) = match &step.error {
            Some(error) => (error.message.clone(), error.hint.clone()),
            None => ("the host does not say why".to_owned(), None),
        };
        let hint = hint.unwrap_or_else(|| "`provost diff` shows what remains".to_owned());
        format!(
            "error: {}: {}: {}\nhint: {}",
            subject(step),
            one_line(&step.message),
            one_line(&why),
            one_line(&hint)
        )
    };
    failed.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// Renders the numbers of replicas that were changed.
pub(crate) fn scaled(scaled: &Scaled) -> String {
    let done =
        scaled.results.iter().filter_map(|one| Some((one, one.before?, one.wanted.filter(|_| one.ok)?)));
    done.map(|(one, before, wanted)| {
        let name = one_line(&one.name);
        match before == wanted {
            true => format!("{name}: {} as before\n", counted(wanted.into(), "replica")),
            false => format!(
                "{name}: {}, before {before}; until the next reload\n",
                counted(wanted.into(), "replica")
            ),
        }
    })
    .collect()
}

/// Renders why numbers of replicas were not changed.
pub(crate) fn not_scaled(scaled: &Scaled) -> String {
    let failed = scaled.results.iter().filter_map(|one| one.error.as_ref());
    let one = |error: &provost_api::Error| {
        let hint = error.hint.as_deref().unwrap_or("`provost status` shows the replicas");
        format!("error: {}\nhint: {}", one_line(&error.message), one_line(hint))
    };
    failed.map(one).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use provost_api::{Error, ErrorCode, ScaleOutcome};

    use super::*;

    fn of(kind: Kind, process: &str, message: &str) -> ReloadStep {
        let process = Some(process.to_owned());
        ReloadStep { kind, process, message: message.to_owned(), ..ReloadStep::default() }
    }

    #[test]
    fn each_step_is_a_line_and_the_last_one_counts() {
        let plugin = ReloadStep {
            plugin: Some("backoff".to_owned()),
            process: None,
            ..of(Kind::Plugin, "", "loaded")
        };
        let steps = [
            plugin,
            of(Kind::Restarted, "web", "restarted: command has changed"),
            of(Kind::Removed, "db", "removed"),
        ];
        let summary = ReloadSummary {
            added: 1,
            removed: 1,
            changed: 3,
            restarted: 2,
            plugins: 1,
            ..ReloadSummary::default()
        };
        let lines: String = steps.iter().map(|one| step(one, Paint::OFF)).collect();
        let none = done(&ReloadSummary::default());
        let failed = done(&ReloadSummary { failed: 1, ..ReloadSummary::default() });
        insta::assert_snapshot!(format!("{lines}{}{none}{failed}", done(&summary)), @r#"
        plugin backoff: loaded
        web: restarted: command has changed
        db: removed
        reloaded: 1 process added, 3 processes changed (2 restarted), 1 process removed, 1 plugin changed
        reloaded: nothing differed
        reloaded: nothing was changed
        "#);
    }

    #[test]
    fn failures_say_what_is_not_done_and_why() {
        let error = Error {
            code: ErrorCode::NotReached,
            message: "it has not ended".into(),
            hint: Some("try again".into()),
        };
        let failed = ReloadStep { error: Some(error), ..of(Kind::Failed, "db", "it is not removed") };
        insta::assert_snapshot!(failures(&[failed]), @r#"
        error: db: it is not removed: it has not ended
        hint: try again
        "#);
    }

    #[test]
    fn scaling_says_what_was_wanted_before() {
        let one = |name: &str, before, wanted| ScaleOutcome {
            name: name.to_owned(),
            ok: true,
            before: Some(before),
            wanted: Some(wanted),
            error: None,
        };
        insta::assert_snapshot!(scaled(&Scaled { results: vec![one("api", 1, 1), one("web", 2, 3)] }), @r#"
        api: 1 replica as before
        web: 3 replicas, before 2; until the next reload
        "#);
    }
}
