//! The exec stage: what a child runs for a moment before its program, if its spec asks for something that only the child can
//! set on itself, such as another user or lower limits. It sets that, in the order of `apply`, and then executes the program in
//! its own place. A step that fails is reported through a pipe, which the exec closes.
//!
//! It is called as `provost-exec-stage STEPS PATH NAME ARGUMENTS…`: [`Steps`] as text, the path of the program, its own name and
//! its arguments. Any program can be the stage that calls [`run_if_stage`] first.
//!
//! | room | owns |
//! |---|---|
//! | `apply` | taking the steps |
//! | `steps` | the steps, and their form as text |
//! | `failure` | the step that failed, and its report |
//! | `limit` | the resources that have limits |

mod apply;
mod failure;
mod limit;
mod steps;

use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStringExt;

use provost_posix::{Inherited, List, execute};
use rustix::io::Errno;

use crate::protocol::OWN_PID;

pub use failure::{Step, StepFailure};
pub use limit::{Limit, Limited};
pub use steps::{CapabilitySets, IoPriority, Steps};

/// The name by which a process knows that it is the stage.
pub const STAGE_NAME: &str = "provost-exec-stage";

/// Becomes the program, if this process is the stage. Must be called before the program has opened anything. Returns `None` if it is not, or the exit code if the program cannot be
/// run, which has been reported then.
#[must_use]
pub fn run_if_stage(
    mut arguments: impl Iterator<Item = OsString>,
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> Option<u8> {
    if arguments.next()? != STAGE_NAME {
        return None;
    }
    let steps = arguments.next().and_then(|text| text.to_str()?.parse::<Steps>().ok());
    if let (Some(steps), Some(mut inherited)) = (steps, Inherited::of_this_program()) {
        let report = inherited.take(steps.report);
        let failure = become_program(&steps, &mut inherited, arguments, environment);
        // If even this cannot be written, the exit code is all that is left.
        let _ = report.map(|report| rustix::io::write(report, &failure.to_bytes()));
    }
    Some(127)
}

/// Takes the steps and executes the program; returns why that is not possible.
fn become_program(
    steps: &Steps,
    inherited: &mut Inherited,
    arguments: impl Iterator<Item = OsString>,
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> StepFailure {
    let malformed = StepFailure::of(Step::Called, Errno::INVAL);
    // The exec closes what only the stage needs.
    let numbers = steps.program.into_iter().chain(steps.cgroup);
    let own: Result<Vec<_>, _> = numbers.map(|number| inherited.take(number)).collect();
    let Ok(own) = own else { return malformed };
    let texts: Option<Vec<CString>> = arguments.map(|text| CString::new(text.into_vec()).ok()).collect();
    let Some((path, arguments)) = texts.as_deref().and_then(<[CString]>::split_first) else {
        return malformed;
    };
    let own_pid = OsString::from(std::process::id().to_string());
    let variable = |(mut name, value): (OsString, OsString)| {
        name.push("=");
        // The keeper has filled it in already; a host without one leaves it to the stage.
        name.push(if value.as_encoded_bytes() == OWN_PID { &own_pid } else { &value });
        CString::new(name.into_vec()).ok()
    };
    let variables: Vec<CString> = environment.filter_map(variable).collect();
    let list = |strings| List::new(<[CString]>::len(strings), strings.iter().map(CString::as_c_str));
    let (Ok(arguments), Ok(variables)) = (list(arguments), list(&variables)) else {
        return StepFailure::of(Step::Called, Errno::NOMEM);
    };
    // A limit on memory may leave none once the steps are taken: the exec allocates nothing.
    if let Err(failure) = apply::all(steps, own.last().filter(|_| steps.cgroup.is_some())) {
        return failure;
    }
    let error = execute(path, &arguments, &variables);
    StepFailure::of(Step::Exec, Errno::from_io_error(&error).unwrap_or(Errno::INVAL))
}
