// The lines of the list: which processes are shown, in which order, below which groups.
import { grouped } from "./grouped.js";

/** What a column is sorted by. Numbers are compared as numbers, and what has no value comes last. */
export const SORTS = {
  name: (process) => process.name,
  phase: (process) => PHASES.indexOf(process.phase),
  uptime: (process) => (process.pid && process.started_at ? -Date.parse(process.started_at) : null),
  restarts: (process) => -process.restarts,
  cpu: (_, sample) => (sample ? -(sample.cpu ?? 0) : null),
  memory: (_, sample) => (sample ? -(sample.rss_bytes ?? 0) : null),
};

/** The phases, from what needs attention to what does not. */
const PHASES = ["fatal", "backoff", "stopping", "starting", "waiting", "exited", "stopped", "running"];

/** Whether a process has every word of the filter in its name, its group, its phase, its health or its reason. */
function matches(process, words) {
  if (!words.length) return true;
  const ready = process.ready ? "ready" : "unready";
  const text = `${process.name} ${process.group ?? ""} ${process.phase} ${ready} ${process.health} ${process.reason}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

/**
 * The lines for the processes: `{ key, group, members }` opens a group and `{ key, process, level }` is a process.
 *
 * `asked` has `filter`, `sort` (a column, or empty for the order of the config), `reversed`, `grouped`, and `closed`, the set of
 * the groups that are not unfolded.
 */
export function rows(processes, usage, asked) {
  const words = asked.filter.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = [...processes.values()].filter((process) => matches(process, words));
  sort(shown, usage, asked);
  if (!asked.grouped) return shown.map((process) => ({ key: process.name, process, level: 1 }));
  const lines = [];
  const blocks = grouped(shown, ({ group, name }) => (group === null ? name : `${group}:*`));
  // The processes of a group stand where the first of them would.
  for (const members of blocks.values()) {
    const { group } = members[0];
    if (group) lines.push({ key: `${group}:*`, group, members, level: 1 });
    if (group && asked.closed.has(group) && !words.length) continue;
    const level = group ? 2 : 1;
    lines.push(...members.map((process) => ({ key: process.name, process, level })));
  }
  return lines;
}

function sort(shown, usage, { sort, reversed }) {
  const key = SORTS[sort];
  if (key) {
    const keys = new Map(shown.map((process) => [process, key(process, usage.get(process.name))]));
    shown.sort((a, b) => compare(keys.get(a), keys.get(b)));
  }
  if (reversed) shown.reverse();
}

const collator = new Intl.Collator("en", { numeric: true });

function compare(a, b) {
  if (a === null || b === null) return (a === null) - (b === null);
  return typeof a === "string" ? collator.compare(a, b) : a - b;
}
