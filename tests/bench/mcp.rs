//! A status as a tool of the Model Context Protocol, beside the same status over HTTP: `cargo bench -p provost --bench mcp`.
//!
//! On a quiet host, one client asks for one of many processes, in turn over the API, as a tool at `/mcp`, and as a tool of
//! `provost mcp` on standard input and output. It takes about a minute.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and fails by panicking")]

mod figures;
mod socket;

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{ChildStdin, ChildStdout, Stdio};

use figures::{Latencies, now_ns, quick};
use provost_tests::{Ends, Host, eventually};
use serde_json::{Value, json};
use socket::Socket;

const PROVOST: &str = env!("CARGO_BIN_EXE_provost");

/// The numbers of processes.
const SIZES: [usize; 3] = [10, 100, 500];

/// The headers of a request of the newer era.
const HEADERS: &str = "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n\
                       Mcp-Method: tools/call\r\nMcp-Name: process_status\r\n";

/// The request of the tool: one of the newer era, which stands alone.
fn call() -> Value {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({"name": "process_status", "arguments": {"names": ["p7"]}, "_meta": meta});
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
}

/// `provost mcp`, spoken to over its pipes.
struct Piped {
    _server: Ends,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    line: String,
}

impl Piped {
    fn start(host: &Host) -> Self {
        let mut command = host.setup().command(&["mcp"]);
        let mut server = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (server.stdin.take().unwrap(), server.stdout.take().unwrap());
        Self { _server: Ends(server), input, output: BufReader::new(output), line: String::new() }
    }

    fn ask(&mut self, request: &str) -> &str {
        self.input.write_all(request.as_bytes()).unwrap();
        self.line.clear();
        self.output.read_line(&mut self.line).unwrap();
        &self.line
    }
}

fn quiet(processes: usize) -> (Host, PathBuf) {
    let config: String = (0..processes)
        .map(|number| format!("[process.p{number}]\ncommand = \"exec sleep 1000\"\n"))
        .collect();
    let host = Host::up(PROVOST, &config);
    let runs =
        |status: &Value| status["processes"].as_array().unwrap().iter().all(|one| one["phase"] == "running");
    let status = eventually("all processes run", || host.status(), runs);
    let path = PathBuf::from(status["host"]["socket"].as_str().unwrap());
    (host, path)
}

/// Asks for a while and records the latencies.
fn ask(latencies: &mut Latencies, for_ns: u64, mut one: impl FnMut()) {
    for _ in 0..20 {
        one();
    }
    let begun = now_ns();
    let mut last = begun;
    while last < begun + for_ns {
        one();
        let now = now_ns();
        latencies.record(now - last);
        last = now;
    }
}

fn measure(processes: usize) -> Value {
    let (host, path) = quiet(processes);
    let (mut api, mut service, mut piped) =
        (Socket::connect(&path), Socket::connect(&path), Piped::start(&host));
    let (call, line) = (call().to_string(), format!("{}\n", call()));
    // What is measured is what was asked for.
    for answer in [
        String::from_utf8_lossy(service.post("/mcp", HEADERS, &call)).into_owned(),
        piped.ask(&line).to_owned(),
    ] {
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["result"]["structuredContent"]["processes"][0]["name"], "p7", "{answer}");
    }
    let (rounds, for_ns) = if quick() { (1, 100_000_000) } else { (7, 700_000_000) };
    let [mut of_api, mut of_service, mut of_pipes] = [(); 3].map(|()| Latencies::default());
    for _ in 0..rounds {
        ask(&mut of_api, for_ns, || {
            api.get("/v1/status?select=p7");
        });
        ask(&mut of_service, for_ns, || {
            service.post("/mcp", HEADERS, &call);
        });
        ask(&mut of_pipes, for_ns, || {
            piped.ask(&line);
        });
    }
    let p50 = |latencies: &Latencies| latencies.json()["p50_ns"].as_f64().unwrap();
    let (ratio, ratio_of_pipes) = (p50(&of_service) / p50(&of_api), p50(&of_pipes) / p50(&of_api));
    println!("{processes} processes");
    println!("  GET /v1/status?select=p7      {}", of_api.words());
    println!("  process_status at /mcp        {}   {ratio:.2} x the p50", of_service.words());
    println!("  process_status of provost mcp {}   {ratio_of_pipes:.2} x the p50", of_pipes.words());
    drop(piped);
    host.down();
    json!({
        "processes": processes,
        "api": of_api.json(),
        "service": of_service.json(),
        "pipes": of_pipes.json(),
        "service_by_api_p50": ratio,
        "pipes_by_api_p50": ratio_of_pipes,
    })
}

fn main() {
    let blocks: Vec<Value> = SIZES.into_iter().map(measure).collect();
    figures::write("mcp", blocks.into());
}
