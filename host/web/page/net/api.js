// Requests to the host: the token, the address, and the problem that a refusal is answered with.
import { signal } from "@preact/signals";

const KEY = "provost-token";

/** The token that requests present; empty until it was entered. It ends with the tab. */
export const token = signal(sessionStorage.getItem(KEY) ?? "");

/** Why the last token was not accepted; empty if it was. */
export const refusal = signal("");

/** The milliseconds that the clock of the host is ahead of that of the browser; 0 if they agree within two seconds. */
export const skew = signal(0);

export function enter(text) {
  sessionStorage.setItem(KEY, text);
  refusal.value = "";
  token.value = text;
}

/** Forgets the token, so that the page asks for one. */
export function leave(why = "") {
  sessionStorage.removeItem(KEY);
  refusal.value = why;
  token.value = "";
}

/** A refusal of the host, with the fields of its problem details (RFC 9457). */
export class Problem extends Error {
  constructor(status, details) {
    super(details.detail ?? details.title ?? `The host answered with the status ${status}.`);
    this.status = status;
    this.code = details.code;
    this.hint = details.hint;
  }
}

/** The sentences that a person is shown for an error. */
export function sentence(error) {
  if (error instanceof Problem) return error.hint ? `${error.message} ${error.hint}` : error.message;
  return "The host does not answer.";
}

/**
 * Sends a request and returns the response.
 *
 * Throws a `Problem` if the host refuses, and what `fetch` throws if it does not answer. The address is relative to the page,
 * so that the page works below any path of a proxy.
 */
export async function send(path, options = {}) {
  const presented = token.value;
  const headers = { authorization: `Bearer ${presented}`, ...options.headers };
  const response = await fetch(path, { ...options, headers, cache: "no-store" });
  const date = Date.parse(response.headers.get("date") ?? "");
  if (date) {
    const ahead = date - Date.now();
    skew.value = Math.abs(ahead) > 2000 ? ahead : 0;
  }
  if (response.ok) return response;
  const text = await response.text();
  let details = {};
  try {
    details = JSON.parse(text);
  } catch {
    // A proxy between the host and the browser answers in its own form.
  }
  const problem = new Problem(response.status, details);
  // A later token must not be dropped because an earlier one was refused.
  if (response.status === 401 && token.value === presented) leave(sentence(problem));
  throw problem;
}

/** Returns the JSON that the host answers to a request for `path`. */
export async function get(path, options) {
  const response = await send(path, { headers: { accept: "application/json" }, ...options });
  return response.json();
}

/** Returns the values that the host answers as lines of JSON. */
export async function getLines(path) {
  return lines(await send(path, { headers: { accept: LINES } }));
}

/** Posts `body` as JSON and returns the JSON of the answer. */
export async function post(path, body) {
  const response = await posted(path, body, "application/json");
  return response.json();
}

/** Posts `body` as JSON and returns the values that the host answers as lines of JSON. */
export async function postLines(path, body) {
  return lines(await posted(path, body, LINES));
}

const LINES = "application/x-ndjson";

function posted(path, body, accept) {
  const headers = { accept, "content-type": "application/json" };
  return send(path, { method: "POST", headers, body: JSON.stringify(body) });
}

async function lines(response) {
  const text = await response.text();
  return text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
}

/** Returns `path` with a query of the values that are not empty. */
export function address(path, query) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}
