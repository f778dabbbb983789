//! What concerns more than one process.

mod chains;
