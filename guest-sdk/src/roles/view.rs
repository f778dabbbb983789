//! The trait of a view, and its responses.

use serde::de::DeserializeOwned;

use crate::World;

/// Renders status on request: `provost view NAME [PATH]`, and HTTP. The type is read from the operator's
/// settings, and every call gets a fresh value.
///
/// ```
/// use provost_guest::{Phase, Request, Response, StatusView, World, testing};
///
/// /// Answers with one word that says whether all is well.
/// #[derive(serde::Deserialize)]
/// struct Traffic {}
///
/// impl StatusView for Traffic {
///     fn render(&self, _request: &Request, world: &dyn World) -> Response {
///         let counts = world.counts();
///         Response::of("text/plain", if counts.fatal + counts.backoff == 0 { "green\n" } else { "red\n" })
///     }
/// }
/// provost_guest::export!(Traffic: StatusView);
///
/// let request = Request { path: String::new(), query: String::new() };
/// let world = testing::MadeUpWorld::of([testing::process("web", Phase::Fatal)]);
/// assert_eq!(Traffic {}.render(&request, &world).body, b"red\n");
/// ```
pub trait StatusView: DeserializeOwned {
    /// Checks what serde cannot, such as settings that contradict each other.
    ///
    /// # Errors
    /// Names the field and says what is wrong with it, in words for the operator.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// Renders `world`.
    fn render(&self, request: &Request, world: &dyn World) -> Response;
}

/// The request to a view: a path and a query, which may both be empty.
///
/// ```
/// use provost_guest::testing::{MadeUpWorld, process};
/// use provost_guest::{Phase, Request, Response, World};
///
/// /// Answers with the phase of the process that the path names.
/// fn render(request: &Request, world: &dyn World) -> Response {
///     match world.get(&request.path) {
///         Some(process) if request.query == "why" => Response::of("text/plain", process.reason),
///         Some(process) => Response::of("text/plain", process.phase.name()),
///         None => Response::of("text/plain", "there is no such process").with_status(404),
///     }
/// }
///
/// let world = MadeUpWorld::of([process("web", Phase::Running)]);
/// let ask = |path: &str, query: &str| {
///     render(&Request { path: path.to_owned(), query: query.to_owned() }, &world)
/// };
/// assert_eq!(ask("web", "").body, b"running");
/// assert_eq!(ask("web", "why").body, b"made up");
/// assert_eq!(ask("db", "").status, 404);
/// ```
pub use crate::bindings::renderer::exports::provost::plugin::status_view::Request;

/// The response of a view: a media type, a body and a status code.
///
/// ```
/// use provost_guest::testing::{MadeUpWorld, process};
/// use provost_guest::{Phase, Response, World};
///
/// /// Answers as a load balancer expects it, which reads the status code alone.
/// fn render(world: &dyn World) -> Response {
///     let lost = world.counts().fatal;
///     Response {
///         content_type: "application/json".to_owned(),
///         body: format!(r#"{{"lost":{lost}}}"#).into_bytes(),
///         status: if lost == 0 { 200 } else { 503 },
///     }
/// }
///
/// let response = render(&MadeUpWorld::of([process("web", Phase::Fatal)]));
/// assert_eq!((response.status, response.body.as_slice()), (503, &br#"{"lost":1}"#[..]));
/// ```
pub use crate::bindings::renderer::exports::provost::plugin::status_view::Response;

impl Response {
    /// Creates a response of this media type, with the status code 200.
    pub fn of(content_type: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, content_type: content_type.into(), body: body.into() }
    }

    /// Returns the response with another status code: 200 to 299, or 400 to 599.
    ///
    /// ```
    /// use provost_guest::Response;
    ///
    /// assert_eq!(Response::of("text/plain", "there is no such page").with_status(404).status, 404);
    /// ```
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }
}

/// Implements the generated interface by a [`StatusView`].
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub struct StatusViewExport<V>(core::marker::PhantomData<V>);

#[cfg(target_arch = "wasm32")]
impl<V: StatusView> crate::bindings::renderer::exports::provost::plugin::status_view::Guest
    for StatusViewExport<V>
{
    fn render(request: Request, world: &crate::Snapshot) -> Response {
        crate::log::panics();
        crate::settings::of_this_plugin::<V>(V::check).render(&request, world)
    }
}
