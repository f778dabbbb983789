//! Reads log files back.
//!
//! | room | owns |
//! |---|---|
//! | `host` | the host's own log, read back and followed |
//! | `stored` | files in a directory, without a host |
//! | `merged` | the pasts of many processes, by time |
//! | `past` | the past of one process |
//! | `last` | the position at which its last lines begin |
//! | `format` | which files are read, and the format of their lines |
//! | `query` | the selection of lines |

pub(super) mod format;
pub(super) mod host;
pub(super) mod last;
pub(super) mod merged;
pub(super) mod past;
pub(super) mod query;
pub(super) mod stored;
