//! Status over the control socket of the real host: `cargo bench -p provost --bench status`.
//!
//! `replies` compares each kind of answer on a quiet host with a bare loop that writes the same bytes, and `storm` shows the
//! latency while real processes start, stop and crash. `PROVOST_FORMER=/path/to/provost` adds the same requests to the binary
//! of an earlier commit in the same run.
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
    let mut blocks = Vec::new();
    for processes in replies::SIZES {
        blocks.push(replies::measure(processes, former.as_deref()));
    }
    for setting in [Setting::Idle, Setting::Storm] {
        blocks.push(storm::measure(setting, former.as_deref()));
    }
    figures::write("status", blocks.into());
}
