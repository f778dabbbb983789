// The time line of a process: a bar for each phase, a mark for each decision and each end.
import { html } from "htm/preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { now } from "../state/clock.js";
import { spans } from "../state/spans.js";
import { counted, duration, time } from "../state/words.js";
import { processes } from "../state/world.js";
import { colour, timeAxis, useChart } from "./chart.js";

/** The height of the plot with its axis. */
const HEIGHT = 96;

/** The colours of phases, as named in the style. */
const COLOURS = {
  running: "--good", starting: "--busy", waiting: "--idle", stopping: "--busy", backoff: "--warn", exited: "--idle", stopped: "--idle",
  fatal: "--bad",
};

/** Draws the bars and marks with the canvas of the plot. */
function draw(plot, { events, process }) {
  const { ctx: canvas, bbox } = plot;
  const { min, max } = plot.scales.x;
  const x = (at) => plot.valToPos(Math.max(min, Math.min(at, max)), "x", true);
  const [top, height] = [bbox.top + bbox.height * 0.35, bbox.height * 0.45];
  canvas.save();
  canvas.font = `${11 * devicePixelRatio}px system-ui`;
  canvas.textAlign = "center";
  canvas.textBaseline = "middle";
  for (const span of spans(events, process, min, max)) {
    const down = span.phase === "stopped" || span.phase === "exited";
    canvas.fillStyle = colour(COLOURS[span.phase] ?? "--idle");
    // A phase that was too short to be seen is drawn as wide as a pixel, and what is down is a thin line.
    const width = Math.max(x(span.to) - x(span.from), devicePixelRatio);
    canvas.fillRect(x(span.from), down ? top + height * 0.45 : top, width, down ? height * 0.1 : height);
    // The number of the incarnation, where there is room for it.
    if (span.phase !== "running" || width < 30 * devicePixelRatio) continue;
    canvas.fillStyle = colour("--ground");
    canvas.fillText(String(span.incarnation), x(span.from) + width / 2, top + height / 2);
  }
  for (const event of events) mark(canvas, event, x(Date.parse(event.at) / 1000), bbox, top);
  canvas.restore();
}

/** A triangle above the bar for a decision, and a line below it for an end, which is red if it was a failure. */
function mark(canvas, event, at, bbox, top) {
  const size = 5 * devicePixelRatio;
  if (event.kind === "decided") {
    canvas.fillStyle = colour("--text");
    canvas.beginPath();
    canvas.moveTo(at - size, top - 2.4 * size);
    canvas.lineTo(at + size, top - 2.4 * size);
    canvas.lineTo(at, top - 0.6 * size);
    canvas.fill();
  } else if (event.kind === "exited" || event.kind === "spawn_failed") {
    const isFailure = event.before !== "stopping" && event.exit?.code !== 0;
    canvas.fillStyle = colour(isFailure ? "--bad" : "--text");
    canvas.fillRect(at - devicePixelRatio, bbox.top + bbox.height * 0.85, 2 * devicePixelRatio, bbox.height * 0.15);
  }
}

export function Timeline({ name, events, minutes }) {
  const shown = useRef(null);
  shown.current = { events, process: processes.value.get(name) };
  const [under, setUnder] = useState(null);
  const [element, chart] = useChart(
    () => ({
      height: HEIGHT,
      cursor: { y: false, points: { show: false } },
      legend: { show: false },
      scales: { x: { time: true, auto: false }, y: { auto: false, range: [0, 1] } },
      axes: [timeAxis(), { show: false }],
      series: [{}, { show: true, stroke: "transparent", points: { show: false } }],
      hooks: { draw: [(plot) => draw(plot, shown.current)], setCursor: [(plot) => setUnder(pointed(plot, shown.current))] },
    }),
    [[0, 1], [0, 0]],
  );
  const moment = Math.floor(now.value / 1000);
  useEffect(() => {
    chart.current?.setScale("x", { min: moment - minutes * 60, max: moment });
  }, [moment, minutes, events]);
  const lives = events.filter((event) => event.kind === "spawned").length;
  const decisions = events.filter((event) => event.kind === "decided").length;
  const last = events.at(-1);
  const label = `Time line of ${name}: ${counted(lives, "start")} and ${counted(decisions, "decision")}${last ? `, the last event at ${time(last.at)}` : ""}. The table below says the same.`;
  return html`<div class="timeline">
    <div ref=${element} role="img" aria-label=${label}></div>
    ${under ? html`<p class="legend" aria-hidden="true">${under}</p>` : html`<${Legend} />`}
  </div>`;
}

/** What a process did at the time under the pointer. */
function pointed(plot, { events, process }) {
  const { left } = plot.cursor;
  if (left === undefined || left < 0) return null;
  const [at, { min, max }] = [plot.posToVal(left, "x"), plot.scales.x];
  const span = spans(events, process, min, max).find(({ from, to }) => from <= at && at < to);
  if (!span) return null;
  const { phase, incarnation, from, to } = span;
  return `${phase} from ${time(from * 1000)} for ${duration((to - from) * 1000)}, incarnation ${incarnation}`;
}

function Legend() {
  return html`<ul class="legend" aria-hidden="true">
    <li class="phase running">running</li><li class="phase starting">starting</li><li class="phase backoff">backoff</li>
    <li class="phase fatal">fatal</li><li class="phase stopped">down</li><li>▼ decision</li><li>┃ end</li><li class="end">┃ failure</li>
  </ul>`;
}
