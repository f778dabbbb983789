// What a process uses: the last sample, and the history of CPU and memory as plots.
import { html } from "htm/preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { address, get } from "../net/api.js";
import { bytes, cores, time } from "../state/words.js";
import { moment, usage } from "../state/world.js";
import { axis, colour, timeAxis, useChart } from "./chart.js";

/** The points of a plot that are kept: more than the hour that the host remembers. */
const KEPT = 2000;

/** The distances between ticks: of shares of a core, and of bytes. */
const SHARES = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100];
const POWERS = Array.from({ length: 45 }, (_, power) => 2 ** power);

export function Usage({ name }) {
  const sample = usage.value.get(name);
  const points = usePoints(name, sample);
  if (!sample && !points.length) return null;
  const last = sample ?? points.at(-1);
  const figures = [
    ["CPU", cores(last.cpu)],
    ["Memory (RSS)", bytes(last.rss_bytes)],
    ["Memory (PSS)", bytes(last.pss_bytes)],
    ["Descriptors", last.fds],
    ["Threads", last.threads],
    ["Members", last.members],
  ];
  return html`<section class="usage" aria-labelledby="usage">
    <h3 id="usage">Usage</h3>
    <dl class="facts">${figures.filter(([, value]) => value || value === 0).map(([key, value]) => html`<div key=${key}><dt>${key}</dt><dd>${value}</dd></div>`)}</dl>
    ${points.length > 1 &&
    html`<div class="plots">
      <${Plot} title="CPU" points=${points} value=${(point) => point.cpu} text=${cores} steps=${SHARES} stroke="--cpu" />
      <${Plot} title="Memory" points=${points} value=${(point) => point.rss_bytes} text=${bytes} steps=${POWERS} stroke="--memory" />
    </div>`}
  </section>`;
}

/** The history that the host remembers, and the samples that have come since. */
function usePoints(name, sample) {
  const [points, setPoints] = useState([]);
  const { boot } = moment.value;
  useEffect(() => {
    const stop = new AbortController();
    get(address("v1/usage", { select: name, history: "1" }), { signal: stop.signal })
      .then((answer) => {
        const past = answer.usage.find((one) => one.process === name)?.history ?? [];
        setPoints((now) => [...past, ...now.filter((point) => !past.length || point.at > past.at(-1).at)]);
      })
      // A host without samples has no history either, and the plots are left out.
      .catch(() => {});
    return () => stop.abort();
  }, [name, boot]);
  useEffect(() => {
    if (!sample) return;
    setPoints((now) => (now.at(-1)?.at >= sample.at ? now : [...now, sample].slice(-KEPT)));
  }, [sample]);
  return points;
}

function Plot({ title, points, value, text, steps, stroke }) {
  const data = [points.map((point) => Date.parse(point.at) / 1000), points.map(value)];
  const [under, setUnder] = useState(null);
  const shown = useRef(points);
  shown.current = points;
  const [element, chart] = useChart(
    () => ({
      height: 120,
      legend: { show: false },
      cursor: { y: false },
      scales: { y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] } },
      axes: [timeAxis(), axis({ size: 72, incrs: steps, values: (_, ticks) => ticks.map(text) })],
      series: [{}, { stroke: () => colour(stroke), width: 1.5, points: { show: false } }],
      hooks: { setCursor: [(plot) => setUnder(shown.current[plot.cursor.idx] ?? null)] },
    }),
    data,
  );
  useEffect(() => chart.current?.setData(data), [points]);
  const values = data[1].filter((one) => one !== null && one !== undefined);
  const most = Math.max(0, ...values);
  const point = under ?? points.at(-1);
  return html`<figure>
    <figcaption>${title}: ${text(value(point))} at ${time(point.at)}, at most ${text(most)}</figcaption>
    <div ref=${element} role="img" aria-label=${`${title} since ${time(points[0].at)}: now ${text(values.at(-1))}, at most ${text(most)}`}></div>
  </figure>`;
}
