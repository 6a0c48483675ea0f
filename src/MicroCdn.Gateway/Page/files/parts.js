// The pieces that the views are made of, the windows that ask before something is done, and what can be done.
import {
  ask, bytes, cell, clock, count, curlOf, html, live, moment, nothing, readAnew, share, signIn, useCell, useEffect,
  useLayoutEffect, useMemo, useRef, useState,
} from "./ground.js";

// A state has a shape of its own, a word, and only then a colour. Those of lines are drawn by their class.
const cross = ["m2 2 8 8M10 2l-8 8", "line thick"];
const triangle = ["M6 1 11.4 10.6H.6z"];
const ring = "M1.7 6a4.3 4.3 0 1 1 8.6 0a4.3 4.3 0 1 1-8.6 0";
const shapes = {
  alive: ["M1.5 6a4.5 4.5 0 1 1 9 0a4.5 4.5 0 1 1-9 0"], returning: ["M6 1.5a4.5 4.5 0 0 1 0 9z", "", ring],
  unknown: [ring, "line dotted"], suspect: triangle, draining: ["M6 1.2v8M2.4 6 6 9.8 9.6 6", "line"],
  retired: [`${ring}M3 9 9 3`, "line"], dead: cross, error: cross, warning: triangle, info: [ring, "line"],
  done: ["m1.8 6.4 2.8 2.8 5.6-6", "line thick"], running: ["M6 1.7A4.3 4.3 0 1 1 1.7 6", "line"],
};

const alike = {
  purged: "done", active: "done", failed: "error", late: "warning", away: "retired", staged: "info",
  "rolled-back": "retired", down: "dead", up: "alive",
};

export const Mark = ({ state }) => {
  const shape = shapes[state] ? state : alike[state] ?? "info";
  const [path, kind = "", outline] = shapes[shape];
  return html`<svg class="mark is-${shape}" viewBox="0 0 12 12" aria-hidden="true"><path d=${path} class=${kind}
    fill=${kind ? undefined : "currentColor"} />${outline && html`<path d=${outline} class="line" />`}</svg>`;
};

export const State = ({ state, word = state }) => html`<span class="state"><${Mark} state=${state} /> ${word}</span>`;

// Says of what is shown how old it is, as soon as nothing new comes.
export const AsOf = ({ at }) => {
  const isLost = useCell(live, value => value.state === "lost");
  return isLost && at ? html`<span class="as-of">as of ${clock(at)}</span>` : null;
};

export const Panel = ({ title, at, tools, children, wide }) => html`
  <section class="panel ${wide ? "is-wide" : ""}" aria-label=${title}>
    <header class="panel-head"><h2>${title}</h2><${AsOf} at=${at} />
      <div class="tools">${tools}</div></header>
    ${children}
  </section>`;

// The heading of a view; it takes the focus when the view is opened.
export function Title({ children, tools, lead, at }) {
  const heading = useRef(null);
  useEffect(() => {
    if (document.activeElement === document.body || !document.activeElement?.closest("main")) heading.current.focus();
  }, []);
  return html`<div class="title"><h1 tabindex="-1" ref=${heading}>${children}</h1>
    <div class="tools">${tools}<${AsOf} at=${at} /></div>${lead && html`<p class="lead">${lead}</p>`}</div>`;
}

// What stands where something was not read yet: nothing jumps when it comes.
export const Waiting = ({ rows }) => html`<div class="waiting" aria-hidden="true">
  ${Array.from({ length: rows }, () => html`<div class="bar"></div>`)}</div>`;

// Waits, says what went wrong, or shows.
export function Read({ of: { data, problem }, rows = 5, children, empty }) {
  const trouble = problem && html`<p class="note is-error"><${Mark} state="error" /> ${problem.message}</p>`;
  if (!data) return trouble ?? html`<${Waiting} rows=${rows} />`;
  return html`${trouble}${empty ? html`<p class="empty">${empty}</p>` : children}`;
}

