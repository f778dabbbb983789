//! Publishes what happens: commits to the registry, and the consumers that are notified of them.

pub(crate) mod fanout;
mod publisher;

pub(crate) use publisher::Publisher;
