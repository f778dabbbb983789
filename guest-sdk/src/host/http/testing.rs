//! The requests of native tests, which are recorded instead of sent.
//!
//! ```
//! use provost_guest::http::{HttpError, Request, testing};
//!
//! testing::answer_with(Err(HttpError::Denied));
//! assert_eq!(Request::get("http://127.0.0.1:1/").send(), Err(HttpError::Denied));
//! assert_eq!(testing::sent().len(), 1);
//! ```

use std::cell::RefCell;
use std::collections::VecDeque;

use super::message::{BODY_BYTES_MAX, HttpError, Request, Response};
#[cfg(not(target_arch = "wasm32"))]
use super::url::Destination;

std::thread_local! {
    static SENT: RefCell<Vec<Request>> = const { RefCell::new(Vec::new()) };
    static ANSWERS: RefCell<VecDeque<Result<Response, HttpError>>> = const { RefCell::new(VecDeque::new()) };
}

/// Queues the answer to the next request of this thread; without one, the answer is status 200 and no body.
pub fn answer_with(answer: Result<Response, HttpError>) {
    ANSWERS.with_borrow_mut(|answers| answers.push_back(answer));
}

/// Takes the requests that this thread has sent since the last call.
#[must_use]
pub fn sent() -> Vec<Request> {
    SENT.take()
}

/// Records a request and returns the next answer, of which a body is cut as in the host.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn answer(request: &Request, _destination: &Destination<'_>) -> Result<Response, HttpError> {
    SENT.with_borrow_mut(|sent| sent.push(request.clone()));
    let answer = ANSWERS.with_borrow_mut(VecDeque::pop_front);
    let mut response = answer.unwrap_or(Ok(Response { status: 200, body: Vec::new() }))?;
    response.body.truncate(BODY_BYTES_MAX);
    Ok(response)
}
