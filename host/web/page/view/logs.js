// The output of a process or of a group: the last lines, and what comes.
import { html } from "htm/preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { address, sentence } from "../net/api.js";
import { WAITING } from "../net/places.js";
import { follow } from "../net/stream.js";
import { counted, shown, time } from "../state/words.js";

/** The lines that are kept, and those of them that are in the page. */
const [KEPT, IN_PAGE] = [5000, 500];

/** The letters of a line that are shown. */
const WIDTH = 4000;

/** The milliseconds between two looks at what has come, so that a flood does not keep the page busy. */
const EVERY = 150;

export function Logs({ select, named = false }) {
  const [frozen, setFrozen] = useState(false);
  const [wrap, setWrap] = useState(true);
  const [search, setSearch] = useState("");
  const { lines, why } = useLines(select, frozen);
  const wanted = search.toLowerCase();
  const found = wanted ? lines.filter((line) => line.text.toLowerCase().includes(wanted)) : lines;
  const box = useRef(null);
  const atEnd = useRef(true);
  useLayoutEffect(() => {
    if (atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  });
  const scrolled = ({ target }) => (atEnd.current = target.scrollHeight - target.scrollTop - target.clientHeight < 30);
  const escaped = (event) => {
    if (event.key !== "Escape" || !search) return;
    setSearch("");
    event.preventDefault();
  };
  return html`<section class="logs" aria-labelledby="logs">
    <div class="heading">
      <h3 id="logs">Output</h3>
      <input type="text" aria-label="Search the output" placeholder="Search" spellcheck=${false} value=${search}
        onInput=${(event) => setSearch(event.target.value)} onKeyDown=${escaped} />
      <label><input type="checkbox" checked=${frozen} onChange=${(event) => setFrozen(event.target.checked)} /> Freeze</label>
      <label><input type="checkbox" checked=${wrap} onChange=${(event) => setWrap(event.target.checked)} /> Wrap</label>
      <${Copy} lines=${found} />
      ${wanted && html`<p role="status">${counted(found.length, "line")}</p>`}
    </div>
    ${why && html`<p role="alert" class="failed">${why}</p>`}
    <div class=${wrap ? "output wrap" : "output"} ref=${box} role="log" aria-live="off" aria-label=${`Output of ${select}`} tabindex="0" onScroll=${scrolled}>
      ${found.slice(-IN_PAGE).map((line) => html`<${Line} key=${line.id} line=${line} named=${named} />`)}
    </div>
  </section>`;
}

function Line({ line, named }) {
  const name = named || line.note ? html`<span class="from">${line.process}</span> ` : "";
  return html`<div class=${`text ${line.stream}`}><time>${time(line.at)}</time> ${name}<bdi>${line.text}</bdi></div>`;
}

function Copy({ lines }) {
  const [done, setDone] = useState("");
  // A page that was not loaded securely has no clipboard.
  if (!navigator.clipboard) return null;
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(lines.map((line) => line.text).join("\n"));
      setDone("Copied");
    } catch {
      setDone("The browser refused");
    }
    setTimeout(() => setDone(""), 2000);
  };
  return html`<button type="button" onClick=${copy}>${done || "Copy"}</button>`;
}

let ids = 0;

/** A line as it is shown, of an item of the API. */
function line(item) {
  const { process, at, stream = "note" } = item;
  const common = { id: (ids += 1), process, at, stream };
  if (item.text !== undefined) {
    const cut = item.text.length > WIDTH ? `${item.text.slice(0, WIDTH)} … (${counted(item.text.length - WIDTH, "letter")} more)` : item.text;
    return { ...common, text: shown(cut) };
  }
  const text =
    item.base64 !== undefined ? `(${counted(Math.floor((item.base64.length * 3) / 4), "byte")} that are no text)`
    : item.missed === null ? "(lines may be missing here: the log files no longer have all of them)"
    : item.missed ? `(${counted(item.missed, "line")} could not be shown in time; the log files have them)`
    : item.cleared ? "(the log was cleared)" : "";
  return { ...common, text, note: true };
}

/** The last lines of what is selected, and what comes; what comes while they are frozen waits. */
function useLines(select, frozen) {
  const [state, setState] = useState({ lines: [], why: "" });
  const kept = useRef([]);
  const isFrozen = useRef(frozen);
  isFrozen.current = frozen;
  const show = useRef(() => {});
  useEffect(() => {
    kept.current = [];
    let [timer, why] = [0, ""];
    show.current = () => {
      timer ||= setTimeout(() => {
        timer = 0;
        if (!isFrozen.current) setState({ lines: kept.current.slice(), why });
      }, EVERY);
    };
    const end = follow(address("v1/logs", { select, n: "200", follow: "1" }), {
      receive(item) {
        if (kept.current.length >= 2 * KEPT) kept.current = kept.current.slice(-KEPT);
        kept.current.push(line(item));
        show.current();
      },
      // A stream that is not resumed begins with the last lines again.
      opened(resumed) {
        if (!resumed) kept.current = [];
        why = "";
        show.current();
      },
      waits() {
        why = WAITING;
        show.current();
      },
      lost(error) {
        why = error?.status ? sentence(error) : "";
        show.current();
      },
    });
    return () => (end(), clearTimeout(timer));
  }, [select]);
  useEffect(() => {
    if (!frozen) show.current();
  }, [frozen]);
  return state;
}
