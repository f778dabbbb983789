//! The atomic types of the records, which `tests/models` replaces by those of a model checker.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
