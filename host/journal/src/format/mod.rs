//! The bytes of a segment around its records.
//!
//! ```text
//! head   4096 B   magic, format, first sequence number, boot, life of the host, both clocks, crc;
//!                 and a reserved place for the gap that cannot be written because the disk is full
//! block           u32 length | u32 crc of what follows | u64 first sequence number | u16 count | u16 flags | records
//! ...             one block is one write
//! footer          a block without records: the index; and its offset, so that it is found from the end of a sealed segment
//! ```
//!
//! | room | owns |
//! |---|---|
//! | `footer` | the index at the end of a sealed segment |
//! | `head` | the head, with the reserved place |
//! | `block` | blocks, and walking from one to the next |
//! | `name` | the names of segments |
//! | `bytes` | numbers in bytes |

mod block;
mod bytes;
mod footer;
mod head;
mod name;

pub(crate) use block::{BLOCK_BYTES_MAX, Flags, Step, begin, finish, step};
pub(crate) use footer::Footer;
pub(crate) use head::{GapSlot, HEAD_BYTES, Head, SLOT_AT};
pub(crate) use name::{State, file_name, of_name};
