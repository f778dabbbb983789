//! The files of the page, as `build.mjs` lists them: it writes this file.

use crate::asset::Asset;

/// The files, in the order of their names.
pub(crate) const FILES: [Asset; 4] = [
    Asset {
        name: "index.html",
        media_type: "text/html; charset=utf-8",
        tag: "\"6a76228c813d5cbe\"",
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
        name: "main-PQPMEVV7.js",
        media_type: "text/javascript; charset=utf-8",
        tag: "\"cd470c106fd44a9e\"",
        is_immutable: true,
        content: include_bytes!("../dist/main-PQPMEVV7.js"),
    },
    Asset {
        name: "style-JKHBDLKN.css",
        media_type: "text/css; charset=utf-8",
        tag: "\"42206b95150e98ac\"",
        is_immutable: true,
        content: include_bytes!("../dist/style-JKHBDLKN.css"),
    },
];
