// A stream that is open while the page is seen: it is closed when the page is hidden, and resumed after the last message.
import { messages } from "./sse.js";
import { Problem, send } from "./api.js";
import { take } from "./places.js";

/** The pauses before a stream is opened again, in milliseconds; and after a refusal, which may end when the host changes. */
const PAUSES = [250, 500, 1000, 2000];
const REFUSED = 5000;

/** A host sends at least a comment every 25 s. After twice that time, the connection is taken for dead. */
const SILENCE = 60_000;

/**
 * Follows `path` and calls `handlers.receive(message)` with each message. Returns a function that ends it.
 *
 * `handlers.lost(error)` is called when the stream could not be opened or has ended, `handlers.opened(resumed)` when it is open, and
 * `handlers.waits()` when it waits because other windows have all places.
 */
export function follow(path, handlers) {
  const stream = new Stream(path, handlers);
  return () => stream.end();
}

class Stream {
  #path;
  #handlers;
  #last = "";
  #failures = 0;
  #ended = false;
  #open = null;
  #timer = 0;

  constructor(path, handlers) {
    this.#path = path;
    this.#handlers = handlers;
    document.addEventListener("visibilitychange", this.#changed);
    this.#changed();
  }

  end() {
    this.#ended = true;
    document.removeEventListener("visibilitychange", this.#changed);
    this.#close();
  }

  #changed = () => {
    if (document.hidden) this.#close();
    else if (!this.#open) this.#begin();
  };

  #close() {
    clearTimeout(this.#timer);
    this.#open?.abort();
    this.#open = null;
  }

  async #begin(isEager = true) {
    this.#close();
    const open = new AbortController();
    this.#open = open;
    let [failure, isTaken] = [null, false];
    const lost = () => ((isTaken = true), open.abort());
    const place = await take(open.signal, { isEager, waits: () => this.#handlers.waits?.(), lost });
    try {
      if (place) await this.#read(open);
    } catch (error) {
      failure = error;
    }
    place?.();
    if (this.#ended || this.#open !== open) return;
    this.#open = null;
    if (isTaken) return this.#begin(false);
    this.#handlers.lost?.(failure);
    if (document.hidden) return;
    const pause = failure instanceof Problem ? REFUSED : PAUSES[Math.min(this.#failures, PAUSES.length - 1)];
    this.#failures += 1;
    this.#timer = setTimeout(() => this.#begin(), pause);
  }

  async #read(open) {
    const headers = { accept: "text/event-stream" };
    const resumed = this.#last !== "";
    if (resumed) headers["last-event-id"] = this.#last;
    let silence = setTimeout(() => open.abort(), SILENCE);
    try {
      const response = await send(this.#path, { headers, signal: open.signal });
      this.#handlers.opened?.(resumed);
      await messages(watched(response, () => {
        clearTimeout(silence);
        silence = setTimeout(() => open.abort(), SILENCE);
      }), (id, data) => {
        this.#failures = 0;
        // What a closed stream still has buffered comes again after it is resumed.
        if (open.signal.aborted) return;
        this.#last = id || this.#last;
        this.#handlers.receive(JSON.parse(data));
      });
    } finally {
      clearTimeout(silence);
    }
  }
}

/** The response, with a call of `touched` for each chunk. */
function watched(response, touched) {
  const watch = new TransformStream({
    transform(chunk, to) {
      touched();
      to.enqueue(chunk);
    },
  });
  return { body: response.body.pipeThrough(watch) };
}
