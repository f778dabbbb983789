//! The failures when a host does not answer, or refuses: what went wrong, what to do next, and the exit code.

use provost_api::ErrorCode;
use provost_api::client::{ClientError, Silent, Unconnected};
use provost_supervisor::RunningKeeper;

use crate::daemon;
use crate::failure::Failure;
use crate::render::humane::counted;

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match &error {
            ClientError::Unconnected(why) => unconnected(why),
            ClientError::Silent(silent) => self::silent(silent),
            ClientError::Broken => Self::failed(
                &error,
                "it may have ended: `provost status` shows whether it runs, and its log why",
            ),
            ClientError::Protocol(_) => {
                Self::failed(&error, "is the socket that of a host, and of this version of provost?")
            }
            ClientError::Refused { error: refused, .. } => {
                let hint = refused.hint.as_deref().unwrap_or("`provost status` shows the current state");
                match refused.code {
                    ErrorCode::NotRunning => Self::not_running(&refused.message, hint),
                    // The message is a whole report, with its hints.
                    ErrorCode::BadConfig | ErrorCode::NeedsNewHost => {
                        Self::with_report(2, format!("{}\n\nnothing was changed", refused.message))
                    }
                    ErrorCode::BadRequest
                    | ErrorCode::UnknownProcess
                    | ErrorCode::UnknownGroup
                    | ErrorCode::UnknownView
                    | ErrorCode::UnknownPlugin
                    | ErrorCode::UnknownAction => Self::usage(&refused.message, hint),
                    _ => Self::failed(&refused.message, hint),
                }
            }
        }
    }
}

fn unconnected(why: &Unconnected) -> Failure {
    match why {
        Unconnected::Missing(socket) | Unconnected::Abandoned(socket) => {
            match socket.parent().and_then(daemon::holder) {
                None => match daemon::keeper_of(socket) {
                    Some(keeper) => without_host(keeper),
                    None => Failure::not_running(why, "`provost up` starts one"),
                },
                Some(pid) => {
                    let what = format!("the host (pid {pid}) does not listen on {}", socket.display());
                    let hint = daemon::not_listening_hint(pid);
                    Failure::not_running(what, hint)
                }
            }
        }
        Unconnected::NotASocket(_) => {
            Failure::usage(why, "`--socket` names the file provost.sock in the runtime directory of a host")
        }
        Unconnected::TooLong { .. } => {
            Failure::usage(why, "set a shorter `host.runtime_dir` in the config, or name a shorter path")
        }
        Unconnected::NotAllowed(_) => {
            Failure::failed(why, "run this command as the user who started the host, or as root")
        }
        Unconnected::Crowded(_) => Failure::failed(
            why,
            "try again; if it stays so, the host may be suspended: `kill -CONT PID` lets it go on",
        ),
        Unconnected::Other { .. } => Failure::failed(why, "check the path of the socket"),
    }
}

/// The failure where a keeper has no host.
fn without_host(RunningKeeper { pid, held, is_alone }: RunningKeeper) -> Failure {
    let held = counted(u64::from(held), "process");
    if is_alone {
        return Failure::not_running(
            format!(
                "the host has ended too often and is not started again; its keeper (pid {pid}) holds {held}, and they go on"
            ),
            format!("`provost up` has it started again; `kill {pid}` stops the processes in order"),
        );
    }
    let what = format!("the host has ended, and its keeper (pid {pid}) starts it again; it holds {held}");
    Failure::not_running(what, "try again")
}

fn silent(silent: &Silent) -> Failure {
    let hint = match (silent.suspended, silent.pid) {
        (true, Some(pid)) => format!("`kill -CONT {pid}` lets it go on"),
        (_, Some(pid)) => {
            format!("is the machine overloaded? `ps -o stat,wchan -p {pid}` shows what the host does")
        }
        (_, None) => "is the machine overloaded, or the host suspended?".to_owned(),
    };
    Failure::failed(silent, hint)
}
