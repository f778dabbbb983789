//! The harness of the benchmarks: designs that take turns, ratios within each round, and a control that shows whether
//! other programs disturbed the measurement.
//!
//! | room | owns |
//! |---|---|
//! | [`block`] | several designs in one setting over several rounds |
//! | [`results`] | the JSON from which the report is made |
//! | [`control`] | the throughput of two threads that share nothing, compared with one |
//! | [`trial`] | one design in one round |
//! | [`clock`] | the clocks, and the cost of reading one |
//! | [`op`] | the operations that are measured |
//! | [`spread`] | the median of several measurements, with their range |
//! | [`allocations`] | the allocations of each thread |

pub mod allocations;
pub mod block;
pub mod clock;
pub mod control;
pub mod op;
pub mod results;
pub mod spread;
pub mod trial;
