//! Replays each input of each corpus and a few mutations of it, without a fuzzer: the promises of a target hold for all of
//! them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "a test that fails shows which input it was")]

mod targets;

use provost_fuzz::corpus;

/// The number of mutations of each input.
const MUTATIONS: usize = 8;

/// The least number of inputs of a corpus.
const INPUTS_MIN: usize = 20;

/// Mutates the input: truncates it, removes a part, doubles a part or changes bytes, depending on the round. The place depends
/// on the bytes of the input.
fn mutated(input: &[u8], round: usize) -> Vec<u8> {
    let seed = input.iter().fold(round as u64 + 1, |seed, byte| {
        seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(u64::from(*byte) + 1)
    });
    let at = (seed >> 33) as usize % (input.len() + 1);
    let to = (at + 1 + (seed >> 13) as usize % 16).min(input.len());
    let (before, part, rest) = (&input[..at], &input[at.min(to)..to], &input[to..]);
    let changed: Vec<u8> = part.iter().map(|byte| byte ^ (1 << (seed % 8))).collect();
    match round % 4 {
        0 => before.to_vec(),
        1 => [before, rest].concat(),
        2 => [before, part, part, rest].concat(),
        _ => [before, &changed, rest].concat(),
    }
}

fn replay(target: &str) {
    let (_, run) = targets::ALL.into_iter().find(|(name, _)| *name == target).unwrap();
    let inputs = corpus(target).unwrap();
    assert!(inputs.len() >= INPUTS_MIN, "{target} has {} inputs", inputs.len());
    for (name, input) in inputs {
        // The output of a test that fails names the input.
        println!("{target}/{name}");
        run(&input);
        for round in 0..MUTATIONS {
            println!("{target}/{name}, mutation {round}");
            run(&mutated(&input, round));
        }
    }
}

#[test]
fn the_corpus_of_configs_keeps_its_promises() {
    replay("config");
}

#[test]
fn the_corpus_of_api_requests_keeps_its_promises() {
    replay("api");
}

#[test]
fn the_corpus_of_log_files_keeps_its_promises() {
    replay("logs");
}

#[test]
fn the_corpus_of_env_files_keeps_its_promises() {
    replay("env");
}

#[test]
fn the_corpus_of_components_keeps_its_promises() {
    replay("component");
}

#[test]
fn the_corpus_of_memory_files_keeps_its_promises() {
    replay("memory");
}
