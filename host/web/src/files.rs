//! The files of the page, as `build.mjs` lists them: it writes this file.

use crate::asset::Asset;

/// The files, in the order of their names.
pub(crate) const FILES: [Asset; 4] = [
    Asset {
        name: "index.html",
        media_type: "text/html; charset=utf-8",
        tag: "\"123c734c7beca2c8\"",
        is_immutable: false,
        content: include_bytes!("../dist/index.html"),
    },
    Asset {
        name: "licenses.txt",
        media_type: "text/plain; charset=utf-8",
        tag: "\"effbd2a0f9c10d01\"",
        is_immutable: false,
        content: include_bytes!("../dist/licenses.txt"),
    },
    Asset {
        name: "main-VMB3GC4L.js",
        media_type: "text/javascript; charset=utf-8",
        tag: "\"f427cd0f8de8a150\"",
        is_immutable: true,
        content: include_bytes!("../dist/main-VMB3GC4L.js"),
    },
    Asset {
        name: "style-Y2XWARG2.css",
        media_type: "text/css; charset=utf-8",
        tag: "\"24c9bba123635146\"",
        is_immutable: true,
        content: include_bytes!("../dist/style-Y2XWARG2.css"),
    },
];
