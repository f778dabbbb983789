//! The bundled restart policy: waits longer after each consecutive failure, and finally gives up.
//!
//! The delay before restart `n` of a streak is `first * factor^(n-1)`, at most `max`, spread by `jitter`.
//! The streak is counted from the deaths in the world: it goes back to the last success, or to the last uptime of
//! at least `reset_after`.

use provost_guest::rules::DEATHS_REMEMBERED;
use provost_guest::{Decision, Ended, Exit, RestartPolicy, Span, World};
use serde::Deserialize;

/// The policy and its settings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Backoff {
    /// The delay after the first failure of a streak.
    pub first: Span,
    /// The factor by which each further failure multiplies the delay; 1 for a constant delay.
    pub factor: f64,
    /// The longest delay.
    pub max: Span,
    /// The share of the delay, from 0 to 1, by which the seed may move it: 0.1 is 10 % less to 10 % more.
    pub jitter: f64,
    /// The uptime that begins a new streak.
    pub reset_after: Span,
    /// The number of consecutive restarts after which the next failure is given up; never, if it is not set.
    pub give_up_after: Option<u32>,
    /// Which ends are followed by a restart.
    pub on: On,
    /// The exit codes that are not failures.
    pub success_exit_codes: Vec<i32>,
}

/// Which ends are followed by a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "lowercase")]
pub enum On {
    /// Every end.
    Always,
    /// Every end but a success.
    Failure,
    /// None.
    Never,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Span::from_ms(100),
            factor: 2.0,
            max: Span::from_ms(30_000),
            jitter: 0.0,
            reset_after: Span::from_ms(60_000),
            give_up_after: None,
            on: On::Failure,
            success_exit_codes: vec![0],
        }
    }
}

impl RestartPolicy for Backoff {
    fn check(&self) -> Result<(), String> {
        if !(self.factor.is_finite() && self.factor >= 1.0) {
            return Err("factor: it must be at least 1 (1 is a constant delay)".to_owned());
        }
        if !(0.0..=1.0).contains(&self.jitter) {
            return Err("jitter: it must be between 0.0 and 1.0".to_owned());
        }
        if self.first > self.max {
            return Err(format!("first: it must not be longer than max ({})", self.max));
        }
        if self.give_up_after.is_some_and(|restarts| restarts >= DEATHS_REMEMBERED) {
            let most = DEATHS_REMEMBERED - 1;
            return Err(format!(
                "give_up_after: it must be at most {most}: the host remembers {DEATHS_REMEMBERED} deaths"
            ));
        }
        Ok(())
    }

    fn on_exit(&self, ended: &Ended, world: &dyn World) -> Decision {
        let exit = &ended.exit;
        match (self.on, self.is_success(exit)) {
            (On::Never, _) => Decision::stay_down(format!("{exit}: never restarted (on = never)")),
            (On::Failure, true) => Decision::stay_down(format!("{exit}: a success, it is done")),
            (On::Always, true) => {
                let delay = self.delay(1, ended.seed);
                Decision::restart_after(delay, format!("{exit}: a success, restart in {delay} (on = always)"))
            }
            (On::Failure | On::Always, false) => self.after_failure(ended, world),
        }
    }
}

impl Backoff {
    fn is_success(&self, exit: &Exit) -> bool {
        matches!(exit, Exit::Code(code) if self.success_exit_codes.contains(code))
    }

    fn after_failure(&self, ended: &Ended, world: &dyn World) -> Decision {
        let exit = &ended.exit;
        let nth = self.streak(&ended.name, world);
        if let Some(limit) = self.give_up_after.filter(|&limit| nth > limit) {
            return Decision::give_up(format!(
                "{exit}: gave up after {limit} restarts in a row (give_up_after = {limit})"
            ));
        }
        let delay = self.delay(nth, ended.seed);
        let of = self.give_up_after.map(|limit| format!(" of {limit}")).unwrap_or_default();
        Decision::restart_after(delay, format!("{exit}: failure {nth}{of}, restart in {delay}"))
    }

    /// Returns the number of consecutive failures, the newest one included.
    fn streak(&self, name: &str, world: &dyn World) -> u32 {
        let mut streak = 0;
        for death in world.deaths(name, DEATHS_REMEMBERED) {
            if self.is_success(&death.exit) {
                break;
            }
            streak += 1;
            if death.uptime >= self.reset_after.ms() {
                break;
            }
        }
        streak.max(1)
    }

    /// Returns the delay before the `nth` restart of a streak.
    fn delay(&self, nth: u32, seed: u64) -> Span {
        let max_ms = self.max.ms() as f64;
        let exponent = i32::try_from(nth - 1).unwrap_or(i32::MAX);
        // A first delay of 0 stays 0; the power may be infinite, and 0 times infinity is not a number.
        let plain_ms =
            if self.first.ms() == 0 { 0.0 } else { self.first.ms() as f64 * self.factor.powi(exponent) };
        let spread = 1.0 + self.jitter * (2.0 * share(seed) - 1.0);
        Span::from_ms((plain_ms.min(max_ms) * spread).min(max_ms).round() as u64)
    }
}

/// Maps a seed to a number from 0 to 1, evenly over all seeds.
fn share(seed: u64) -> f64 {
    // The finalizer of splitmix64: neighbouring seeds give unrelated numbers.
    let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) as f64 / u64::MAX as f64
}

provost_guest::export!(Backoff: RestartPolicy);
provost_guest::settings_schema!(Backoff);
