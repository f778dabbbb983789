//! The files of the page, as `build.mjs` lists them: it writes this file.

use crate::asset::Asset;

/// The files, in the order of their names.
pub(crate) const FILES: [Asset; 4] = [
    Asset {
        name: "index.html",
        media_type: "text/html; charset=utf-8",
        tag: "\"a92c625a59f2af2d\"",
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
        name: "main-L2FOMARR.js",
        media_type: "text/javascript; charset=utf-8",
        tag: "\"bd929a1a5e5a0c7f\"",
        is_immutable: true,
        content: include_bytes!("../dist/main-L2FOMARR.js"),
    },
    Asset {
        name: "style-5QCUTAGG.css",
        media_type: "text/css; charset=utf-8",
        tag: "\"fd3956aa9e9c1f94\"",
        is_immutable: true,
        content: include_bytes!("../dist/style-5QCUTAGG.css"),
    },
];
