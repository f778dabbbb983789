// The place in the page, which is the part of the address behind `#`: a link leads to it, and the browser's history knows it.
import { signal } from "@preact/signals";

/** The views by their words in the address. */
export const VIEWS = {
  processes: "Processes",
  graph: "Dependencies",
  events: "Events",
  plugins: "Plugins",
  host: "Host",
};

function read() {
  const [view, ...rest] = location.hash.replace(/^#\/?/, "").split("/");
  let target = "";
  try {
    target = decodeURIComponent(rest.join("/"));
  } catch {
    // A mistyped address has no target.
  }
  return { view: Object.hasOwn(VIEWS, view) ? view : "processes", target };
}

/** The view, and the process or group (`NAME:*`) that is shown in detail. */
export const route = signal(read());

addEventListener("hashchange", () => (route.value = read()));

/** The address of a view or of a target in it. */
export function link(view, target = "") {
  return target ? `#/${view}/${encodeURIComponent(target)}` : `#/${view}`;
}

export function go(view, target = "") {
  location.hash = link(view, target);
}
