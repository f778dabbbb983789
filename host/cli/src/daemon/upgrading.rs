//! Giving the place of this host to another program: the port that the API calls.

use std::path::PathBuf;
use std::time::Duration;

use provost_api as api;
use provost_control::{Answer, Place, UpgradeRefusal};
use provost_supervisor::{Jobs, Lost};
use tokio::sync::watch;
use tokio::time::timeout;

use super::keeper::{Leaving, NotLeft, program};
use super::live::Live;
use crate::successor::{Candidate, NotFit};

/// How long a request waits for a host that was started a moment ago.
const SETTLED_WITHIN: Duration = Duration::from_secs(5);

/// The place of this host.
#[derive(Clone, Debug)]
pub(super) struct HostPlace {
    /// By which the host leaves; `None` without a keeper.
    pub(super) leaving: Option<Leaving>,
    /// Whether the keeper knows that this host is in service.
    pub(super) settled: watch::Receiver<bool>,
    pub(super) live: Live,
    pub(super) jobs: Jobs,
}

impl HostPlace {
    /// Returns by what the host leaves, if its keeper is there.
    fn leaving(&self) -> Result<&Leaving, UpgradeRefusal> {
        self.leaving.as_ref().filter(|leaving| leaving.has_keeper()).ok_or(UpgradeRefusal::NoKeeper)
    }

    async fn give_to(self, program: PathBuf, deadline: Duration) -> Result<api::Upgrading, UpgradeRefusal> {
        let leaving = self.leaving()?;
        let mut settled = self.settled.clone();
        if !timeout(SETTLED_WITHIN, settled.wait_for(|settled| *settled))
            .await
            .is_ok_and(|settled| settled.is_ok())
        {
            return Err(UpgradeRefusal::OnTrial);
        }
        // The one that the next host reads.
        let (config, path, spoken) = (self.live.path(), self.live.path(), leaving.spoken());
        let checked = self.jobs.loads.run(move || Candidate::at(&program, &path, spoken)).await;
        let Candidate { program, about, keeper } = checked.map_err(lost)?.map_err(|error| unfit(&error))?;
        // From here on until the end, the config is not changed.
        let turn = self.live.turn().filter(|_| self.live.path() == config).ok_or(UpgradeRefusal::Changing)?;
        if let Some(keeper) = keeper {
            let pid = leaving.upgrade_keeper(keeper).await.map_err(|error| match leaving.has_keeper() {
                true => UpgradeRefusal::KeeperStays(needs_keeper(&about.version, &error)),
                false => UpgradeRefusal::NoKeeper,
            })?;
            tracing::info!(
                "the keeper (pid {pid}) goes on with the program that version {} carries and needs",
                about.version
            );
        }
        leaving.leave(Some(program), deadline).await.map_err(|error| match error {
            NotLeft::Ending => UpgradeRefusal::ShuttingDown,
            NotLeft::Refused(_) if !leaving.has_keeper() => UpgradeRefusal::NoKeeper,
            NotLeft::Refused(_) => UpgradeRefusal::Internal(error.to_string()),
        })?;
        std::mem::forget(turn);
        tracing::info!("an upgrade to version {} has begun", about.version);
        Ok(api::Upgrading {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            next_version: about.version,
        })
    }
}

impl Place for HostPlace {
    fn upgrade(
        &self,
        program: PathBuf,
        deadline: Duration,
    ) -> Answer<'_, Result<api::Upgrading, UpgradeRefusal>> {
        let given = tokio::spawn(self.clone().give_to(program, deadline));
        // It is not cut in the middle if the client goes away.
        Box::pin(async {
            given.await.unwrap_or_else(|error| Err(UpgradeRefusal::Internal(error.to_string())))
        })
    }

    fn upgrade_keeper(&self) -> Answer<'_, Result<api::KeeperUpgraded, UpgradeRefusal>> {
        Box::pin(async {
            let leaving = self.leaving()?;
            let stays = |error: std::io::Error| match leaving.has_keeper() {
                true => UpgradeRefusal::KeeperStays(error.to_string()),
                false => UpgradeRefusal::NoKeeper,
            };
            let program = self.jobs.reading.run(program).await.map_err(lost)?.map_err(stays)?;
            let pid = leaving.upgrade_keeper(program).await.map_err(stays)?;
            tracing::info!("the keeper (pid {pid}) goes on with the program that this host carries");
            Ok(api::KeeperUpgraded { pid })
        })
    }

    fn is_on_trial(&self) -> bool {
        self.leaving.is_some() && !*self.settled.borrow()
    }
}

/// Says why a program cannot take the place of this host that does not speak with the keeper that runs.
fn needs_keeper(version: &str, error: &std::io::Error) -> String {
    format!("version {version} needs the one that it carries, which cannot take the place: {error}")
}

fn unfit(error: &NotFit) -> UpgradeRefusal {
    UpgradeRefusal::BadProgram { message: error.to_string(), hint: error.hint().to_owned() }
}

fn lost(lost: Lost) -> UpgradeRefusal {
    match lost {
        Lost::Ending => UpgradeRefusal::ShuttingDown,
        Lost::Panicked(said) => UpgradeRefusal::Internal(said),
    }
}
