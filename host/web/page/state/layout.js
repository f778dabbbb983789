// The places of processes in the graph of their dependencies: in columns, each to the right of what it depends on.
import { grouped } from "./grouped.js";

/** The size of a box, the room between boxes and columns, and that of an edge that passes a column, in pixels. */
const BOX = { width: 170, height: 34 };
const GAP = { x: 60, y: 12 };
const PASSING = 4;

/** The most columns that an edge passes beside the boxes; a longer one is drawn behind them, because its line would be long, too. */
const PASSED_MAX = 24;

/** How often the order in the columns is improved. */
const SWEEPS = 6;

/**
 * Places `nodes` (`{ name, depends_on: [{ process, condition }] }`). Returns `{ box, width, height, places, needs, edges, alone }`:
 * `places` are the corners of the boxes by name, `edges` are `{ from, to, condition, via, path }` from a dependency to what depends on it,
 * `needs` are the edges to each process, and `alone` are the names without dependencies and dependents, which have no place. `via` are
 * the places where an edge passes the columns between its ends, so that it does not cross the boxes there.
 */
export function layout(nodes) {
  const known = new Map(nodes.map((node) => [node.name, node]));
  const edges = nodes.flatMap(({ name, depends_on: on }) =>
    on.filter(({ process }) => known.has(process)).map(({ process, condition }) => ({ from: process, to: name, condition })),
  );
  const joined = new Set(edges.flatMap(({ from, to }) => [from, to]));
  const names = nodes.map(({ name }) => name);
  const columns = inColumns(names.filter((name) => joined.has(name)), edges);
  const passing = passages(columns, edges);
  const steps = edges.flatMap((edge) => {
    const stops = [edge.from, ...passing.get(edge), edge.to];
    return stops.slice(1).map((stop, at) => [stops[at], stop]);
  });
  const { places, height } = placed(ordered(columns, steps));
  return {
    box: BOX,
    width: Math.max(0, columns.length * (BOX.width + GAP.x) - GAP.x),
    height,
    places: new Map([...places].filter(([stop]) => known.has(stop))),
    needs: grouped(edges, ({ to }) => to),
    edges: edges.map((edge) => {
      const via = passing.get(edge).map((passage) => places.get(passage));
      return { ...edge, via, path: path(places.get(edge.from), via, places.get(edge.to)) };
    }),
    alone: names.filter((name) => !joined.has(name)),
  };
}

/**
 * Adds to the columns where edges pass them, and returns these passages for each edge. Edges of the same kind from the same process
 * pass a column together.
 */
function passages(columns, edges) {
  const column = new Map(columns.flatMap((names, at) => names.map((name) => [name, at])));
  const all = new Map();
  return new Map(edges.map((edge) => {
    const { from, to, condition } = edge;
    const between = [];
    const [first, end] = [column.get(from) + 1, column.get(to)];
    for (let at = first; at < end && end - first <= PASSED_MAX; at += 1) {
      // It has a tab, so that it is the name of no process.
      const key = `${from}\t${condition}\t${at}`;
      if (!all.has(key)) columns[at].push(key);
      all.set(key, true);
      between.push(key);
    }
    return [edge, between];
  }));
}

/** The places of what is in the columns, one below the other. */
function placed(columns) {
  const places = new Map();
  let height = 0;
  for (const [at, column] of columns.entries()) {
    let y = 0;
    for (const stop of column) {
      places.set(stop, { x: at * (BOX.width + GAP.x), y });
      y += (stop.includes("\t") ? PASSING : BOX.height) + GAP.y;
    }
    height = Math.max(height, y - GAP.y);
  }
  return { places, height };
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

/** The same columns, in which each process is as near as possible to the middle of those that it is joined to by steps. */
function ordered(columns, steps) {
  const joined = new Map();
  const join = (one, other) => (joined.has(one) ? joined.get(one).push(other) : joined.set(one, [other]));
  for (const [from, to] of steps) {
    join(from, to);
    join(to, from);
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

/** A line from the right side of a box, through the columns between, to the left side of another box. */
function path(from, via, to) {
  let [x, y] = [from.x + BOX.width, from.y + BOX.height / 2];
  let drawn = `M${x} ${y}`;
  const curveTo = (nextX, nextY) => {
    const bend = Math.max(GAP.x / 2, (nextX - x) / 2);
    drawn += `C${x + bend} ${y} ${nextX - bend} ${nextY} ${nextX} ${nextY}`;
  };
  for (const passage of via) {
    curveTo(passage.x, passage.y + PASSING / 2);
    [x, y] = [passage.x + BOX.width, passage.y + PASSING / 2];
    drawn += `H${x}`;
  }
  curveTo(to.x, to.y + BOX.height / 2);
  return drawn;
}
