//! The clients of `docs/clients.md`, as they are printed there.

use std::path::Path;
use std::process::Command;

use provost_tests::Host;

use crate::PROVOST;

const CONFIG: &str = "[process.web]\ncommand = [\"sleep\", \"1000\"]\n";

/// Returns the program in this language of the page.
fn program(language: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/clients.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, after) = page.split_once(&format!("\n```{language}\n")).unwrap();
    after.split_once("\n```\n").unwrap().0.to_owned()
}

/// Runs a program of the page against a host, and checks what it prints. A machine without its language skips it, unless it is
/// one of the gate.
fn works(interpreter: &str, language: &str, name: &str) {
    let host = Host::up(PROVOST, CONFIG);
    host.until("web", "is ready", |web| web["ready"] == true);
    let file = host.setup().dir().join(name);
    std::fs::write(&file, program(language)).unwrap();
    let mut command = Command::new(interpreter);
    command.arg(&file).arg("web").env("PROVOST_SOCKET", host.setup().dir().join(".provost/provost.sock"));
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            assert!(std::env::var_os("PROVOST_GATE").is_none(), "the gate needs {interpreter}: {error}");
            return;
        }
    };
    let printed = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = printed.lines().collect();
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    assert!(lines[0].starts_with("web running ") && lines[1].eq_ignore_ascii_case("true"), "{printed}");
    assert_eq!((lines[2], lines.last()), ("web stop", Some(&"web ready")), "{printed}");
    assert!(lines.contains(&"web exited") && lines.contains(&"web spawned"), "{printed}");
    assert_eq!(host.process("web")["incarnation"], 2);
    host.down();
}

#[test]
fn the_client_in_python_works_as_printed() {
    works("python3", "python", "client.py");
}

#[test]
fn the_client_in_javascript_works_as_printed() {
    works("node", "js", "client.mjs");
}
