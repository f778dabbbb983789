//! The table of keys: what each does, where it does it, and how it is described.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::action::{Action, View};

/// A key, with or without Ctrl.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// The key.
    pub(crate) code: KeyCode,
    /// Whether Ctrl is held.
    pub(crate) ctrl: bool,
}

impl Key {
    /// Returns the key that was pressed; `None` for a key that was released.
    pub(crate) fn of(event: KeyEvent) -> Option<Self> {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        (event.kind != KeyEventKind::Release).then_some(Self { code: event.code, ctrl })
    }
}

const fn plain(c: char) -> Key {
    Key { code: KeyCode::Char(c), ctrl: false }
}

const fn ctrl(c: char) -> Key {
    Key { code: KeyCode::Char(c), ctrl: true }
}

const fn code(code: KeyCode) -> Key {
    Key { code, ctrl: false }
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding {
    /// The keys; the first one is shown.
    pub(crate) keys: &'static [Key],
    /// The views in which it works; all if it is empty.
    within: &'static [View],
    /// What it does.
    pub(crate) action: Action,
    /// One word for the key bar; empty if it is not shown there.
    pub(crate) short: &'static str,
    /// The description for the help and the palette.
    pub(crate) long: &'static str,
}

impl Binding {
    /// Whether the key works in this view.
    pub(crate) fn works_in(&self, view: View) -> bool {
        self.within.is_empty() || self.within.contains(&view)
    }
}

const fn bind(
    keys: &'static [Key],
    within: &'static [View],
    action: Action,
    short: &'static str,
    long: &'static str,
) -> Binding {
    Binding { keys, within, action, short, long }
}

const ALL: &[View] = &[];
const LIST: &[View] = &[View::Processes];
const LOGS: &[View] = &[View::Logs];
const PLUGINS: &[View] = &[View::Plugins];
const TEXTS: &[View] = &[View::Processes, View::Logs];
const LINES: &[View] = &[View::Logs, View::Events];

/// All keys, the most useful ones first: the key bar shows as many as there is room for.
pub(crate) const BINDINGS: &[Binding] = &[
    bind(
        &[code(KeyCode::Enter)],
        LIST,
        Action::Detail,
        "detail",
        "show or hide why the selected process is in its state",
    ),
    bind(
        &[plain('l')],
        LIST,
        Action::Logs,
        "logs",
        "follow the logs of the selected or marked processes, or of a group",
    ),
    bind(&[plain('r')], LIST, Action::Restart, "restart", "restart the selected or marked processes"),
    bind(&[plain('s')], LIST, Action::Start, "start", "start the selected or marked processes"),
    bind(&[plain('x')], LIST, Action::Stop, "stop", "stop the selected or marked processes"),
    bind(&[plain('f')], LOGS, Action::Freeze, "freeze", "freeze the lines, or follow them again"),
    bind(&[plain('&')], LOGS, Action::Filter, "filter", "show only the lines with a text"),
    bind(
        &[plain('/')],
        TEXTS,
        Action::Find,
        "find",
        "narrow the list to names with a text; search in the logs",
    ),
    bind(&[plain('n')], LOGS, Action::FindPrevious, "", "go to the next older line that was searched"),
    bind(&[plain('N')], LOGS, Action::FindNext, "", "go to the next newer line that was searched"),
    bind(&[plain('w')], LOGS, Action::Wrap, "wrap", "wrap long lines, or cut them"),
    bind(&[plain('t')], LOGS, Action::Times, "times", "show the time of each line, or hide it"),
    bind(&[plain('m')], LOGS, Action::MarkLines, "mark", "set a mark below the last line"),
    bind(&[plain('c')], LOGS, Action::Clear, "clear", "clear the view; the logs themselves are kept"),
    bind(&[plain('t')], LIST, Action::Tree, "tree", "show a tree of groups, or a list"),
    bind(
        &[plain(' ')],
        LIST,
        Action::Mark,
        "mark",
        "mark the selected process for the next order or its logs",
    ),
    bind(
        &[plain('z')],
        LIST,
        Action::Zoom,
        "",
        "give the details all the room, where they are scrolled, or only their share",
    ),
    bind(&[plain('o')], LIST, Action::Sort, "sort", "sort by the next column"),
    bind(&[plain('O')], LIST, Action::Reverse, "", "reverse the order"),
    bind(&[plain('h')], LIST, Action::Hide, "", "hide processes that are meant to be down, or show them"),
    bind(&[plain('K')], LIST, Action::Signal, "signal", "send a signal to the selected or marked processes"),
    bind(&[plain('c')], LIST, Action::Scale, "scale", "set the number of replicas of the selected process"),
    bind(&[plain('w')], PLUGINS, Action::Swap, "swap", "replace the component of the selected plugin"),
    bind(
        &[plain('R')],
        ALL,
        Action::Reload,
        "reload",
        "show what a reload of the config would change, and reload it",
    ),
    bind(
        &[plain('y')],
        ALL,
        Action::Copy,
        "copy",
        "copy the lines on the screen, or the selected name (OSC 52)",
    ),
    bind(
        &[plain(':'), ctrl('p')],
        ALL,
        Action::Palette,
        "commands",
        "find a command, a process or a view by its name",
    ),
    bind(&[plain('?'), code(KeyCode::F(1))], ALL, Action::Help, "help", "show or hide this help"),
    bind(&[plain('q'), ctrl('c')], ALL, Action::Quit, "quit", "leave the view; everything keeps running"),
    bind(&[plain('1')], ALL, Action::Show(View::Processes), "", "show the processes"),
    bind(&[plain('2')], ALL, Action::Show(View::Logs), "", "show the logs"),
    bind(&[plain('3')], ALL, Action::Show(View::Plugins), "", "show the plugins"),
    bind(&[plain('4')], ALL, Action::Show(View::State), "", "show the state core"),
    bind(&[plain('5')], ALL, Action::Show(View::Events), "", "show the events"),
    bind(&[code(KeyCode::Up), plain('k')], ALL, Action::Up, "", "go up"),
    bind(&[code(KeyCode::Down), plain('j')], ALL, Action::Down, "", "go down"),
    bind(&[code(KeyCode::PageUp), ctrl('b')], ALL, Action::PageUp, "", "go up by a page"),
    bind(&[code(KeyCode::PageDown), ctrl('f')], ALL, Action::PageDown, "", "go down by a page"),
    bind(&[code(KeyCode::Home), plain('g')], ALL, Action::Top, "", "go to the first line"),
    bind(&[code(KeyCode::End), plain('G')], ALL, Action::Bottom, "", "go to the last line"),
    bind(&[code(KeyCode::Left)], LINES, Action::Left, "", "scroll to the left"),
    bind(&[code(KeyCode::Right)], LINES, Action::Right, "", "scroll to the right"),
    bind(&[code(KeyCode::Esc)], ALL, Action::Back, "", "close what is open, or take back a filter or marks"),
    bind(
        &[plain('M')],
        ALL,
        Action::Mouse,
        "",
        "give the mouse to the terminal, for selecting text, or take it back",
    ),
    bind(&[ctrl('l')], ALL, Action::Redraw, "", "draw the screen anew"),
    bind(&[ctrl('z')], ALL, Action::Suspend, "", "suspend the view; `fg` resumes it"),
];

/// Returns what a key does in a view.
pub(crate) fn bound(view: View, key: Key) -> Option<Action> {
    BINDINGS
        .iter()
        .find(|binding| binding.works_in(view) && binding.keys.contains(&key))
        .map(|binding| binding.action)
}

/// Returns the name of a key.
pub(crate) fn named(key: Key) -> String {
    match key.code {
        KeyCode::Char(' ') => "Space".to_owned(),
        KeyCode::Char(c) if key.ctrl => format!("^{}", c.to_ascii_uppercase()),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::F(number) => format!("F{number}"),
        KeyCode::PageUp => "PgUp".to_owned(),
        KeyCode::PageDown => "PgDn".to_owned(),
        KeyCode::Up => "↑".to_owned(),
        KeyCode::Down => "↓".to_owned(),
        KeyCode::Left => "←".to_owned(),
        KeyCode::Right => "→".to_owned(),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_view() {
        for view in View::ALL {
            let here: Vec<&Binding> = BINDINGS.iter().filter(|binding| binding.works_in(view)).collect();
            for (at, binding) in here.iter().enumerate() {
                for other in &here[..at] {
                    let both = binding.keys.iter().find(|key| other.keys.contains(key));
                    assert!(both.is_none(), "{view:?}: {both:?}: {} and {}", binding.long, other.long);
                }
            }
        }
    }

    #[test]
    fn a_key_is_found_in_its_view_only() {
        assert_eq!(bound(View::Processes, plain('t')), Some(Action::Tree));
        assert_eq!(bound(View::Logs, plain('t')), Some(Action::Times));
        assert_eq!(bound(View::Events, plain('t')), None);
        assert_eq!(bound(View::Events, ctrl('p')), Some(Action::Palette));
        assert_eq!(
            (named(ctrl('z')), named(plain(' ')), named(code(KeyCode::Esc))),
            ("^Z".into(), "Space".into(), "Esc".into())
        );
    }
}
