//! The requests of a component, sent through the interfaces of WASI that its grant links.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{ErrorCode, Fields, IncomingBody, Method, OutgoingBody, OutgoingRequest, Scheme};
use wasip2::io::streams::StreamError;

use super::message::{BODY_BYTES_MAX, HttpError, Request, Response};
use super::url::Destination;

/// The maximum that `blocking-write-and-flush` accepts in one call, in bytes.
const WRITE_BYTES_MAX: usize = 4096;

fn failed(what: &str) -> HttpError {
    HttpError::Failed(what.to_owned())
}

fn lost(code: &ErrorCode) -> HttpError {
    match code {
        ErrorCode::HttpRequestDenied => HttpError::Denied,
        other => HttpError::Failed(words(&format!("{other:?}"))),
    }
}

/// Returns the name of an error code in words: `connection refused` for `ErrorCode::ConnectionRefused`.
fn words(code: &str) -> String {
    let mut words = String::new();
    for letter in code.trim_start_matches("ErrorCode::").chars() {
        if letter.is_ascii_uppercase() && words.ends_with(|c: char| c.is_ascii_lowercase()) {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

/// Sends a request and waits for its response.
pub(super) fn send(request: &Request, destination: &Destination<'_>) -> Result<Response, HttpError> {
    let outgoing = outgoing(request, destination)?;
    let body = outgoing.body().map_err(|()| failed("the request body cannot be opened"))?;
    let coming = outgoing_handler::handle(outgoing, None).map_err(|code| lost(&code))?;
    // The response explains a failure better than an error of the write does, so it is read first.
    let written = write(body, &request.body);
    coming.subscribe().block();
    let response = coming.get().and_then(Result::ok).ok_or_else(|| failed("there was no response"))?;
    let response = response.map_err(|code| lost(&code))?;
    written?;
    let status = response.status();
    let body = response.consume().map_err(|()| failed("the response has no body"))?;
    Ok(Response { status, body: read(&body)? })
}

fn outgoing(request: &Request, destination: &Destination<'_>) -> Result<OutgoingRequest, HttpError> {
    let length = ("content-length".to_owned(), request.body.len().to_string());
    let headers: Vec<(String, Vec<u8>)> = request
        .headers
        .iter()
        .chain([&length])
        .map(|(name, value)| (name.clone(), value.clone().into_bytes()))
        .collect();
    let headers = Fields::from_list(&headers)
        .map_err(|error| HttpError::Failed(format!("a header is invalid: {error:?}")))?;
    let outgoing = OutgoingRequest::new(headers);
    let method = match request.method.as_str() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        other => Method::Other(other.to_owned()),
    };
    let scheme = if destination.tls { Scheme::Https } else { Scheme::Http };
    // A URL may have a query and no path, and a request may not.
    let root = if destination.path.starts_with('/') { "" } else { "/" };
    let path = [root, destination.path].concat();
    outgoing
        .set_method(&method)
        .and_then(|()| outgoing.set_scheme(Some(&scheme)))
        .and_then(|()| outgoing.set_authority(Some(destination.authority)))
        .and_then(|()| outgoing.set_path_with_query(Some(&path)))
        .map_err(|()| HttpError::Url(request.url.clone()))?;
    Ok(outgoing)
}

fn write(body: OutgoingBody, bytes: &[u8]) -> Result<(), HttpError> {
    let stream = body.write().map_err(|()| failed("the request body cannot be written"))?;
    for part in bytes.chunks(WRITE_BYTES_MAX) {
        stream.blocking_write_and_flush(part).map_err(|_| failed("the request body was not accepted"))?;
    }
    // The stream is a child of the body, which can only be finished once the stream is dropped.
    drop(stream);
    OutgoingBody::finish(body, None).map_err(|code| lost(&code))
}

fn read(body: &IncomingBody) -> Result<Vec<u8>, HttpError> {
    let stream = body.stream().map_err(|()| failed("the response cannot be read"))?;
    let mut bytes = Vec::new();
    loop {
        let room = BODY_BYTES_MAX.saturating_sub(bytes.len()) as u64;
        match stream.blocking_read(room.clamp(1, 64 << 10)) {
            Ok(_) if room == 0 => return Ok(bytes),
            Ok(part) => bytes.extend(part),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(_)) => return Err(failed("the response was interrupted")),
        }
    }
}
