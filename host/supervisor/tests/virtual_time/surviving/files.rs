//! Files of a stash that are replaced, and files that cannot be kept.

use super::*;

/// A keeper that refuses the first files.
#[derive(Debug)]
struct Refusing(std::sync::atomic::AtomicI32);

impl StashKeeper for Refusing {
    fn keep(&self, _: u64, _: OwnedFd) -> StashKept {
        let left = self.0.fetch_sub(1, Ordering::Relaxed);
        let refused = || io::Error::other("there is no place");
        Box::pin(ready(if left > 0 { Err(refused()) } else { Ok(()) }))
    }

    fn drop_before(&self, _: u64) {}
}

#[tokio::test(start_paused = true)]
async fn a_stash_that_cannot_be_kept_is_shown_and_tried_again_and_stops_nothing() {
    let (children, dir, degraded) = (Scripted::default(), tempfile::tempdir().unwrap(), Degraded::default());
    let stash = Stash::new(Arc::new(Refusing(3.into())), degraded.clone());
    let settings = Settings { stash: Some(stash.clone()), ..Settings::new(dir.path().join("logs")) };
    let specs = vec![spec("web")];
    let prepared = children.prepare(settings, specs, vec![], vec![], Adopted::default()).unwrap();
    let host = prepared.start();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(host.reader().snapshot().by_name("web").unwrap().phase.kind(), PhaseKind::Running);
    let trouble = degraded.list().remove(0);
    assert_eq!(&*trouble.what, "the stash");
    assert_eq!(
        &*trouble.reason,
        "if the host is killed now, what it has decided last is lost: there is no place"
    );
    assert!(stash.lost() > 0);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(degraded.list(), []);
}

/// Waits until this holds; the clock is the real one.
async fn eventually(holds: impl Fn() -> bool) {
    for _ in 0..6_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never");
}

#[tokio::test]
async fn a_copy_on_a_disk_follows_the_stash_and_a_disk_that_fails_is_shown_until_it_works() {
    let (children, dir, degraded) = (Scripted::default(), tempfile::tempdir().unwrap(), Degraded::default());
    let stash = Stash::new(Arc::new(Refusing(0.into())), degraded.clone());
    let place = dir.path().join("runtime");
    let copy = place.join("stash");
    stash.copy_to(copy.clone()).unwrap();
    let settings = Settings { stash: Some(stash.clone()), ..Settings::new(dir.path().join("logs")) };
    let prepared = children.prepare(settings, vec![spec("web")], vec![], vec![], Adopted::default()).unwrap();
    prepared.kept().await;
    let host = prepared.start();
    // There is no directory yet.
    eventually(|| degraded.list().iter().any(|it| &*it.what == "the copy of the stash")).await;
    std::fs::create_dir(&place).unwrap();
    stash.note(&"key".into(), b"value");
    let noted = || {
        let stash = std::fs::read(&copy).into_iter().collect::<Vec<_>>();
        FormerStash::from(stash).note("key").map(<[u8]>::to_vec)
    };
    eventually(|| noted().as_deref() == Some(&b"value"[..])).await;
    eventually(|| degraded.list().is_empty()).await;
    stash.note(&"key".into(), b"another value");
    eventually(|| noted().as_deref() == Some(&b"another value"[..])).await;
    stash.discard();
    assert!(!copy.exists());
    drop(host);
}

#[tokio::test(start_paused = true)]
async fn a_file_is_replaced_when_it_has_grown_and_a_host_may_end_at_any_step_of_that() {
    const FAILURES: u32 = 150;
    fn specs() -> Specs {
        one(|| {
            let strict = judge("strict", |ended| {
                let action = match ended.failures {
                    FAILURES.. => RulingAction::GiveUp(Escalation::Nothing),
                    _ => restart(0),
                };
                Ok(Decision::new(
                    action,
                    "the long reason of a policy that likes to explain itself".repeat(40),
                ))
            });
            ProcessSpec { policies: vec![strict], ..spec("web") }
        })
    }
    let brief = |children: &Scripted| children.cast("web", Manner::Brief(Exit::Code(1)));
    let gate = Gate::default();
    let mut machine = Machine::start_with(specs(), gate.clone(), brief).await;
    machine.until_phase("web", PhaseKind::Fatal).await;
    let expected = machine.outcome("web");
    let steps = gate.taken();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let files = machine.files.contents();
    let written = |file: &Vec<u8>| file.len();
    assert!(files.len() == 1 && files.iter().map(written).sum::<usize>() < 300 << 10, "it has grown");
    let numbers: Vec<u64> = machine.files.0.lock().unwrap().keys().copied().collect();
    assert!(numbers[0] > 2, "{numbers:?}");
    for step in (1..steps).step_by(61) {
        let mut machine = Machine::start_with(specs(), Gate::after(step), brief).await;
        machine.until_phase("web", PhaseKind::Fatal).await;
        assert_eq!(machine.outcome("web"), expected, "the host ended after step {step} of {steps}");
    }
}
