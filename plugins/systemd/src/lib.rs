//! Restarts as systemd does (v254 and later): the table of `Restart=`, the delay of `RestartSteps=`, and the limit of
//! starts.
//!
//! The delay before automatic restart i (from 0) is `r0 * (rn / r0)^(i / n)`, from `restart_sec` to
//! `restart_max_delay_sec` in `restart_steps` steps; it never resets. Starts are counted in windows of
//! `start_limit_interval_sec` that begin with their first start; one more than `start_limit_burst` is refused.

use provost_guest::rules::{DEATHS_REMEMBERED, Ends, deaths_in_order};
use provost_guest::{Decision, Ended, Exit, RestartPolicy, Signal, Span, World};

/// The settings of `[Service]` and `[Unit]` that are about restarts, in snake case.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Systemd {
    /// The ends after which it is restarted: `Restart=`.
    pub restart: Restart,
    /// The delay before a restart: `RestartSec=`.
    pub restart_sec: Span,
    /// The number of steps in which the delay grows: `RestartSteps=`. Ignored without the longest delay.
    pub restart_steps: u32,
    /// The longest delay: `RestartMaxDelaySec=`. Ignored without steps.
    pub restart_max_delay_sec: Option<Span>,
    /// The window of the start limit: `StartLimitIntervalSec=`. 0 turns the limit off.
    pub start_limit_interval_sec: Span,
    /// The number of starts that the limit allows: `StartLimitBurst=`. 0 turns the limit off.
    pub start_limit_burst: u32,
    /// The ends that are clean in addition to exit code 0, SIGHUP, SIGINT, SIGTERM and SIGPIPE: `SuccessExitStatus=`.
    pub success_exit_status: Ends,
    /// The ends after which it is never restarted: `RestartPreventExitStatus=`.
    pub restart_prevent_exit_status: Ends,
    /// The ends after which it is always restarted: `RestartForceExitStatus=`.
    pub restart_force_exit_status: Ends,
}

/// After which ends a process is restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "systemd's words; the tables in its manual and in the tests define them")]
pub enum Restart {
    No,
    Always,
    OnSuccess,
    OnFailure,
    OnAbnormal,
    OnAbort,
    OnWatchdog,
}

/// The classes of ends that systemd distinguishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Clean,
    UncleanCode,
    UncleanSignal,
    /// The service was not ready in time (`TimeoutStartSec=`, result `timeout`).
    TimedOut,
}

impl Default for Systemd {
    fn default() -> Self {
        Self {
            restart: Restart::No,
            restart_sec: Span::from_ms(100),
            restart_steps: 0,
            restart_max_delay_sec: None,
            start_limit_interval_sec: Span::from_ms(10_000),
            start_limit_burst: 5,
            success_exit_status: Ends::default(),
            restart_prevent_exit_status: Ends::default(),
            restart_force_exit_status: Ends::default(),
        }
    }
}

impl RestartPolicy for Systemd {
    fn check(&self) -> Result<(), String> {
        if self.start_limit_burst >= DEATHS_REMEMBERED {
            let (most, all) = (DEATHS_REMEMBERED - 1, DEATHS_REMEMBERED);
            return Err(format!(
                "start_limit_burst: it must be at most {most}: the host remembers {all} deaths"
            ));
        }
        if self.restart_max_delay_sec.is_some_and(|max| max < self.restart_sec) {
            let least = self.restart_sec;
            return Err(format!("restart_max_delay_sec: it must not be shorter than restart_sec ({least})"));
        }
        Ok(())
    }

