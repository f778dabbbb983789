//! Processes at one generation.

use provost_api::client::{Client, StatusAsked};
use provost_api::{Status, StatusPart};

use crate::fault::Fault;

/// Reads the processes with these names, or all in the order of the config if there are none.
///
/// # Errors
/// [`Fault`] of the API.
pub(crate) async fn read(client: &Client, names: &[String]) -> Result<Status, Fault> {
    let mut parts = vec![StatusPart::Processes];
    if names.is_empty() {
        // It has the order.
        parts.push(StatusPart::Host);
    }
    let asked = StatusAsked { select: names.to_vec(), parts, ..StatusAsked::default() };
    let mut status = client.status_of(&asked).await?;
    status.arrange();
    Ok(status)
}

/// Reads the names of processes, or of all.
///
/// # Errors
/// [`Fault`] of the API.
pub(crate) async fn names(client: &Client, names: &[String]) -> Result<Vec<String>, Fault> {
    let parts = vec![StatusPart::Processes];
    let fields = vec!["name".to_owned()];
    let asked = StatusAsked { select: names.to_vec(), parts, fields, ..StatusAsked::default() };
    Ok(client.status_of(&asked).await?.processes.into_iter().map(|process| process.name).collect())
}
