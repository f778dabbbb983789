//! The tree for a terminal: below each process that no other waits for, what it waits for.

use super::model::Graph;
use crate::render::page::Page;
use crate::render::style::Style;
use crate::render::table::{Cell, Table};

/// The columns that are dropped first when there is no room.
const LEAVING: &[&str] = &["GROUP", "WAITS UNTIL IT IS"];

/// A process of the tree that is still to be shown.
struct Due {
    at: usize,
    /// What stands before its name.
    before: String,
    /// What stands before the names of its dependencies.
    beneath: String,
    /// What the process above it waits for.
    condition: Option<String>,
}

/// Renders the graph as a tree. Below a process that has been shown before, its dependencies are not shown again, so that each
/// dependency is one line.
pub(crate) fn text(graph: &Graph, page: &Page) -> String {
    let knows_phases = graph.nodes().iter().any(|node| node.phase.is_some());
    let mut head = vec!["PROCESS", "WAITS UNTIL IT IS"];
    if knows_phases {
        head.push("PHASE");
    }
    head.push("GROUP");
    let mut table = Table::new(&head).leaving(LEAVING).lines_max(1);
    let mut shown = vec![false; graph.nodes().len()];
    let mut roots = graph.last();
    loop {
        let root = |at| Due { at, before: String::new(), beneath: String::new(), condition: None };
        // The last is shown first.
        let mut due: Vec<Due> = roots.iter().rev().map(|at| root(*at)).collect();
        while let Some(one) = due.pop() {
            let again = std::mem::replace(&mut shown[one.at], true);
            let needs = graph.needs(one.at);
            table.row(row(graph, &one, again && !needs.is_empty(), knows_phases));
            if again {
                continue;
            }
            let below = needs.iter().enumerate().map(|(place, (need, condition))| {
                let (branch, on) =
                    if place + 1 == needs.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
                Due {
                    at: *need,
                    before: format!("{}{branch}", one.beneath),
                    beneath: format!("{}{on}", one.beneath),
                    condition: Some(condition.to_string()),
                }
            });
            due.extend(below.collect::<Vec<_>>().into_iter().rev());
        }
        // The config refuses processes that wait for each other. If there were any, they would be shown last.
        match shown.iter().position(|shown| !shown) {
            Some(at) => roots = vec![at],
            None => break,
        }
    }
    table.render(page)
}

fn row(graph: &Graph, due: &Due, again: bool, knows_phases: bool) -> Vec<Cell> {
    let Some(node) = graph.nodes().get(due.at) else { return Vec::new() };
    let mark = if again { " (see above)" } else { "" };
    let mut cells = vec![
        Cell::new(format!("{}{}{mark}", due.before, node.name)),
        Cell::new(due.condition.clone().unwrap_or_default()),
    ];
    if knows_phases {
        let style = node.phase.as_ref().map_or(Style::Plain, Style::of_phase);
        cells.push(Cell::styled(node.state().unwrap_or_default(), style));
    }
    cells.push(Cell::new(node.group.as_deref().unwrap_or_default()));
    cells
}

#[cfg(test)]
mod tests {
    use provost_api::Condition;

    use super::super::model::tests::{node, shop};
    use super::*;

    #[test]
    fn what_a_process_waits_for_is_below_it_and_each_dependency_is_one_line() {
        insta::assert_snapshot!(text(&shop(), &Page::plain()), @r#"
        PROCESS                    WAITS UNTIL IT IS  PHASE    GROUP
        proxy                                         stopped  front
        ├─ web.1                   started            waiting  front
        │  ├─ db                   ready              running  data
        │  │  └─ disk              started            running
        │  └─ migrate              completed          done
        │     └─ db (see above)    ready              running  data
        └─ web.2                   started            waiting  front
           ├─ db (see above)       ready              running  data
           └─ migrate (see above)  completed          done
        worker                                        backoff
        "#);
    }

    #[test]
    fn without_a_host_there_are_no_phases() {
        let graph =
            Graph::of(vec![node("db", "", None, &[]), node("web", "", None, &[("db", Condition::Ready)])]);
        insta::assert_snapshot!(text(&graph, &Page::plain()), @r#"
        PROCESS  WAITS UNTIL IT IS  GROUP
        web
        └─ db    ready
        "#);
    }

    #[test]
    fn a_long_chain_and_a_circle_end() {
        let name = |at: usize| format!("p{at}");
        let mut nodes: Vec<_> =
            (0..20_000).map(|at| node(&name(at), "", None, &[(&name(at + 1), Condition::Ready)])).collect();
        assert_eq!(text(&Graph::of(nodes.split_off(19_990)), &Page::narrow(80)).lines().count(), 11);
        let ring = Graph::of(vec![
            node("a", "", None, &[("b", Condition::Ready)]),
            node("b", "", None, &[("a", Condition::Ready)]),
        ]);
        assert_eq!(text(&ring, &Page::plain()).lines().count(), 4);
    }
}
