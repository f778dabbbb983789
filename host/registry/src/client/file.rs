//! Fetching a file from a server, and its signature from beside it.

use std::error::Error;

use futures_util::TryStreamExt;
use reqwest::{Client, Response, StatusCode};

use super::failed::{FetchError, said, unanswered};
use super::http::{self, Downgrade};
use crate::pulled::Pulled;
use crate::reference::{Url, is_loopback};
use crate::{COMPONENT_BYTES_MAX, SIGNATURE_BYTES_MAX};

/// The ending of a signature, as beside a file on disk.
const SIGNATURE: &str = ".minisig";

/// Fetches a file and its signature, if it has one.
pub(super) async fn pull(url: &Url) -> Result<Pulled, FetchError> {
    let place = Place::of(&url.url);
    let client = http::client(is_loopback(&place.host))?;
    let response = place.answered(place.get(&client, &url.url).await?)?;
    let component = place.body(response, COMPONENT_BYTES_MAX).await?;
    let response = place.get(&client, &signature_url(&url.url)).await?;
    // Servers of files answer in one of these ways.
    let is_missing =
        matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::FORBIDDEN | StatusCode::GONE);
    let signature = match is_missing {
        true => None,
        false => Some(place.body(place.answered(response)?, SIGNATURE_BYTES_MAX as u64).await?),
    };
    // What is not text is no signature, which is said where it is checked.
    let signature = signature.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok(Pulled { manifest: None, component, signature })
}

/// Returns the URL of the signature of a file. A query stays behind it.
fn signature_url(url: &str) -> String {
    match url.split_once('?') {
        Some((path, query)) => format!("{path}{SIGNATURE}?{query}"),
        None => format!("{url}{SIGNATURE}"),
    }
}

/// The server that is asked.
struct Place {
    /// Its host, with a port if the URL has one.
    host: String,
}

impl Place {
    fn of(url: &str) -> Self {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        Self { host: rest.split(['/', '?']).next().unwrap_or_default().to_owned() }
    }

    async fn get(&self, client: &Client, url: &str) -> Result<Response, FetchError> {
        client.get(url).send().await.map_err(|error| self.failed(error))
    }

    fn failed(&self, error: reqwest::Error) -> FetchError {
        let host = self.host.clone();
        if error.is_redirect() && error.source().is_some_and(|source| source.is::<Downgrade>()) {
            return FetchError::Unencrypted { host };
        }
        unanswered(host, error)
    }

    fn answered(&self, response: Response) -> Result<Response, FetchError> {
        let host = self.host.clone();
        match response.status() {
            // Others have a part of the file, or nothing.
            StatusCode::OK => Ok(response),
            StatusCode::NOT_FOUND | StatusCode::GONE => Err(FetchError::NotFound { host }),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(FetchError::Denied { host, has_login: false, helper: None })
            }
            status => Err(FetchError::Status {
                host,
                code: status.as_u16(),
                said: said(status.canonical_reason().unwrap_or_default()),
            }),
        }
    }

    /// Reads a body of at most `most` bytes.
    async fn body(&self, response: Response, most: u64) -> Result<Vec<u8>, FetchError> {
        let mut stream = response.bytes_stream();
        let mut body = Vec::new();
        while let Some(chunk) = stream.try_next().await.map_err(|error| self.failed(error))? {
            if (body.len() + chunk.len()) as u64 > most {
                return Err(FetchError::TooLarge { host: self.host.clone(), most });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_beside_the_file() {
        assert_eq!(signature_url("https://h/a.wasm"), "https://h/a.wasm.minisig");
        assert_eq!(signature_url("https://h/a.wasm?v=1"), "https://h/a.wasm.minisig?v=1");
        assert_eq!(Place::of("https://h:1/a.wasm").host, "h:1");
        assert_eq!(Place::of("https://h?x").host, "h");
    }
}
