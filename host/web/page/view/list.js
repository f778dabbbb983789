// The list of processes as a grid: only the lines that are seen are in the page, however many there are.
import { html } from "htm/preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { now } from "../state/clock.js";
import { ask, askToScale } from "../state/orders.js";
import { go } from "../state/route.js";
import { bytes, cores, counted, duration, exit, local } from "../state/words.js";
import { trendOf, usage } from "../state/world.js";
import { Spark } from "./spark.js";

/** The height of a line in pixels, as in the style. */
const HEIGHT = 28;

/** The lines above and below those that are seen, which are there when they are scrolled into sight. */
const MARGIN = 6;

const COLUMNS = [
  { id: "name", title: "Name" },
  { id: "phase", title: "Phase" },
  { id: "uptime", title: "Uptime" },
  { id: "restarts", title: "Restarts" },
  { id: "cpu", title: "CPU" },
  { id: "memory", title: "Memory" },
  { id: "reason", title: "Reason", unsorted: true },
];

export function List({ lines, target, sort, onSort, onFold, closed }) {
  const scroller = useRef(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const [selected, setSelected] = useState(target);
  const at = lines.findIndex((line) => line.key === selected);

  useLayoutEffect(() => {
    const element = scroller.current;
    const measure = () => setView({ top: element.scrollTop, height: element.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener("scroll", measure, { passive: true });
    measure();
    return () => (observer.disconnect(), element.removeEventListener("scroll", measure));
  }, []);
  useEffect(() => {
    if (target) setSelected(target);
  }, [target]);

  const select = (index) => {
    const line = lines[Math.max(0, Math.min(index, lines.length - 1))];
    if (!line) return;
    setSelected(line.key);
    reveal(scroller.current, lines.indexOf(line));
  };
  const pressed = (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target !== event.currentTarget) return;
    const page = Math.max(1, Math.floor(view.height / HEIGHT) - 2);
    const moves = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: lines.length - 1 };
    if (event.key in moves) select(moves[event.key]);
    else if (!acted(event.key, lines[at], { closed, onFold, select, lines })) return;
    event.preventDefault();
  };

  const first = Math.max(0, Math.floor(view.top / HEIGHT) - MARGIN);
  const last = Math.min(lines.length, Math.ceil((view.top + view.height) / HEIGHT) + MARGIN);
  const isSeen = at >= first && at < last;
  return html`<div class="grid" ref=${scroller} role="treegrid" tabindex="0" aria-label="Processes" aria-rowcount=${lines.length + 1}
    aria-activedescendant=${isSeen ? "selected-line" : undefined} onKeyDown=${pressed}>
    <div role="row" class="line head" aria-rowindex="1">
      ${COLUMNS.map((column) => html`<${Title} key=${column.id} column=${column} sort=${sort} onSort=${onSort} />`)}
    </div>
    <div role="rowgroup" class="lines" style=${{ height: `${lines.length * HEIGHT}px` }}>
      ${lines.slice(first, last).map((line, index) => {
        const common = { key: line.key, line, index: first + index, isSelected: first + index === at, pick: () => (setSelected(line.key), go("processes", line.key)) };
        return line.process
          ? html`<${ProcessLine} ...${common} sample=${usage.value.get(line.key)} />`
          : html`<${GroupLine} ...${common} isClosed=${closed.has(line.group)} onFold=${onFold} />`;
      })}
    </div>
    ${lines.length === 0 && html`<div role="row" class="line none" aria-rowindex="2"><span role="gridcell">No process matches.</span></div>`}
  </div>`;
}

/** Does what a key means for the selected line. Returns false if it means nothing. */
function acted(key, line, { closed, onFold, select, lines }) {
  if (!line) return false;
  const action = { s: "start", x: "stop", r: "restart", K: "signal" }[key];
  if (action) ask(action, line.key, { count: line.members?.length ?? 1 });
  else if (key === "c") askToScale(line.group ?? line.key, (line.members ?? [line.process]).map(({ name }) => name));
  else if (key === "Enter") go("processes", line.key);
  else if (key === "ArrowLeft" && line.group && !closed.has(line.group)) onFold(line.group, true);
  else if (key === "ArrowRight" && line.group && closed.has(line.group)) onFold(line.group, false);
  else if (key === "ArrowLeft" && line.level === 2) select(lines.findIndex((one) => one.group === line.process.group));
  else return false;
  return true;
}

/** Scrolls so that a line is seen below the head. */
function reveal(element, index) {
  const [top, room] = [index * HEIGHT, element.clientHeight - HEIGHT];
  if (top < element.scrollTop) element.scrollTop = top;
  else if (top + HEIGHT > element.scrollTop + room) element.scrollTop = top + HEIGHT - room;
}

function Title({ column, sort, onSort }) {
  if (column.unsorted) return html`<span role="columnheader" class=${`of-${column.id}`}>${column.title}</span>`;
  const isSorted = sort.sort === column.id;
  const direction = isSorted ? (sort.reversed ? "descending" : "ascending") : "none";
  return html`<span role="columnheader" class=${`of-${column.id}`} aria-sort=${direction}>
    <button type="button" onClick=${() => onSort(column.id)}>
      ${column.title}<span aria-hidden="true">${isSorted ? (sort.reversed ? " ▲" : " ▼") : ""}</span>
    </button>
  </span>`;
}

function place(index) {
  return { transform: `translateY(${index * HEIGHT}px)` };
}

function GroupLine({ line, index, isSelected, isClosed, onFold, pick }) {
  const phases = new Map();
  for (const { phase } of line.members) phases.set(phase, (phases.get(phase) ?? 0) + 1);
  return html`<div role="row" class="line group" id=${isSelected ? "selected-line" : undefined} aria-rowindex=${index + 2} aria-level="1"
    aria-expanded=${isClosed ? "false" : "true"} aria-selected=${isSelected ? "true" : "false"} style=${place(index)} onClick=${pick}>
    <span role="gridcell" class="of-name">
      <button type="button" tabindex="-1" class="fold" aria-label=${isClosed ? `Unfold ${line.group}` : `Fold ${line.group}`}
        onClick=${(event) => (event.stopPropagation(), onFold(line.group, !isClosed))}>${isClosed ? "▸" : "▾"}</button>
      ${line.group}
    </span>
    <span role="gridcell" class="of-members">
      ${counted(line.members.length, "process", "processes")}: ${[...phases].sort().map(([phase, count]) => `${count} ${phase}`).join(", ")}
    </span>
  </div>`;
}

const cpu = (point) => point.cpu;
const memory = (point) => point.memory;

function ProcessLine({ line, index, isSelected, sample, pick }) {
  const { process, level } = line;
  const since = process.pid ? process.started_at : null;
  const why = local(reason(process));
  const trend = sample && trendOf(process.name);
  return html`<div role="row" class=${`line level${level}`} id=${isSelected ? "selected-line" : undefined} aria-rowindex=${index + 2} aria-level=${level}
    aria-selected=${isSelected ? "true" : "false"} data-name=${process.name} style=${place(index)} onClick=${pick}>
    <span role="gridcell" class="of-name" title=${process.name}>${process.name}</span>
    <span role="gridcell" class="of-phase"><${Phase} process=${process} /></span>
    <span role="gridcell" class="of-uptime">${since && duration(now.value - Date.parse(since))}</span>
    <span role="gridcell" class="of-restarts">${process.restarts || ""}</span>
    <span role="gridcell" class="of-cpu"><${Spark} trend=${trend} value=${cpu} least=${0.05} />${sample && cores(sample.cpu)}</span>
    <span role="gridcell" class="of-memory"><${Spark} trend=${trend} value=${memory} least=${1} />${sample && bytes(sample.rss_bytes)}</span>
    <span role="gridcell" class="of-reason" title=${why}>${why}</span>
  </div>`;
}

/** The phase in a word, with what it does not say: that the process is not ready yet, or not healthy. */
export function Phase({ process }) {
  const { phase, ready, health } = process;
  const isBad = phase === "running" && (health === "unhealthy" || health === "degraded");
  const more = isBad ? health : phase === "running" && !ready ? "not ready" : "";
  return html`<span class=${`phase ${isBad ? "unwell" : phase}`}>${phase}</span>${more && html`<span class="more"> ${more}</span>`}`;
}

/** Why a process is not simply running: what fails, when it goes on, how it ended. */
export function reason(process) {
  if (process.failing) return process.failing.why;
  if (process.phase === "running") return process.restarts ? process.reason : "";
  const ended = exit(process.exit);
  return ended && !process.reason.includes(ended) ? `${process.reason} (${ended})` : process.reason;
}
