//! The files of the page, as `build.mjs` lists them: it writes this file.

use crate::asset::Asset;

/// The files, in the order of their names.
pub(crate) const FILES: [Asset; 4] = [
    Asset {
        name: "index.html",
        media_type: "text/html; charset=utf-8",
        tag: "\"50da53bf7752b45e\"",
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
        name: "main-B3ERB64V.js",
        media_type: "text/javascript; charset=utf-8",
        tag: "\"293b41f9da3ed7f0\"",
        is_immutable: true,
        content: include_bytes!("../dist/main-B3ERB64V.js"),
    },
    Asset {
        name: "style-ARNXRB42.css",
        media_type: "text/css; charset=utf-8",
        tag: "\"8727d7e2511bb9a5\"",
        is_immutable: true,
        content: include_bytes!("../dist/style-ARNXRB42.css"),
    },
];
