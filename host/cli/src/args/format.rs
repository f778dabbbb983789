//! The output formats of the commands.

use clap::ValueEnum;

/// The output format of a command that prints a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    /// A table that fits the terminal.
    Table,
    /// A table with all columns, however wide it is.
    Wide,
    /// JSON with documented, stable fields.
    Json,
}

/// The output format of a command that prints lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LineFormat {
    /// For people.
    Text,
    /// JSON with documented, stable fields.
    Json,
}

/// The output format of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ViewFormat {
    /// Without terminal control sequences.
    Text,
    /// The bytes as the plugin rendered them.
    Raw,
}

/// The output format of the graph of dependencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// A tree for the terminal.
    Text,
    /// The language of Graphviz.
    Dot,
    /// A picture.
    Svg,
    /// JSON with documented, stable fields.
    Json,
}

/// The output format of what is drawn over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PictureFormat {
    /// For people.
    Text,
    /// JSON with documented, stable fields.
    Json,
    /// A picture.
    Svg,
}
