//! Why a request of a client failed: the code, the sentence and the hint of the API, in the forms that the protocol has for it.

use std::borrow::Cow;

use provost_api::client::{ClientError, Unconnected};
use provost_api::{Error, ErrorCode};
use rmcp::ErrorData;
use rmcp::model::{CallToolResult, ContentBlock};

use crate::caller::Caller;

/// The code of a request for which no host could be reached.
pub(crate) const NO_HOST: &str = "no_host";
/// The code of a request that the host did not answer, or not as a host of this version does.
const NO_ANSWER: &str = "no_answer";
/// The code of a request that the caller may not make.
const FORBIDDEN: &str = "forbidden";

/// A request that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault(pub(crate) Error);

impl Fault {
    fn new(code: ErrorCode, message: String, hint: Option<String>) -> Self {
        Self(Error { code, message, hint })
    }

    /// Refuses arguments that cannot be understood.
    pub(crate) fn bad_request(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(ErrorCode::BadRequest, message.into(), Some(hint.into()))
    }

    /// Reports a result that JSON cannot represent.
    pub(crate) fn defect(error: &serde_json::Error) -> Self {
        Self::bad_request(error.to_string(), "this is a defect of the server")
    }

    /// Refuses a change to a caller that may only read, or that may not make this change.
    pub(crate) fn forbidden(tool: &str, caller: &Caller) -> Self {
        let message = format!("this client may not use the tool `{tool}`, which changes something");
        Self::new(ErrorCode::from(FORBIDDEN), message, Some(caller.wording.allow_hint.to_string()))
    }

    /// Reports something that has no such name.
    pub(crate) fn unknown(code: ErrorCode, message: String, hint: &str) -> Self {
        Self::new(code, message, Some(hint.to_owned()))
    }

    /// Reports a request that took too long.
    pub(crate) fn timed_out(message: String, hint: &str) -> Self {
        Self::new(ErrorCode::Timeout, message, Some(hint.to_owned()))
    }

    /// Returns the fault with the way to start a host, if none could be reached.
    #[must_use]
    pub(crate) fn told_to(self, caller: &Caller) -> Self {
        match self.0.code.as_str() {
            NO_HOST => Self(Error { hint: Some(caller.wording.start_hint.to_string()), ..self.0 }),
            _ => self,
        }
    }

    /// Returns the result of a tool that failed: the error of the API as JSON, which the client shows.
    pub(crate) fn into_result(self) -> CallToolResult {
        let text = serde_json::to_string(&self.0).unwrap_or(self.0.message);
        CallToolResult::error(vec![ContentBlock::text(text)])
    }

    /// Returns the protocol error of a resource that cannot be given.
    pub(crate) fn of_resource(self) -> ErrorData {
        match self.0.code {
            ErrorCode::UnknownProcess => self.to_protocol(ErrorData::resource_not_found),
            _ => self.of_argument(),
        }
    }

    /// Returns the protocol error of another request that cannot be answered.
    pub(crate) fn of_argument(self) -> ErrorData {
        match self.0.code.as_str() {
            NO_HOST | NO_ANSWER => self.to_protocol(ErrorData::internal_error),
            _ => self.to_protocol(ErrorData::invalid_params),
        }
    }

    fn to_protocol(&self, make: fn(Cow<'static, str>, Option<serde_json::Value>) -> ErrorData) -> ErrorData {
        let text = match &self.0.hint {
            Some(hint) => format!("{}; {hint}", self.0.message),
            None => self.0.message.clone(),
        };
        make(text.into(), serde_json::to_value(&self.0).ok())
    }
}

impl From<ClientError> for Fault {
    fn from(error: ClientError) -> Self {
        let message = error.to_string();
        match error {
            ClientError::Refused { error, .. } => Self(error),
            ClientError::Unconnected(Unconnected::Missing(_) | Unconnected::Abandoned(_)) => {
                Self::new(ErrorCode::from(NO_HOST), message, None)
            }
            ClientError::Unconnected(_) => {
                let hint = "`provost status` in a terminal says what to do about the socket".to_owned();
                Self::new(ErrorCode::from(NO_HOST), message, Some(hint))
            }
            ClientError::Silent(_) | ClientError::Broken | ClientError::Protocol(_) => {
                let hint = "try again; `provost status` in a terminal shows whether the host runs".to_owned();
                Self::new(ErrorCode::from(NO_ANSWER), message, Some(hint))
            }
        }
    }
}
