// What each process has used lately, for the small curves of the list. It is learnt from the samples that come anyway.

/** The time that a curve shows, and the longest time between two samples that it joins, in milliseconds. */
export const [SPAN, GAP] = [60_000, 10_000];

/**
 * Returns the trends after a look at all processes: the points `{ at, cpu, memory }` of each by its name, the oldest first. Another
 * incarnation begins anew, and a process that is no longer read has no trend.
 */
export function learn(trends, samples) {
  const learnt = new Map();
  for (const { process, incarnation, at, cpu, rss_bytes: memory } of samples) {
    const before = trends.get(process);
    const point = { at: Date.parse(at), cpu, memory };
    const known = before?.incarnation === incarnation ? before.points : [];
    const isNew = !known.length || known.at(-1).at < point.at;
    const points = isNew ? [...known.filter((one) => one.at >= point.at - SPAN), point] : known;
    learnt.set(process, { incarnation, points });
  }
  return learnt;
}

/**
 * The curve of a trend in a box, as the path of an SVG: the latest point is at the right, and the highest value, or `least` if that is
 * more, at the top. It is interrupted where nothing was read, and empty if there are no two points to join.
 */
export function curve(points, value, least, { width, height }) {
  if (points.length < 2) return "";
  const end = points.at(-1).at;
  const most = Math.max(least, ...points.map(value));
  const x = ({ at }) => (width * (1 - (end - at) / SPAN)).toFixed(1);
  const y = (point) => (height * (1 - value(point) / most)).toFixed(1);
  return points.map((point, at) => `${at && point.at - points[at - 1].at <= GAP ? "L" : "M"}${x(point)} ${y(point)}`).join("");
}
