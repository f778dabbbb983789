// The page as a whole: the token first, then the head with the views, and the keys that work everywhere.
import { html } from "htm/preact";
import { useEffect } from "preact/hooks";

import { leave, token } from "../net/api.js";
import { askToReload, outcome } from "../state/orders.js";
import { go, link, route, VIEWS } from "../state/route.js";
import { connection, host, outdated, processes, watch } from "../state/world.js";
import { help, Help } from "./dialog.js";
import { Events } from "./events.js";
import { Graph } from "./graph.js";
import { Host } from "./host.js";
import { Confirmation } from "./order.js";
import { Plugins } from "./plugins.js";
import { Processes } from "./processes.js";
import { Enter } from "./token.js";

export function App() {
  return token.value ? html`<${Shell} key=${token.value} />` : html`<${Enter} />`;
}

const PANES = { processes: Processes, graph: Graph, events: Events, plugins: Plugins, host: Host };

function Shell() {
  useEffect(watch, []);
  useEffect(() => {
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
  const { view } = route.value;
  useEffect(() => {
    document.title = `${VIEWS[view]} · Provost at ${location.host}`;
  }, [view]);
  const Pane = PANES[view];
  return html`
    <${Head} view=${view} />
    <${Notices} />
    <main class=${`pane ${view}`}><${Pane} /></main>
    <${Outcome} />
    <${Confirmation} />
    <${Help} />
  `;
}

function Head({ view }) {
  return html`<header>
    <h1>Provost</h1>
    <nav aria-label="Views">
      ${Object.entries(VIEWS).map(
        ([name, title]) =>
          html`<a key=${name} href=${link(name)} aria-current=${name === view ? "page" : undefined}>${title}</a>`,
      )}
    </nav>
    <${Counts} />
    <${Connection} />
    <button type="button" class="quiet" onClick=${() => (help.value = true)}>Keys<kbd>?</kbd></button>
    <button type="button" class="quiet" onClick=${() => leave()}>Leave</button>
  </header>`;
}

/** The number of processes in each phase. */
function Counts() {
  const counts = new Map();
  for (const { phase } of processes.value.values()) counts.set(phase, (counts.get(phase) ?? 0) + 1);
  return html`<p class="counts" aria-label="Processes by phase">
    ${[...counts].sort().map(([phase, count]) => html`<span key=${phase} class=${`phase ${phase}`}>${count} ${phase}</span>`)}
  </p>`;
}

const STATES = { connecting: "connecting", live: "live", waiting: "waiting", lost: "no connection" };

function Connection() {
  const { state } = connection.value;
  return html`<p class=${`connection ${state}`} role="status">${STATES[state]}</p>`;
}

/** What a person has to know wherever they are in the page. */
function Notices() {
  const { state, why } = connection.value;
  const degraded = host.value?.degraded ?? [];
  return html`<div class="notices">
    ${state === "lost" && html`<p role="alert" class="notice lost">${why} What is shown is the last known state. Trying again.</p>`}
    ${state === "waiting" && html`<p class="notice">${why} What is shown is the last known state.</p>`}
    ${outdated.value &&
    html`<p class="notice">The host has another version now: <button type="button" onClick=${() => location.reload()}>Load the page again</button></p>`}
    ${degraded.map((lack) => html`<p key=${lack.what} class="notice">The host lacks ${lack.what}: ${lack.reason}</p>`)}
  </div>`;
}

/** What came of the last order. */
function Outcome() {
  const told = outcome.value;
  return html`<div class="outcome" role="status">
    ${told &&
    html`<p class=${told.failed ? "failed" : ""}>
      <span class="told" tabindex="0">${told.text}</span>
      <button type="button" class="quiet" aria-label="Put the message away" onClick=${() => (outcome.value = null)}>×</button>
    </p>`}
  </div>`;
}

/** The keys that work everywhere, except where text is entered. */
function pressed(event) {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") return escaped(event);
  if (event.target.closest?.("input, select, textarea")) return;
  if (event.key === "?") help.value = true;
  else if (event.key === "/") find();
  else if (event.key === "R") askToReload();
  else if (VIEWS_BY_DIGIT[event.key]) go(VIEWS_BY_DIGIT[event.key]);
  else return;
  event.preventDefault();
}

const VIEWS_BY_DIGIT = Object.fromEntries(Object.keys(VIEWS).map((name, index) => [index + 1, name]));

/** Esc closes the detail. In a field, the field has emptied itself before. */
function escaped(event) {
  if (outcome.value) outcome.value = null;
  else if (route.value.target) go(route.value.view);
  else return;
  event.preventDefault();
}

/** Moves the focus to the filter of the view, or to that of the processes. */
function find() {
  const filter = document.querySelector("main input[type=search]");
  if (filter) return filter.select();
  go("processes");
  requestAnimationFrame(() => document.querySelector("main input[type=search]")?.select());
}
