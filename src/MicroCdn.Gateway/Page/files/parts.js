// The pieces that the views are made of, the windows that ask before something is done, and what can be done.
import {
  ask, bytes, cell, clock, count, curlOf, drawKey, html, live, nothing, plural, quoted, readAnew, segment, share,
  useCell, useEffect, useLayoutEffect, useMemo, useRef, useState,
} from "./ground.js";

// A state has a shape of its own, a word, and only then a colour.
const shapes = {
  alive: () => html`<circle cx="6" cy="6" r="4.5" fill="currentColor" />`,
  returning: () => html`<path d="M6 1.5a4.5 4.5 0 0 1 0 9z" fill="currentColor" />
    <circle class="line" cx="6" cy="6" r="4.3" />`,
  unknown: () => html`<circle class="line dotted" cx="6" cy="6" r="4.2" />`,
  suspect: () => html`<path d="M6 1 11.4 10.6H.6z" fill="currentColor" />`,
  draining: () => html`<path class="line" d="M6 1.2v8M2.4 6 6 9.8 9.6 6" />`,
  retired: () => html`<circle class="line" cx="6" cy="6" r="4.4" /><path class="line" d="M3 9 9 3" />`,
  dead: () => html`<path class="line thick" d="m2 2 8 8M10 2l-8 8" />`,
  error: () => html`<path class="line thick" d="m2 2 8 8M10 2l-8 8" />`,
  warning: () => html`<path d="M6 1 11.4 10.6H.6z" fill="currentColor" />`,
  info: () => html`<circle class="line" cx="6" cy="6" r="4" />`,
  done: () => html`<path class="line thick" d="m1.8 6.4 2.8 2.8 5.6-6" />`,
  running: () => html`<path class="line" d="M6 1.7A4.3 4.3 0 1 1 1.7 6" />`,
};

const alike = {
  purged: "done", active: "done", failed: "error", late: "warning", away: "retired", staged: "info",
  "rolled-back": "retired", down: "dead", up: "alive",
};

export const Mark = ({ state }) => {
  const shape = shapes[state] ? state : alike[state] ?? "info";
  return html`<svg class="mark is-${shape}" viewBox="0 0 12 12" aria-hidden="true">${shapes[shape]()}</svg>`;
};

export const State = ({ state, word = state }) => html`<span class="state"><${Mark} state=${state} /> ${word}</span>`;

// Says of what is shown how old it is, as soon as nothing new comes.
export const AsOf = ({ at }) => {
  const isLost = useCell(live, value => value.state === "lost");
  return isLost && at ? html`<span class="as-of">as of ${clock(at)}</span>` : null;
};

export const Panel = ({ title, at, tools, children, id, wide }) => html`
  <section class="panel ${wide ? "is-wide" : ""}" aria-labelledby=${id}>
    <header class="panel-head"><h2 id=${id}>${title}</h2><${AsOf} at=${at} />
      <div class="tools">${tools}</div></header>
    ${children}
  </section>`;

// The heading of a view; it takes the focus when the view is opened.
export function Title({ children, tools, lead }) {
  const heading = useRef(null);
  useEffect(() => {
    if (document.activeElement === document.body || !document.activeElement?.closest("main")) heading.current.focus();
  }, []);
  return html`<div class="title"><h1 tabindex="-1" ref=${heading}>${children}</h1>
    <div class="tools">${tools}</div>${lead && html`<p class="lead">${lead}</p>`}</div>`;
}

export const Trouble = ({ problem }) => problem && problem.status !== -1 ? html`<p class="note is-error">
  <${Mark} state="error" /> ${problem.message}</p>` : null;

export const Empty = ({ children }) => html`<p class="empty">${children}</p>`;

// What stands where something was not read yet: nothing jumps when it comes.
export const Waiting = ({ rows = 5 }) => html`<div class="waiting" aria-hidden="true">
  ${Array.from({ length: rows }, (_, row) => html`<div key=${row} class="bar"></div>`)}</div>`;

