// What the page knows of the host, taken over from one stream of its status. Its windows share a few streams, so each one is one that
// another window cannot have.
import { batch, signal } from "@preact/signals";

import { address, sentence } from "../net/api.js";
import { WAITING } from "../net/places.js";
import { follow } from "../net/stream.js";
import { learn } from "./trends.js";

/** The processes by their names, in the order of the config. Each change makes another map. */
export const processes = signal(new Map());

/** The replica counts by the names of their sets. */
export const replicas = signal([]);

/** The sets of replicas that have one of these processes. */
export function setsOf(names) {
  return replicas.value.filter((set) => names.some((name) => name.startsWith(`${set.name}.`) && /^\d+$/.test(name.slice(set.name.length + 1))));
}

/** The host itself; `null` until it is known. */
export const host = signal(null);

/** The last sample of the usage of each process that has a child, by its name. */
export const usage = signal(new Map());

/** What the processes have used lately, by their names; it changes with `usage`. */
let trends = new Map();

export const trendOf = (name) => trends.get(name);

/** The last sample of the usage of the host itself; `null` until it is known. */
export const hostUsage = signal(null);

/** The generation and the boot of the last status. */
export const moment = signal({ boot: "", generation: 0 });

/** The connection: `connecting`, `live`, or `waiting` or `lost` with the reason. */
export const connection = signal({ state: "connecting", why: "" });

/** The version of the host that the page was loaded from, which may be another one after a restart. */
let firstVersion = "";

/** Whether the host has another version than at first, so that the page should be loaded again. */
export const outdated = signal(false);

/** The columns of the list and what a line of it needs. */
const FIELDS = [
  "name", "type", "group", "phase", "desired", "pid", "incarnation", "version", "restarts", "ready", "health", "failing", "exit",
  "reason", "started_at", "ended_at", "next_action_at",
];

let order = null;

/** Follows the host until the returned function is called. */
export function watch() {
  const asked = { parts: "processes,replicas,host,usage", fields: FIELDS.join(","), every_ms: "500" };
  const end = follow(address("v1/status", asked), {
    receive: (message) => batch(() => take(message)),
    opened: () => (connection.value = { state: "live", why: "" }),
    waits: () => (connection.value = { state: "waiting", why: WAITING }),
    lost(error) {
      const why = error ? sentence(error) : "The host has ended the connection.";
      connection.value = { state: "lost", why };
    },
  });
  return () => {
    end();
    batch(() => take({ whole: true, host: null, replicas: [], usage: [] }));
    connection.value = { state: "connecting", why: "" };
  };
}

/** Takes over a message of the stream. What it does not have has not changed, unless it is a whole one. */
function take(message) {
  const isWhole = message.whole !== false;
  // Another host may count incarnations from the beginning.
  if (message.boot !== moment.value.boot) trends = new Map();
  if (message.host !== undefined) takeHost(message.host);
  order = message.order ?? (isWhole ? null : order);
  if (isWhole || message.removed?.length || message.processes?.length || message.order) takeProcesses(message, isWhole);
  if (message.replicas) replicas.value = message.replicas;
  if (message.usage) {
    const ofProcesses = message.usage.filter((sample) => !sample.host);
    trends = learn(trends, ofProcesses);
    usage.value = new Map(ofProcesses.map((sample) => [sample.process, sample]));
    hostUsage.value = message.usage.find((sample) => sample.host) ?? null;
  }
  moment.value = { boot: message.boot ?? "", generation: message.generation ?? 0 };
}

function takeProcesses(message, isWhole) {
  const known = new Map(isWhole ? [] : processes.value);
  for (const name of message.removed ?? []) known.delete(name);
  for (const process of message.processes ?? []) known.set(process.name, process);
  processes.value = ordered(known);
}

function takeHost(known) {
  host.value = known;
  if (!known) return;
  firstVersion ||= known.version;
  outdated.value = known.version !== firstVersion;
}

/** The processes in the order of the config. A map has the order in which they came, which differs only after a reload. */
function ordered(known) {
  if (!order) return known;
  const places = new Map(order.map((name, place) => [name, place]));
  const place = ([name]) => places.get(name) ?? order.length;
  return new Map([...known].sort((a, b) => place(a) - place(b)));
}
