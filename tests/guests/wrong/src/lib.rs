//! A policy that is wrong on purpose: its one setting names the mistake that it makes. Each is one that people have made in real
//! supervisors, looks right in the test that its author would write (`tests/vectors`), and is found by the scenario of
//! `provost plugin simulate` that is named after it. Without the setting it makes none, and holds what all scenarios expect.

mod delays;

use provost_guest::rules::DEATHS_REMEMBERED;
use provost_guest::{
    Death, Decision, Ended, Exit, HealthDecision, HealthPolicy, Observation, Plan, RestartPolicy, Span,
    StartDecision, StartPolicy, World,
};
use serde::Deserialize;

/// The uptime that begins a new streak of failures, in milliseconds.
const RESET_AFTER_MS: u64 = 60_000;

/// The number of failures or short lives after which those mistakes give up that do.
const PATIENCE: u32 = 10;

/// A life that is shorter than this counts for [`Mistake::IgnoresLongerLives`], in milliseconds.
const SHORT_MS: u64 = 10_000;

/// How many failures in a row hold up the next start with [`Mistake::HoldsUpOrders`], and for how many milliseconds.
const FAILURES_TO_COOL: usize = 5;
const COOL_MS: u64 = 300_000;

/// The failed checks in a row after which [`Mistake::KillsWhatStarts`] restarts.
const CHECKS: u32 = 3;

/// The policy and its setting.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wrong {
    /// What it does wrong; nothing if it is not set.
    mistake: Option<Mistake>,
}

/// What it does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mistake {
    /// Every death counts for the delay, however long the process has run in between.
    NeverResets,
    /// It gives up after short lives in a row, and what fails a little later is restarted for ever.
    IgnoresLongerLives,
    /// A kill is taken for a restart on account of memory, which begins a new streak.
    ResetByAKill,
    /// The first check that fails restarts the process, although it may just have been restarted for another reason.
    RestartsWhatDoesNotAnswer,
    /// It gives up after failures in a row, although nothing may be wrong with the process itself.
    GivesUpInARow,
    /// The delay is spread by the time of the failure, which is the same for all that fail together.
    SpreadsByTheTime,
    /// The delay is doubled in 32 bits, and is 0 when they have overflowed.
    Overflows,
    /// A success after a short life is taken for a failed start.
    RestartsAQuickSuccess,
    /// It gives up after lives in a row of less than a minute, although each may have ended with what the process depends on.
    BlamesDependents,
    /// A start is held up after failures, although somebody has just repaired what was wrong and ordered it.
    HoldsUpOrders,
    /// A number of failed checks restarts the process, although it may be one that takes longer to start.
    KillsWhatStarts,
    /// It counts the failures of the last ten minutes by the wall clock, which may be set.
    CountsByTheWallClock,
}

impl RestartPolicy for Wrong {
    fn on_exit(&self, ended: &Ended, world: &dyn World) -> Decision {
        let exit = &ended.exit;
        if *exit == Exit::Code(0) && !(self.makes(Mistake::RestartsAQuickSuccess) && is_short(ended.uptime)) {
            return Decision::stay_down(format!("{exit}: a success, it is done"));
        }
        let deaths = world.deaths(&ended.name, DEATHS_REMEMBERED);
        if let Some(why) = self.gives_up(ended, &deaths) {
            return Decision::give_up(format!("{exit}: {why}"));
        }
        if self.makes(Mistake::IgnoresLongerLives) {
            return Decision::restart(1_000, format!("{exit}: restart in 1 s"));
        }
        let nth = self.streak(ended.now, &deaths);
        let plain = if self.makes(Mistake::Overflows) { delays::wrapping(nth) } else { delays::doubled(nth) };
        let by = if self.makes(Mistake::SpreadsByTheTime) { ended.now } else { ended.seed };
        let reason = format!("{exit}: failure {nth}, restart in about {}", Span::from_ms(plain));
        Decision::restart(delays::spread(plain, by), reason)
    }
}

impl StartPolicy for Wrong {
    fn before_start(&self, plan: &Plan, world: &dyn World) -> StartDecision {
        let deaths = world.deaths(&plan.name, DEATHS_REMEMBERED);
        let failures = deaths.iter().take_while(|death| is_short(death.uptime)).count();
        let age = deaths.first().map_or(u64::MAX, |last| plan.now.saturating_sub(last.at));
        if self.makes(Mistake::HoldsUpOrders) && failures >= FAILURES_TO_COOL && age < COOL_MS {
            return StartDecision::wait(
                Span::from_ms(COOL_MS - age),
                format!("{failures} failures in a row, it cools down"),
            );
        }
        StartDecision::pass("it may start")
    }
}

impl HealthPolicy for Wrong {
    fn on_probe(&self, seen: &Observation, _world: &dyn World) -> HealthDecision {
        let tolerated = match self.mistake {
            Some(Mistake::RestartsWhatDoesNotAnswer) => 1,
            Some(Mistake::KillsWhatStarts) => CHECKS,
            _ => return HealthDecision::pass("the config says how many failures are tolerated"),
        };
        let reason = format!("{}: {} checks in a row", seen.detail, seen.in_a_row);
        match (seen.passed, seen.in_a_row >= tolerated) {
            (true, _) => HealthDecision::healthy(reason),
            (false, true) => HealthDecision::restart(reason),
            (false, false) => HealthDecision::unhealthy(reason),
        }
    }
}

impl Wrong {
    fn makes(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    /// Returns why the process is given up, if it is.
    fn gives_up(&self, ended: &Ended, deaths: &[Death]) -> Option<String> {
        match self.mistake? {
            Mistake::IgnoresLongerLives => {
                let short = deaths.iter().take_while(|death| death.uptime < SHORT_MS).count();
                (short > PATIENCE as usize).then(|| format!("{short} short lives in a row"))
            }
            Mistake::GivesUpInARow if ended.failures > PATIENCE => {
                Some(format!("{} failures in a row", ended.failures))
            }
            Mistake::BlamesDependents => {
                let short = deaths.iter().take_while(|death| is_short(death.uptime)).count();
                (short > PATIENCE as usize).then(|| format!("{short} lives of less than a minute in a row"))
            }
            _ => None,
        }
    }

    /// Returns the number of failures that count for the delay, at least 1.
    fn streak(&self, now: u64, deaths: &[Death]) -> u32 {
        const KILLED: Exit = Exit::Signal(9);
        const WINDOW_MS: u64 = 600_000;
        let counted = match self.mistake {
            Some(Mistake::NeverResets) => deaths.len(),
            Some(Mistake::ResetByAKill) => {
                deaths.iter().take_while(|death| death.exit != KILLED && is_short(death.uptime)).count()
            }
            Some(Mistake::CountsByTheWallClock) => {
                deaths.iter().filter(|death| now.saturating_sub(death.at) < WINDOW_MS).count()
            }
            _ => {
                let failures = || deaths.iter().take_while(|death| death.exit != Exit::Code(0));
                // The first life that was long enough still counts: its end begins the streak.
                failures().position(|death| !is_short(death.uptime)).map_or(failures().count(), |at| at + 1)
            }
        };
        u32::try_from(counted).unwrap_or(u32::MAX).max(1)
    }
}

/// Whether a life of this many milliseconds is too short to begin a new streak.
fn is_short(uptime_ms: u64) -> bool {
    uptime_ms < RESET_AFTER_MS
}

provost_guest::export!(Wrong: RestartPolicy, StartPolicy, HealthPolicy);
