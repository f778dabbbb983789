// The graph of dependencies: what a process waits for stands to its left.
import { html } from "htm/preact";
import { useEffect, useMemo, useState } from "preact/hooks";

import { get, Problem, sentence } from "../net/api.js";
import { layout } from "../state/layout.js";
import { go, link, route } from "../state/route.js";
import { counted } from "../state/words.js";
import { host, moment, processes } from "../state/world.js";

/** The names without dependencies that are listed. */
const LISTED = 200;

export function Graph() {
  const [nodes, setNodes] = useState(null);
  const [why, setWhy] = useState("");
  // Dependencies change with the config, and a host that was started again may have another one.
  const edition = `${moment.value.boot} ${host.value?.config_loaded_at} ${processes.value.size}`;
  useEffect(() => {
    const stop = new AbortController();
    get("v1/dependencies", { signal: stop.signal })
      .then((answer) => (setNodes(answer.processes), setWhy("")))
      .catch((error) => error instanceof Problem && setWhy(sentence(error)));
    return () => stop.abort();
  }, [edition]);
  const drawn = useMemo(() => nodes && layout(nodes), [nodes]);
  return html`<section aria-labelledby="graph">
    <h2 id="graph">Dependencies</h2>
    ${why && html`<p role="alert" class="failed">${why}</p>`}
    ${drawn?.edges.length > 0 && html`<${Drawing} drawn=${drawn} />`}
    ${drawn?.alone.length > 0 && html`<${Alone} names=${drawn.alone} all=${nodes.length} />`}
  </section>`;
}

function Drawing({ drawn }) {
  const { width, height, places, needs, edges, box } = drawn;
  const { target } = route.value;
  const [near, setNear] = useState("");
  return html`
    <p>A process starts when those to its left that it is joined to are <span class="edge-ready">ready</span>,
      ${" "}<span class="edge-started">started</span> (dotted) or <span class="edge-completed">completed</span> (dashed).</p>
    <div class="scroll drawing" tabindex="0" role="region" aria-label="Graph of the dependencies">
      <svg width=${width + 4} height=${height + 4} viewBox=${`-2 -2 ${width + 4} ${height + 4}`} role="group" aria-label=${`${counted(places.size, "process", "processes")} and ${counted(edges.length, "dependency", "dependencies")}`}>
        <g fill="none">
          ${edges.map(({ from, to, condition, path }) => html`<path key=${`${from} ${to}`} d=${path}
            class=${`edge ${condition} ${near === from || near === to ? "near" : ""}`} />`)}
        </g>
        ${[...places].map(([name, { x, y }]) => {
          const phase = processes.value.get(name)?.phase ?? "";
          const on = (needs.get(name) ?? []).map((edge) => `${edge.from} ${edge.condition}`);
          return html`<a key=${name} href=${link("processes", name)} class=${`node ${phase} ${target === name ? "target" : ""}`}
            onMouseEnter=${() => setNear(name)} onMouseLeave=${() => setNear("")} onFocus=${() => setNear(name)} onBlur=${() => setNear("")}
            onClick=${(event) => (event.preventDefault(), go("processes", name))}>
            ${on.length > 0 && html`<desc>needs ${on.join(", ")}</desc>`}
            <rect x=${x} y=${y} width=${box.width} height=${box.height} rx="4" />
            <rect class="side" x=${x} y=${y} width="5" height=${box.height} rx="2" />
            <text x=${x + 13} y=${y + 14}>${short(name)}</text>${" "}
            <text class="faint" x=${x + 13} y=${y + 28}>${phase}</text>
          </a>`;
        })}
      </svg>
    </div>
  `;
}

/** A name that fits into a box. */
const short = (name) => (name.length > 22 ? `${name.slice(0, 21)}…` : name);

function Alone({ names, all }) {
  const title = names.length === all ? "No process depends on another one" : `Without dependencies: ${counted(names.length, "process", "processes")}`;
  return html`<h3>${title}</h3>
    <ul class="members">
      ${names.slice(0, LISTED).map((name) => html`<li key=${name}><a href=${link("processes", name)}>${name}</a></li>`)}
      ${names.length > LISTED && html`<li>and ${counted(names.length - LISTED, "other")}</li>`}
    </ul>`;
}
