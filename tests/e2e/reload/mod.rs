//! A config that changes while its host runs: `diff`, `reload`, `scale` and SIGHUP, with real processes.
//!
//! | room | owns |
//! |---|---|
//! | `edits` | random edits of a config on a live host |
//! | `trouble` | reloads that are refused, that fail half way, and that meet hanging and crashing processes |
//! | `plain` | what each kind of change does |
//! | `resting` | processes that do not run, and settings that count from a reload on |
//! | `world` | a host whose config is edited |

mod edits;
mod plain;
mod resting;
mod trouble;
mod world;
