//! The files of the page, as `build.mjs` lists them: it writes this file.

use crate::asset::Asset;

/// The files, in the order of their names.
pub(crate) const FILES: [Asset; 4] = [
    Asset {
        name: "index.html",
        media_type: "text/html; charset=utf-8",
        tag: "\"5151421e02e1f257\"",
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
        name: "main-FI54RXHS.js",
        media_type: "text/javascript; charset=utf-8",
        tag: "\"ffd2a6c14a91d06f\"",
        is_immutable: true,
        content: include_bytes!("../dist/main-FI54RXHS.js"),
    },
    Asset {
        name: "style-ARNXRB42.css",
        media_type: "text/css; charset=utf-8",
        tag: "\"8727d7e2511bb9a5\"",
        is_immutable: true,
        content: include_bytes!("../dist/style-ARNXRB42.css"),
    },
];
