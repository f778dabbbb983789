//! The language of Graphviz.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use provost_api::{Condition, Phase};

use super::model::{Graph, Node};
use crate::render::humane::one_line;

/// Renders the graph. An arrow leads from a process to one that waits for it, in the order of starting.
pub(crate) fn dot(graph: &Graph) -> String {
    let mut text = String::from(
        "digraph provost {\n  rankdir = LR\n  node [shape = box, style = filled, fillcolor = white]\n",
    );
    let mut groups: BTreeMap<&str, Vec<&Node>> = BTreeMap::new();
    for node in graph.nodes() {
        groups.entry(node.group.as_deref().unwrap_or_default()).or_default().push(node);
    }
    for (group, members) in groups {
        let within = if group.is_empty() { "" } else { "  " };
        if !group.is_empty() {
            // Writing to a string does not fail.
            let _ = writeln!(text, "  subgraph {} {{", quoted(&format!("cluster_{group}")));
            let _ = writeln!(text, "    label = {}", quoted(group));
        }
        for node in members {
            let _ = writeln!(text, "{within}  {}", described(node));
        }
        if !group.is_empty() {
            text.push_str("  }\n");
        }
    }
    for (at, node) in graph.nodes().iter().enumerate() {
        for (need, condition) in graph.needs(at) {
            let need = quoted(graph.name(*need));
            let style = match condition {
                Condition::Started => ", style = dotted",
                Condition::Completed => ", style = dashed",
                Condition::Ready | Condition::Other(_) => "",
            };
            let (name, condition) = (quoted(&node.name), quoted(condition.as_str()));
            let _ = writeln!(text, "  {need} -> {name} [label = {condition}{style}]");
        }
    }
    text.push_str("}\n");
    text
}

fn described(node: &Node) -> String {
    let name = quoted(&node.name);
    let Some(state) = node.state() else { return name };
    let label = quoted(&format!("{}\n{state}", one_line(&node.name)));
    let color = match node.phase {
        Some(Phase::Running) => "palegreen",
        Some(Phase::Starting | Phase::Waiting | Phase::Stopping) => "lightblue",
        Some(Phase::Backoff) => "khaki",
        Some(Phase::Fatal) => "salmon",
        _ => "gray90",
    };
    format!("{name} [label = {label}, fillcolor = {color}]")
}

/// Returns a string of the language.
fn quoted(text: &str) -> String {
    let lines: Vec<String> =
        text.split('\n').map(|line| one_line(line).replace('\\', "\\\\").replace('"', "\\\"")).collect();
    format!("\"{}\"", lines.join("\\n"))
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::{node, shop};
    use super::*;

    #[test]
    fn groups_are_clusters_and_arrows_lead_in_the_order_of_starting() {
        insta::assert_snapshot!(dot(&shop()), @r#"
        digraph provost {
          rankdir = LR
          node [shape = box, style = filled, fillcolor = white]
          "disk" [label = "disk\nrunning", fillcolor = palegreen]
          "migrate" [label = "migrate\ndone", fillcolor = gray90]
          "worker" [label = "worker\nbackoff", fillcolor = khaki]
          subgraph "cluster_data" {
            label = "data"
            "db" [label = "db\nrunning", fillcolor = palegreen]
          }
          subgraph "cluster_front" {
            label = "front"
            "web.1" [label = "web.1\nwaiting", fillcolor = lightblue]
            "web.2" [label = "web.2\nwaiting", fillcolor = lightblue]
            "proxy" [label = "proxy\nstopped", fillcolor = gray90]
          }
          "db" -> "migrate" [label = "ready"]
          "disk" -> "db" [label = "started", style = dotted]
          "db" -> "web.1" [label = "ready"]
          "migrate" -> "web.1" [label = "completed", style = dashed]
          "db" -> "web.2" [label = "ready"]
          "migrate" -> "web.2" [label = "completed", style = dashed]
          "web.1" -> "proxy" [label = "started", style = dotted]
          "web.2" -> "proxy" [label = "started", style = dotted]
        }
        "#);
    }

    #[test]
    fn names_are_quoted() {
        let odd = node("a\"; b -> c \\", "", None, &[]);
        assert!(dot(&Graph::of(vec![odd])).contains("\n  \"a\\\"; b -> c \\\\\"\n"));
    }
}
