//! The section about status of the peers: what each supervisor says of all processes, and what that costs it.

use serde_json::Value;

use crate::figures::{Bench, blocks, duration, head, number, rate, row, text, thousands};

/// Returns the whole section, or an empty text if the peers were not measured.
pub fn all(benches: &[Bench]) -> String {
    let mut rows = String::new();
    for block in blocks(benches, "peers") {
        for design in block.designs() {
            let latency = &design["latency"];
            let mut cells = vec![
                block.setting().to_owned(),
                block.0["processes"].to_string(),
                design["clients"].to_string(),
                text(&design["design"]).to_owned(),
            ];
            cells.extend(["p50_ns", "p95_ns", "p99_ns"].map(|key| duration(number(&latency[key]))));
            cells.push(design["per_second"].as_f64().map_or_else(String::new, rate));
            cells.push(
                design["ratio_to_provost"].as_f64().map_or_else(String::new, |ratio| format!("{ratio:.3}x")),
            );
            cells.push(cpu(&design["cpu_us_per_answer"]));
            cells.push(thousands(number(&design["answer_bytes"])));
            rows += &row(&cells);
        }
    }
    if rows.is_empty() {
        return rows;
    }
    format!(
        "\n## Status beside the peers\n\nEach supervisor runs the same processes, and clients ask as fast as they are answered for everything that \
         it says of all of\nthem: `GET /v1/status`, supervisord's `getAllProcessInfo`, circus's `status`. circus says a word for each process, \
         and we\nsay all fields with replicas, plugins and the host. In `flood` four processes write lines without a pause; in `storm` a tenth\n\
         (at most 50) ends 50 ms after each start and is restarted, as often as each supervisor does that. The processor time is that\nof the \
         supervisor for each answer, and includes what the flood and the storm cost it.\n{}{rows}",
        head(&[
            "setting",
            "processes",
            "clients",
            "supervisor",
            "p50",
            "p95",
            "p99",
            "answers",
            "to provost",
            "CPU each",
            "bytes"
        ])
    )
}

fn cpu(micros: &Value) -> String {
    micros.as_f64().map_or_else(String::new, |micros| duration(micros * 1_000.0))
}