    fn on_exit(&self, ended: &Ended, world: &dyn World) -> Decision {
        let exit = &ended.exit;
        let deaths = deaths_in_order(world, &ended.name, ended.now);
        if let Err(why) = self.shall_restart(exit) {
            return Decision::stay_down(format!("{exit}: {why}"));
        }
        let restarts = u32::try_from(deaths.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let delay = self.delay(restarts);
        let starts: Vec<u64> =
            deaths.iter().rev().map(|death| death.at.saturating_sub(death.uptime)).collect();
        if self.hits_start_limit(&starts, ended.now.saturating_add(delay.ms())) {
            let (burst, interval) = (self.start_limit_burst, self.start_limit_interval_sec);
            return Decision::give_up(format!("{exit}: start-limit-hit ({burst} starts in {interval})"));
        }
        Decision::restart_after(delay, format!("{exit}: restart {} in {delay}", restarts + 1))
    }
}

impl Systemd {
    fn result(&self, exit: &Exit) -> Seen {
        const CLEAN: [Signal; 4] = [Signal::HUP, Signal::INT, Signal::PIPE, Signal::TERM];
        match exit {
            _ if self.success_exit_status.contain(exit) => Seen::Clean,
            Exit::Code(0) => Seen::Clean,
            Exit::Signal(number) if CLEAN.iter().any(|signal| signal.number() == *number) => Seen::Clean,
            Exit::Signal(_) => Seen::UncleanSignal,
            Exit::NotReady(_) => Seen::TimedOut,
            // In systemd, a service that cannot be executed exits with the code 203/EXEC.
            Exit::Code(_) | Exit::NotSpawned(_) | Exit::Unobserved | Exit::Other(_) => Seen::UncleanCode,
        }
    }

    /// Does what systemd's `service_shall_restart` does; the error says why the process is not restarted.
    fn shall_restart(&self, exit: &Exit) -> Result<(), String> {
        if self.restart_prevent_exit_status.contain(exit) {
            return Err("prevented (restart_prevent_exit_status)".to_owned());
        }
        if self.restart_force_exit_status.contain(exit) {
            return Ok(());
        }
        let result = self.result(exit);
        let restarts = match self.restart {
            Restart::No | Restart::OnWatchdog => false,
            Restart::Always => true,
            Restart::OnSuccess => result == Seen::Clean,
            Restart::OnFailure => result != Seen::Clean,
            Restart::OnAbnormal => matches!(result, Seen::UncleanSignal | Seen::TimedOut),
            Restart::OnAbort => result == Seen::UncleanSignal,
        };
        let what = match result {
            Seen::Clean => "clean",
            Seen::UncleanCode => "an unclean exit code",
            Seen::UncleanSignal => "an unclean signal",
            Seen::TimedOut => "a start that timed out",
        };
        if restarts { Ok(()) } else { Err(format!("{what}, not restarted (restart)")) }
    }

    /// Returns the delay before automatic restart `i`, from 0, as systemd's `service_restart_usec_next` does.
    fn delay(&self, i: u32) -> Span {
        let (first, steps) = (self.restart_sec, self.restart_steps);
        match self.restart_max_delay_sec {
            Some(max) if steps > 0 && first.ms() > 0 && max > first => {
                if i >= steps {
                    return max;
                }
                let growth = (max.ms() as f64 / first.ms() as f64).powf(f64::from(i) / f64::from(steps));
                Span::from_ms((first.ms() as f64 * growth).round() as u64)
            }
            _ => first,
        }
    }

    /// Does what systemd's `ratelimit_below` does, for these starts (oldest first) and the next one.
    fn hits_start_limit(&self, starts: &[u64], next: u64) -> bool {
        let (interval, burst) = (self.start_limit_interval_sec.ms(), self.start_limit_burst);
        if interval == 0 || burst == 0 {
            return false;
        }
        let (mut begun, mut counted) = (None, 0);
        for start in starts.iter().copied().chain([next]) {
            match begun {
                Some(since) if start < since + interval => counted += 1,
                _ => (begun, counted) = (Some(start), 1),
            }
        }
        counted > burst
    }
}

provost_guest::export!(Systemd: RestartPolicy);
provost_guest::settings_schema!(Systemd);
