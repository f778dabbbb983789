// What the page makes of the messages of a host, without a browser.
import assert from "node:assert/strict";
import { test } from "node:test";

import { messages } from "../../host/web/page/net/sse.js";
import { layout } from "../../host/web/page/state/layout.js";
import { rows } from "../../host/web/page/state/rows.js";
import { spans } from "../../host/web/page/state/spans.js";
import { curve, GAP, learn, SPAN } from "../../host/web/page/state/trends.js";
import { bytes, cores, delay, duration, exit, latency, local, shown } from "../../host/web/page/state/words.js";

/** A response whose body comes in these chunks. */
function response(chunks) {
  const bytes = chunks.map((chunk) => (typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk));
  return { body: new ReadableStream({ start: (to) => (bytes.forEach((chunk) => to.enqueue(chunk)), to.close()) }) };
}

async function received(chunks) {
  const found = [];
  await messages(response(chunks), (id, data) => found.push([id, data]));
  return found;
}

test("messages are found however the stream is cut", async () => {
  const stream = new TextEncoder().encode(':\n\nid: b.1\ndata: {"ä":"€"}\n\n:\n\ndata: 2\n\nid: b.3\ndata: 3\n\nid: b.4\ndata: cut');
  const expected = [["b.1", '{"ä":"€"}'], ["b.1", "2"], ["b.3", "3"]];
  assert.deepEqual(await received([stream]), expected);
  assert.deepEqual(await received([...stream].map((byte) => Uint8Array.of(byte))), expected);
});

const process = (name, group, more = {}) => ({ name, group, phase: "running", ready: true, health: "healthy", reason: "", restarts: 0, pid: 1, started_at: "2026-11-26T12:00:00Z", ...more });
const listed = (...processes) => new Map(processes.map((one) => [one.name, one]));
const plain = { filter: "", sort: "", reversed: false, grouped: true, closed: new Set() };
const keys = (processes, asked, usage = new Map()) => rows(processes, usage, { ...plain, ...asked }).map((line) => line.key);

test("a group stands where its first process does, and the others where they are", () => {
  const all = listed(process("a", null), process("b", "g"), process("c", null), process("d", "g"));
  assert.deepEqual(keys(all, {}), ["a", "g:*", "b", "d", "c"]);
  assert.deepEqual(keys(all, { closed: new Set(["g"]) }), ["a", "g:*", "c"]);
  assert.deepEqual(keys(all, { closed: new Set(["g"]), filter: "b" }), ["g:*", "b"], "what was found is seen");
  assert.deepEqual(keys(all, { grouped: false, reversed: true }), ["d", "c", "b", "a"]);
});

test("each word of the filter has to be in a process", () => {
  const all = listed(process("web.1", "front"), process("web.2", "front", { phase: "backoff" }), process("db", null, { reason: "Exited with code 3" }));
  assert.deepEqual(keys(all, { grouped: false, filter: "WEB backoff" }), ["web.2"]);
  assert.deepEqual(keys(all, { grouped: false, filter: "code 3" }), ["db"]);
  assert.deepEqual(keys(all, { grouped: false, filter: "nothing" }), []);
});

test("a column sorts as people expect, and what has no value comes last", () => {
  const all = listed(process("n10", null), process("n9", null, { restarts: 3 }), process("n1", null, { pid: null }));
  const samples = new Map([["n9", { cpu: 0.5, rss_bytes: 1 }], ["n10", { cpu: 0.1, rss_bytes: 9 }]]);
  const by = (sort, reversed = false) => keys(all, { grouped: false, sort, reversed }, samples);
  assert.deepEqual(by("name"), ["n1", "n9", "n10"]);
  assert.deepEqual(by("name", true), ["n10", "n9", "n1"]);
  assert.deepEqual(by("restarts"), ["n9", "n10", "n1"]);
  assert.deepEqual(by("cpu"), ["n9", "n10", "n1"]);
  assert.deepEqual(by("memory"), ["n10", "n9", "n1"]);
  assert.equal(by("uptime").at(-1), "n1");
});

test("what a process depends on stands to its left", () => {
  const on = (name, ...others) => ({ name, depends_on: others.map((process) => ({ process, condition: "ready" })) });
  const drawn = layout([on("web", "db", "cache"), on("cache"), on("db", "migrate", "gone"), on("migrate"), on("alone")]);
  const x = (name) => drawn.places.get(name).x;
  assert.ok(x("migrate") < x("db") && x("db") < x("web") && x("cache") < x("web"));
  assert.deepEqual([drawn.edges.length, drawn.alone], [3, ["alone"]]);
  const corners = [...drawn.places.values()].map((place) => `${place.x} ${place.y}`);
  assert.equal(new Set(corners).size, corners.length, "no two boxes have the same place");
  assert.deepEqual(layout([]).edges, []);
  assert.equal(layout([on("a", "b"), on("b", "a")]).edges.length, 2, "a circle ends, too");
});

