//! What a plugin may use: the limits of its calls, with their defaults and ceilings, and its grants.

pub(crate) mod ceilings;
pub(crate) mod grants;
mod limit;

use provost_state::Intensity;

use crate::role::Role;
use crate::text::size;

use ceilings::STACK_BYTES_STEP;
use limit::whole;
pub use limit::{Limit, LimitError, Measure, NoSuchLimit};

/// The limits of a plugin. Exceeding one is a fault of that call, which is counted and shown with the figure of the
/// limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// All linear memories and tables of an instance together, in bytes; at most 256 MiB. 16 MiB by default; a
    /// JavaScript or Python component needs 64 MiB.
    pub memory_bytes_max: usize,
    /// The longest call, in milliseconds; at most ten minutes. `None`: 100 for a policy, 1000 for a view and a
    /// consumer.
    pub call_ms_max: Option<u64>,
    /// Fuel for one call, about one unit per instruction. 10^10 by default, which is more than the default deadline
    /// allows: a lower figure makes the same call fail at the same instruction everywhere.
    pub fuel_max: u64,
    /// The stack of a call, in bytes; from 64 KiB to 1 MiB, rounded up to a multiple of 64 KiB. 512 KiB by default.
    /// Plugins with the same figure share an engine, so there are at most sixteen engines.
    pub stack_bytes_max: usize,
    /// The largest body that a view may render, in bytes; at most 128 MiB. 8 MiB by default.
    pub answer_bytes_max: usize,
    /// The most that the plugin may hand to the host at once (an answer, a line for the log, a value for its memory),
    /// in bytes; at most 64 MiB. 256 KiB by default. The body that a view renders comes on top.
    pub handed_bytes_max: usize,
    /// Handles of resources that it may hold at once; at most 65536. 64 by default: only one is lent at a time.
    pub handles_max: usize,
    /// Core instances within the component, one for each module that it is composed of; at most 1024. 64 by default,
    /// which is enough for JavaScript and Python (38).
    pub instances_max: usize,
    /// Linear memories; at most 64. 8 by default.
    pub memories_max: usize,
    /// Tables; at most 256. 64 by default.
    pub tables_max: usize,
    /// Lines per second that go into the host's log; at most 10000. 100 by default. The rest is dropped and counted.
    pub lines_per_second: u32,
    /// All keys and values of its memory store together, in bytes; at most 16 MiB. 64 KiB by default.
    pub stored_bytes_max: usize,
    /// The longest key of its memory store, in bytes; at most 4096. 256 by default.
    pub key_bytes_max: usize,
    /// Its settings, as the text of a JSON object, in bytes; at most 8 MiB. 1 MiB by default.
    pub settings_bytes_max: usize,
    /// The size of everything in the directories that it may write to (`fs-write`), in bytes; at most 1 TiB. 64 MiB by
    /// default.
    pub files_bytes_max: u64,
    /// How often it may fail before it is quarantined.
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
            files_bytes_max: 64 << 20,
            quarantine: Intensity::default(),
        }
    }
}

/// The settings of a plugin are larger than its limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the settings have {bytes} bytes, and at most {} are allowed: shorten them, or raise `limits.settings`", size(*.most))]
pub struct SettingsTooLarge {
    /// Their size, in bytes.
    pub bytes: usize,
    /// The limit, in bytes.
    pub most: usize,
}

impl Limits {
    /// Returns how long a call in this role may take, in milliseconds.
    #[must_use]
    pub fn call_ms(&self, role: Role) -> u64 {
        self.call_ms_max.unwrap_or(if role.judgement().is_some() { 100 } else { 1_000 })
    }

    /// Rounds the stack up to whole steps. A stack below the floor is left, and is refused later.
    #[must_use]
    pub fn in_steps(self) -> Self {
        let stack = self.stack_bytes_max;
        let stepped = stack.checked_next_multiple_of(STACK_BYTES_STEP).filter(|_| stack >= STACK_BYTES_STEP);
        Self { stack_bytes_max: stepped.unwrap_or(stack), ..self }
    }

    /// Returns how much the plugin may hand to the host at once in this role, in bytes.
    pub(crate) fn handed_bytes(&self, role: Role) -> usize {
        match role {
            Role::StatusView => self.answer_bytes_max.saturating_add(self.handed_bytes_max),
            _ => self.handed_bytes_max,
        }
    }

