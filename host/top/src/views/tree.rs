//! The rows of the list as a tree: groups with their processes, and processes below what they depend on.

use std::collections::HashMap;

use provost_api::{Phase, Process};

use super::row::Row;
use crate::model::Model;

/// The deepest level that is indented further.
const DEPTH_MAX: usize = 6;

/// Puts each group below a heading, in the place of its first process, and each process below the first process of the same
/// group that it depends on. Every process has one row.
pub(super) fn rows<'m>(shown: &[&'m Process], model: &'m Model) -> Vec<Row<'m>> {
    let mut groups: Vec<(Option<&str>, Vec<&'m Process>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for process in shown {
        match process.group.as_deref() {
            Some(group) => match places.get(group) {
                Some(at) => groups[*at].1.push(process),
                None => {
                    places.insert(group, groups.len());
                    groups.push((Some(group), vec![process]));
                }
            },
            None => match groups.iter_mut().find(|(group, _)| group.is_none()) {
                Some((_, members)) => members.push(process),
                None => groups.push((None, vec![process])),
            },
        }
    }
    let mut rows = Vec::with_capacity(shown.len() + groups.len());
    for (group, members) in groups {
        if let Some(group) = group {
            let running = members.iter().filter(|member| member.phase == Phase::Running).count();
            rows.push(Row::Group(group, members.len(), running));
        }
        nest(&members, usize::from(group.is_some()), model, &mut rows);
    }
    rows
}

/// Adds the rows of these processes, each below its parent among them.
fn nest<'m>(members: &[&'m Process], depth: usize, model: &Model, rows: &mut Vec<Row<'m>>) {
    let places: HashMap<&str, usize> = members.iter().map(|one| &*one.name).zip(0..).collect();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); members.len()];
    let mut roots = Vec::new();
    for (at, member) in members.iter().enumerate() {
        let mut above = model.depends_on(&member.name).iter();
        match above.find_map(|name| places.get(name.as_str()).copied().filter(|parent| *parent != at)) {
            Some(parent) => children[parent].push(at),
            None => roots.push(at),
        }
    }
    let mut open: Vec<(usize, usize)> = roots.into_iter().rev().map(|at| (at, depth)).collect();
    while let Some((at, depth)) = open.pop() {
        rows.push(Row::Process(members[at], depth.min(DEPTH_MAX)));
        open.extend(children[at].iter().rev().map(|child| (*child, depth + 1)));
    }
}
