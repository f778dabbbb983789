// The processes: the list with its filter, and beside it the detail of the one that is chosen.
import { computed, signal } from "@preact/signals";
import { html } from "htm/preact";

import { go, route } from "../state/route.js";
import { rows } from "../state/rows.js";
import { counted } from "../state/words.js";
import { processes, usage } from "../state/world.js";
import { Detail } from "./detail.js";
import { List } from "./list.js";

const filter = signal("");
const sort = signal({ sort: "", reversed: false });
const grouped = signal(true);
const closed = signal(new Set());

/** The samples are looked at only where the order depends on them. */
const lines = computed(() => {
  const { sort: column, reversed } = sort.value;
  const samples = column === "cpu" || column === "memory" ? usage.value : usage.peek();
  const asked = { filter: filter.value, sort: column, reversed, grouped: grouped.value, closed: closed.value };
  return rows(processes.value, samples, asked);
});

function fold(group, isClosed) {
  const groups = new Set(closed.value);
  if (isClosed) groups.add(group);
  else groups.delete(group);
  closed.value = groups;
}

/** The next order by a column: down, up, and then that of the config. */
function sortBy(column) {
  const now = sort.value;
  if (now.sort !== column) sort.value = { sort: column, reversed: false };
  else if (!now.reversed) sort.value = { sort: column, reversed: true };
  else sort.value = { sort: "", reversed: false };
}

export function Processes() {
  const { target } = route.value;
  return html`
    <section class=${`list ${target ? "beside" : ""}`} aria-label="Processes">
      <${Tools} />
      <${List} lines=${lines.value} target=${target} sort=${sort.value} onSort=${sortBy} onFold=${fold} closed=${closed.value} />
    </section>
    ${target && html`<${Detail} key=${target} target=${target} />`}
  `;
}

function Tools() {
  // Those of a group count also while it is folded.
  const shown = lines.value.reduce((sum, { level, members }) => sum + (level === 1 ? (members?.length ?? 1) : 0), 0);
  const all = processes.value.size;
  const escaped = (event) => {
    if (event.key === "Escape" && filter.value) {
      filter.value = "";
      event.preventDefault();
    } else if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      document.querySelector("[role=treegrid]")?.focus();
    }
  };
  return html`<div class="tools">
    <input type="search" aria-label="Filter the processes" placeholder="Filter by name, group, phase, reason" spellcheck=${false}
      value=${filter.value} onInput=${(event) => (filter.value = event.target.value)} onKeyDown=${escaped} />
    <label><input type="checkbox" checked=${grouped.value} onChange=${(event) => (grouped.value = event.target.checked)} /> Groups</label>
    <p role="status">${shown === all ? counted(all, "process", "processes") : `${shown} of ${counted(all, "process", "processes")}`}</p>
  </div>`;
}

export const open = (key) => go("processes", key);
