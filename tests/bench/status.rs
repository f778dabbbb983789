//! Status over the control socket of the real host: `cargo bench -p provost --bench status`.
//!
//! `replies` compares each kind of answer on a quiet host with a bare loop that writes the same bytes, and `storm` shows the
//! latency while real processes start, stop and crash. `PROVOST_FORMER=/path/to/provost` adds the same requests to the binary
//! of an earlier commit in the same run. `-- replies` and `-- storm` run only that part. Both take about three minutes.
//!
//! `PROVOST_PEERS=DIR` and `-- peers` measure Provost beside supervisord and circus, whose programs are in DIR (`pip install supervisor
//! circus` in a virtual environment). That takes about ten minutes.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and fails by panicking")]

mod counting;
#[expect(dead_code, reason = "only the benchmark of the live view looks at threads")]
mod cpu;
mod figures;
mod peer_daemons;
mod peer_wire;
mod peers;
mod replies;
mod socket;
mod storm;

use std::path::Path;

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
    if !blocks.is_empty() {
        figures::write("status", blocks.into());
    }
    if let Some(peers) =
        std::env::var_os("PROVOST_PEERS").filter(|_| parts.iter().any(|part| part == "peers"))
    {
        figures::write("peers", peers::measure(Path::new(&peers)));
    }
}