export function Meter({ part, all, label }) {
  if (!all) return html`<span class="faint">${nothing}</span>`;
  const used = Math.min(1, Math.max(0, part / all));
  return html`<span class="meter" role="img" aria-label="${label}: ${share(part, all)}">
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
export function Search({ value, onChange, label, placeholder, wait = 30 }) {
  const [text, set] = useState(value);
  const timer = useRef();
  const type = event => {
    const next = event.currentTarget.value;
    set(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onChange(next), wait);
  };
  return html`<input class="search" type="search" value=${text} onInput=${type} aria-label=${label}
    placeholder=${placeholder ?? label} autocomplete="off" spellcheck=${false} />`;
}

// Text that somebody types, with its name before it.
export const Field = ({ label, set, kind = "grow", ...rest }) => html`<label class=${kind}><span>${label}</span>
  <input type="text" spellcheck=${false} autocomplete="off" ...${rest}
    onInput=${event => set(event.currentTarget.value)} /></label>`;

export const Check = ({ checked, set, children, type = "checkbox" }) => html`<label class="check">
  <input type=${type} checked=${checked} onChange=${event => set(event.currentTarget.checked)} /> ${children}</label>`;

export const Choice = ({ value, onChange, label, options }) => html`<label class="choice"><span>${label}</span>
  <select value=${value} onChange=${event => onChange(event.currentTarget.value)}>
    ${options.map(option => html`<option value=${option} selected=${option === value}>
      ${option === "" ? "all" : option}</option>`)}</select></label>`;

// A column of what is by name in a row.
export const figure = (title, name, write = count) => ({
  title, num: true, sort: row => row[name], cell: row => write(row[name]),
});

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
    <thead role="rowgroup"><tr role="row">${columns.map(column => html`<${HeadCell} column=${column}
      order=${order} turn=${turn} />`)}</tr></thead>
    <tbody role="rowgroup">${shown.map(row => html`<tr role="row" key=${keyOf(row)} class=${pick?.(row) ?? ""}>
      ${columns.map(column => html`<${column.head ? "th" : "td"} scope=${column.head ? "row" : undefined}
        role=${column.head ? "rowheader" : "cell"} class="${column.num ? "num" : ""} ${column.kind ?? ""}"
        data-label=${column.quiet ? "" : column.title}>${column.cell(row)}<//>`)}</tr>`)}</tbody></table></div>
    <${Pager} at=${at} isLast=${at >= pages - 1} back=${() => setPage(at - 1)} next=${() => setPage(at + 1)}>
      ${` of ${count(pages)}, ${count(sorted.length)} in all`}<//>`;
}

const compare = (a, b) => typeof a === "number" && typeof b === "number" ? a - b
  : String(a ?? "").localeCompare(String(b ?? ""), "en", { numeric: true });

function HeadCell({ column, order, turn }) {
  const isOrder = order?.by === column.title;
  const sorting = isOrder ? order.down ? "descending" : "ascending" : undefined;
  const title = column.quiet ? html`<span class="hidden">${column.title}</span>` : column.title;
  return html`<th scope="col" role="columnheader" class=${column.num ? "num" : ""} aria-sort=${sorting}>
    ${column.sort ? html`<button class="sorter" onClick=${() => turn(column.title)}>${title}
      <span aria-hidden="true">${isOrder ? order.down ? "↓" : "↑" : ""}</span></button>` : title}</th>`;
}

const Pager = ({ at, isLast, back, next, children }) => at === 0 && isLast ? null : html`<nav class="pages"
  aria-label="pages"><button disabled=${at === 0} onClick=${back}>Back</button>
  <span class="num">page ${count(at + 1)}${children}</span>
  <button disabled=${isLast} onClick=${next}>Next</button></nav>`;

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

// A list of the index, once it was read: a table, page by page, or why there is none.
export const Rows = ({ of, rows = of.data?.items ?? [], wait = 5, empty, pages, ...table }) => html`
  <div class=${of.isOld ? "is-old" : ""}><${Read} of=${of} rows=${wait} empty=${rows.length === 0 && empty}>
    <${Table} rows=${rows} pageSize=${pages ? 1000 : 50} ...${table} />
    ${pages && html`<${Pager} at=${pages.at} isLast=${!of.data?.next} back=${pages.back}
      next=${() => pages.next(of.data.next)} />`}<//></div>`;

// What happened, a line for each.
export const Happened = ({ of, rows, empty }) => html`<${Read} of=${of} empty=${rows.length === 0 && empty}>
  <ol class="happened">${rows.map(each => html`<li key=${each.id}><${Mark} state=${each.severity} />
    <span class="hidden">${each.severity} </span><time class="num faint"
      datetime=${each.time}>${moment(each.time)}</time><span>${each.text}</span></li>`)}</ol><//>`;

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
  <div><dt>${name}</dt><dd>${value ?? nothing}</dd></div>`)}</dl>`;

