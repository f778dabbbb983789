//! The messages that the documentation explains are those that the program has: each is found in a string of the sources.

use crate::{files, root};

/// The page, and how its tables of messages begin.
const PAGE: &str = "docs/plugins/troubleshooting.md";
const HEAD: &str = "| message |";

/// Returns the literal parts of the messages of a page. `…` stands for what differs.
fn messages(page: &str) -> Vec<Vec<&str>> {
    let tables = page
        .split(HEAD)
        .skip(1)
        .flat_map(|table| table.lines().skip(2).take_while(|line| line.starts_with('|')));
    let cells = tables.filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    cells.map(|message| message.split('…').map(str::trim).filter(|part| !part.is_empty()).collect()).collect()
}

#[test]
fn every_message_of_the_page_for_troubles_is_one_of_the_program() {
    let page = std::fs::read_to_string(root().join(PAGE)).unwrap();
    let sources: Vec<String> = files(&root().join("host"), ".rs")
        .iter()
        .map(|path| {
            // A string may go on in the next line.
            let text = std::fs::read_to_string(path).unwrap();
            let lines = text.split("\\\n").map(str::trim_start);
            lines.collect::<String>()
        })
        .collect();
    let messages = messages(&page);
    assert!(messages.len() > 15, "the tables are found");
    for message in messages {
        let has_all = |source: &String| message.iter().all(|part| source.contains(part));
        assert!(sources.iter().any(has_all), "no source file has the message {message:?}");
    }
}
