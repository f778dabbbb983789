//! The files of the page, as `build.mjs` lists them: it writes this file.

use crate::asset::Asset;

/// The files, in the order of their names.
pub(crate) const FILES: [Asset; 4] = [
    Asset {
        name: "index.html",
        media_type: "text/html; charset=utf-8",
        tag: "\"f96133d9d11536b2\"",
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
        name: "main-52UOIHKV.js",
        media_type: "text/javascript; charset=utf-8",
        tag: "\"49a2b796ba768f15\"",
        is_immutable: true,
        content: include_bytes!("../dist/main-52UOIHKV.js"),
    },
    Asset {
        name: "style-JKHBDLKN.css",
        media_type: "text/css; charset=utf-8",
        tag: "\"42206b95150e98ac\"",
        is_immutable: true,
        content: include_bytes!("../dist/style-JKHBDLKN.css"),
    },
];
