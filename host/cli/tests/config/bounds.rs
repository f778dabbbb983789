//! The report of a config is short and takes few resources, however many errors the config has.

use std::fmt::Write as _;
use std::path::Path;

use provost::config::Config;

use crate::{processes, refusal};

/// Returns `count` processes, each of which depends on all of them.
fn dense(count: usize) -> String {
    let all: Vec<String> = (0..count).map(|number| format!("'p{number}'")).collect();
    let all = all.join(",");
    (0..count).fold(String::new(), |mut text, number| {
        writeln!(text, "[process.p{number}]\ncommand = 'a'\ndepends_on = [{all}]").unwrap();
        text
    })
}

/// Returns `count` processes, each of which depends on the next, and the last on the first.
fn ring(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        let next = (number + 1) % count;
        writeln!(text, "[process.p{number}]\ncommand = 'a'\ndepends_on = ['p{next}']").unwrap();
        text
    })
}

#[test]
fn a_dense_cycle_of_a_thousand_is_one_problem_of_a_few_lines() {
    let said = refusal(&dense(1_000));
    assert!(said.contains("wait for each other: p0 → p0; 999 others are in cycles with them\n"), "{said}");
    assert_eq!(said.lines().count(), 4, "{said}");
    assert!(said.len() < 2_000, "{}", said.len());
}

