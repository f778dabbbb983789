//! Restarts as supervisord does (4.3, `process.py`).
//!
//! A process that ends within `startsecs` backs off, even with an expected exit code: it is started again after
//! 1, 2, 3, … seconds, and given up after `startretries` retries. A process that has run for longer has exited:
//! `autorestart` decides whether it is started again, at once and without a limit.

use provost_guest::{Decision, Ended, Exit, RestartPolicy, World, rules};
use serde::de::{Deserialize, Deserializer, Error};

/// The settings of `[program:x]` that are about restarts, spelt as there.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Supervisord {
    /// Whether it is started again when it has exited: `false`, `"unexpected"` or `true`.
    pub autorestart: Autorestart,
    /// The exit codes that are expected.
    pub exitcodes: Vec<i32>,
    /// How long it has to run to count as started, in seconds.
    pub startsecs: u64,
    /// The number of retries of a failed start.
    pub startretries: u32,
}

/// When a process that has exited is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Autorestart {
    /// Never.
    Never,
    /// If its exit code is not in `exitcodes`, or a signal ended it.
    Unexpected,
    /// Always.
    Always,
}

impl<'de> Deserialize<'de> for Autorestart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Written {
            Flag(bool),
            Word(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Flag(true) => Ok(Self::Always),
            Written::Flag(false) => Ok(Self::Never),
            Written::Word(word) if word == "unexpected" => Ok(Self::Unexpected),
            Written::Word(word) => {
                Err(D::Error::custom(format!("{word:?} is not one of false, \"unexpected\" and true")))
            }
        }
    }
}

impl Default for Supervisord {
    fn default() -> Self {
        Self { autorestart: Autorestart::Unexpected, exitcodes: vec![0], startsecs: 1, startretries: 3 }
    }
}

impl RestartPolicy for Supervisord {
    fn check(&self) -> Result<(), String> {
        if self.startretries >= rules::DEATHS_REMEMBERED {
            let most = rules::DEATHS_REMEMBERED - 1;
            let all = rules::DEATHS_REMEMBERED;
            return Err(format!("startretries: it must be at most {most}: the host remembers {all} deaths"));
        }
        Ok(())
    }

    fn on_exit(&self, ended: &Ended, world: &dyn World) -> Decision {
        let exit = &ended.exit;
        if self.is_too_quick(ended.uptime, exit) {
            let too_quick = |death: &provost_guest::Death| self.is_too_quick(death.uptime, &death.exit);
            let backoff = rules::streak(world, &ended.name, too_quick);
            let (startsecs, retries) = (self.startsecs, self.startretries);
            let reason = match exit {
                Exit::NotReady(_) => exit.to_string(),
                _ => format!("{exit} within startsecs ({startsecs} s)"),
            };
            return if backoff > retries {
                Decision::give_up(format!("{reason}, after {retries} retries (startretries)"))
            } else {
                let delay_ms = u64::from(backoff) * 1_000;
                Decision::restart(delay_ms, format!("{reason}: retry {backoff} of {retries} in {backoff} s"))
            };
        }
        let expected = matches!(exit, Exit::Code(code) if self.exitcodes.contains(code));
        let word = if expected { "expected" } else { "unexpected" };
        match (self.autorestart, expected) {
            (Autorestart::Never, _) => Decision::stay_down(format!("{exit}: autorestart is false")),
            (Autorestart::Unexpected, true) => Decision::stay_down(format!("{exit}: expected (exitcodes)")),
            (Autorestart::Unexpected, false) | (Autorestart::Always, _) => {
                Decision::restart(0, format!("{exit}: {word}, restart at once"))
            }
        }
    }
}

impl Supervisord {
    /// Returns true if the process ended before it counted as started. One that never became ready was never started,
    /// however long that took. supervisord tests `now - laststart > startsecs` for the others; with 0 none is too quick.
    fn is_too_quick(&self, uptime_ms: u64, exit: &Exit) -> bool {
        matches!(exit, Exit::NotSpawned(_) | Exit::NotReady(_))
            || (self.startsecs > 0 && uptime_ms < self.startsecs * 1_000)
    }
}

provost_guest::export!(Supervisord: RestartPolicy);
provost_guest::settings_schema!(Supervisord);

#[cfg(test)]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
    use serde::{Serialize, Serializer};

    use super::Autorestart;

    impl JsonSchema for Autorestart {
        fn schema_name() -> Cow<'static, str> {
            "Autorestart".into()
        }

        fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
            json_schema!({
                "description": "When a process that has exited is started again.",
                "enum": [false, "unexpected", true],
            })
        }
    }

    impl Serialize for Autorestart {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self {
                Self::Never => serializer.serialize_bool(false),
                Self::Unexpected => serializer.serialize_str("unexpected"),
                Self::Always => serializer.serialize_bool(true),
            }
        }
    }
}
