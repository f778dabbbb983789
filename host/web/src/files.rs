//! The files of the page, as `build.mjs` lists them: it writes this file.

use crate::asset::Asset;

/// The files, in the order of their names.
pub(crate) const FILES: [Asset; 4] = [
    Asset {
        name: "index.html",
        media_type: "text/html; charset=utf-8",
        tag: "\"f8e2a566950ef36d\"",
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
        name: "main-GGWTNAQY.js",
        media_type: "text/javascript; charset=utf-8",
        tag: "\"f964b05d2d1d2263\"",
        is_immutable: true,
        content: include_bytes!("../dist/main-GGWTNAQY.js"),
    },
    Asset {
        name: "style-5WZBACDR.css",
        media_type: "text/css; charset=utf-8",
        tag: "\"929da26fbbf316c2\"",
        is_immutable: true,
        content: include_bytes!("../dist/style-5WZBACDR.css"),
    },
];
