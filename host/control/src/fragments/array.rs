//! The JSON array of all processes at one generation, and the next one, which is made of it.

use std::sync::Arc;

use bytes::Bytes;
use provost_state::{Generation, ProcessState, Snapshot};

use super::fields::Fields;
use crate::convert::Wall;

/// The array of all processes at one generation.
#[derive(Debug)]
pub(super) struct Array {
    pub(super) generation: Generation,
    pub(super) wall: Wall,
    /// The chosen fields; `None` for all.
    pub(super) fields: Option<Fields>,
    pub(super) bytes: Bytes,
    /// The end of each object in `bytes`, in the order of the slots.
    objects: Vec<End>,
}

#[derive(Clone, Copy, Debug)]
struct End {
    slot: usize,
    end: usize,
}

impl Array {
    /// Renders all processes of `world`, each with `object`.
    pub(super) fn of(
        world: &Snapshot,
        fields: Option<Fields>,
        wall: Wall,
        object: impl Fn(&Arc<ProcessState>, &mut Vec<u8>),
    ) -> Self {
        let mut to = vec![b'['];
        let mut objects = Vec::with_capacity(world.len());
        for state in world.iter() {
            if to.len() > 1 {
                to.push(b',');
            }
            object(state, &mut to);
            objects.push(End { slot: state.id.index(), end: to.len() });
        }
        to.push(b']');
        Self { generation: world.generation(), wall, fields, bytes: to.into(), objects }
    }

    /// Returns the array of a later snapshot with the same processes: what has not changed is copied from this one. `None` if
    /// processes were added or removed since, or if the snapshot is an earlier one.
    pub(super) fn rolled(
        &self,
        world: &Snapshot,
        object: impl Fn(&Arc<ProcessState>, &mut Vec<u8>),
    ) -> Option<Self> {
        let same = self.generation <= world.generation()
            && world.len() == self.objects.len()
            && world.removed_since(self.generation)?.is_empty();
        if !same {
            return None;
        }
        // Most changes leave the length nearly as it was.
        let mut to = Vec::with_capacity(self.bytes.len() + self.bytes.len() / 32 + 1_024);
        let mut objects: Vec<End> = Vec::with_capacity(self.objects.len());
        // The number of bytes and of objects of this array that are in the new one.
        let (mut bytes, mut number) = (0, 0);
        let copy =
            |bytes: &mut usize, until: usize, ends: &[End], to: &mut Vec<u8>, objects: &mut Vec<End>| {
                let ends = ends.iter().map(|it| End { end: it.end - *bytes + to.len(), ..*it });
                objects.extend(ends);
                to.extend_from_slice(&self.bytes[*bytes..until]);
                *bytes = until;
            };
        for state in world.changed_since(self.generation) {
            let slot = state.id.index();
            let at = self.objects.binary_search_by_key(&slot, |it| it.slot).ok()?;
            // After the bracket, or after the comma that follows the object before it.
            let begin = at.checked_sub(1).map_or(0, |before| self.objects[before].end) + 1;
            copy(&mut bytes, begin, &self.objects[number..at], &mut to, &mut objects);
            object(state, &mut to);
            objects.push(End { slot, end: to.len() });
            (bytes, number) = (self.objects[at].end, at + 1);
        }
        copy(&mut bytes, self.bytes.len(), &self.objects[number..], &mut to, &mut objects);
        let fields = self.fields.clone();
        Some(Self { generation: world.generation(), wall: self.wall, fields, bytes: to.into(), objects })
    }
}