// Waits, says what went wrong, or shows.
export function Read({ of, rows, children, empty }) {
  if (!of.data) return of.problem ? html`<${Trouble} problem=${of.problem} />` : html`<${Waiting} rows=${rows} />`;
  return html`<${Trouble} problem=${of.problem} />${empty ? html`<${Empty}>${empty}<//>` : children}`;
}

export function Meter({ part, all, label }) {
  if (!all) return html`<span class="faint">${nothing}</span>`;
  const used = Math.min(1, Math.max(0, part / all));
  return html`<span class="meter" role="img" aria-label="${label}: ${share(part, all)}"
    title="${label}: ${share(part, all)}">
    <span class="meter-fill ${used > 0.9 ? "is-high" : ""}" style=${{ width: `${100 * used}%` }}></span></span>`;
}

export const DiskUse = ({ free, size }) => !size ? html`<span class="faint">${nothing}</span>`
  : html`<span class="disk">
  <${Meter} part=${size - free} all=${size} label="disk used" /><span class="num">${bytes(free)} free</span></span>`;

export function Tile({ title, value, more, tone, href, at }) {
  const isLost = useCell(live, now => now.state === "lost");
  return html`<${href ? "a" : "div"} class="tile ${tone ?? ""}" href=${href}>
    <span class="tile-title">${title}</span><span class="tile-value">${value}</span>
    <span class="tile-more">${isLost ? `as of ${clock(at)}` : more ?? ""}</span><//>`;
}

