//! The config of a running host: what differs from it, reloading it, and scaling.
//!
//! | room | owns |
//! |---|---|
//! | `port` | the port that the API calls |
//! | `noting` | what commands have changed about plugins, written down for another host |
//! | `scaling` | replicas by hand |
//! | `carrying` | carrying out a reload that was checked |
//! | `targets` | the processes of a new config, and what differs |
//! | `checked` | the checks before anything is changed |
//! | `running` | what runs, key by key |
//! | `in_force` | what the host has put into force and cannot be asked for later |
//! | `file` | the file of the config, and whether it has changed |
//! | `steps` | the steps of a reload, as they are reported |

mod carrying;
mod checked;
mod file;
mod in_force;
mod noting;
mod port;
mod running;
mod scaling;
mod steps;
mod targets;

pub(super) use noting::Noted;
pub(super) use port::Live;
