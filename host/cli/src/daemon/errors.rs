//! Error texts that several parts of the host share.

use std::error::Error;
use std::fmt::Display;
use std::path::Path;

use provost_control::TcpError;
use provost_supervisor::BootError;

use crate::failure::Failure;

/// The hint when the kernel has no thread, memory or descriptor left.
pub(super) const SHORTAGE_HINT: &str = "threads, memory or descriptors are short: check `ulimit -u`, `ulimit -n` and the limits of the container";

/// The hint after a panic, which is in the log.
pub(super) const DEFECT_HINT: &str = "this is a defect of Provost: please report it with what its log says";

/// Returns the text of an error with its causes.
pub(super) fn reason(error: &(dyn Error + 'static)) -> String {
    match error.source() {
        Some(cause) if !error.to_string().contains(&cause.to_string()) => {
            format!("{error}: {}", reason(cause))
        }
        _ => error.to_string(),
    }
}

/// Returns the hint for a host that owns the runtime directory but does not listen on its socket.
pub(crate) fn not_listening_hint(pid: impl Display) -> String {
    format!(
        "it may be starting, for which it fetches, compiles and checks its plugins, or be ending or suspended: `kill -CONT {pid}` lets it go on, `kill {pid}` stops it and its \
         processes in order"
    )
}

/// The failure of a host whose supervisor cannot be prepared.
pub(super) fn not_booted(error: &BootError) -> Failure {
    let hint = match error {
        BootError::Io(error)
            if matches!(
                error.raw_os_error(),
                Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE)
            ) =>
        {
            SHORTAGE_HINT
        }
        _ => "set another `host.log_dir` in the config",
    };
    Failure::failed(reason(error), hint)
}

/// The failure of a host that cannot listen on TCP.
pub(super) fn not_listening_on_tcp(error: TcpError) -> Failure {
    let hint = match &error {
        TcpError::Listen { .. } => {
            "does another program listen there? `listen` of [api] names the address; nothing was started"
        }
        TcpError::Tls(_) => "`tls` of [api] names the files; nothing was started",
        TcpError::Tokens(_) => "`tokens` of [api] names the directory; nothing was started",
    };
    Failure::failed(error, hint)
}

/// The failure of a host where another one is running with this process id.
pub(super) fn already_running(pid: &str, socket: &Path, config: &Path) -> Failure {
    let what = format!("a host is running here already: pid {pid}");
    if socket.exists() {
        let hint = format!(
            "`provost status` shows it, `provost -c {} reload` makes it run this config, and `provost down` stops it",
            config.display()
        );
        return Failure::failed(what, hint);
    }
    let what = format!("{what}, and it does not listen on {}", socket.display());
    Failure::failed(what, not_listening_hint(pid))
}
