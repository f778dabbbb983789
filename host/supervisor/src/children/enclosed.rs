//! What a life does with its cgroup, if it has one: whom it still has, the kill of them all, whether memory ran out, and the
//! removal. Without a cgroup, the family is asked instead.

use std::sync::Arc;

use provost_state::Exit;
use tokio::time::timeout;

use super::LifeEnd;
use super::cgroups::Cgroup;
use super::family::{Relative, relative};
use super::life::{LOOK_MAX, Life, Surroundings};
use crate::spec::Escaped;

/// The signal of the kernel when memory has run out, and the exit code of a shell whose last command got it.
const KILLED: i32 = 9;
const SHELL_OF_KILLED: i32 = 128 + KILLED;

impl Life {
    /// Puts it into a cgroup, which its child has entered.
    pub(super) fn within(mut self, cgroup: Option<Arc<Cgroup>>) -> Self {
        self.cgroup = cgroup;
        self
    }

    /// Kills everything in its cgroup, unless what has left the group is to be left alone.
    pub(super) fn kill_cgroup(&self) {
        if let Some(cgroup) = &self.cgroup
            && self.endings().escaped == Escaped::Kill
        {
            cgroup.kill();
        }
    }

    /// Returns true if there is certainly nothing beside the main process.
    pub(super) fn is_alone(&self, around: &Surroundings) -> bool {
        match &self.cgroup {
            Some(cgroup) => cgroup.is_populated().is_ok_and(|populated| !populated),
            None => around.family.is_alone(),
        }
    }

    /// Returns the processes that may belong to it; `None`, and nothing is known, if they could not be read in time.
    pub(super) async fn seen(&self, around: &Surroundings) -> Option<Arc<Vec<Relative>>> {
        let Some(cgroup) = self.cgroup.clone() else {
            return timeout(LOOK_MAX, around.family.survey(&around.reading)).await.ok()?;
        };
        let look = move || {
            let living = cgroup.members()?.into_iter().map(relative);
            living.filter_map(Result::transpose).collect::<std::io::Result<Vec<Relative>>>()
        };
        let seen = timeout(LOOK_MAX, around.reading.run(look)).await.ok()?;
        Some(Arc::new(seen.ok()?.ok()?))
    }

    /// Returns the end of the main process with what its cgroup says about it. Another process of it may have been killed long
    /// ago, so only an end by that signal counts.
    pub(super) async fn end_with(&self, exit: Exit, around: &Surroundings) -> LifeEnd {
        let is_killed = matches!(exit, Exit::Signal(KILLED) | Exit::Code(SHELL_OF_KILLED));
        let Some(cgroup) = self.cgroup.clone().filter(|_| is_killed) else { return exit.into() };
        let out_of_memory = around.reading.run(move || cgroup.ran_out_of_memory()).await.unwrap_or(false);
        LifeEnd { exit, out_of_memory }
    }

    /// Removes its cgroup, whose life is over.
    pub(super) async fn close(&self, around: &Surroundings) {
        if let Some(cgroup) = self.cgroup.clone() {
            let cgroups = around.cgroups.clone();
            // If the host is ending, the next one removes it.
            let _ = around.reading.run(move || cgroups.end(&cgroup)).await;
        }
    }
}
