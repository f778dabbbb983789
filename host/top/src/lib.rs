//! The live view in a terminal. Floor 2 of the house: a client of the API, which knows nothing of the host but its wire types.
//!
//! One stream of the host brings the processes that have changed; only what is on the screen is drawn, and only after a change.
//! The view can be slow, suspended or blocked without any effect on the host.
//!
//! | room | owns |
//! |---|---|
//! | `app` | the loop of the view, and the single frame for scripts |
//! | `terminal` | the terminal: raw mode, its restoration, output that never blocks the loop |
//! | `draw` | frames: what is visible of each view, in the room that there is |
//! | `views` | what is shown and selected, and what each action does to it |
//! | `input` | keys and mouse, as one table of actions |
//! | `feed` | the connections to the host: its streams and orders |
//! | `model` | what is known about the host |
//! | `request` | what can be asked of the host |
//! | `failure` | why the view ends |
//! | `words` | the words in which everything is shown, which the program around it brings |

#![forbid(unsafe_code)]

mod app;
mod draw;
mod failure;
mod feed;
mod input;
mod model;
mod request;
mod terminal;
mod views;
mod words;

pub use app::{Frame, Options, once, run};
pub use failure::TopError;
pub use input::View;
pub use words::Words;
