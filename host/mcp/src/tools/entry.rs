//! A tool: what clients are told about it, and the function behind it.

use std::pin::Pin;
use std::sync::Arc;

use rmcp::model::{CallToolResult, JsonObject, Tool, ToolAnnotations};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::schema::{of_input, of_output};
use crate::caller::{Caller, Grant};
use crate::fault::Fault;

/// What a tool does to processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// It reads.
    Reads,
    /// It changes something without ending anything that runs.
    Adds {
        /// Whether another call with the same arguments changes nothing.
        idempotent: bool,
    },
    /// It may end or replace something that runs.
    Destroys {
        /// Whether another call with the same arguments changes nothing.
        idempotent: bool,
    },
}

/// What clients are told about a tool.
#[derive(Clone, Copy, Debug)]
pub(super) struct About {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    /// The least grant of those who may use it.
    grant: Grant,
    effect: Effect,
}

type Answer = Pin<Box<dyn Future<Output = Result<Box<dyn Outcome>, Fault>> + Send>>;

/// The result of a tool, to be serialised once, in the form that the way to the client needs.
trait Outcome: Send {
    fn value(&self) -> serde_json::Result<Value>;
    fn text(&self) -> serde_json::Result<String>;
}

impl<T: Serialize + Send> Outcome for T {
    fn value(&self) -> serde_json::Result<Value> {
        serde_json::to_value(self)
    }

    fn text(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

/// A tool.
pub(crate) struct ToolEntry {
    /// What clients are told about it.
    pub(crate) tool: Tool,
    /// The least grant of those who may use it.
    pub(crate) grant: Grant,
    call: Box<dyn Fn(Caller, JsonObject) -> Answer + Send + Sync>,
}

impl ToolEntry {
    /// Makes a tool of a function from its arguments to its result.
    pub(super) fn new<I, O, F>(
        about: About,
        call: impl Fn(Caller, I) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        I: DeserializeOwned + JsonSchema + Send + 'static,
        O: Serialize + JsonSchema + Send + 'static,
        F: Future<Output = Result<O, Fault>> + Send,
    {
        let call = move |caller: Caller, arguments: JsonObject| -> Answer {
            let call = call.clone();
            Box::pin(async move {
                let result = call(caller, arguments_of::<I>(arguments)?).await?;
                Ok(Box::new(result) as Box<dyn Outcome>)
            })
        };
        Self { tool: about.tool(of_input::<I>(), of_output::<O>()), grant: about.grant, call: Box::new(call) }
    }

    /// Calls the tool for a caller. What goes wrong is in the result.
    pub(crate) async fn call(&self, caller: Caller, arguments: Option<JsonObject>) -> CallToolResult {
        if caller.grant < self.grant {
            return Fault::forbidden(&self.tool.name, &caller).into_result();
        }
        match self.outcome(&caller, arguments, |outcome| outcome.value()).await {
            Ok(value) => CallToolResult::structured(value),
            Err(fault) => fault.into_result(),
        }
    }

    /// Calls a tool that reads, and returns its result as JSON. What goes wrong is another result.
    pub(crate) async fn read(
        &self,
        caller: &Caller,
        arguments: Option<JsonObject>,
    ) -> Result<String, CallToolResult> {
        self.outcome(caller, arguments, |outcome| outcome.text()).await.map_err(Fault::into_result)
    }

    async fn outcome<T>(
        &self,
        caller: &Caller,
        arguments: Option<JsonObject>,
        form: impl FnOnce(&dyn Outcome) -> serde_json::Result<T>,
    ) -> Result<T, Fault> {
        let called = (self.call)(caller.clone(), arguments.unwrap_or_default()).await;
        let formed = called.and_then(|outcome| form(&*outcome).map_err(|error| Fault::defect(&error)));
        formed.map_err(|fault| fault.told_to(caller))
    }
}

impl About {
    /// Describes a tool that reads, which everybody may use.
    pub(super) fn reading(name: &'static str, title: &'static str, description: &'static str) -> Self {
        Self::new(name, title, description, Grant::Read, Effect::Reads)
    }

    pub(super) fn new(
        name: &'static str,
        title: &'static str,
        description: &'static str,
        grant: Grant,
        effect: Effect,
    ) -> Self {
        Self { name, title, description, grant, effect }
    }

    fn tool(self, input: Arc<JsonObject>, output: Arc<JsonObject>) -> Tool {
        let (reads, destroys, idempotent) = match self.effect {
            Effect::Reads => (true, false, true),
            Effect::Adds { idempotent } => (false, false, idempotent),
            Effect::Destroys { idempotent } => (false, true, idempotent),
        };
        let annotations = ToolAnnotations::with_title(self.title)
            .read_only(reads)
            .destructive(destroys)
            .idempotent(idempotent)
            .open_world(false);
        Tool::new(self.name, self.description, input)
            .with_title(self.title)
            .with_raw_output_schema(output)
            .with_annotations(annotations)
    }
}

fn arguments_of<I: DeserializeOwned>(arguments: JsonObject) -> Result<I, Fault> {
    serde_json::from_value(Value::Object(arguments)).map_err(|error| {
        Fault::bad_request(format!("the arguments are wrong: {error}"), "see the input schema of the tool")
    })
}
