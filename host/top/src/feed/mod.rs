//! The connections to the host: its streams, and orders. Each stream is one task, which reconnects when the host comes back.
//!
//! | room | owns |
//! |---|---|
//! | `hub` | the tasks of the requests in progress |
//! | `orders` | orders, and single answers |
//! | `streams` | streams of the status, of lines and of events |
//! | `sender` | where the tasks report |

mod hub;
mod orders;
mod sender;
mod streams;

pub(crate) use hub::Hub;
