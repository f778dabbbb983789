//! The first stage of `limits` of a process: the limits of the kernel for each process.

use std::collections::BTreeMap;

use provost_supervisor::{Limit, Limited};
use toml::Spanned;
use toml::de::DeValue;

use super::section::Section;
use super::units;

const HINT: &str = "write limits = { nofile = 4096, core = \"unlimited\", nproc = { soft = 100, hard = 200 }, as = \"2GiB\" }";

/// The word for no limit.
pub(crate) const UNLIMITED: &str = "unlimited";

/// What a limit is a number of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A plain number.
    Number,
    /// Bytes, which may be a text with a unit of size.
    Bytes,
    /// Seconds, which may be a duration.
    Seconds,
    /// Microseconds, which may be a duration.
    Microseconds,
}

/// Returns what the limit of a resource is a number of.
pub(crate) fn unit_of(limited: Limited) -> Unit {
    match limited {
        Limited::As
        | Limited::Core
        | Limited::Data
        | Limited::Fsize
        | Limited::Memlock
        | Limited::Msgqueue
        | Limited::Rss
        | Limited::Stack => Unit::Bytes,
        Limited::Cpu => Unit::Seconds,
        Limited::Rttime => Unit::Microseconds,
        Limited::Locks
        | Limited::Nice
        | Limited::Nofile
        | Limited::Nproc
        | Limited::Rtprio
        | Limited::Sigpending => Unit::Number,
    }
}

/// Reads `limits`.
pub(super) fn read(process: &mut Section<'_>) -> BTreeMap<Limited, Limit> {
    let mut all = BTreeMap::new();
    let Some(mut limits) = process.table("limits", HINT) else { return all };
    for limited in Limited::ALL {
        let Some(value) = limits.value(limited.word()) else { continue };
        let limit = if value.get_ref().is_table() {
            read_both(&mut limits, limited)
        } else {
            bound(&limits, limited, value).map(|bound| Limit::Both(bound, bound))
        };
        all.extend(limit.map(|limit| (limited, limit)));
    }
    limits.finish();
    all
}

/// Reads `{ soft = …, hard = … }`; without a hard limit, that of the host stays.
fn read_both(limits: &mut Section<'_>, limited: Limited) -> Option<Limit> {
    let mut table = limits.table(limited.word(), HINT)?;
    let (soft, hard) = (table.value("soft"), table.value("hard"));
    let read = |value: Option<&Spanned<DeValue<'_>>>| value.map(|value| bound(&table, limited, value));
    let limit = match (read(soft), read(hard)) {
        (Some(soft), None) => soft.map(Limit::Soft),
        (Some(soft), Some(hard)) => soft.zip(hard).map(|(soft, hard)| Limit::Both(soft, hard)),
        (None, _) => {
            if table.lacks("soft") {
                let what = format!("`{}` has no `soft` limit, which is the one that holds", limited.word());
                table.problem(table.span.clone(), what, HINT);
            }
            None
        }
    };
    if let Some(Limit::Both(soft, Some(hard))) = limit
        && soft.is_none_or(|soft| soft > hard)
    {
        let what = format!("the soft limit of `{}` is above the hard one", limited.word());
        table.problem(
            table.key_span("soft"),
            what,
            "the soft limit is at most the hard one: change one of them",
        );
    }
    table.finish();
    limit
}

/// Reads one limit: a number, a text with a unit, or that there is none.
fn bound(section: &Section<'_>, limited: Limited, value: &Spanned<DeValue<'_>>) -> Option<Option<u64>> {
    let unit = unit_of(limited);
    let found = match value.get_ref() {
        DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix()).ok().map(Some),
        DeValue::String(text) if text == UNLIMITED => Some(None),
        DeValue::String(text) => match unit {
            Unit::Number => None,
            Unit::Bytes => units::size_bytes(text).map(Some),
            // Less than a second would be no time at all.
            Unit::Seconds => units::duration_ms(text).map(|ms| Some(ms.div_ceil(1000))),
            Unit::Microseconds => units::duration_ms(text).map(|ms| Some(ms.saturating_mul(1000))),
        },
        _ => None,
    };
    // The kernel takes the largest number for no limit.
    let found = found.filter(|bound| *bound != Some(u64::MAX));
    if found.is_none() {
        let wanted = match unit {
            Unit::Number => "a whole number",
            Unit::Bytes => "a number of bytes, a size such as \"64MiB\"",
            Unit::Seconds => "a number of seconds, a duration such as \"10m\"",
            Unit::Microseconds => "a number of microseconds, a duration such as \"200ms\"",
        };
        let what = format!("the limit `{}` must be {wanted} or \"{UNLIMITED}\"", limited.word());
        section.problem(value.span(), what, HINT);
    }
    found
}
