//! The entries of the command palette: commands of all views, and processes.

use crate::input::{Action, BINDINGS, View, named};
use crate::model::Model;

/// The most entries that are offered.
const ENTRIES_MAX: usize = 200;

/// What an entry of the palette does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// An action, in the view where it works.
    Do(Action, View),
    /// A process is selected.
    Go(String),
}

/// Actions that make no sense in a list of commands.
const MOVES: [Action; 10] = [
    Action::Up,
    Action::Down,
    Action::PageUp,
    Action::PageDown,
    Action::Left,
    Action::Right,
    Action::Top,
    Action::Bottom,
    Action::Palette,
    Action::Back,
];

/// Returns the entries that contain all words of the query: their texts, their keys and what they do.
pub(crate) fn entries(query: &str, view: View, model: &Model) -> Vec<(String, String, Entry)> {
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    let fits = |text: &str| {
        let text = text.to_lowercase();
        words.iter().all(|word| text.contains(word.as_str()))
    };
    let commands = BINDINGS.iter().filter(|binding| !MOVES.contains(&binding.action)).filter_map(|binding| {
        // What works here is done here.
        let at = [view].into_iter().chain(View::ALL).find(|view| binding.works_in(*view))?;
        let text = match binding.works_in(view) {
            true => binding.long.to_owned(),
            false => format!("{}: {}", at.title(), binding.long),
        };
        let key = binding.keys.first().map(|key| named(*key)).unwrap_or_default();
        fits(&format!("{} {text}", binding.short)).then_some((text, key, Entry::Do(binding.action, at)))
    });
    let processes = model.processes().iter().filter(|_| !words.is_empty()).filter_map(|process| {
        let text = format!("go to {}", process.name);
        fits(&text).then(|| (text, String::new(), Entry::Go(process.name.clone())))
    });
    commands.chain(processes).take(ENTRIES_MAX).collect()
}

#[cfg(test)]
mod tests {
    use provost_api::{Process, Status};

    use super::*;
    use crate::model::News;

    #[test]
    fn commands_of_all_views_and_processes_are_found_by_words_in_any_order() {
        let processes = vec![Process { name: "web".into(), ..Process::default() }];
        let mut model = Model::default();
        model.learn(News::Status(Box::new(Status { processes, ..Status::default() })));
        let found = |query| -> Vec<Entry> {
            entries(query, View::Logs, &model).into_iter().map(|(.., entry)| entry).collect()
        };
        assert_eq!(found("plugin swap"), [Entry::Do(Action::Swap, View::Plugins)]);
        assert_eq!(found("go web"), [Entry::Go("web".into())]);
        assert!(found("").iter().all(|entry| matches!(entry, Entry::Do(..))));
        assert!(found("no such thing").is_empty());
    }
}
