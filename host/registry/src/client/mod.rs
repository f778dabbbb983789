//! Speaking to registries and servers. Every exchange has a time limit, and what is passing is tried again after a pause.
//!
//! | room | owns |
//! |---|---|
//! | `artifact` | pulling from registries and pushing to them |
//! | `file` | fetching a file from a server |
//! | `http` | the client of HTTP, its encryption and its bounds |
//! | `credentials` | the credentials for registries |
//! | `failed` | why nothing was fetched |

mod artifact;
mod credentials;
mod failed;
mod file;
mod http;

use std::time::Duration;

use bytes::Bytes;

pub use artifact::About;
pub use failed::FetchError;

use crate::digest::Digest;
use crate::pulled::Pulled;
use crate::reference::Reference;

/// The pauses before the second and the third try.
const PAUSES: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(1_500)];

/// Pulls a component, within `most` in all. What it returns is what the reference means, if that has a digest.
///
/// # Errors
/// [`FetchError`].
pub fn pull(reference: &Reference, most: Duration) -> Result<Pulled, FetchError> {
    http::install();
    run(most, async {
        let pulled = again(|| async {
            match reference {
                Reference::Registry(artifact) => artifact::pull(artifact).await,
                Reference::Url(url) => file::pull(url).await,
            }
        });
        let pulled = pulled.await?;
        pulled.check(reference)?;
        Ok(pulled)
    })
}

/// Pushes a component to a registry under the tag of the reference, within `most` in all, and returns the digest of its
/// manifest.
///
/// # Errors
/// [`FetchError`].
pub fn push(
    reference: &Reference,
    component: Vec<u8>,
    signature: Option<&str>,
    about: &About,
    most: Duration,
) -> Result<Digest, FetchError> {
    let Reference::Registry(artifact) = reference else { return Err(FetchError::NoRegistry) };
    http::install();
    let component = &Bytes::from(component);
    run(most, again(|| artifact::push(artifact, component, signature, about)))
}

/// Runs a task on a runtime of its own. A lookup of a name that hangs does not keep it from returning.
fn run<T>(most: Duration, task: impl Future<Output = Result<T, FetchError>>) -> Result<T, FetchError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| FetchError::Client(error.to_string()))?;
    let done = runtime.block_on(async { tokio::time::timeout(most, task).await });
    runtime.shutdown_background();
    done.unwrap_or(Err(FetchError::TooSlow(most)))
}

/// Tries again what may work the next time.
async fn again<T, F: Future<Output = Result<T, FetchError>>>(
    mut once: impl FnMut() -> F,
) -> Result<T, FetchError> {
    for pause in PAUSES {
        match once().await {
            Err(error) if error.is_passing() => tokio::time::sleep(pause).await,
            done => return done,
        }
    }
    once().await
}
