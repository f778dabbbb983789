//! The files of the page, as `build.mjs` lists them: it writes this file.

use crate::asset::Asset;

/// The files, in the order of their names.
pub(crate) const FILES: [Asset; 4] = [
    Asset {
        name: "index.html",
        media_type: "text/html; charset=utf-8",
        tag: "\"003294c86517802c\"",
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
        name: "main-UBLT7LLI.js",
        media_type: "text/javascript; charset=utf-8",
        tag: "\"ca5c6940e19a6ec0\"",
        is_immutable: true,
        content: include_bytes!("../dist/main-UBLT7LLI.js"),
    },
    Asset {
        name: "style-JKHBDLKN.css",
        media_type: "text/css; charset=utf-8",
        tag: "\"42206b95150e98ac\"",
        is_immutable: true,
        content: include_bytes!("../dist/style-JKHBDLKN.css"),
    },
];