// Text that changes a search as it is typed; '/' leads here.
export function Search({ value, onChange, label, placeholder, wait = 150 }) {
  const [text, set] = useState(value);
  const timer = useRef(null);
  useEffect(() => set(value), [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const type = event => {
    const next = event.currentTarget.value;
    set(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onChange(next), wait);
  };
  return html`<input class="search" type="search" value=${text} onInput=${type} aria-label=${label}
    placeholder=${placeholder ?? label} autocomplete="off" spellcheck=${false} enterkeyhint="search" />`;
}

export const Choice = ({ value, onChange, label, options }) => html`<label class="choice"><span>${label}</span>
  <select value=${value} onChange=${event => onChange(event.currentTarget.value)}>
    ${options.map(option => html`<option key=${option} value=${option} selected=${option === value}>
      ${option === "" ? "all" : option}</option>`)}</select></label>`;

// Rows under headings. A column: title, cell(row), and perhaps num (figures), sort(row), head (names its row).
export function Table({ label, columns, rows, keyOf, pick, start, pageSize = 50 }) {
  const [order, setOrder] = useState(start ?? null);
  const [page, setPage] = useState(0);
  const sorted = useMemo(() => {
    const column = order && columns.find(each => each.title === order.by);
    if (!column?.sort) return rows;
    const sign = order.down ? -1 : 1;
    return rows.map(row => [column.sort(row), row]).sort(([a], [b]) => sign * compare(a, b)).map(([, row]) => row);
  }, [rows, order]);
  const pages = Math.max(1, Math.ceil(sorted.length / pageSize));
  const at = Math.min(page, pages - 1);
  const shown = sorted.slice(at * pageSize, (at + 1) * pageSize);
  const turn = title => setOrder(old => ({ by: title, down: old?.by === title ? !old.down : false }));
  return html`<div class="table-box"><table role="table">
    <caption class="hidden">${label}</caption>
    <thead role="rowgroup"><tr role="row">${columns.map(column => html`<${HeadCell} key=${column.title} column=${column}
      order=${order} turn=${turn} />`)}</tr></thead>
    <tbody role="rowgroup">${shown.map(row => html`<tr role="row" key=${keyOf(row)} class=${pick?.(row) ?? ""}>
      ${columns.map(column => html`<${column.head ? "th" : "td"} key=${column.title}
        scope=${column.head ? "row" : undefined}
        role=${column.head ? "rowheader" : "cell"} class="${column.num ? "num" : ""} ${column.kind ?? ""}"
        data-label=${column.quiet ? "" : column.title}>${column.cell(row)}<//>`)}</tr>`)}</tbody></table></div>
    ${pages > 1 && html`<${Pages} at=${at} pages=${pages} total=${sorted.length} go=${setPage} />`}`;
}

const compare = (a, b) => typeof a === "number" && typeof b === "number" ? a - b
  : String(a ?? "").localeCompare(String(b ?? ""), "en", { numeric: true });

function HeadCell({ column, order, turn }) {
  const isOrder = order?.by === column.title;
  const sorting = isOrder ? order.down ? "descending" : "ascending" : undefined;
  const title = column.quiet ? html`<span class="hidden">${column.title}</span>` : column.title;
  return html`<th scope="col" role="columnheader" class=${column.num ? "num" : ""} aria-sort=${sorting}>
    ${column.sort ? html`<button type="button" class="sorter" onClick=${() => turn(column.title)}>${title}
      <span aria-hidden="true">${isOrder ? order.down ? "↓" : "↑" : ""}</span></button>` : title}</th>`;
}

export const Pages = ({ at, pages, total, go }) => html`<nav class="pages" aria-label="pages">
  <button type="button" disabled=${at === 0} onClick=${() => go(at - 1)}>Back</button>
  <span class="num">page ${count(at + 1)} of ${count(pages)}, ${count(total)} in all</span>
  <button type="button" disabled=${at >= pages - 1} onClick=${() => go(at + 1)}>Next</button></nav>`;

// The pages of a list that the index keeps: it tells where the next one begins, and no more.
export function usePages(key) {
  const [state, set] = useState({ key, trail: [""] });
  // Another search begins at its first page.
  const trail = state.key === key ? state.trail : [""];
  return {
    after: trail.at(-1), at: trail.length - 1,
    next: cursor => set({ key, trail: [...trail, cursor] }), back: () => set({ key, trail: trail.slice(0, -1) }),
  };
}

export const CursorPages = ({ pages, next }) => pages.at > 0 || next ? html`<nav class="pages" aria-label="pages">
  <button type="button" disabled=${pages.at === 0} onClick=${pages.back}>Back</button>
  <span class="num">page ${count(pages.at + 1)}</span>
  <button type="button" disabled=${!next} onClick=${() => pages.next(next)}>Next</button></nav>` : null;

// Text with a button that copies it.
export function Copyable({ text, label }) {
  const [said, say] = useState("");
  const box = useRef(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      say("copied");
    } catch {
      // Not on an address that browsers do not trust: what is selected can be copied by hand.
      getSelection().selectAllChildren(box.current);
      say("selected");
    }
    setTimeout(() => say(""), 2000);
  };
  return html`<div class="copyable"><code ref=${box}>${text}</code>
    <button type="button" onClick=${copy} aria-label="copy ${label}">${said || "copy"}</button></div>`;
}

// Names and values.
export const Facts = ({ rows }) => html`<dl class="facts">${rows.filter(Boolean).map(([name, value]) => html`
  <div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;

// Asks before something is done, shows how else it can be done, and says what came of it.

// The action that is being asked about.
const asked = cell(null);

// What was done last, in words.
const said = cell(null);

const shown = 6000;

export const begin = action => asked.set(action);

export const say = (text, href) => said.set({ text, href, at: Date.now() });

export const ActionButton = ({ action, children, kind }) => html`<button type="button"
  class="${action.isDangerous ? "danger" : ""} ${kind ?? ""}" onClick=${() => begin(action)}>
  ${children ?? action.verb}</button>`;

// A window before all others: the rest waits, Escape closes it, the focus goes back to where it was.
export function Dialog({ title, close, children }) {
  const box = useRef(null);
  useLayoutEffect(() => {
    const dialog = box.current;
    const before = document.activeElement;
    dialog.showModal();
    return () => {
      dialog.close();
      before?.focus?.();
    };
  }, []);
  const cancel = event => {
    event.preventDefault();
    close();
  };
  const click = event => event.target === box.current && close();
  return html`<dialog ref=${box} aria-labelledby="dialog-title" onCancel=${cancel} onMouseDown=${click}>
    <div class="dialog-body"><h2 id="dialog-title">${title}</h2>${children}</div></dialog>`;
}

export function Dialogs() {
  const action = useCell(asked);
  return html`${action && html`<${Asking} key=${action.title} action=${action} close=${() => asked.set(null)} />`}
    <${Said} />`;
}

function Asking({ action, close }) {
  const [isSure, setSure] = useState(!action.isDangerous);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState(null);
  // The same question sent again is not done twice.
  const key = useRef(drawKey());
  const run = async event => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      const { method, path, body } = action;
      const answer = await ask(method, path, { body, key: method === "POST" ? key.current : undefined });
      close();
      const after = action.after?.(answer);
      if (after) begin(after);
      else say(action.done ?? "Done.", action.href?.(answer));
      readAnew();
    } catch (failure) {
      setProblem(failure);
      setBusy(false);
    }
  };
  if (action.content) return html`<${Dialog} title=${action.title} close=${close}>${action.content}
    <div class="dialog-end"><button type="button" class="main" onClick=${close}>Close</button></div><//>`;
  return html`<${Dialog} title=${action.title} close=${close}><form onSubmit=${run}>
    <p>${action.text}</p>
    <h3>The same from a terminal</h3>
    ${action.command && html`<${Copyable} text=${action.command} label="the command line" />`}
    <${Copyable} text=${curlOf(action.method, action.path, action.body)} label="the curl command" />
    ${action.isDangerous && html`<label class="sure"><input type="checkbox" checked=${isSure} autofocus
      onChange=${event => setSure(event.currentTarget.checked)} /> ${action.sure ?? "Yes, I mean it."}</label>`}
    <p class="problem" role="alert">${problem && html`<${Mark} state="error" /> ${problem.message}`}</p>
    <div class="dialog-end"><button type="button" onClick=${close}>Cancel</button>
      <button type="submit" class="main ${action.isDangerous ? "danger" : ""}" disabled=${!isSure || isBusy}>
        ${isBusy ? "…" : action.verb}</button></div></form><//>`;
}

