//! The tables that only the file of a scenario has, which is a config in its own words otherwise.
//!
//! | room | owns |
//! |---|---|
//! | `faults` | the first stage of `[[fault]]` |
//! | `orders` | the first stage of `[[order]]` |
//! | `expected` | the first stage of `[[expect]]` |
//! | `targets` | which processes a fault, an order or an expectation is about |
//! | `values` | values that only scenarios have: spans of time that may be random, ends of processes |

mod expected;
mod faults;
mod orders;
mod targets;
mod values;

use provost_plugin_host::Limits;
use provost_simulation::{Expectation, Fault, Order};
use toml::Spanned;
use toml::de::DeValue;

use super::plugin::{read_limits, read_settings};
use super::section::Section;

pub(super) use expected::check_fault;
pub(super) use targets::{Named, Targeted};

/// The name of the plugin that is simulated, in the chains of a scenario.
pub(crate) const SUBJECT: &str = "subject";

/// What the tables say that only a scenario has.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) name: Option<String>,
    pub(super) about: Option<String>,
    pub(super) lasts_ms: Option<u64>,
    pub(super) seed: Option<u64>,
    pub(super) starts_at_ms: Option<u64>,
    /// The settings of the simulated plugin as JSON, if no others are given.
    pub(super) settings_json: Option<String>,
    /// The limits of the calls of the simulated plugin.
    pub(super) limits: Limits,
    pub(super) faults: Vec<Targeted<Fault>>,
    pub(super) orders: Vec<Targeted<Order>>,
    pub(super) expectations: Vec<Targeted<Expectation>>,
    /// The names of the processes that have no `policies`: the simulated plugin judges them.
    pub(super) unjudged: Vec<String>,
}

/// Reads the tables that only a scenario has.
pub(super) fn read(top: &mut Section<'_>) -> Told {
    let mut told = Told::default();
    if let Some(scenario) = top.table("scenario", "write [scenario] on a line of its own") {
        read_scenario(scenario, &mut told);
    }
    told.faults = tables(top, "fault", faults::read);
    told.orders = tables(top, "order", orders::read);
    let expected = tables(top, "expect", expected::read);
    told.expectations = expected.into_iter().flatten().collect();
    if let Some(processes) = top.table("process", "write [process.NAME] on a line of its own") {
        let is_unjudged = |value: &Spanned<DeValue<'_>>| {
            value.get_ref().as_table().is_some_and(|table| !table.contains_key("policies"))
        };
        let unjudged = processes.entries().filter(|(_, value)| is_unjudged(value));
        told.unjudged = unjudged.map(|(name, _)| name.into_inner()).collect();
    }
    told
}

fn read_scenario(mut scenario: Section<'_>, told: &mut Told) {
    told.name = scenario.text("name").map(Spanned::into_inner);
    told.about = scenario.text("about").map(Spanned::into_inner);
    told.lasts_ms = scenario.duration_ms("for");
    if told.lasts_ms == Some(0) {
        scenario.problem(scenario.key_span("for"), "`for` must be more than 0", "write for = \"1d\"");
    }
    told.seed = scenario.count("seed").map(|seed| seed as u64);
    told.starts_at_ms = values::time_of_day(&mut scenario, "start");
    scenario.know(["settings"]);
    told.settings_json = scenario.has("settings").then(|| read_settings(&mut scenario));
    told.limits = read_limits(&mut scenario);
    scenario.finish();
}

/// Reads all tables of the array `key`.
fn tables<'t, T>(
    top: &mut Section<'t>,
    key: &'static str,
    read: impl Fn(Section<'t>) -> Option<T>,
) -> Vec<T> {
    let Some(value) = top.value(key) else { return Vec::new() };
    let hint = format!("write [[{key}]] on a line of its own");
    let Some(list) = value.get_ref().as_array() else {
        let what = format!("`{key}` must be a list of tables");
        top.problem(top.key_span(key), what, hint);
        return Vec::new();
    };
    let sections = list.iter().filter_map(|one| top.section_of(key, one, format!("[[{key}]]"), &hint));
    sections.filter_map(read).collect()
}
