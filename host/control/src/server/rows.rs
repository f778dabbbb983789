//! What the host and the processes use in JSON. Each row is rendered once for each sample, whatever number of streams and requests
//! has it, and all of them share the bytes of the whole array.

use std::ops::Range;
use std::sync::Arc;
#[cfg(test)]
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use provost_api as api;
use provost_state::ProcessId;
use provost_supervisor::{ProcessUsage, Usages};

use crate::convert::{self, Wall};

/// The rows of the last samples.
#[derive(Debug, Default)]
pub(super) struct Rows {
    kept: ArcSwapOption<Rendered>,
    #[cfg(test)]
    renderings: AtomicUsize,
}

/// The array of the samples of one look.
#[derive(Debug)]
struct Rendered {
    usages: Arc<Usages>,
    wall: Wall,
    bytes: Bytes,
    /// Where each row is, in the order of the samples.
    rows: Vec<Range<usize>>,
}

impl Rows {
    /// Returns the array of the host and all processes.
    pub(super) fn all(&self, usages: &Arc<Usages>, wall: Wall) -> Bytes {
        self.rendered(usages, wall).bytes.clone()
    }

    /// Returns the array of the chosen processes, which are in order.
    pub(super) fn some(&self, usages: &Arc<Usages>, chosen: &[ProcessId], wall: Wall) -> Bytes {
        let rendered = self.rendered(usages, wall);
        let mut to = vec![b'['];
        for row in chosen.iter().filter_map(|id| rendered.row(*id)) {
            if to.len() > 1 {
                to.push(b',');
            }
            to.extend_from_slice(row);
        }
        to.push(b']');
        to.into()
    }

    /// Returns the array of these samples. Two that miss it at the same instant both render it; none waits for the other.
    fn rendered(&self, usages: &Arc<Usages>, wall: Wall) -> Arc<Rendered> {
        let kept = self.kept.load_full();
        if let Some(kept) = kept.as_ref().filter(|kept| kept.is_of(usages, wall)) {
            return kept.clone();
        }
        let rendered = Arc::new(self.render(usages, wall, kept.as_deref()));
        // A reader of older samples does not displace what others need.
        if kept.is_none_or(|kept| kept.usages.revision <= usages.revision) {
            self.kept.store(Some(rendered.clone()));
        }
        rendered
    }

    fn render(&self, usages: &Arc<Usages>, wall: Wall, before: Option<&Rendered>) -> Rendered {
        let before = before.filter(|before| before.wall == wall);
        let mut to = Vec::with_capacity(before.map_or(0, |before| before.bytes.len()) + 1_024);
        to.push(b'[');
        if let Some(host) = &usages.host {
            push(&mut to, &convert::host_usage(host, wall));
        }
        let rows = usages.processes.iter().map(|one| {
            if to.len() > 1 {
                to.push(b',');
            }
            let start = to.len();
            // A look may be at one process alone.
            match before.and_then(|before| before.same(one)) {
                Some(row) => to.extend_from_slice(row),
                None => {
                    #[cfg(test)]
                    self.renderings.fetch_add(1, Ordering::Relaxed);
                    push(&mut to, &convert::process_usage(one, wall));
                }
            }
            start..to.len()
        });
        let rows = rows.collect();
        to.push(b']');
        Rendered { usages: usages.clone(), wall, bytes: to.into(), rows }
    }
}

fn push(to: &mut Vec<u8>, row: &api::ProcessUsage) {
    // No type of the API has a map key that JSON cannot represent.
    let _ = serde_json::to_writer(to, row);
}

impl Rendered {
    fn is_of(&self, usages: &Usages, wall: Wall) -> bool {
        (self.usages.revision, self.wall) == (usages.revision, wall)
    }

    /// Returns the row of a process.
    fn row(&self, id: ProcessId) -> Option<&[u8]> {
        let at = self.usages.processes.binary_search_by_key(&id, |one| one.id).ok()?;
        self.bytes.get(self.rows.get(at)?.clone())
    }

    /// Returns the row of a sample, if it is the same sample.
    fn same(&self, sample: &ProcessUsage) -> Option<&[u8]> {
        self.usages.of(sample.id).filter(|known| *known == sample).and_then(|_| self.row(sample.id))
    }
}

#[cfg(test)]
mod tests {
    use provost_state::{Identity, Incarnation, Moment, Usage, registry};

    use super::*;

    /// Returns samples of this many processes at a time.
    fn samples(revision: u64, ids: &[ProcessId], at_ms: u64) -> Arc<Usages> {
        let at = Moment { wall_ms: 1_764_000_000_000 + at_ms, mono_ns: at_ms * 1_000_000 };
        let usage = Usage { at, rss_bytes: 4_096, ..Usage::default() };
        let of = |(number, id): (usize, &ProcessId)| ProcessUsage {
            id: *id,
            name: format!("p{number}").into(),
            incarnation: Incarnation(1),
            usage,
        };
        let processes = ids.iter().enumerate().map(of).collect();
        Arc::new(Usages { revision, host: Some(usage), processes })
    }

    fn ids(count: usize) -> Vec<ProcessId> {
        let (registry, _) = registry(|| 0);
        let add =
            |number| registry.add(Identity::new(format!("p{number}"), ""), Moment::default()).unwrap().id;
        (0..count).map(add).collect()
    }

    #[test]
    fn each_row_is_rendered_once_for_all_streams_and_requests() {
        let (rows, ids, wall) = (Rows::default(), ids(1_000), Wall::at(Moment::default()));
        let rendered = || rows.renderings.load(Ordering::Relaxed);
        let first = samples(1, &ids, 0);
        let of_all = rows.all(&first, wall);
        for stream in 0..500 {
            assert_eq!(rows.all(&first, wall).as_ptr(), of_all.as_ptr(), "the bytes are shared");
            rows.some(&first, &ids[stream..stream + 2], wall);
        }
        assert_eq!(rendered(), 1_000);
        // A look at one process alone.
        let mut one = (*first).clone();
        one.revision = 2;
        one.processes[7].usage.rss_bytes += 1;
        let one = Arc::new(one);
        assert_ne!(rows.all(&one, wall), of_all);
        assert_eq!(rendered(), 1_001);
        // A reader of the old samples renders what it needs, and displaces nothing.
        assert_eq!(rows.all(&first, wall), of_all);
        let before = rendered();
        rows.all(&one, wall);
        assert_eq!(rendered(), before);
    }

    #[test]
    fn an_array_is_that_of_its_samples_in_any_choice() {
        let (rows, ids, wall) = (Rows::default(), ids(5), Wall::at(Moment::default()));
        for revision in 1..4 {
            let samples = samples(revision, &ids[..4], revision);
            let fresh = |chosen: Option<&[ProcessId]>| {
                serde_json::to_string(&convert::usages(&samples, chosen, wall, |_| None)).unwrap()
            };
            assert_eq!(rows.all(&samples, wall), fresh(None));
            for chosen in [&ids[..], &ids[1..3], &ids[4..], &[]] {
                assert_eq!(rows.some(&samples, chosen, wall), fresh(Some(chosen)));
            }
        }
        let empty = Arc::new(Usages { revision: 9, ..Usages::default() });
        assert_eq!(rows.all(&empty, wall), "[]");
    }
}