#[test]
fn of_a_long_cycle_ten_names_are_shown() {
    insta::assert_snapshot!(refusal(&ring(20_000)), @r#"
        error: conf/provost.toml:60000:15: these processes wait for each other: p0 → p1 → p2 → p3 → p4 → p5 → p6 → p7 → p8 → … → p19999 → p0 (20000 processes)
         60000 | depends_on = ['p0']
               |               ^^^^
        hint: remove one of these dependencies, or none of them could ever start
        "#);
}

#[test]
fn of_several_cycles_the_shortest_is_shown_and_unconnected_ones_are_separate_problems() {
    let text = format!(
        "{}[process.x]\ncommand = 'a'\ndepends_on = ['p3', 'y']\n[process.y]\ncommand = 'a'\ndepends_on = ['x']\n",
        ring(5).replace("'p0'", "'p0', 'p3'")
    );
    let said = refusal(&text);
    assert!(said.contains("wait for each other: p3 → p4 → p3; 3 others are in cycles with them\n"), "{said}");
    assert!(said.contains("wait for each other: x → y → x\n"), "{said}");
    assert_eq!(said.matches("error:").count(), 2, "{said}");
}

#[test]
fn twenty_problems_are_shown_and_the_rest_are_counted() {
    let unknown = |count: usize| {
        (0..count).fold(String::from("[process.a]\ncommand = 'a'\n"), |mut text, number| {
            writeln!(text, "k{number} = 1").unwrap();
            text
        })
    };
    let said = refusal(&unknown(50_000));
    assert_eq!(said.matches("error:").count(), 20);
    assert!(said.ends_with("\n\nand 49980 more problems"), "{}", &said[said.len() - 100..]);
    assert!(refusal(&unknown(21)).ends_with("\n\nand 1 more problem"));
    assert!(!refusal(&unknown(20)).contains("more problem"));
}

#[test]
fn the_problems_that_are_shown_are_the_first_of_the_file() {
    let mut text = String::new();
    for number in 0..40 {
        writeln!(text, "[process.p{number}]\ncommand = 'a'\ndepends_on = ['gone']\nstop = {{ grace = 'x' }}")
            .unwrap();
    }
    let said = refusal(&text);
    let places: Vec<&str> =
        said.lines().filter_map(|line| line.strip_prefix("error: conf/provost.toml:")).collect();
    assert_eq!(places.len(), 20);
    assert!(places[0].starts_with("3:") && places[1].starts_with("4:"), "{places:?}");
    assert!(places[19].starts_with("40:"), "{places:?}");
}

#[test]
fn a_problem_quotes_a_bounded_part_of_what_the_file_says() {
    let long = "x".repeat(1_000_000);
    for text in [
        format!("[process.a]\ncommand = 'a'\n{long} = 1\n"),
        format!("[process.a]\ncommand = 'a'\nstop = {{ grace = '{long}' }}\n"),
        format!("[process.a]\ncommand = 'a'\ndepends_on = ['{long}']\n"),
        format!("[process.{long}]\ncommand = 'a'\n"),
        format!("[process.a]\ncommand = 'a'\nready = {{ http = '{long}' }}\n"),
        format!("[process.a]\ncommand = 'a'\nready = {{ tcp = '${{{long}:1' }}\n"),
        format!("[process.a]\ncommand = ['a'\n{long}"),
        format!("[plugins.p]\ncomponent = 'a'\nallow = ['{long}']\n"),
        format!("[process.a]\ncommand = 'a'\n'{long}' = 1\n'{long}' = 1\n"),
    ] {
        let said = refusal(&text);
        assert!(said.len() < 5_000, "{} bytes for {}", said.len(), &text[..60]);
    }
}

#[test]
fn of_many_names_forty_are_listed() {
    let mut text = String::from("[process.z]\ncommand = 'a'\ndepends_on = ['p77x']\n");
    for number in 0..1_000 {
        writeln!(text, "[process.p{number}]\ncommand = 'a'").unwrap();
    }
    let said = refusal(&text);
    let hint = said.lines().last().unwrap();
    assert!(hint.starts_with("hint: did you mean `p77`? other processes in this file: `p0`, "), "{hint}");
    assert!(hint.ends_with("`p39` and 960 more"), "{hint}");
}

#[test]
fn replicas_that_depend_on_replicas_depend_on_all_of_them() {
    let found = processes(
        "[process.a]\ncommand = 'a'\nreplicas = 200\n[process.b]\ncommand = 'a'\nreplicas = 300\ndepends_on = ['a']\n",
    );
    assert_eq!(found.specs.len(), 500);
    assert!(found.specs[200..].iter().all(|spec| spec.depends_on.len() == 200));
    assert_eq!((&*found.specs[499].name, found.specs[499].replica), ("b.300", Some(300)));
}

fn loaded(path: &Path) -> String {
    let said = Config::load(path).expect_err("this is no config").to_string();
    said.replace(&path.display().to_string(), "FILE")
}

#[test]
fn only_a_regular_file_of_bounded_size_in_utf_8_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("provost.toml");
    std::fs::write(&file, b"\xff\xfe[\0p\0]\0").unwrap();
    insta::assert_snapshot!(loaded(&file), @r#"
        error: FILE is UTF-16, not UTF-8
        hint: save it as UTF-8, for example by `iconv -f UTF-16 -t UTF-8 OLD > NEW`
        "#);
    std::fs::write(&file, b"# ok\n# caf\xe9\n").unwrap();
    insta::assert_snapshot!(loaded(&file), @r#"
        error: FILE is not UTF-8: the first invalid byte is at 2:6
        hint: save it as UTF-8, for example by `iconv -f LATIN1 -t UTF-8 OLD > NEW`
        "#);
    std::fs::File::create(&file).unwrap().set_len((16 << 20) + 1).unwrap();
    insta::assert_snapshot!(loaded(&file), @r#"
        error: FILE is larger than 16 MiB
        hint: this is hardly a config: name the right file with `-c FILE`
        "#);
    insta::assert_snapshot!(loaded(dir.path()), @r#"
        error: FILE is a directory, not a regular file
        hint: a config is read more than once, by the host and by every command: name a file, not a pipe, a device or a directory
        "#);
    let pipe = dir.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    // The pipe has no writer, so an open that blocks would never return.
    assert_eq!(
        loaded(&pipe),
        loaded(dir.path()).replace("a directory, not a regular", "a pipe, not a regular")
    );
}

#[test]
fn a_config_from_windows_is_the_same_config() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("provost.toml");
    let unix = "[process.a]\ncommand = \"\"\"\ncd /tmp\npwd\n\"\"\"\nenv = { A = \'\'\'x\ny\'\'\' }\n";
    let specs = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let found = Config::load(&file).unwrap().specs(|_| Err(String::new())).unwrap().specs;
        (found[0].command.clone(), found[0].env.clone())
    };
    let expected = specs(unix);
    let windows = unix.replace('\n', "\r\n");
    assert_eq!(specs(&windows), expected);
    assert_eq!(specs(&format!("\u{feff}{windows}")), expected);
    std::fs::write(&file, format!("\u{feff}{windows}nonsense = 1\r\n")).unwrap();
    assert!(loaded(&file).contains("FILE:8:1"), "positions are those of the file: {}", loaded(&file));
}

#[test]
fn utf_16_without_a_mark_is_named_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("provost.toml");
    let bytes: Vec<u8> = "[process.a]\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(&file, bytes).unwrap();
    insta::assert_snapshot!(loaded(&file), @r#"
        error: FILE is UTF-16LE, not UTF-8
        hint: save it as UTF-8, for example by `iconv -f UTF-16LE -t UTF-8 OLD > NEW`
        "#);
}
