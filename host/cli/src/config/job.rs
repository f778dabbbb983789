//! The first stage of `type` and `success_codes` of a process.

use std::sync::Arc;

use provost_state::ProcessType;
use toml::Spanned;
use toml::de::DeValue;

use super::section::Section;
use super::sections::ReplicasSection;

const CODES_HINT: &str = "write success_codes = [0, 3]; without it exit code 0 is the success";

/// Reads `type` and `success_codes`, and refuses what a job cannot have.
pub(super) fn read(process: &mut Section<'_>, replicas: Option<ReplicasSection>) -> ProcessType {
    let is_job = process.word("type", &[("service", false), ("job", true)]).unwrap_or(false);
    let codes = read_codes(process);
    if !is_job {
        if process.has("success_codes") {
            let what = format!("`success_codes` of {} goes with `type = \"job\"` only", process.title());
            let hint = "add type = \"job\"; the exit of a service is judged by its policies";
            process.problem(process.key_span("success_codes"), what, hint);
        }
        return ProcessType::Service;
    }
    let refused = [
        ("ready", process.has("ready"), "a job is ready when it has ended with a success code"),
        ("health", process.has("health"), "a job is judged by its exit code"),
        (
            "replicas",
            replicas.is_some_and(|replicas| replicas.least < replicas.most),
            "only services have a variable number of replicas; a job may have a fixed one",
        ),
    ];
    for (key, _, why) in refused.into_iter().filter(|(_, refused, _)| *refused) {
        let what = format!("`{key}` of {} does not go with `type = \"job\"`: {why}", process.title());
        let hint = match key {
            "replicas" => "write replicas = 3, or remove `type`".to_owned(),
            _ => format!("remove `{key}`, or `type`"),
        };
        process.problem(process.key_span(key), what, hint);
    }
    codes.map_or_else(ProcessType::job, |success_codes| ProcessType::Job { success_codes })
}

fn read_codes(process: &mut Section<'_>) -> Option<Arc<[i32]>> {
    let value = process.value("success_codes")?;
    let codes: Option<Vec<i32>> = value.get_ref().as_array().and_then(|list| list.iter().map(code).collect());
    match codes {
        Some(codes) if !codes.is_empty() => Some(codes.into()),
        _ => {
            let what = format!(
                "`success_codes` of {} must be a list of exit codes, which are numbers from 0 to 255",
                process.title()
            );
            process.problem(value.span(), what, CODES_HINT);
            None
        }
    }
}

fn code(value: &Spanned<DeValue<'_>>) -> Option<i32> {
    let number = value.get_ref().as_integer()?;
    i32::from_str_radix(number.as_str(), number.radix()).ok().filter(|code| (0..=255).contains(code))
}
