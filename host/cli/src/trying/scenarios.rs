//! Plays the scenarios of a project with its component, by the same stage as `provost plugin simulate`.

use crate::config::SourceFile;
use crate::simulating::{NotRun, Outcome, Stage, Subject};

/// A scenario that was played.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) source: SourceFile,
    /// What has come of it, or why it was not played.
    pub(crate) outcome: Result<Outcome, NotRun>,
    /// The command that plays it again.
    pub(crate) again: String,
}

impl Played {
    /// Whether nothing that is expected is broken.
    pub(crate) fn is_good(&self) -> bool {
        self.outcome.as_ref().is_ok_and(|outcome| !outcome.is_broken())
    }

    /// Returns the name of the scenario; that of its file if it was not played.
    pub(crate) fn name(&self) -> String {
        match &self.outcome {
            Ok(outcome) => outcome.name.clone(),
            Err(_) => self.source.path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        }
    }
}

/// What the user calls the component in a command that plays a scenario again.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Called<'a> {
    /// The component as it is.
    Component(&'a str),
    /// What the project in `dir` is built into, which is not written there because it is not good.
    Unwritten { dir: &'a str, component: &'a str },
}

/// Plays scenarios.
pub(crate) fn play_all(
    stage: &Stage,
    subject: &Subject,
    called: Called<'_>,
    sources: &[SourceFile],
) -> Vec<Played> {
    let play = |source: &SourceFile| {
        let outcome = stage.run(source, subject);
        let seed = outcome.as_ref().ok().map(|outcome| outcome.seed);
        let again = again(called, &source.path.to_string_lossy(), seed);
        Played { source: source.clone(), outcome, again }
    };
    sources.iter().map(play).collect()
}

/// Returns the command that plays a scenario again, with the seed that it had.
fn again(called: Called<'_>, file: &str, seed: Option<u64>) -> String {
    let seed = seed.map(|seed| format!(" --seed {seed}")).unwrap_or_default();
    let (before, component) = match called {
        Called::Component(component) => (String::new(), component),
        Called::Unwritten { dir, component } => {
            (format!("provost plugin build {} && ", word(dir)), component)
        }
    };
    format!("{before}provost plugin simulate {} --scenario {}{seed}", word(component), word(file))
}

/// Returns a text as one word of a shell.
fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+:@=,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_plays_a_scenario_again_can_be_pasted_into_a_shell() {
        let told = again(Called::Component("./it's a judge.wasm"), "scenarios/leak.toml", None);
        assert_eq!(told, r"provost plugin simulate './it'\''s a judge.wasm' --scenario scenarios/leak.toml");
        let called = Called::Unwritten { dir: "judge", component: "judge/judge.wasm" };
        let told = again(called, "a.toml", Some(7));
        let simulate = "provost plugin simulate judge/judge.wasm --scenario a.toml --seed 7";
        assert_eq!(told, format!("provost plugin build judge && {simulate}"));
    }
}
