//! The picture: boxes in layers, and curves from each process to those that wait for it.

use std::fmt::Write as _;

use provost_api::Condition;
use provost_api::columns::cut;

use super::layers::{Edge, Item, Layers};
use super::model::{Graph, Node};
use crate::pictures::svg::{Area, MARGIN, Svg, class, number, width};
use crate::render::humane::one_line;

/// The size of a box, and the spaces between boxes, in pixels.
const BOX: f64 = 42.0;
const BETWEEN_BOXES: f64 = 14.0;
const BETWEEN_LAYERS: f64 = 72.0;
/// The height of a curve on its way through a layer.
const BEND: f64 = 12.0;
/// The space above the boxes, for the title.
const HEAD: f64 = 34.0;
/// The longest text in a box, in columns.
const COLUMNS_MAX: usize = 36;

/// The places of all items.
struct Places {
    areas: Vec<Area>,
    width: f64,
    height: f64,
}

/// Draws the graph; `title` stands above it.
pub(crate) fn svg(graph: &Graph, title: &str) -> String {
    let layers = Layers::of(graph);
    let places = places(graph, &layers);
    let mut svg = Svg::default();
    svg.text(MARGIN, MARGIN + 12.0, "title", title);
    for edge in &layers.edges {
        curve(&mut svg, graph, edge, &places);
    }
    for (node, area) in graph.nodes().iter().zip(&places.areas) {
        process(&mut svg, node, *area);
    }
    let (mut x, y) = (MARGIN, places.height + MARGIN + 6.0);
    for (condition, meaning) in [
        (Condition::Ready, "starts when it is ready"),
        (Condition::Started, "when it is started"),
        (Condition::Completed, "when it has completed"),
    ] {
        if layers.edges.iter().any(|edge| edge.condition == condition) {
            x = svg.example(x, y, condition.as_str(), meaning);
        }
    }
    let width = places.width.max(x).max(MARGIN + width(title) * 1.2) + MARGIN;
    svg.document(title, width, places.height + 2.0 * MARGIN + 6.0)
}

/// Returns the two lines in the box of a process.
fn lines(node: &Node) -> (String, String) {
    let group = node.group.as_deref().map(one_line);
    let below: Vec<String> = node.state().into_iter().chain(group).collect();
    (cut(&one_line(&node.name), COLUMNS_MAX).into_owned(), cut(&below.join(" · "), COLUMNS_MAX).into_owned())
}

fn places(graph: &Graph, layers: &Layers) -> Places {
    let height_of = |item: usize| match layers.items[item] {
        Item::Process(_) => BOX,
        Item::Bend => BEND,
    };
    let width_of = |item: usize| match layers.items[item] {
        Item::Process(at) => graph.nodes().get(at).map_or(0.0, |node| {
            let (name, below) = lines(node);
            width(&name).max(width(&below)) + 26.0
        }),
        Item::Bend => 0.0,
    };
    let tall = |layer: &Vec<usize>| {
        let boxes: f64 = layer.iter().map(|item| height_of(*item)).sum();
        boxes + BETWEEN_BOXES * number(layer.len().saturating_sub(1))
    };
    let tallest = layers.layers.iter().map(tall).fold(0.0, f64::max);
    let mut areas = vec![Area { x: 0.0, y: 0.0, width: 0.0, height: 0.0 }; layers.items.len()];
    let mut x = MARGIN;
    for layer in &layers.layers {
        let widest = layer.iter().map(|item| width_of(*item)).fold(0.0, f64::max);
        let mut y = MARGIN + HEAD + (tallest - tall(layer)) / 2.0;
        for item in layer {
            let height = height_of(*item);
            areas[*item] = Area { x, y, width: widest, height };
            y += height + BETWEEN_BOXES;
        }
        x += widest + BETWEEN_LAYERS;
    }
    let width = (x - BETWEEN_LAYERS).max(MARGIN);
    Places { areas, width, height: MARGIN + HEAD + tallest + MARGIN }
}

fn process(svg: &mut Svg, node: &Node, area: Area) {
    let (name, below) = lines(node);
    svg.area(area, "box", &format!("{} {below}", node.name));
    if let Some(phase) = &node.phase {
        svg.area(Area { width: 5.0, ..area }, class(phase), "");
    }
    let x = area.x + 14.0;
    if below.is_empty() {
        svg.text(x, area.y + 26.0, "strong", &name);
    } else {
        svg.text(x, area.y + 18.0, "strong", &name);
        svg.text(x, area.y + 34.0, "dim", &below);
    }
}

/// Draws the curve of a dependency, through the layers between its ends.
fn curve(svg: &mut Svg, graph: &Graph, edge: &Edge, places: &Places) {
    let middle = |area: &Area| area.y + area.height / 2.0;
    let mut path = String::new();
    let mut at: Option<(f64, f64)> = None;
    for item in &edge.way {
        let Some(area) = places.areas.get(*item) else { return };
        let y = middle(area);
        if let Some((from, before)) = at {
            let half = (area.x - from) / 2.0;
            // Writing to a string does not fail.
            let _ = write!(
                path,
                " C {:.1} {before:.1} {:.1} {y:.1} {:.1} {y:.1}",
                from + half,
                area.x - half,
                area.x
            );
            if *item != edge.to {
                let _ = write!(path, " H {:.1}", area.x + area.width);
            }
        } else {
            let _ = write!(path, "M {:.1} {y:.1}", area.x + area.width);
        }
        at = Some((area.x + area.width, y));
    }
    let verb = match edge.condition {
        Condition::Completed => "has",
        Condition::Started | Condition::Ready | Condition::Other(_) => "is",
    };
    let title =
        format!("{} starts when {} {verb} {}", graph.name(edge.to), graph.name(edge.from), edge.condition);
    let style = match edge.condition {
        Condition::Started => "started",
        Condition::Completed => "completed",
        Condition::Ready | Condition::Other(_) => "ready",
    };
    svg.arrow(&path, style, &title);
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::{node, shop};
    use super::*;
    use crate::pictures::svg::tests::is_sound;

    #[test]
    fn the_picture_is_sound_and_always_the_same() {
        let picture = svg(&shop(), "dependencies");
        is_sound(&picture);
        assert_eq!(picture, svg(&shop(), "dependencies"));
        for part in
            ["proxy starts when web.1 is started", "web.2 starts when migrate has completed", "done", "front"]
        {
            assert!(picture.contains(part), "{part}: {picture}");
        }
    }

    #[test]
    fn a_graph_of_nothing_and_foreign_names_are_sound() {
        is_sound(&svg(&Graph::default(), "nothing"));
        let odd = "<x>&\"".repeat(30);
        is_sound(&svg(&Graph::of(vec![node(&odd, &odd, None, &[])]), &odd));
    }

    #[test]
    fn a_large_graph_takes_no_time() {
        let name = |at: usize| format!("p{at}");
        let needs: Vec<(String, Condition)> = (0..1_000).map(|at| (name(at), Condition::Ready)).collect();
        let nodes = (0..1_000).map(|at| {
            let needs: Vec<(&str, Condition)> = needs[..at]
                .iter()
                .rev()
                .take(40)
                .map(|(name, condition)| (name.as_str(), condition.clone()))
                .collect();
            node(&name(at), "", None, &needs)
        });
        is_sound(&svg(&Graph::of(nodes.collect()), "large"));
    }
}
