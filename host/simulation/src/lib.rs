//! Floor 2: plays a scenario of failures in virtual time, and checks what is expected of its course.
//!
//! What is played is the supervisor that a host runs, with the policies that it is given: the same registry, runners, decider
//! and bounds. Only the children are played ([`provost_supervisor::Scripted`]), and both clocks are made up, so that days pass
//! in seconds and the same scenario has the same course every time. There is no second model of a supervisor here.
//!
//! ```text
//!  Scenario --play--> Course --check--> breaches of what is expected --shrink--> a smaller scenario with the same breach
//!  (processes,        (lives, decisions,
//!   faults, orders)    what was given up)
//! ```
//!
//! | room | owns |
//! |---|---|
//! | `shrink` | finding a smaller scenario that still breaks what is expected |
//! | `play` | one run: the supervisor on a paused clock, from the boot to the end of the scenario |
//! | `coupling` | ending what depends on a process when a fault ends that |
//! | `observer` | writing down what happens |
//! | `invariants` | whether what is expected of a course holds |
//! | `cast` | how the played children live: what the faults of the scenario do to each life |
//! | `effects` | which faults have hit something |
//! | `impact` | when the faults of a scenario have affected a process |
//! | `course` | what has happened |
//! | `scenario` | what is to happen |
//! | `expectation` | what can be expected of a course |
//! | `dependents` | which processes need which others to run |
//! | `targets` | which processes something is about |
//! | `chance` | random draws that are the same for the same seed |
//!
//! The crate knows no components and no files of scenarios: policies are the port of `provost-state`, and `cli` reads the text.

#![forbid(unsafe_code)]

mod cast;
mod chance;
mod coupling;
mod course;
mod dependents;
mod effects;
mod expectation;
mod impact;
mod invariants;
mod observer;
mod play;
mod scenario;
mod shrink;
mod targets;

pub use course::{Course, GivenUp, Life, LifeEnd, Made, PolicyFault, Track};
pub use expectation::{Expectation, Invariant};
pub use impact::Affected;
pub use invariants::{Breach, Verdict, check};
pub use play::{NotPlayed, Played, play};
pub use scenario::{Begun, Exits, Fault, FaultKind, Order, OrderKind, Scenario, Span, Window};
pub use shrink::{Shrunk, shrink};
pub use targets::Targets;
