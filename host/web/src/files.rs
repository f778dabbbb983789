//! The files of the page, as `build.mjs` lists them: it writes this file.

use crate::asset::Asset;

/// The files, in the order of their names.
pub(crate) const FILES: [Asset; 4] = [
    Asset {
        name: "index.html",
        media_type: "text/html; charset=utf-8",
        tag: "\"01f0a8f7870f9640\"",
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
        name: "main-YSFJODHH.js",
        media_type: "text/javascript; charset=utf-8",
        tag: "\"0821b6b2c1b8c37e\"",
        is_immutable: true,
        content: include_bytes!("../dist/main-YSFJODHH.js"),
    },
    Asset {
        name: "style-SG6FBZOV.css",
        media_type: "text/css; charset=utf-8",
        tag: "\"ee960e5000a6e65d\"",
        is_immutable: true,
        content: include_bytes!("../dist/style-SG6FBZOV.css"),
    },
];
