//! The capabilities of the kernel by their names.

use rustix::thread::CapabilitySet;
use toml::Spanned;

use super::report::choices;
use super::section::Section;

/// All capabilities, whatever the kernel knows.
pub(crate) const ALL: u64 = u64::MAX;

/// Reads a list of names. Each unknown one is a problem.
pub(super) fn read(section: &Section<'_>, written: &[Spanned<String>]) -> u64 {
    let mut set = 0;
    for name in written {
        let word = name.get_ref().to_ascii_uppercase();
        let word = word.strip_prefix("CAP_").unwrap_or(&word);
        match CapabilitySet::from_name(word) {
            Some(one) => set |= one.bits(),
            None => section.problems().add_with(name.span(), || {
                let known: Vec<&str> = names(ALL).collect();
                let hint = choices(word, "capabilities", known.iter().copied());
                (format!("there is no capability `{}`", name.get_ref()), hint)
            }),
        }
    }
    set
}

/// Returns the names of a set, in the order of the kernel.
pub(crate) fn names(set: u64) -> impl Iterator<Item = &'static str> {
    CapabilitySet::all().iter_names().filter(move |(_, one)| one.bits() & set != 0).map(|(name, _)| name)
}
