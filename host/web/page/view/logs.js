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

/** The streams that can be chosen. */
const STREAMS = [["", "all output"], ["stdout", "standard output"], ["stderr", "standard error"]];

export function Logs({ select, named = false }) {
  const [asked, setAsked] = useState({ frozen: false, wrap: true, search: "", filter: true, older: false, stream: "" });
  const change = (changed) => setAsked((before) => ({ ...before, ...changed }));
  const { lines, why } = useLines(select, asked.frozen, useGrep(asked));
  const wanted = asked.search.toLowerCase();
  const ofStream = asked.stream ? lines.filter((line) => line.stream === asked.stream) : lines;
  const found = wanted ? ofStream.filter((line) => line.text.toLowerCase().includes(wanted)) : ofStream;
  const seen = asked.filter ? found : ofStream;
  const box = useRef(null);
  const atEnd = useRef(true);
  useLayoutEffect(() => {
    if (atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  });
  const scrolled = ({ target }) => (atEnd.current = target.scrollHeight - target.scrollTop - target.clientHeight < 30);
  const escaped = (event) => {
    if (event.key !== "Escape" || !asked.search) return;
    change({ search: "" });
    event.preventDefault();
  };
  const flag = (name, label) => html`<label><input type="checkbox" checked=${asked[name]} onChange=${(event) => change({ [name]: event.target.checked })} /> ${label}</label>`;
  return html`<section class="logs" aria-labelledby="logs">
    <div class="heading">
      <h3 id="logs">Output</h3>
      <input type="text" aria-label="Search the output" placeholder="Search" spellcheck=${false} value=${asked.search}
        onInput=${(event) => change({ search: event.target.value })} onKeyDown=${escaped} />
      ${flag("filter", "Only what is found")} ${flag("older", "Older lines")}
      <select aria-label="Stream" value=${asked.stream} onChange=${(event) => change({ stream: event.target.value })}>
        ${STREAMS.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}
      </select>
      ${flag("frozen", "Freeze")} ${flag("wrap", "Wrap")}
      <${Copy} lines=${seen} />
      ${wanted && html`<p role="status">${counted(found.length, "line")}</p>`}
    </div>
    ${why && html`<p role="alert" class="failed">${why}</p>`}
    <div class=${asked.wrap ? "output wrap" : "output"} ref=${box} role="log" aria-live="off" aria-label=${`Output of ${select}`} tabindex="0" onScroll=${scrolled}>
      ${seen.slice(-IN_PAGE).map((line) => html`<${Line} key=${line.id} line=${line} named=${named} wanted=${wanted} />`)}
    </div>
  </section>`;
}

/**
 * What the host is to look for in its log files, a while after it was typed: lines that the page does not have are found there. Empty if
 * it is to send the last lines.
 */
function useGrep({ search, older }) {
  const [grep, setGrep] = useState("");
  useEffect(() => {
    const literal = search.replace(/[\\^$.*+?()[\]{}|#&~-]/g, "\\$&");
    const timer = setTimeout(() => setGrep(older && literal ? `(?i)${literal}` : ""), 400);
    return () => clearTimeout(timer);
  }, [search, older]);
  return grep;
}

function Line({ line, named, wanted }) {
  const name = named || line.note ? html`<span class="from">${line.process}</span> ` : "";
  return html`<div class=${`text ${line.stream}`}><time>${time(line.at)}</time> ${name}<bdi>${marked(line.text, wanted)}</bdi></div>`;
}

/** A text with marks where something is found in it. */
function marked(text, wanted) {
  if (!wanted) return text;
  const lower = text.toLowerCase();
  // A letter whose small form has another length moves what follows it.
  if (lower.length !== text.length) return text;
  const parts = [];
  let from = 0;
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, from)) {
    parts.push(text.slice(from, at), html`<mark>${text.slice(at, at + wanted.length)}</mark>`);
    from = at + wanted.length;
  }
  return [...parts, text.slice(from)];
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

/** The last lines of what is selected, or of those in which `grep` is found, and what comes; what comes while they are frozen waits. */
function useLines(select, frozen, grep) {
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
    const end = follow(address("v1/logs", { select, n: "200", follow: "1", grep }), {
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
  }, [select, grep]);
  useEffect(() => {
    if (!frozen) show.current();
  }, [frozen]);
  return state;
}
