//! The harness of the benchmarks: designs that take turns, ratios within each round, and a control that shows whether
//! other programs disturbed the measurement.
//!
//! | file | owns |
//! |---|---|
//! | [`clock`] | the clocks, and the cost of reading one |
//! | [`allocations`] | the allocations of each thread |
//! | [`control`] | the throughput of two threads that share nothing, compared with one |
//! | [`trial`] | one design in one round |
//! | [`block`] | several designs in one setting over several rounds |
//! | [`results`] | the JSON from which the report is made |

pub mod allocations;
pub mod block;
pub mod clock;
pub mod control;
pub mod results;
pub mod trial;
