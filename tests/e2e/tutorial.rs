//! Follows `docs/plugins/tutorial.md` literally, in one language: its commands are run, its changes are made, and what is printed is
//! compared with what it shows.

use std::fs;
use std::path::Path;

use provost_tests::{Setup, eventually};

use crate::PROVOST;

/// A step of the tutorial.
#[derive(Debug)]
enum Step<'a> {
    /// A command, and the lines that it prints.
    Run(&'a str, Vec<&'a str>),
    /// A change of a file: its name, and the lines of its hunks.
    Change(&'a str, Vec<Vec<&'a str>>),
}

/// Follows the tutorial in an empty folder, where its project `night-watch` stays, and returns the size of the component in bytes.
/// `prepare` is called with the project when it is made.
pub(crate) fn follow(desk: &Setup, language: &str, prepare: impl FnOnce(&Path)) -> usize {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/plugins/tutorial.md");
    let page = fs::read_to_string(page).unwrap();
    let bin = desk.dir().join("bin");
    fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(PROVOST, bin.join("provost")).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let _host = Unfinished(desk);
    let (mut at, mut prepare, mut changes) = (desk.dir().to_owned(), Some(prepare), 0);
    for step in steps(&page) {
        match step {
            Step::Run(command, shown) => {
                if let Some(folder) = command.strip_prefix("cd ") {
                    at.push(folder);
                    prepare.take().unwrap()(&at);
                    continue;
                }
                let made = command.starts_with("provost plugin new");
                let command = if made { format!("{command} --lang {language}") } else { command.to_owned() };
                let print = || {
                    let mut shell = desk.shell(&command);
                    let output = shell.current_dir(&at).env("PATH", &path).output().unwrap();
                    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
                    (output.status.success(), printed, String::from_utf8_lossy(&output.stderr).into_owned())
                };
                let is_as_shown =
                    |(good, printed, _): &(bool, String, String)| *good && is_shown(&shown, printed);
                // What happens in the host takes a while.
                match command.starts_with("provost explain") {
                    true => drop(eventually(&command, print, is_as_shown)),
                    false => {
                        let printed = print();
                        assert!(is_as_shown(&printed), "{command}: {shown:#?}\n{printed:#?}");
                    }
                }
            }
            Step::Change(name, hunks) => changes += u32::from(change(&at.join(name), &hunks)),
        }
    }
    assert_eq!(changes, 5, "the source twice, the vectors, the scenario and the config");
    fs::read(at.join("night-watch.wasm")).unwrap().len()
}

/// Ends the host of a tutorial that has failed.
struct Unfinished<'a>(&'a Setup);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.0.shell("cd night-watch && $PROVOST down").output();
        }
    }
}

/// Returns the steps of a page.
fn steps(page: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for block in page.split("\n```").skip(1).step_by(2) {
        let (kind, text) = block.split_once('\n').unwrap();
        match kind {
            "console" => {
                for line in text.lines() {
                    match (line.strip_prefix("$ "), steps.last_mut()) {
                        (Some(command), _) => steps.push(Step::Run(command, Vec::new())),
                        (None, Some(Step::Run(_, shown))) => shown.push(line),
                        (None, _) => unreachable!("what is printed follows a command: {line}"),
                    }
                }
            }
            "diff" => {
                let (name, hunks) = text.split_once('\n').unwrap();
                let hunks = hunks.split("\n@@\n").map(|hunk| hunk.lines().collect()).collect();
                steps.push(Step::Change(name.strip_prefix("--- ").unwrap(), hunks));
            }
            other => unreachable!("there is no block `{other}`"),
        }
    }
    steps
}

/// Changes a file, if the project has it. Returns whether it has.
fn change(file: &Path, hunks: &[Vec<&str>]) -> bool {
    let Ok(mut text) = fs::read_to_string(file) else { return false };
    for hunk in hunks {
        let side = |without: char| {
            let lines = hunk.iter().filter(|line| !line.starts_with(without));
            lines.map(|line| line.get(1..).unwrap_or_default()).collect::<Vec<_>>().join("\n")
        };
        let (former, next) = (side('+'), side('-'));
        assert_eq!(text.matches(&former).count(), 1, "{}: {former}", file.display());
        text = text.replace(&former, &next);
    }
    fs::write(file, text).unwrap();
    true
}

/// Whether lines are what is shown: `…` stands for any text, a line `...` for any number of lines.
fn is_shown(shown: &[&str], printed: &str) -> bool {
    are_lines(shown, &printed.lines().collect::<Vec<_>>())
}

fn are_lines(shown: &[&str], printed: &[&str]) -> bool {
    match (shown.split_first(), printed.split_first()) {
        (None, None) => true,
        (Some((&"...", rest)), _) => {
            (0..=printed.len()).any(|left_out| are_lines(rest, &printed[left_out..]))
        }
        (Some((line, rest)), Some((other, others))) => is_line(line, other) && are_lines(rest, others),
        _ => false,
    }
}

fn is_line(shown: &str, printed: &str) -> bool {
    let mut parts = shown.split('…');
    let Some(mut rest) = parts.next().and_then(|first| printed.strip_prefix(first)) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[test]
fn what_is_printed_is_compared_line_by_line() {
    assert!(is_shown(&["a", "...", "b … c", "..."], "a\nx\ny\nb 1 c\n"));
    assert!(is_shown(&["..."], ""));
    for (shown, printed) in
        [(&["a"][..], "b"), (&["a"], "a\nb"), (&["a", "...", "c"], "a\nb"), (&["b … c"], "b 1 d")]
    {
        assert!(!is_shown(shown, printed), "{shown:?} {printed:?}");
    }
}

#[test]
fn a_step_of_each_kind_is_read_from_the_page() {
    let page = "text\n\n```console\n$ one\nprinted\n$ two\n```\n\n```diff\n--- file\n-a\n+b\n@@\n c\n```\n";
    let steps = format!("{:?}", steps(page));
    assert_eq!(steps, r#"[Run("one", ["printed"]), Run("two", []), Change("file", [["-a", "+b"], [" c"]])]"#);
}
