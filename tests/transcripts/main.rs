//! Mistakes of new users: each file is one mistake, the command that shows it, and exactly what is printed.
//!
//! A file has sections that begin with a line `-- …`: `-- file NAME` for what lies in the folder, `-- up` if a host runs
//! there, `-- before COMMAND` for what is done first, `-- run COMMAND`, then what is printed, as `-- stdout` and
//! `-- stderr`, and the exit code, as `-- exit CODE`. `BLESS=1 cargo test --test transcripts` writes what is printed
//! into the files; read it before it is committed.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use provost_tests::{Host, Setup};

/// The binary that Cargo built for these tests.
const PROVOST: &str = env!("CARGO_BIN_EXE_provost");

/// There are at least so many of each kind.
const LEAST: [(&str, usize); 2] = [("config", 25), ("commands", 15)];

/// One file.
#[derive(Debug, Default)]
struct Transcript {
    files: Vec<(String, String)>,
    up: bool,
    before: Vec<String>,
    run: String,
    stdout: String,
    stderr: String,
    code: i32,
}

impl Transcript {
    fn parse(text: &str) -> Self {
        let mut transcript = Self::default();
        let mut rest = text;
        while let Some(section) = rest.strip_prefix("-- ") {
            let (head, body) = section.split_once('\n').unwrap_or((section, ""));
            let end = body.find("\n-- ").map_or(body.len(), |at| at + 1);
            let end = if body.starts_with("-- ") { 0 } else { end };
            let (body, after) = body.split_at(end);
            let (word, argument) = head.split_once(' ').unwrap_or((head, ""));
            match word {
                "file" => transcript.files.push((argument.to_owned(), body.to_owned())),
                "up" => transcript.up = true,
                "before" => transcript.before.push(argument.to_owned()),
                "run" => argument.clone_into(&mut transcript.run),
                "stdout" => body.clone_into(&mut transcript.stdout),
                "stderr" => body.clone_into(&mut transcript.stderr),
                "exit" => transcript.code = argument.parse().unwrap(),
                other => panic!("there is no section `-- {other}`"),
            }
            rest = after;
        }
        assert!(rest.trim().is_empty(), "this stands in no section: {rest}");
        transcript
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (name, body) in &self.files {
            write!(text, "-- file {name}\n{body}").unwrap();
        }
        if self.up {
            text.push_str("-- up\n");
        }
        for command in &self.before {
            writeln!(text, "-- before {command}").unwrap();
        }
        writeln!(text, "-- run {}", self.run).unwrap();
        for (head, body) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !body.is_empty() {
                let newline = if body.ends_with('\n') { "" } else { "\n" };
                write!(text, "-- {head}\n{body}{newline}").unwrap();
            }
        }
        writeln!(text, "-- exit {}", self.code).unwrap();
        text
    }

    /// The same with what is printed now.
    fn told_again(&self) -> Self {
        let config = self.files.iter().find(|(name, _)| name == "provost.toml");
        let setup = Setup::new(PROVOST, config.map_or("", |(_, text)| text));
        if config.is_none() {
            std::fs::remove_file(setup.dir().join("provost.toml")).unwrap();
        }
        for (name, text) in &self.files {
            let path = setup.dir().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        if !self.up {
            return self.told_in(&setup, None);
        }
        let host = setup.up();
        let told = self.told_in(host.setup(), Some(&host));
        host.down();
        told
    }

    fn told_in(&self, setup: &Setup, host: Option<&Host>) -> Self {
        let shell = |line: &str| {
            let mut command = setup.shell(&format!("provost() {{ \"$PROVOST\" \"$@\"; }}\n{line}"));
            command.env("COLUMNS", "80").env("TZ", "UTC0").env("LC_ALL", "C").env("PATH", "/usr/bin:/bin");
            command.output().unwrap()
        };
        for line in &self.before {
            let done = shell(line);
            assert!(done.status.success(), "{line}: {done:?}");
        }
        let output = shell(&self.run);
        let text = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).replace(setup.dir().to_str().unwrap(), "DIR");
            host.map_or(text.clone(), |host| text.replace(&host.pid().to_string(), "PID"))
        };
        Self {
            files: self.files.clone(),
            up: self.up,
            before: self.before.clone(),
            run: self.run.clone(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            code: output.status.code().unwrap_or(-1),
        }
    }
}

fn transcripts(kind: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/transcripts").join(kind);
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn every_mistake_is_told_as_it_is_written_down() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = String::new();
    for (kind, least) in LEAST {
        let paths = transcripts(kind);
        assert!(paths.len() >= least, "there are {} of {kind}", paths.len());
        for path in paths {
            let expected = std::fs::read_to_string(&path).unwrap();
            let told = Transcript::parse(&expected).told_again().text();
            if told == expected {
                continue;
            }
            if bless {
                std::fs::write(&path, &told).unwrap();
            } else {
                writeln!(wrong, "{}:\n{told}", path.display()).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "these are told in other words now; BLESS=1 writes them down:\n{wrong}");
}

#[test]
fn every_error_is_followed_by_what_to_do_next() {
    for (kind, _) in LEAST {
        for path in transcripts(kind) {
            let transcript = Transcript::parse(&std::fs::read_to_string(&path).unwrap());
            let count = |head: &str| transcript.stderr.lines().filter(|line| line.starts_with(head)).count();
            let told = count("error:") + count("warning:");
            let of_clap = transcript.stderr.contains("For more information, try '--help'");
            assert!(of_clap || told == count("hint:"), "{}", path.display());
            let says_something = told > 0 || !transcript.stdout.is_empty();
            assert!(transcript.code == 0 || says_something, "{}", path.display());
        }
    }
}