function Said() {
  const what = useCell(said);
  useEffect(() => {
    if (!what) return undefined;
    const timer = setTimeout(() => said.set(null), shown);
    return () => clearTimeout(timer);
  }, [what]);
  return html`<div class="said" role="status">${what && html`<p><${Mark} state="done" /> ${what.text}
    ${what.href && html` <a href=${what.href}>Look</a>`}</p>`}</div>`;
}

// What can be done: the request, the command line that does the same, and what is asked before.

export const drain = id => ({
  verb: "Drain", title: `Drain ${id}?`, method: "POST", path: `/servers/${segment(id)}/drain`,
  text: "Nobody is sent there any more, also after it was started again. Downloads under way end in peace.",
  command: `microcdn drain ${quoted(id)}`, done: `${id} is being drained.`,
});

export const resume = id => ({
  verb: "Resume", title: `Resume ${id}?`, method: "POST", path: `/servers/${segment(id)}/resume`,
  text: "Clients are sent there again.", command: `microcdn resume ${quoted(id)}`, done: `${id} is back.`,
});

export const retire = id => ({
  verb: "Retire", title: `Retire ${id}?`, method: "POST", path: `/servers/${segment(id)}/retire`, isDangerous: true,
  text: "Copies of all its files are made elsewhere, and nothing new is published there. It may be switched off when "
    + "no file is left that is not safe elsewhere.",
  sure: `Yes, ${id} is to go.`, command: `microcdn server retire ${quoted(id)}`, done: `${id} is being retired.`,
});

export const reinstate = id => ({
  verb: "Reinstate", title: `Reinstate ${id}?`, method: "POST", path: `/servers/${segment(id)}/reinstate`,
  text: "It takes part again, and gets copies as the others do.", command: `microcdn server resume ${quoted(id)}`,
  done: `${id} takes part again.`,
});

// What may be done with a server as it is.
export const serverActions = server => [
  server.state === "draining" ? resume(server.id) : drain(server.id),
  server.isRetired ? reinstate(server.id) : retire(server.id),
];

const purgeWords = { url: "", prefix: "--prefix ", tag: "--tag ", all: "--all" };

