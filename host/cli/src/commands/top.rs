//! `top`: the live view, or one frame of it.

use std::sync::Arc;

use provost_top::{Frame, Options, TopError, View, once, run};

use super::context::Context;
use super::printing::print;
use crate::args::{TopArgs, TopView};
use crate::failure::Failure;
use crate::render::live::Live;

/// The width of a frame where nothing says another one.
const COLUMNS: usize = 80;

/// The largest width of a frame.
const COLUMNS_MAX: usize = 1_000;

pub(super) async fn top(context: &Context, args: TopArgs) -> Result<(), Failure> {
    let TopArgs { targets, view, tree, every, once: is_once, height } = args;
    let view = match view {
        TopView::Processes => View::Processes,
        TopView::Plugins => View::Plugins,
        TopView::State => View::State,
        TopView::Events => View::Events,
    };
    let page = &context.page;
    let options = Options { targets, every_ms: every, colors: page.paint.is_on(), tree, view };
    let words = Live::new(page);
    let client = context.client()?;
    if !is_once {
        return Ok(run(client, Arc::new(words), options).await?);
    }
    let columns = page.columns.unwrap_or(COLUMNS).min(COLUMNS_MAX);
    let size = Frame { columns: u16::try_from(columns).unwrap_or(u16::MAX), rows: height };
    print(once(&client, &words, &options, size).await?)
}

impl From<TopError> for Failure {
    fn from(error: TopError) -> Self {
        match error {
            TopError::NoTerminal => {
                Self::usage(error, "`provost top --once` prints one frame; `provost status` shows the same")
            }
            TopError::Terminal(error) => error.into(),
            TopError::Host(error) => error.into(),
        }
    }
}
