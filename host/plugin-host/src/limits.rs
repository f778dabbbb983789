//! What a plugin may use: defaults, and how far the operator may raise them.

use crate::quarantine::Intensity;
use crate::role::Role;

/// What a plugin may use. A limit that is hit is a fault of that call, counted and shown with its figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// All linear memories and tables of an instance together, in bytes; at most 256 MiB. 16 MiB by default;
    /// a JavaScript or Python component wants 64.
    pub memory_bytes_max: usize,
    /// How long one call may take, in milliseconds; at most ten minutes. `None`: 100 for a policy, 1000 for a view and
    /// a consumer.
    pub call_ms_max: Option<u64>,
    /// Fuel for one call, about one unit an instruction. 10^10 by default, which is more than the default deadline lets
    /// through: who wants the same call to fail at the same instruction everywhere sets it lower.
    pub fuel_max: u64,
    /// The stack of a call, in bytes; from 64 KiB to 1 MiB. 512 KiB by default. Plugins with the same figure share an
    /// engine.
    pub stack_bytes_max: usize,
    /// The largest body that a view may render, in bytes; at most 128 MiB. 8 MiB by default.
    pub answer_bytes_max: usize,
    /// What the plugin may hand to the host at once (an answer, a line for the log, a value for its memory), in bytes;
    /// at most 64 MiB. 256 KiB by default. What a view renders comes on top.
    pub handed_bytes_max: usize,
    /// Handles of resources that it may hold at once; at most 65536. 64 by default: it is lent one at a time.
    pub handles_max: usize,
    /// Core instances within the component: each of the modules that it is composed of; at most 1024. 64 by default,
    /// which is enough for JavaScript and Python (38).
    pub instances_max: usize,
    /// Linear memories; at most 64. 8 by default.
    pub memories_max: usize,
    /// Tables; at most 256. 64 by default.
    pub tables_max: usize,
    /// Lines a second that go into the host's log; at most 10000. 100 by default. The rest is dropped and counted.
    pub lines_per_second: u32,
    /// All keys and values of its memory store together, in bytes; at most 16 MiB. 64 KiB by default.
    pub stored_bytes_max: usize,
    /// The longest key of its memory store, in bytes; at most 4096. 256 by default.
    pub key_bytes_max: usize,
    /// Its settings, as the text of a JSON object, in bytes; at most 8 MiB. 1 MiB by default.
    pub settings_bytes_max: usize,
    /// How often it may fail before it is not asked any more.
    pub quarantine: Intensity,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes_max: 16 << 20,
            call_ms_max: None,
            fuel_max: 10_000_000_000,
            stack_bytes_max: 512 << 10,
            answer_bytes_max: 8 << 20,
            handed_bytes_max: 256 << 10,
            handles_max: 64,
            instances_max: 64,
            memories_max: 8,
            tables_max: 64,
            lines_per_second: 100,
            stored_bytes_max: 64 << 10,
            key_bytes_max: 256,
            settings_bytes_max: 1 << 20,
            quarantine: Intensity::default(),
        }
    }
}

/// The most memory that one plugin may be given: a slot of the pool, in bytes.
pub(crate) const MEMORY_BYTES_CEILING: usize = 256 << 20;
/// A thread that runs calls has 2 MiB of stack, of which the host needs some itself.
const STACK_BYTES_CEILING: usize = 1 << 20;
const STACK_BYTES_FLOOR: usize = 64 << 10;
const CALL_MS_CEILING: u64 = 600_000;
const FUEL_CEILING: u64 = u64::MAX >> 1;

/// A limit is beyond what the host can give.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{limit} of {wanted} is not possible: {possible}")]
pub struct LimitError {
    /// Which, in words for people.
    pub limit: &'static str,
    /// What the config says.
    pub wanted: String,
    /// What is possible.
    pub possible: String,
}

impl Limits {
    /// How long a call in this role may take, in milliseconds.
    #[must_use]
    pub fn call_ms(&self, role: Role) -> u64 {
        self.call_ms_max.unwrap_or(if role.judgement().is_some() { 100 } else { 1_000 })
    }

