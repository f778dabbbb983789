// What the page knows of the host, taken over from two streams: one of the processes, which brings a change at once, and one of
// what changes without a commit, which the host looks at once in its interval.
import { batch, signal } from "@preact/signals";

import { address, sentence } from "../net/api.js";
import { follow } from "../net/stream.js";

/** The processes by their names, in the order of the config. Each change makes another map. */
export const processes = signal(new Map());

/** The replica counts by the names of their sets. */
export const replicas = signal([]);

/** The host itself; `null` until it is known. */
export const host = signal(null);

/** The last sample of the usage of each process, by its name. */
export const usage = signal(new Map());

/** The generation and the boot of the last status. */
export const moment = signal({ boot: "", generation: 0 });

/** The connection: `connecting`, `live`, or `lost` with the reason. */
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
  const ends = [
    follow(address("v1/status", { parts: "processes", fields: FIELDS.join(","), every_ms: "500" }), {
      receive: (message) => batch(() => takeProcesses(message)),
      opened: () => (connection.value = { state: "live", why: "" }),
      lost: (error) => {
        const why = error ? sentence(error) : "The host has ended the connection.";
        connection.value = { state: "lost", why };
      },
    }),
    follow(address("v1/status", { parts: "replicas,host,usage", every_ms: "2000" }), {
      receive: (message) => batch(() => takeRest(message)),
    }),
  ];
  return () => {
    for (const end of ends) end();
    processes.value = new Map();
    usage.value = new Map();
    replicas.value = [];
    host.value = null;
    connection.value = { state: "connecting", why: "" };
  };
}

function takeProcesses(message) {
  const known = message.whole === false ? new Map(processes.value) : new Map();
  for (const name of message.removed ?? []) known.delete(name);
  for (const process of message.processes ?? []) known.set(process.name, process);
  processes.value = ordered(known);
  moment.value = { boot: message.boot, generation: message.generation };
}

function takeRest(message) {
  if (message.host) {
    host.value = message.host;
    firstVersion ||= message.host.version;
    outdated.value = message.host.version !== firstVersion;
    order = message.order ?? (message.whole === false ? order : null);
    if (message.order) processes.value = ordered(processes.value);
  }
  if (message.replicas) replicas.value = message.replicas;
  if (message.usage) {
    const samples = message.whole === false ? new Map(usage.value) : new Map();
    for (const sample of message.usage) samples.set(sample.process, sample);
    for (const name of message.removed ?? []) samples.delete(name);
    usage.value = samples;
  }
}

/** The processes in the order of the config. A map has the order in which they came, which differs only after a reload. */
function ordered(known) {
  if (!order) return known;
  const places = new Map(order.map((name, place) => [name, place]));
  const place = ([name]) => places.get(name) ?? order.length;
  return new Map([...known].sort((a, b) => place(a) - place(b)));
}
