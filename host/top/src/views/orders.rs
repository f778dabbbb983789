//! The questions before an order: what it would do, to what.

use super::cursor::Cursor;
use super::list::List;
use super::overlay::{Edit, Overlay};
use crate::input::Field;
use crate::model::{Model, Told};
use crate::request::{Order, Verb};

/// Returns the question before an order to the marked or selected processes.
pub(crate) fn processes(list: &List, verb: Verb) -> Result<Overlay, Told> {
    Ok(ask(verb, targets(list)?))
}

/// Returns the question before an order to these targets.
pub(crate) fn ask(verb: Verb, targets: Vec<String>) -> Overlay {
    confirm(Order::Processes { verb, targets })
}

/// Returns the choice of a signal for the marked or selected processes.
pub(crate) fn signals(list: &List) -> Result<Overlay, Told> {
    // The first one after INT and QUIT is TERM; HUP is what most programs reload on.
    Ok(Overlay::Signals { targets: targets(list)?, cursor: Cursor::default() })
}

fn targets(list: &List) -> Result<Vec<String>, Told> {
    Some(list.targets())
        .filter(|targets| !targets.is_empty())
        .ok_or_else(|| Told::failed("no process is selected"))
}

/// Returns the field for the number of replicas of the selected process.
pub(crate) fn scale(list: &List, model: &Model) -> Result<Overlay, Told> {
    let Some(selected) = list.selected() else { return Err(Told::failed("no process is selected")) };
    if selected.ends_with(":*") {
        return Err(Told::failed("a group has no replicas: select one of its processes"));
    }
    let Some(set) = model.replicas_of(selected) else {
        return Err(Told::failed(format!(
            "{selected} has no replicas: give it `replicas` in the config to scale it"
        )));
    };
    let hint = format!("{} to {} in the config", set.least, set.most);
    let field = Field::of(&set.wanted.to_string());
    Ok(Overlay::Edit { what: Edit::Scale { name: set.name.clone(), hint }, field })
}

/// Returns the question before a number of replicas is set.
pub(crate) fn scaled(name: &str, count: &str) -> Result<Overlay, Told> {
    match count.trim().parse() {
        Ok(count) => Ok(confirm(Order::Scale { name: name.to_owned(), count })),
        Err(_) => Err(Told::failed(format!("`{count}` is not a number of replicas"))),
    }
}

/// Returns the field for the new component of the plugin at a place.
pub(crate) fn swap(model: &Model, place: usize) -> Result<Overlay, Told> {
    let Some(plugin) = model.status.plugins.get(place) else {
        return Err(Told::failed("no plugin is selected"));
    };
    let field = Field::of(&plugin.active.source);
    Ok(Overlay::Edit { what: Edit::Swap { plugin: plugin.name.clone() }, field })
}

/// Returns the question before a component is replaced.
pub(crate) fn swapped(plugin: &str, component: &str) -> Result<Overlay, Told> {
    let component = component.trim();
    // The host resolves no relative path: it has another directory.
    if ["/", "bundled:", "oci://", "https://"].iter().any(|start| component.starts_with(start)) {
        return Ok(confirm(Order::Swap { plugin: plugin.to_owned(), component: component.to_owned() }));
    }
    Err(Told::failed(
        "a component is `bundled:NAME`, an absolute path on the machine of the host, or `oci://…` or `https://…` with a digest",
    ))
}

/// Returns the question before a reload, with what it would change.
pub(crate) fn reload(text: Vec<String>) -> Overlay {
    let question = "reload the config?".to_owned();
    Overlay::Confirm { question, text, cursor: Cursor::default(), order: Order::Reload }
}

fn confirm(order: Order) -> Overlay {
    let question = format!("{order}?");
    Overlay::Confirm { question, text: Vec::new(), cursor: Cursor::default(), order }
}
