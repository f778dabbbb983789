//! A plugin as a view: a fresh instance per rendering.

use std::sync::Arc;

use provost_state::{Fault, FaultKind, Snapshot, View, ViewRequest, ViewResponse};

use crate::fault;
use crate::limits::{Limit, size};
use crate::plugin::Plugin;

/// The longest media type, in bytes.
const CONTENT_TYPE_BYTES_MAX: usize = 255;

/// Renders status through a component, or answers every request with the reason for which that was refused.
#[derive(Debug)]
pub(crate) struct PluginView(pub(crate) Arc<Plugin>);

/// Can it be passed on? A content type ends up in an HTTP header.
pub(crate) fn check(response: ViewResponse, body_bytes_max: usize) -> Result<ViewResponse, Fault> {
    let media_type = &response.content_type;
    let printable = media_type.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if !media_type.contains('/') || !printable || media_type.len() > CONTENT_TYPE_BYTES_MAX {
        let message = format!("answered with a content type that is no media type: {media_type:?}");
        return Err(fault::fault(FaultKind::Answer, &message));
    }
    if response.body.len() > body_bytes_max {
        let message = format!(
            "answered with {} bytes and may answer with {} (limits.{})",
            response.body.len(),
            size(body_bytes_max),
            Limit::Answer.name()
        );
        return Err(fault::fault(FaultKind::Answer, &message));
    }
    Ok(response)
}

impl View for PluginView {
    fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    fn render(&self, request: &ViewRequest, world: &Arc<Snapshot>) -> Result<ViewResponse, Fault> {
        self.0.ask(request, world, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(content_type: &str, body: usize) -> ViewResponse {
        ViewResponse { content_type: content_type.to_owned(), body: vec![0; body] }
    }

    #[test]
    fn a_content_type_that_would_break_a_header_is_refused() {
        let good = response("text/plain; charset=utf-8", 1);
        assert_eq!(check(good.clone(), 10), Ok(good));
        for bad in ["", "text", "text/plain\r\nx-evil: 1", "text/ä"] {
            assert_eq!(check(response(bad, 1), 10).unwrap_err().kind, FaultKind::Answer, "{bad:?}");
        }
    }

    #[test]
    fn a_body_beyond_its_limit_is_refused_with_the_limit() {
        let fault = check(response("text/plain", 1025), 1024).unwrap_err();
        assert_eq!(&*fault.message, "answered with 1025 bytes and may answer with 1 KiB (limits.answer)");
    }
}