test("an edge passes the columns between its ends beside the boxes there", () => {
  const on = (name, ...others) => ({ name, depends_on: others.map((process) => ({ process, condition: "ready" })) });
  const drawn = layout([on("a"), on("b", "a"), on("b2", "a"), on("c", "b", "b2"), on("d", "c", "a"), on("e", "c", "a")]);
  const long = drawn.edges.filter(({ via }) => via.length);
  assert.deepEqual(long.map(({ from, to, via }) => [from, to, via.length]), [["a", "d", 2], ["a", "e", 2]]);
  assert.deepEqual(long[0].via, long[1].via, "those from the same process pass together");
  for (const { x, y } of long[0].via) {
    const boxes = [...drawn.places.values()].filter((place) => place.x === x);
    assert.ok(boxes.every((place) => y < place.y || y > place.y + drawn.box.height));
  }
  assert.deepEqual([...drawn.places.keys()].toSorted(), ["a", "b", "b2", "c", "d", "e"]);
  const chain = Array.from({ length: 300 }, (_, at) => on(`p${at}`, ...(at ? [`p${at - 1}`, "p0"] : [])));
  assert.ok(layout(chain).edges.every(({ path }) => path.length < 3000), "however long a chain is");
});

test("events become the phases of a process over time", () => {
  const at = (seconds) => new Date(seconds * 1000).toISOString();
  const events = [
    { at: at(10), kind: "exited", before: "running", phase: "exited", incarnation: 1 },
    { at: at(11), kind: "decided", before: "exited", phase: "backoff", incarnation: 1 },
    { at: at(15), kind: "spawned", before: "backoff", phase: "running", incarnation: 2 },
  ];
  const found = (from) => spans(events, { phase: "running", incarnation: 2 }, from, 20).map(({ phase, from, to }) => [phase, from, to]);
  assert.deepEqual(found(5), [["running", 5, 10], ["exited", 10, 11], ["backoff", 11, 15], ["running", 15, 20]]);
  assert.deepEqual(found(12).map(([phase]) => phase), ["backoff", "running"]);
  assert.deepEqual(spans([], { phase: "running", incarnation: 3 }, 0, 9), [{ phase: "running", from: 0, to: 9, incarnation: 3 }], "it has run all the time");
  assert.deepEqual(spans([], undefined, 0, 9), []);
});

const sample = (process, seconds, cpu, incarnation = 1) => ({ process, incarnation, at: new Date(seconds * 1000).toISOString(), cpu, rss_bytes: 100 });

test("a trend has the points of one incarnation in the last minute, each once", () => {
  let trends = new Map();
  const look = (...samples) => (trends = learn(trends, samples));
  const points = (name) => trends.get(name)?.points.map(({ at, cpu }) => [at / 1000, cpu]);
  look(sample("a", 2, 0.5), sample("b", 2, 0.1));
  look(sample("a", 2, 0.5), sample("b", 4, 0.2));
  assert.deepEqual([points("a"), points("b")], [[[2, 0.5]], [[2, 0.1], [4, 0.2]]]);
  look(sample("b", 6, 0.3, 2));
  assert.deepEqual([points("a"), points("b")], [undefined, [[6, 0.3]]], "it is gone, or begins anew");
  for (let second = 8; second < 1000; second += 2) look(sample("b", second, 0, 2));
  assert.equal(points("b").length, SPAN / 2000 + 1);
});

test("a curve ends at the right, has its highest value at the top, and joins nothing across a gap", () => {
  const box = { width: 120, height: 10 };
  const drawn = (...points) => curve(points.map(([seconds, value]) => ({ at: seconds * 1000, value })), (point) => point.value, 1, box);
  assert.equal(drawn([0, 1]), "", "one point is no curve");
  assert.equal(drawn([90, 0], [95, 4], [100, 2]), "M100.0 10.0L110.0 0.0L120.0 5.0");
  assert.equal(drawn([90, 0], [95, 0.5]), "M110.0 10.0L120.0 5.0", "little is not drawn as much");
  assert.equal(drawn([10, 0], [10 + GAP / 1000 + 1, 1]), `M${120 - 2 * (GAP / 1000 + 1)}.0 10.0M120.0 0.0`);
});

test("values are written with units", () => {
  assert.deepEqual([0, 999, 61_000, 3_600_000, 90_061_000].map(duration), ["0 s", "0 s", "1 min 1 s", "1 h", "1 d 1 h"]);
  assert.deepEqual([250, 3899, 61_000].map(delay), ["250 ms", "3.9 s", "1 min 1 s"]);
  assert.deepEqual([0, 640, 1024, 13_002_342, 2 ** 40].map(bytes), ["0 B", "640 B", "1 KiB", "12.4 MiB", "1 TiB"]);
  assert.deepEqual([0, 0.004, 0.5, 2.25].map(cores), ["0 %", "0.4 %", "50 %", "225 %"]);
  assert.deepEqual([12, 4500, 2_500_000, 1_500_000_000].map(latency), ["12 ns", "5 µs", "2.5 ms", "1.50 s"]);
  assert.deepEqual([{ code: 0 }, { signal: 9, name: "SIGKILL" }, { error: "no such file" }, null].map(exit), ["code 0", "SIGKILL", "no such file", ""]);
  assert.match(local("it starts at 2026-11-26T12:11:30.158Z: x"), /^it starts at (\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d: x$/);
});

test("foreign text is shown without what it would do to a terminal or to the line", () => {
  assert.equal(shown("\u001b[1;31mred\u001b[0m and \u001b]0;title\u0007plain"), "red and plain");
  assert.equal(shown("a\u0000b\u202ec\rd"), "a\ufffdb\ufffdc\ufffdd");
  assert.equal(shown("tab\tä €"), "tab\tä €");
});
