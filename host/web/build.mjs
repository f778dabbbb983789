// Builds the page: `node host/web/build.mjs`. It needs the packages of `package.json` in `target/web/node_modules`, which
// `.ci/step web` installs. The files go to `dist/`, their list to `src/files.rs`, and the digest of what they were built from to
// `dist.sources`. With `--check` nothing is written, and the build fails if something committed is different.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "../../target/web/node_modules");
const { build } = createRequire(join(modules, "x.js"))("esbuild");

/** The packages that are part of the page, whose licences have to come with it. */
const PACKAGES = ["@preact/signals", "@preact/signals-core", "htm", "preact", "uplot"];

const MEDIA_TYPES = { css: "text/css; charset=utf-8", html: "text/html; charset=utf-8", js: "text/javascript; charset=utf-8", txt: "text/plain; charset=utf-8" };

const sha256 = (content) => createHash("sha256").update(content).digest("hex");

/** The names of the files below `dir`, relative to it, in the order of the alphabet. */
function names(dir) {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(dir.length + 1))
    .sort();
}

/** Bundles the script and the style, and returns the files by their names. */
async function bundle() {
  const { outputFiles } = await build({
    absWorkingDir: here,
    bundle: true,
    // The names of the sources would otherwise depend on where the project is.
    charset: "utf8",
    entryPoints: { main: "page/main.js", style: "page/style.css" },
    entryNames: "[name]-[hash]",
    format: "esm",
    legalComments: "none",
    logLevel: "warning",
    minify: true,
    nodePaths: [modules],
    outdir: "dist",
    target: "es2022",
    write: false,
  });
  const files = new Map(outputFiles.map((file) => [file.path.slice(here.length + "/dist/".length), Buffer.from(file.contents)]));
  let page = readFileSync(join(here, "page/index.html"), "utf8");
  for (const name of files.keys()) page = page.replace(name.replace(/-[^-]*\./, "."), name);
  files.set("index.html", Buffer.from(page));
  files.set("licenses.txt", Buffer.from(licenses()));
  return new Map([...files].sort());
}

function licenses() {
  const parts = PACKAGES.map((name) => {
    const dir = join(modules, name);
    const { version } = JSON.parse(readFileSync(join(dir, "package.json"), "utf8"));
    const license = readdirSync(dir).find((file) => /^licen[cs]e/i.test(file));
    // The package of the core of signals has the licence of the repository that it shares with its sibling.
    const text = readFileSync(license ? join(dir, license) : join(modules, "@preact/signals/LICENSE"), "utf8");
    return `${name} ${version}\n\n${text.trim()}\n`;
  });
  return `The page contains these packages:\n\n${parts.join(`\n${"-".repeat(72)}\n\n`)}`;
}

/** The list of the files in Rust. */
function list(files) {
  const entries = [...files].map(([name, content]) => {
    const isHashed = /-[A-Z0-9]{8}\./.test(name);
    return `    Asset {
        name: "${name}",
        media_type: "${MEDIA_TYPES[name.split(".").at(-1)]}",
        tag: "\\"${sha256(content).slice(0, 16)}\\"",
        is_immutable: ${isHashed},
        content: include_bytes!("../dist/${name}"),
    },
`;
  });
  return `//! The files of the page, as \`build.mjs\` lists them: it writes this file.

use crate::asset::Asset;

/// The files, in the order of their names.
pub(crate) const FILES: [Asset; ${files.size}] = [
${entries.join("")}];
`;
}

/** The digest of what the page is built from, which \`tests/dist.rs\` makes in the same way. */
function sources() {
  const digest = createHash("sha256");
  const all = ["build.mjs", "package-lock.json", "package.json", ...names(join(here, "page")).map((name) => `page/${name}`)];
  for (const name of all) {
    for (const part of [Buffer.from(name), readFileSync(join(here, name))]) {
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(part.length));
      digest.update(length).update(part);
    }
  }
  return `sha256:${digest.digest("hex")}\n`;
}

const files = await bundle();
const output = new Map([
  ...[...files].map(([name, content]) => [`dist/${name}`, content]),
  ["src/files.rs", Buffer.from(list(files))],
  ["dist.sources", Buffer.from(sources())],
]);
const stale = existsSync(join(here, "dist")) ? names(join(here, "dist")).map((name) => `dist/${name}`).filter((name) => !output.has(name)) : [];

if (process.argv.includes("--check")) {
  const differ = [...output].filter(([name, content]) => !existsSync(join(here, name)) || !content.equals(readFileSync(join(here, name))));
  const wrong = [...differ.map(([name]) => name), ...stale];
  if (wrong.length) {
    console.error(`host/web: ${wrong.join(", ")} differ from what the sources make: run node host/web/build.mjs`);
    process.exit(1);
  }
  console.log(`host/web: ${output.size} files are what the sources make`);
} else {
  for (const name of stale) rmSync(join(here, name));
  for (const [name, content] of output) {
    mkdirSync(dirname(join(here, name)), { recursive: true });
    writeFileSync(join(here, name), content);
  }
  console.log([...files].map(([name, content]) => `${name}: ${content.length} bytes`).join("\n"));
}
