//! The JSON of processes, rendered once for each version and shared by all answers. Nothing in it depends on the time of a
//! request, and no reader waits for another: two that miss the same fragment at the same instant both render it.
//!
//! | room | owns |
//! |---|---|
//! | `cache` | the fragments of all processes, and the arrays of all of them |
//! | `lines` | the lines of events |
//! | `array` | the array of all processes |
//! | `process` | the JSON of one process |
//! | `table` | a table by slot that grows without a lock |
//! | `fragment` | a rendered object and where its fields are |
//! | `fields` | the fields of a process, and the choice of some of them |

mod array;
mod cache;
mod fields;
mod fragment;
mod lines;
mod process;
mod table;

#[cfg(test)]
mod tests;

pub(crate) use cache::Fragments;
pub(crate) use fields::Fields;
pub(crate) use lines::Lines;