    /// Returns the figure of a limit. `None`: it depends on the role, see [`call_ms`](Self::call_ms).
    #[must_use]
    pub fn get(&self, limit: Limit) -> Option<u64> {
        let figure = match limit {
            Limit::Memory => self.memory_bytes_max,
            Limit::CallTime => return self.call_ms_max,
            Limit::Fuel => return Some(self.fuel_max),
            Limit::Stack => self.stack_bytes_max,
            Limit::Instances => self.instances_max,
            Limit::Memories => self.memories_max,
            Limit::Tables => self.tables_max,
            Limit::Handles => self.handles_max,
            Limit::Handed => self.handed_bytes_max,
            Limit::Answer => self.answer_bytes_max,
            Limit::Store => self.stored_bytes_max,
            Limit::Key => self.key_bytes_max,
            Limit::Settings => self.settings_bytes_max,
            Limit::LogLines => return Some(u64::from(self.lines_per_second)),
            Limit::Files => return Some(self.files_bytes_max),
        };
        Some(figure as u64)
    }

    /// Sets a limit, in the unit of its [`Measure`]. A figure beyond a machine word becomes the largest word, which
    /// [`check`](Self::check) refuses.
    pub fn set(&mut self, limit: Limit, figure: u64) {
        let place = match limit {
            Limit::Memory => &mut self.memory_bytes_max,
            Limit::CallTime => {
                self.call_ms_max = Some(figure);
                return;
            }
            Limit::Fuel => {
                self.fuel_max = figure;
                return;
            }
            Limit::LogLines => {
                self.lines_per_second = u32::try_from(figure).unwrap_or(u32::MAX);
                return;
            }
            Limit::Files => {
                self.files_bytes_max = figure;
                return;
            }
            Limit::Stack => &mut self.stack_bytes_max,
            Limit::Instances => &mut self.instances_max,
            Limit::Memories => &mut self.memories_max,
            Limit::Tables => &mut self.tables_max,
            Limit::Handles => &mut self.handles_max,
            Limit::Handed => &mut self.handed_bytes_max,
            Limit::Answer => &mut self.answer_bytes_max,
            Limit::Store => &mut self.stored_bytes_max,
            Limit::Key => &mut self.key_bytes_max,
            Limit::Settings => &mut self.settings_bytes_max,
        };
        *place = whole(figure);
    }

    /// Checks that each limit is within what the host can give.
    ///
    /// # Errors
    /// [`LimitError`] for the first that is not.
    pub fn check(&self) -> Result<(), LimitError> {
        Limit::ALL
            .into_iter()
            .try_for_each(|limit| self.get(limit).map_or(Ok(()), |figure| limit.check(figure)))
    }

    /// Checks that these settings, the text of a JSON object, are within their limit.
    ///
    /// # Errors
    /// [`SettingsTooLarge`] with both figures.
    pub fn check_settings(&self, settings_json: &str) -> Result<(), SettingsTooLarge> {
        let (bytes, most) = (settings_json.len(), self.settings_bytes_max);
        if bytes > most { Err(SettingsTooLarge { bytes, most }) } else { Ok(()) }
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
            "`limits.memory` of 1024 MiB is not possible: at most 256 MiB"
        );
        assert_eq!(
            says(Limits { stack_bytes_max: 4096, ..Limits::default() }),
            "`limits.stack` of 4 KiB is not possible: at least 64 KiB"
        );
        assert_eq!(
            says(Limits { call_ms_max: Some(600_001), ..Limits::default() }),
            "`limits.call_time` of 600001 ms is not possible: at most 600000 ms"
        );
    }

    #[test]
    fn each_limit_can_be_set_by_its_name_and_no_other_changes() {
        for limit in Limit::ALL {
            assert_eq!(Limit::named(limit.name()), Ok(limit));
            let mut limits = Limits::default();
            limits.set(limit, 77);
            for other in Limit::ALL {
                let wanted = if other == limit { Some(77) } else { Limits::default().get(other) };
                assert_eq!(limits.get(other), wanted, "{other:?} after {limit:?}");
            }
        }
        assert_eq!(Limit::named("momery"), Err(NoSuchLimit("momery".to_owned())));
    }

    #[test]
    fn a_figure_beyond_every_ceiling_is_refused_and_not_truncated() {
        for limit in Limit::ALL {
            let mut limits = Limits::default();
            limits.set(limit, u64::MAX);
            assert_eq!(limits.check().map_err(|error| error.limit), Err(limit));
        }
    }

    #[test]
    fn a_stack_between_two_steps_is_rounded_up_and_one_below_the_floor_is_refused() {
        let stack = |bytes| Limits { stack_bytes_max: bytes, ..Limits::default() }.in_steps();
        assert_eq!(stack((64 << 10) + 1).stack_bytes_max, 128 << 10);
        assert_eq!(stack(512 << 10).stack_bytes_max, 512 << 10);
        assert!(stack(63 << 10).check().is_err());
        assert!(stack(usize::MAX).check().is_err());
    }
}
