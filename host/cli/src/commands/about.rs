//! `about`: what this program is, for a host that is to be replaced by it.

use super::context::Context;
use super::printing::{json, print};
use crate::args::AboutArgs;
use crate::daemon;
use crate::failure::Failure;
use crate::successor::About;

pub(super) fn about(context: &Context, args: &AboutArgs) -> Result<(), Failure> {
    if args.keeper {
        fail::fail_point!("about.keeper", |text| print(text.unwrap_or_default()));
        return print(daemon::keeper_program());
    }
    print(json(&About::this(context.config.as_deref()))?)
}
