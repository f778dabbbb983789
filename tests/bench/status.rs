//! Status over the control socket of the real host: `cargo bench -p provost --bench status`.
//!
//! `replies` compares each kind of answer on a quiet host with a bare loop that writes the same bytes, and `storm` shows the
//! latency while real processes start, stop and crash. `PROVOST_FORMER=/path/to/provost` adds the same requests to the binary
//! of an earlier commit in the same run. `-- replies` and `-- storm` run only that part. All of it takes about three minutes.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and fails by panicking")]

mod counting;
mod figures;
mod replies;
mod socket;
mod storm;

use storm::Setting;

const PROVOST: &str = env!("CARGO_BIN_EXE_provost");

fn main() {
    let former = std::env::var("PROVOST_FORMER").ok();
    let parts: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    let mut blocks = Vec::new();
    if wanted("replies") {
        blocks.extend(replies::SIZES.map(|processes| replies::measure(processes, former.as_deref())));
    }
    if wanted("storm") {
        let settings = [Setting::Idle, Setting::Storm];
        blocks.extend(settings.map(|setting| storm::measure(setting, former.as_deref())));
    }
    figures::write("status", blocks.into());
}
