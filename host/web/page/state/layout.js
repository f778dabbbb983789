// The places of processes in the graph of their dependencies: in columns, each to the right of what it depends on.
import { grouped } from "./grouped.js";

/** The size of a box, and the room between boxes and columns, in pixels. */
const BOX = { width: 170, height: 34 };
const GAP = { x: 60, y: 12 };

/** How often the order in the columns is improved. */
const SWEEPS = 6;

/**
 * Places `nodes` (`{ name, depends_on: [{ process, condition }] }`). Returns `{ box, width, height, places, needs, edges, alone }`:
 * `places` are the corners of the boxes by name, `edges` are `{ from, to, condition, path }` from a dependency to what depends on it,
 * `needs` are the edges to each process, and `alone` are the names without dependencies and dependents, which have no place.
 */
export function layout(nodes) {
  const known = new Map(nodes.map((node) => [node.name, node]));
  const edges = nodes.flatMap(({ name, depends_on: on }) =>
    on.filter(({ process }) => known.has(process)).map(({ process, condition }) => ({ from: process, to: name, condition })),
  );
  const joined = new Set(edges.flatMap(({ from, to }) => [from, to]));
  const names = nodes.map(({ name }) => name);
  const columns = ordered(inColumns(names.filter((name) => joined.has(name)), edges), edges);
  const places = new Map();
  for (const [x, column] of columns.entries()) {
    for (const [y, name] of column.entries()) {
      places.set(name, { x: x * (BOX.width + GAP.x), y: y * (BOX.height + GAP.y) });
    }
  }
  const tallest = Math.max(0, ...columns.map((column) => column.length));
  return {
    box: BOX,
    width: Math.max(0, columns.length * (BOX.width + GAP.x) - GAP.x),
    height: Math.max(0, tallest * (BOX.height + GAP.y) - GAP.y),
    places,
    needs: grouped(edges, ({ to }) => to),
    edges: edges.map((edge) => ({ ...edge, path: path(places.get(edge.from), places.get(edge.to)) })),
    alone: names.filter((name) => !joined.has(name)),
  };
}

/** The columns: that of a process is one more than the highest of its dependencies. There are no circles. */
function inColumns(names, edges) {
  const on = grouped(edges, ({ to }) => to);
  const depths = new Map();
  const depth = (name, above) => {
    if (depths.has(name)) return depths.get(name);
    // The host refuses a circle; if there is one nevertheless, the page must not hang.
    if (above.has(name)) return 0;
    above.add(name);
    const found = Math.max(0, ...(on.get(name) ?? []).map(({ from }) => depth(from, above) + 1));
    above.delete(name);
    depths.set(name, found);
    return found;
  };
  const columns = [];
  for (const name of names) (columns[depth(name, new Set())] ??= []).push(name);
  return Array.from(columns, (column) => column ?? []);
}

/** The same columns, in which each process is as near as possible to the middle of those that it is joined to. */
function ordered(columns, edges) {
  const joined = new Map();
  for (const { from, to } of edges) {
    for (const [one, other] of [[from, to], [to, from]]) joined.set(one, [...(joined.get(one) ?? []), other]);
  }
  const rank = new Map(columns.flatMap((column) => column.map((name, at) => [name, at])));
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    for (const column of sweep % 2 ? columns.toReversed() : columns) {
      const middle = new Map(column.map((name) => {
        const others = joined.get(name);
        return [name, others.reduce((sum, other) => sum + rank.get(other), 0) / others.length];
      }));
      column.sort((a, b) => middle.get(a) - middle.get(b));
      column.forEach((name, at) => rank.set(name, at));
    }
  }
  return columns;
}

function path(from, to) {
  const [x1, y1] = [from.x + BOX.width, from.y + BOX.height / 2];
  const [x2, y2] = [to.x, to.y + BOX.height / 2];
  const bend = Math.max(GAP.x / 2, (x2 - x1) / 2);
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}
