// What the page stands on: drawing, words for figures, the API, and the stream of what happens.
import htm from "./vendor/htm.js";
import { useEffect, useReducer, useState } from "./vendor/hooks.js";
import { h, render } from "./vendor/preact.js";

export { render };
export { useEffect, useLayoutEffect, useMemo, useRef, useState } from "./vendor/hooks.js";

// Markup as the page writes it.
export const html = htm.bind(h);

// A value that tells its listeners when it becomes another.
export function cell(value) {
  const listeners = new Set();
  return {
    get value() { return value; },
    set(next) {
      value = next;
      for (const listener of [...listeners]) listener(next);
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

// The value of a cell, or what a function makes of it; the component is redrawn when that is another.
export function useCell(source, pick = value => value) {
  const [, redraw] = useReducer(count => count + 1, 0);
  const seen = pick(source.value);
  useEffect(() => {
    let last = seen;
    const look = value => {
      const next = pick(value);
      if (Object.is(next, last)) return;
      last = next;
      redraw();
    };
    // It may have changed between drawing and now.
    look(source.value);
    return source.listen(look);
  }, [source]);
  return seen;
}

// How numbers, times and names are written.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

export const nothing = "–";
const isNone = value => value === null || value === undefined || Number.isNaN(value);

export const count = value => isNone(value) ? nothing : whole.format(value);

// Something a second.
export const rate = value => isNone(value) ? nothing : value > 0 && value < 100
  ? tenths.format(value) : whole.format(value);

export function bytes(value) {
  if (isNone(value)) return nothing;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

export const byteRate = value => isNone(value) ? nothing : `${bytes(value)}/s`;

export function share(part, all) {
  if (isNone(part) || isNone(all) || all === 0) return nothing;
  // Almost all is not all.
  return part >= all ? "100 %" : `${Math.min(99.9, 100 * part / all).toFixed(1)} %`;
}

export function span(seconds) {
  if (isNone(seconds)) return nothing;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

// By the clock of who looks: YYYY-MM-DDTHH:MM:SS.
function written(time) {
  const date = new Date(time);
  return new Date(date - 60_000 * date.getTimezoneOffset()).toISOString();
}

export const clock = time => time ? written(time).slice(11, 19) : nothing;

export const day = time => time ? written(time).slice(0, 10) : nothing;

// The clock, with the day before it unless that is today.
export const moment = time => time && day(time) !== day(Date.now()) ? `${day(time)} ${clock(time)}` : clock(time);

// One word, as a shell takes it.
export const quoted = word => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${String(word).replaceAll("'", "'\\''")}'`;

export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

// Whether some of the words has a text in it.
export const has = (text, ...words) => words.join("\n").toLowerCase().includes(text.toLowerCase());

export const short = digest => digest ? `${digest.slice(0, 12)}…` : nothing;

// Asks the admin API, and keeps the session that it knows this browser by.

const root = "/api/v1";

// The session; undefined while nobody asked, null when there is none.
export const session = cell(undefined);

// Why something was not done; the status is 0 when nobody answered.
const problem = (status, detail) => Object.assign(new Error(detail), { status });

// One segment of a path.
export const segment = text => encodeURIComponent(text);

// A path with its query; what is empty is left out.
export function withQuery(path, query) {
  const pairs = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return pairs.length === 0 ? path : `${path}?${new URLSearchParams(pairs)}`;
}

// Asks for something below /api/v1; answers status and body.
export async function ask(method, path, { body, key, signal, fields, limit = 20_000 } = {}) {
  const headers = { ...fields };
  if (method !== "GET" && session.value) headers["X-CSRF-Token"] = session.value.csrf;
  if (body) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  const late = AbortSignal.timeout(limit);
  let answer, text;
  try {
    answer = await fetch(root + path, {
      method, headers, body: body && JSON.stringify(body), signal: signal ? AbortSignal.any([signal, late]) : late,
    });
    text = await answer.text();
  } catch {
    throw problem(0, late.aborted ? "The index did not answer in time." : "The index cannot be reached.");
  }
  if (!answer.ok) throw problemOf(answer, text);
  return { status: answer.status, body: text ? JSON.parse(text) : null, text };
}

function problemOf({ status, statusText }, text) {
  let detail = `The index answered ${status} ${statusText}.`;
  try {
    detail = JSON.parse(text).detail;
  } catch {
    // It was none of ours that answered.
  }
  if (status === 401) session.set(null);
  return problem(status, detail);
}

// Sends a file, and tells how much of it has left, which fetch does not.
export const send = (path, file, tell, signal) => new Promise((done, fail) => {
  const request = new XMLHttpRequest();
  request.open("PUT", root + path);
  request.setRequestHeader("X-CSRF-Token", session.value.csrf);
  request.upload.onprogress = event => tell(event.loaded);
  request.onload = () => request.status < 300 ? done() : fail(problemOf(request, request.responseText));
  request.onerror = () => fail(problem(0, "The index cannot be reached, or the file cannot be read."));
  request.onabort = () => fail(problem(0, "Stopped."));
  signal.addEventListener("abort", () => request.abort());
  request.send(file);
});

// Whether the session's token allows something.
export function may(scope) {
  const scopes = session.value?.scopes ?? [];
  return scopes.includes("admin") || scopes.includes(scope);
}

// Looks whether the cookie still counts: the session, null when there is none; throws when nobody answers.
export async function lookForSession() {
  const { body } = await ask("GET", "/session", { limit: 4000 });
  session.set(body.token ? body : null);
  return session.value;
}

export async function signIn(token) {
  session.set((await ask("POST", "/session", { body: { token } })).body);
}

export async function signOut() {
  try {
    await ask("DELETE", "/session");
  } catch {
    // It is away: the cookie ends by itself.
  }
  session.set(null);
}

// The same request for a terminal.
export function curlOf({ method, path, body, file, fields }) {
  const parts = [file ? `curl -T ${quoted(file)}` : method === "GET" ? "curl" : `curl -X ${method}`,
    "-H \"Authorization: Bearer $(cat admin.token)\""];
  for (const [name, value] of Object.entries({ ...fields, ...body && { "Content-Type": "application/json" } })) {
    parts.push(`-H ${quoted(`${name}: ${value}`)}`);
  }
  if (body) parts.push(`-d ${quoted(JSON.stringify(body))}`);
  // An apostrophe is left as it is in an encoded URL.
  return `${parts.join(" ")} '${`${location.origin}${root}${path}`.replaceAll("'", "%27")}'`;
}

// The one stream of this tab. What it brought last is shown as live only while it goes on.

// A message comes every second: after so long without one the stream is lost, whatever the browser thinks.
const silence = 4000;
const retry = 1000;
const refresh = 5000;

// state: "connecting", "live" or "lost"; since: since when it is lost; now: the Overview that came last, and at: when.
export const live = cell({ state: "connecting", since: null, now: null, at: null });

// Becomes another number when everything that was read must be read anew.
const generation = cell(0);

const listeners = new Set();
let source = null;
let heard = 0;
let watch = null;
let again = null;
let running = false;

export const readAnew = () => generation.set(generation.value + 1);

// Calls a function for each event that the stream brings.
export function onChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function startStream() {
  if (running) return;
  running = true;
  live.set({ state: "connecting", since: null, now: null, at: null });
  watch = setInterval(() => {
    if (source && Date.now() - heard > silence) lose();
  }, 1000);
  open();
  // The stream brings figures within a second; these are there at once.
  ask("GET", "/overview").then(({ body }) => {
    if (!live.value.now) live.set({ ...live.value, now: body, at: new Date() });
  }, () => undefined);
}

export function stopStream() {
  running = false;
  clearInterval(watch);
  clearTimeout(again);
  source?.close();
  source = null;
}

// A browser opens six connections to a host: tabs that nobody looks at leave theirs to the others.
let leaving = null;
document.addEventListener("visibilitychange", () => {
  clearTimeout(leaving);
  if (document.visibilityState === "hidden") leaving = setTimeout(stopStream, 60_000);
  else if (session.value) startStream();
});

function open() {
  heard = Date.now();
  const opened = source = new EventSource("/api/v1/events");
  // One that was given up says nothing any more.
  const on = (kind, take) => opened.addEventListener(kind, message => {
    if (source !== opened) return;
    heard = Date.now();
    take(message);
  });
  on("now", message => {
    const wasLost = live.value.state === "lost";
    live.set({ state: "live", since: null, now: JSON.parse(message.data), at: new Date() });
    if (wasLost) readAnew();
  });
  on("change", message => {
    const change = JSON.parse(message.data);
    for (const listener of [...listeners]) listener(change);
  });
  on("gap", readAnew);
  opened.addEventListener("error", () => {
    if (source === opened) lose();
  });
}

function lose() {
  source?.close();
  source = null;
  if (live.value.state !== "lost") {
    live.set({ ...live.value, state: "lost", since: live.value.at ?? new Date() });
  }
  clearTimeout(again);
  // Not all tabs at once, when an index comes back.
  again = setTimeout(reopen, retry + Math.random() * 500);
}

// A browser does not tell why a stream failed; the session does.
async function reopen() {
  try {
    if (await lookForSession() === null) stopStream();
    else if (running) open();
  } catch {
    if (running) lose();
  }
}

// Something below /api/v1: read now, after an event of one of these kinds, and every few seconds while it is looked
// at. What came last stays when a later attempt fails.
export function useRead(path, kinds = [], every = refresh) {
  const [state, set] = useState({ path: null, data: null, at: null, problem: null });
  const round = useCell(generation);
  useEffect(() => {
    if (!path) return undefined;
    const ended = new AbortController();
    let busy = false, wanted = false, soon = null;
    const read = async () => {
      wanted = busy;
      if (busy) return;
      busy = true;
      try {
        const { body } = await ask("GET", path, { signal: ended.signal });
        if (!ended.signal.aborted) set({ path, data: body, at: new Date(), problem: null });
      } catch (problem) {
        if (!ended.signal.aborted) set(old => ({ ...old, path, data: old.path === path ? old.data : null, problem }));
      }
      busy = false;
      if (wanted && !ended.signal.aborted) read();
    };
    const back = () => document.visibilityState === "visible" && live.value.state !== "lost" && read();
    const timer = setInterval(back, every);
    document.addEventListener("visibilitychange", back);
    const off = onChange(change => {
      if (!kinds.includes(change.kind)) return;
      // Many events at once are one reason to read.
      soon ??= setTimeout(() => {
        soon = null;
        read();
      }, 100);
    });
    read();
    return () => {
      ended.abort();
      clearInterval(timer);
      clearTimeout(soon);
      document.removeEventListener("visibilitychange", back);
      off();
    };
  }, [path, round, every]);
  return { ...state, isOld: state.path !== path };
}
