//! The service on standard input and output: one JSON message per line.

use rmcp::RoleServer;
use rmcp::service::{ServerInitializeError, serve_server};
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::io::stdio_pipes;

use crate::caller::Caller;
use crate::server::Server;

/// The most bytes of one message of a client. A longer one is dropped.
const MESSAGE_BYTES_MAX: usize = 4 << 20;

/// Why the service ended.
#[derive(Debug, thiserror::Error)]
pub enum StdioError {
    /// The client did not begin as one of the protocol.
    #[error("the client does not speak the Model Context Protocol: {0}")]
    NotInitialized(String),
    /// The service has failed.
    #[error("the service has failed: {0}")]
    Failed(String),
}

/// Serves one client on standard input and output until it closes them.
///
/// # Errors
/// [`StdioError`]. A client that closes its side before its first message causes none.
pub async fn serve_stdio(caller: Caller) -> Result<(), StdioError> {
    let (input, output) = stdio_pipes();
    let transport: AsyncRwTransport<RoleServer, _, _> =
        AsyncRwTransport::new(input, output).with_max_line_length(MESSAGE_BYTES_MAX);
    let server = Server::new(Some(caller));
    let running = match serve_server(server, transport).await {
        Ok(running) => running,
        Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(error) => return Err(StdioError::NotInitialized(error.to_string())),
    };
    running.waiting().await.map(|_| ()).map_err(|error| StdioError::Failed(error.to_string()))
}