// Asks before something is done, shows how else it can be done, and says what came of it.

// The action that is being asked about.
const asked = cell(null);

// What was done last, in words.
const said = cell(null);

const shown = 6000;

export const begin = action => asked.set(action);

// Nothing can be done as long as there is no action.
export const ActionButton = ({ action, children = action.verb, kind = "" }) => html`<button
  class="${action?.isDangerous ? "danger" : ""} ${kind}" disabled=${!action} onClick=${() => begin(action)}>
  ${children}</button>`;

// A window before all others: the rest waits, Escape closes it, the focus goes back to where it was.
function Dialog({ title, close, children }) {
  const box = useRef(null);
  useLayoutEffect(() => {
    const dialog = box.current;
    dialog.showModal();
    return () => dialog.close();
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
  const key = useRef(String(Math.random()).slice(2));
  const run = async event => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      const { method, path, body, fields, work } = action;
      const answer = work ? work()
        : await ask(method, path, { body, fields, key: method === "POST" ? key.current : undefined });
      close();
      const after = action.after?.(answer);
      if (after) begin(after);
      else said.set(action.done);
      readAnew();
    } catch ({ status, message }) {
      // What is behind this window was not as it is any more.
      if (status === 412) readAnew();
      setProblem(message);
      setBusy(false);
    }
  };
  if (action.content) return html`<${Dialog} title=${action.title} close=${close}>${action.content}
    <div class="dialog-end"><button type="button" class="main" onClick=${close}>Close</button></div><//>`;
  return html`<${Dialog} title=${action.title} close=${close}><form onSubmit=${run}>
    <p>${action.text}</p>
    <h3>The same from a terminal</h3>
    ${action.command && html`<${Copyable} text=${action.command} label="the command line" />`}
    <${Copyable} text=${curlOf(action)} label="the curl command" />
    ${action.isDangerous && html`<label class="sure"><input type="checkbox" checked=${isSure} autofocus
      onChange=${event => setSure(event.currentTarget.checked)} /> ${action.sure ?? "Yes, I mean it."}</label>`}
    <p class="problem" role="alert">${problem && html`<${Mark} state="error" /> ${problem}`}</p>
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
  return html`<div class="said" role="status">${what && html`<p><${Mark} state="done" /> ${what}</p>`}</div>`;
}

// What can be done: the request, the command line that does the same, and what is asked before.

export const act = (verb, subject, [method, path], command, text, done, more) => ({
  verb, title: `${verb} ${subject}?`, method, path, command: `microcdn ${command}`, text, done, ...more,
});

export const Keys = ({ views, close }) => html`<${Dialog} title="Keys" close=${close}><dl class="facts keys-list">
  <div><dt><kbd>/</kbd></dt><dd>search</dd></div>
  ${views.map(each => html`<div><dt><kbd>g</kbd> <kbd>${each.key}</kbd></dt><dd>
    ${each.title}</dd></div>`)}
  <div><dt><kbd>Esc</kbd></dt><dd>closes a window like this</dd></div><div><dt><kbd>?</kbd></dt><dd>this</dd></div></dl>
  <div class="dialog-end"><button class="main" onClick=${close}>Close</button></div><//>`;

// Takes a token once, for a session.
export function Login() {
  const field = useRef(null);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    document.title = "Sign in · MicroCDN";
    field.current.focus();
  }, []);
  const submit = event => {
    event.preventDefault();
    setProblem("");
    signIn(field.current.value.trim()).catch(({ message }) => {
      setProblem(message);
      field.current.select();
    });
  };
  return html`<main class="login" id="main"><form onSubmit=${submit}>
    <img src="/ui/icon.svg" alt="" width="44" height="44" /><h1>Micro<b>CDN</b></h1>
    <label for="token">Token</label>
    <input id="token" ref=${field} type="password" autocomplete="current-password" required
      aria-describedby="problem" placeholder="microcdn_…" />
    <p class="problem" id="problem" role="alert">${problem && html`<${Mark} state="error" /> ${problem}`}</p>
    <button type="submit" class="main">Sign in</button>
    <div class="login-help"><p>The first token lies in the index's state folder, in the file <code>admin.token</code>.
      Others are made by</p>
      <${Copyable} text="microcdn token add --scope read" label="the command line" />
      <p>It is sent to this index once, and not kept by the browser.</p></div></form></main>`;
}
