//! Components, as `plugin inspect` and the loading of a plugin read them. All bytes are described or refused with a reason,
//! and nothing panics.

use provost_plugin_host::{Compiler, InProcess, inspect};

/// The size of the largest input; larger ones only take longer to compile.
const BYTES_MAX: usize = 64 << 10;

pub(super) fn run(data: &[u8]) {
    if data.len() > BYTES_MAX {
        return;
    }
    // The corpus contains components in the text format, too, because they are readable.
    let parsed = data.starts_with(b"(").then(|| wat::parse_bytes(data));
    let parsed = parsed.and_then(Result::ok);
    let data = parsed.as_deref().unwrap_or(data);
    let compiler: std::sync::Arc<dyn Compiler> = std::sync::Arc::new(InProcess);
    match inspect(data, &compiler) {
        Ok(inspection) => {
            assert_eq!(inspection.size_bytes, data.len() as u64);
            assert_eq!(inspection.digest.len(), 64);
            assert!(inspection.refusal.is_some() || !inspection.roles.is_empty(), "{inspection:?}");
            assert!(inspection.refusal.is_none_or(|why| !why.is_empty() && why.len() < 64 << 10));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
