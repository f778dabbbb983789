//! How what happens is published: commits to the registry, and the consumers that are told of them.

pub(crate) mod fanout;
mod publisher;

pub(crate) use publisher::Publisher;
