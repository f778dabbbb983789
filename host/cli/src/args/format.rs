//! How commands print.

use clap::ValueEnum;

/// How a reading command prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    /// A table that fits the terminal.
    Table,
    /// A table with all columns, however wide it is.
    Wide,
    /// JSON with documented, stable fields.
    Json,
}

/// How a command that prints lines prints them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LineFormat {
    /// For people.
    Text,
    /// JSON with documented, stable fields.
    Json,
}

/// How a view is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ViewFormat {
    /// Without anything that a terminal would obey.
    Text,
    /// The bytes as the plugin rendered them.
    Raw,
}