export function purge({ kind, value, soft }) {
  const isAll = kind === "all";
  return {
    verb: "Purge", title: isAll ? "Purge everything?" : `Purge ${kind} ${value}?`, method: "POST", path: "/purges",
    body: isAll ? { kind, soft } : { kind, value, soft }, isDangerous: isAll,
    text: soft ? "Copies of origins are asked about before they are used again."
      : "Copies of origins are used no more, on every content server.",
    sure: "Yes, every copy: the origins get all requests at first.",
    command: `microcdn purge ${soft ? "--soft " : ""}${purgeWords[kind]}${isAll ? "" : quoted(value)}`,
    done: "The purge has begun.",
  };
}

export const activate = release => ({
  verb: "Activate", title: `Activate ${release.name}?`, method: "POST",
  path: `/releases/${segment(release.name)}/activate`, command: `microcdn activate ${quoted(release.name)}`,
  text: `${plural(release.files, "file")} become visible in one change, once there are copies enough.`,
  done: `${release.name} is being activated.`, href: () => "#/releases",
});

export const rollBack = release => ({
  verb: "Roll back", title: `Roll back ${release.name}?`, method: "POST",
  path: `/releases/${segment(release.name)}/rollback`, isDangerous: true,
  command: `microcdn rollback ${quoted(release.name)}`,
  sure: "Yes, what was there before is to be there again.",
  text: "What was before the newest activation is current again.", done: `${release.name} is being rolled back.`,
  href: () => "#/releases",
});

export const unstage = release => ({
  verb: "Unstage", title: `Unstage ${release.name}?`, method: "DELETE", path: `/releases/${segment(release.name)}`,
  text: "What is staged in it is thrown away; what is visible stays as it is.",
  command: `microcdn unstage ${quoted(release.name)}`, done: `${release.name} is gone.`,
});

export const setPolicy = policy => ({
  verb: "Set", title: `Set the policy of ${policy.prefix}?`, method: "PUT",
  path: `/policies/${segment(policy.prefix)}`,
  body: { replicas: policy.replicas, zoneSpread: policy.zoneSpread, servers: policy.servers },
  text: `${plural(policy.replicas, "copy", "copies")} of what is published below ${policy.prefix}. Copies that are too `
    + "few are made at once.",
  command: `microcdn policy set ${quoted(policy.prefix)} --replicas ${policy.replicas}`
    + `${policy.zoneSpread ? " --zone-spread" : ""}`
    + `${policy.servers.length > 0 ? ` --servers ${quoted(policy.servers.join(","))}` : ""}`,
  done: `The policy of ${policy.prefix} is set.`,
});

export const dropPolicy = policy => ({
  verb: "Remove", title: `Remove the policy of ${policy.prefix}?`, method: "DELETE",
  path: `/policies/${segment(policy.prefix)}`, text: "The policy of the next shorter prefix counts instead.",
  command: `microcdn policy rm ${quoted(policy.prefix)}`, done: `The policy of ${policy.prefix} is gone.`,
});

export const addToken = wish => ({
  verb: "Make", title: "Make a token?", method: "POST", path: "/tokens",
  body: { scopes: wish.scopes, prefix: wish.prefix || undefined, note: wish.note || undefined },
  text: `Whoever has it may: ${wish.scopes.join(", ")}${wish.prefix ? `, below ${wish.prefix}` : ""}.`,
  command: `microcdn token add ${wish.scopes.map(scope => `--scope ${scope}`).join(" ")}`
    + `${wish.prefix ? ` --prefix ${quoted(wish.prefix)}` : ""}${wish.note ? ` --note ${quoted(wish.note)}` : ""}`,
  after: answer => ({
    title: "The token", content: html`<p>It is shown this once: the index keeps no more than its hash.</p>
      <${Copyable} text=${answer.body.token} label="the token" />`,
  }),
});

export const dropToken = token => ({
  verb: "Take back", title: `Take back ${token.id}?`, method: "DELETE", path: `/tokens/${segment(token.id)}`,
  text: "Whoever shows it is refused from now on; sessions that began with it end.",
  command: `microcdn token rm ${quoted(token.id)}`, done: `${token.id} is taken back.`,
});