    /// How much the plugin may hand to the host at once in this role, in bytes.
    pub(crate) fn handed_bytes(&self, role: Role) -> usize {
        match role {
            Role::StatusView => self.answer_bytes_max.saturating_add(self.handed_bytes_max),
            _ => self.handed_bytes_max,
        }
    }

    /// Is each within what the host can give?
    ///
    /// # Errors
    /// [`LimitError`] names the first that is not.
    pub fn check(&self) -> Result<(), LimitError> {
        let sizes = [
            ("a memory limit", self.memory_bytes_max, MEMORY_BYTES_CEILING),
            ("an answer limit", self.answer_bytes_max, 128 << 20),
            ("a limit of bytes handed over", self.handed_bytes_max, 64 << 20),
            ("a stack limit", self.stack_bytes_max, STACK_BYTES_CEILING),
            ("a limit of stored bytes", self.stored_bytes_max, 16 << 20),
            ("a key limit", self.key_bytes_max, 4096),
            ("a settings limit", self.settings_bytes_max, 8 << 20),
        ];
        for (limit, wanted, most) in sizes {
            if wanted > most {
                return Err(too_much(limit, size(wanted), &size(most)));
            }
        }
        if self.stack_bytes_max < STACK_BYTES_FLOOR {
            let possible = format!("at least {}", size(STACK_BYTES_FLOOR));
            return Err(LimitError { limit: "a stack limit", wanted: size(self.stack_bytes_max), possible });
        }
        let counts = [
            ("a limit of handles", self.handles_max as u64, 65_536),
            ("a limit of core instances", self.instances_max as u64, 1024),
            ("a limit of memories", self.memories_max as u64, 64),
            ("a limit of tables", self.tables_max as u64, 256),
            ("a limit of lines a second", u64::from(self.lines_per_second), 10_000),
            ("a deadline in milliseconds", self.call_ms_max.unwrap_or(0), CALL_MS_CEILING),
            ("a fuel limit", self.fuel_max, FUEL_CEILING),
        ];
        for (limit, wanted, most) in counts {
            if wanted > most {
                return Err(too_much(limit, wanted.to_string(), &most.to_string()));
            }
        }
        Ok(())
    }
}

fn too_much(limit: &'static str, wanted: String, most: &str) -> LimitError {
    LimitError { limit, wanted, possible: format!("at most {most}") }
}

/// A size as people write it: whole MiB or KiB where it is one.
pub(crate) fn size(bytes: usize) -> String {
    const KIB: usize = 1 << 10;
    const MIB: usize = 1 << 20;
    match bytes {
        0 => "0 bytes".to_owned(),
        _ if bytes.is_multiple_of(MIB) => format!("{} MiB", bytes / MIB),
        _ if bytes.is_multiple_of(KIB) => format!("{} KiB", bytes / KIB),
        _ => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_within_what_is_possible() {
        assert_eq!(Limits::default().check(), Ok(()));
    }

    #[test]
    fn a_limit_beyond_its_ceiling_is_named_with_both_figures() {
        let says = |limits: Limits| limits.check().unwrap_err().to_string();
        assert_eq!(
            says(Limits { memory_bytes_max: 1 << 30, ..Limits::default() }),
            "a memory limit of 1024 MiB is not possible: at most 256 MiB"
        );
        assert_eq!(
            says(Limits { stack_bytes_max: 4096, ..Limits::default() }),
            "a stack limit of 4 KiB is not possible: at least 64 KiB"
        );
        assert_eq!(
            says(Limits { call_ms_max: Some(600_001), ..Limits::default() }),
            "a deadline in milliseconds of 600001 is not possible: at most 600000"
        );
    }

    #[test]
    fn sizes_read_as_people_write_them() {
        assert_eq!(size(16 << 20), "16 MiB");
        assert_eq!(size(64 << 10), "64 KiB");
        assert_eq!(size(1_000), "1000 bytes");
    }
}
