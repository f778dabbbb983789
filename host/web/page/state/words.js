// How values are written: durations, sizes, times, exits.

/** A duration in at most two units: `4 s`, `3 min 20 s`, `5 d 2 h`. */
export function duration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const units = [["d", 86_400], ["h", 3600], ["min", 60], ["s", 1]];
  const first = units.findIndex(([, size]) => seconds >= size);
  if (first < 0) return "0 s";
  const [name, size] = units[first];
  const [next, part] = units[first + 1] ?? ["", 1];
  const rest = Math.floor((seconds % size) / part);
  return next && rest ? `${Math.floor(seconds / size)} ${name} ${rest} ${next}` : `${Math.floor(seconds / size)} ${name}`;
}

/** A delay, with tenths of a second where they matter. */
export const delay = (ms) => (ms < 1000 ? `${ms} ms` : ms < 10_000 ? `${Number((ms / 1000).toFixed(1))} s` : duration(ms));

/** A number of bytes with three digits: `640 B`, `12.4 MiB`. */
export function bytes(count) {
  if (count === null || count === undefined) return "";
  let [value, unit] = [count, 0];
  while (value >= 1000 && unit < 4) [value, unit] = [value / 1024, unit + 1];
  return `${digits(value, unit)} ${["B", "KiB", "MiB", "GiB", "TiB"][unit]}`;
}

const digits = (value, unit) => Number(unit === 0 ? value : value.toPrecision(3));

/** The share of a core: `12.5 %`. */
export function cores(used) {
  return used === null || used === undefined ? "" : `${Number((used * 100).toFixed(used < 0.1 ? 1 : 0))} %`;
}

/** A latency given in nanoseconds. */
export function latency(ns) {
  if (ns >= 1e9) return `${(ns / 1e9).toFixed(2)} s`;
  if (ns >= 1e6) return `${(ns / 1e6).toFixed(1)} ms`;
  return ns >= 1000 ? `${Math.round(ns / 1000)} µs` : `${ns} ns`;
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const calendar = new Intl.DateTimeFormat("en-CA", { year: "numeric", month: "2-digit", day: "2-digit" });

/** The local time of day, with the date unless it is that of `now`. */
export function time(text, now = Date.now()) {
  if (!text) return "";
  const at = new Date(text);
  const day = calendar.format(at);
  return day === calendar.format(new Date(now)) ? clock.format(at) : `${day} ${clock.format(at)}`;
}

/** A sentence of the host, with the times in it as they are shown here. */
export const local = (text) => shown(text).replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (at) => time(at));

/** How an incarnation ended: `code 1`, `SIGKILL`, or the error of the spawn. */
export function exit(exit) {
  if (!exit) return "";
  if (exit.name) return exit.name;
  return exit.code === undefined ? (exit.error ?? (exit.signal ? `signal ${exit.signal}` : "")) : `code ${exit.code}`;
}

/** A name, its count and its plural. */
export const counted = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

/** The escape sequences of terminals, which mean nothing here. */
const ESCAPES = /\u001b(?:\[[0-9;:?<=>]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;

/** Control characters, and those that change the direction of what follows. */
const HIDDEN = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Foreign text as it is shown: without escape sequences, and with a visible sign for each character that has no form. */
export const shown = (text) => text.replace(ESCAPES, "").replace(HIDDEN, "\ufffd");
