//! Why there is no forecast.

use provost_simulation::NotPlayed;

use crate::trying::TryError;

/// Why there is no forecast.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForecastError {
    /// Somebody has stopped the process, or is stopping it.
    #[error("`{name}` is {phase}: no policy decides about an end that was asked for")]
    AskedFor {
        /// The process.
        name: String,
        /// Its phase.
        phase: &'static str,
    },
    /// It has no life and has had none since its last start by hand.
    #[error("`{0}` does not run, and has not ended since it was last started by hand")]
    NoLife(String),
    /// It is not known how it would end.
    #[error("`{0}` has never ended, so that it is not known how it would end")]
    NeverDied(String),
    /// It is a job that has succeeded.
    #[error("`{0}` is done: no policy decides about the success of a job")]
    Done(String),
    /// What the host says cannot be read.
    #[error(transparent)]
    Unreadable(#[from] TryError),
    /// The component cannot judge ends.
    #[error("`{component}` cannot judge the ends of `{process}`: {why}")]
    Unfit {
        /// The component, or the name of the plugin.
        component: String,
        /// The process.
        process: String,
        /// Why not.
        why: String,
    },
    /// It could not be played.
    #[error(transparent)]
    NotPlayed(#[from] NotPlayed),
}

impl ForecastError {
    /// Returns what to do next.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::AskedFor { name, .. } => format!(
                "`provost start {name}` starts it; `provost plugin simulate` plays a scenario without a host"
            ),
            Self::NoLife(name) => format!("`provost explain {name}` says what it waits for"),
            Self::NeverDied(_) => "say how it would end: --exit 1, or --signal SIGKILL".to_owned(),
            Self::Done(_) => "name a process that is to run on, or a job that has failed".to_owned(),
            Self::Unreadable(error) => error.hint().to_owned(),
            Self::Unfit { .. } => {
                "`provost plugin inspect` shows the roles of a component; --settings gives it settings"
                    .to_owned()
            }
            Self::NotPlayed(_) => "shorten it with --for, or give its lives a longer --uptime".to_owned(),
        }
    }
}
