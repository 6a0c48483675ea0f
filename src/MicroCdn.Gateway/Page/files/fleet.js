// The fleet: the overview with its charts, the servers, and each server.
import {
  byteRate, bytes, clock, count, day, html, isLive, live, may, moment, nothing, plural, rate, segment, share, span,
  useCell, useEffect, useMemo, useRead, useRef, useState, withQuery,
} from "./ground.js";
import {
  ActionButton, AsOf, Choice, DiskUse, Facts, Mark, Meter, Panel, Read, Search, serverActions, State, Table, Tile,
  Title, Waiting,
} from "./parts.js";

const height = 176;
const most = 1800;

// Marks of an axis of bytes are powers of two.
const twos = Array.from({ length: 60 }, (_, power) => 2 ** power);

// times: seconds; series: { name, tone, values, write, fill }. The tone is one of the style sheet's colours.
export function Chart({ title, times, series }) {
  const box = useRef(null);
  const plot = useRef(null);
  const [at, setAt] = useState(null);
  const theme = useTheme();
  const data = [times, ...series.map(each => each.values)];
  useEffect(() => {
    if (!window.uPlot) return undefined;
    const made = plot.current = new uPlot(options(box.current, series, setAt), data, box.current);
    const sized = new ResizeObserver(([entry]) => made.setSize({ width: Math.floor(entry.contentRect.width), height }));
    sized.observe(box.current);
    return () => {
      sized.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [theme]);
  useEffect(() => plot.current?.setData(data), [times, ...series.map(each => each.values)]);
  const index = at !== null && at < times.length ? at : times.length - 1;
  return html`<figure class="chart">
    <figcaption><span class="hidden">${title}, at ${clock(1000 * times[index])}: </span>
      ${series.map(each => html`<span key=${each.name} class="legend">
        <span class="swatch tone-${each.tone}" aria-hidden="true"></span>${each.name}
        <b class="num">${each.write(each.values[index])}</b></span>`)}
      <span class="legend-time num">${at === null ? "" : clock(1000 * times[index])}</span></figcaption>
    <div class="plot" ref=${box} role="img" aria-label=${inWords(title, series)}></div>
    <${AsTable} title=${title} times=${times} series=${series} /></figure>`;
}

function inWords(title, series) {
  const parts = series.map(each => {
    const known = each.values.filter(value => value !== null && value !== undefined);
    if (known.length === 0) return `${each.name}: nothing known`;
    const [low, high] = known.reduce(([least, greatest], value) => [Math.min(least, value), Math.max(greatest, value)],
      [Infinity, -Infinity]);
    return `${each.name}: now ${each.write(known.at(-1))}, between ${each.write(low)} and ${each.write(high)}`;
  });
  return `${title}. ${parts.join("; ")}.`;
}

// Every five minutes: for those who cannot see the lines, and for those who want the figures.
function AsTable({ title, times, series }) {
  const [isOpen, setOpen] = useState(false);
  const rows = useMemo(() => !isOpen ? [] : times.map((time, row) => [time, row])
    .filter(([time], row) => row === times.length - 1 || time % 300 < 5).reverse(), [isOpen, times]);
  return html`<details class="as-table" onToggle=${event => setOpen(event.currentTarget.open)}>
    <summary>as a table</summary>${isOpen && html`<table><caption class="hidden">${title}</caption>
      <thead><tr><th scope="col">time</th>${series.map(each => html`<th key=${each.name} scope="col" class="num">
        ${each.name}</th>`)}</tr></thead>
      <tbody>${rows.map(([time, row]) => html`<tr key=${time}><th scope="row">${clock(1000 * time)}</th>
        ${series.map(each => html`<td key=${each.name} class="num">${each.write(each.values[row])}</td>`)}</tr>`)}
      </tbody></table>`}</details>`;
}

function useTheme() {
  const dark = useMemo(() => matchMedia("(prefers-color-scheme: dark)"), []);
  const read = () => `${document.documentElement.dataset.theme ?? ""}${dark.matches}`;
  const [theme, set] = useState(read);
  useEffect(() => {
    const look = () => set(read());
    const seen = new MutationObserver(look);
    seen.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    dark.addEventListener("change", look);
    return () => {
      seen.disconnect();
      dark.removeEventListener("change", look);
    };
  }, []);
  return theme;
}

function options(box, series, setAt) {
  const style = getComputedStyle(document.documentElement);
  const colour = name => style.getPropertyValue(name).trim();
  const axis = { stroke: colour("--faint"), font: "11px system-ui, sans-serif", ticks: { show: false } };
  const grid = { stroke: colour("--line"), width: 1 };
  return {
    width: Math.max(200, Math.floor(box.clientWidth)), height, legend: { show: false }, padding: [10, 8, 0, 0],
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    scales: { y: { range: (_, low, high) => [0, high > 0 ? high * 1.15 : 1] } },
    axes: [
      {
        ...axis, grid: { show: false }, size: 26, space: 70,
        values: (_, splits) => splits.map(time => clock(1000 * time).slice(0, 5)),
      },
      {
        ...axis, grid, size: 76, space: 36, incrs: series[0].steps,
        values: (_, splits) => splits.map(value => series[0].write(value)),
      },
    ],
    hooks: { setCursor: [made => setAt(made.cursor.idx ?? null)] },
    series: [{}, ...series.map(each => ({
      label: each.name, stroke: colour(`--tone-${each.tone}`), width: 1.75, points: { show: false }, spanGaps: false,
      fill: each.fill ? colour(`--fill-${each.tone}`) : undefined,
    }))],
  };
}

// The last hour with what came since: a value every few seconds, and the newest at its end.
export function follow(history, tail, pick) {
  const begin = Date.parse(history.begin) / 1000;
  const values = [...history[pick]];
  const times = values.map((_, index) => begin + index * history.step);
  for (const each of tail) {
    if (times.length > 0 && each.time <= times.at(-1)) continue;
    times.push(each.time);
    values.push(each[pick]);
  }
  const extra = Math.max(0, times.length - most);
  return { times: times.slice(extra), values: values.slice(extra) };
}

export const orNothing = write => value => value === null || value === undefined ? nothing : write(value);

// What is wrong, what the fleet does now, and what it did in the last hour.

const order = ["dead", "suspect", "unknown", "returning", "draining", "alive"];
const tailSeconds = 5;
const mostTail = 720;

export function Overview() {
  const { now, at } = useCell(live);
  return html`<${Title} lead=${now && html`<${About} now=${now} />`}>Overview<//>
    ${now ? html`<${Problems} now=${now} at=${at} /><${Tiles} now=${now} at=${at} />` : html`<${Waiting} rows=${4} />`}
    <${Hour} now=${now} at=${at} />
    <div class="pair"><${FleetGrid} /><${Newest} /></div>`;
}

const About = ({ now }) => html`Index ${now.version}, up for
  ${" "}${span((Date.parse(now.time) - Date.parse(now.started)) / 1000)}
  ${now.leads ? "" : html`; it follows${now.writer ? html` <code>${now.writer}</code>` : ""}`}
  ${now.behindSeconds !== null && html`; <b>cannot tell for ${span(now.behindSeconds)} whether it knows all that is
  published</b>`}`;

const placeOf = trouble => ({
  server: `#/servers/${segment(trouble.subject)}`, disk: `#/servers/${segment(trouble.subject)}`,
  certificate: `#/servers/${segment(trouble.subject)}`, origin: "#/cache", purge: "#/cache", copies: "#/files?missing",
  release: "#/releases", policy: "#/policies",
}[trouble.kind] ?? "#/events");

function Problems({ now, at }) {
  const [isAll, setAll] = useState(false);
  const isLost = useCell(live, value => value.state === "lost");
  const { problems } = now;
  const few = isAll ? problems : problems.slice(0, 6);
  if (problems.length === 0) {
    return html`<section class="panel problems is-well" aria-label="problems"><p><${Mark} state="done" /> <b>Nothing
      ${isLost ? " was" : " is"} wrong.</b> ${summary(now)}</p><${AsOf} at=${at} /></section>`;
  }
  return html`<section class="panel problems" aria-labelledby="problems"><header class="panel-head">
    <h2 id="problems">${plural(problems.length, "problem")}</h2><${AsOf} at=${at} />
    <span class="faint">${summary(now)}</span>
    </header><ul>${few.map(each => html`<li key=${each.kind + each.subject + each.text} class="is-${each.severity}">
      <${Mark} state=${each.severity} /><span class="hidden">${each.severity}: </span>
      <a href=${placeOf(each)}>${each.text}</a></li>`)}</ul>
    ${problems.length > 6 && html`<button type="button" class="quiet" onClick=${() => setAll(!isAll)}
      aria-expanded=${isAll}>${isAll ? "show fewer" : `show all ${problems.length}`}</button>`}</section>`;
}

const summary = now => {
  const known = order.filter(state => now.servers[state] > 0).map(state => `${count(now.servers[state])} ${state}`);
  return `Servers: ${known.join(", ") || "none registered"}.`;
};

function Tiles({ now, at }) {
  const { figures, copies } = now;
  return html`<div class="tiles"><h2 class="hidden">Now</h2>
    <${Tile} at=${at} title="Requests a second" value=${rate(figures.requests)}
      more=${figures.errors > 0 ? `${rate(figures.errors)} with errors` : "no errors"} />
    <${Tile} at=${at} title="Sent" value=${byteRate(figures.bytes)}
      more="${count(figures.downloads)} downloads under way" />
    <${Tile} at=${at} title="Hit ratio" value=${share(figures.hits, figures.hits + figures.misses)} href="#/cache"
      more="${rate(figures.misses)} misses a second" />
    <${Tile} at=${at} title="Saved at the origin" value=${bytes(now.savedBytes)}
      more="in the last hour" href="#/cache" />
    <${Tile} at=${at} title="Files" value=${count(now.files)} href="#/files"
      more=${copies ? `${count(copies.names)} published` : " "} />
    <${Tile} at=${at} title="Copies" value=${copies ? share(copies.there, copies.wanted) : count(null)}
      href="#/policies"
      tone=${copies?.lost > 0 ? "is-error" : copies?.missing > 0 ? "is-warning" : ""}
      more=${copies ? copyWords(copies) : "not counted yet"} /></div>`;
}

function copyWords(copies) {
  if (copies.lost > 0) return `${count(copies.lost)} files nobody can give`;
  if (copies.missing === 0 && copies.making === 0) return "all that are wanted";
  return `${count(copies.missing)} missing, ${count(copies.making)} being made`;
}

// What came by the stream since the hour was read.
function useTail(now, at) {
  const tail = useRef([]);
  return useMemo(() => {
    if (!now) return tail.current;
    const time = Math.floor(at.getTime() / 1000 / tailSeconds) * tailSeconds;
    const { requests, errors, bytes: sent, filledBytes } = now.figures;
    const before = tail.current.at(-1)?.time === time ? tail.current.slice(0, -1) : tail.current;
    return tail.current = [...before, { time, requests, errors, bytes: sent, filledBytes }].slice(-mostTail);
  }, [at]);
}

function Hour({ now, at }) {
  const hour = useRead("/figures", [], 60_000);
  const tail = useTail(now, at);
  const lines = useMemo(() => hour.data && Object.fromEntries(
    ["requests", "errors", "bytes", "filledBytes"].map(pick => [pick, follow(hour.data, tail, pick)])),
  [hour.data, tail]);
  const shownAt = isLive() ? at : at ?? hour.at;
  return html`<div class="pair"><${Panel} title="Requests a second, the last hour" id="requests" at=${shownAt}>
      ${lines ? html`<${Chart} title="Requests a second over the last hour" times=${lines.requests.times} series=${[
        { name: "requests", tone: "a", values: lines.requests.values, write: orNothing(rate), fill: true },
        { name: "errors", tone: "c", values: lines.errors.values, write: orNothing(rate) }]} />`
        : html`<div class="chart-room"><${Read} of=${hour} rows=${4} /></div>`}<//>
    <${Panel} title="Bytes a second, the last hour" id="bytes" at=${shownAt}>
      ${lines ? html`<${Chart} title="Bytes a second over the last hour" times=${lines.bytes.times} series=${[
        { name: "sent", tone: "a", values: lines.bytes.values, write: orNothing(byteRate), fill: true, steps: twos },
        { name: "from origins", tone: "b", values: lines.filledBytes.values, write: orNothing(byteRate) }]} />`
        : html`<div class="chart-room"><${Read} of=${hour} rows=${4} /></div>`}<//></div>`;
}

// Each server is a tile: its shape tells the state, the line below it the load against the busiest.
function FleetGrid() {
  const servers = useRead("/servers?limit=1000", ["server", "disk", "certificate"]);
  const rows = useMemo(() => [...servers.data?.items ?? []].sort((a, b) =>
    order.indexOf(a.state) - order.indexOf(b.state) || a.id.localeCompare(b.id, "en", { numeric: true })),
  [servers.data]);
  const most = Math.max(1, ...rows.map(each => each.load));
  return html`<${Panel} title="The fleet" id="fleet" at=${servers.at} wide=${rows.length > 24}
    tools=${html`<a href="#/servers">all servers</a>`}>
    <${Read} of=${servers} rows=${4} empty=${rows.length === 0 && "No content server has registered yet."}>
      <ul class="fleet ${rows.length > 24 ? "is-many" : ""}">${rows.map(each => html`<li key=${each.id}>
        <a href="#/servers/${segment(each.id)}" class="is-${each.state}" title=${each.why || each.state}
          aria-label="${each.id}: ${each.state}${each.why ? `, ${each.why}` : ""}; ${plural(each.load, "download")}">
          <${Mark} state=${each.isRetired && each.state === "alive" ? "retired" : each.state} />
          <span class="fleet-id">${each.id}</span><span class="fleet-load" aria-hidden="true"><span
            style=${{ width: `${100 * each.load / most}%` }}></span></span></a></li>`)}</ul>
      <p class="key faint">${order.filter(state => rows.some(each => each.state === state)).map(state => html`
        <${State} key=${state} state=${state} />`)}</p><//><//>`;
}

function Newest() {
  const events = useRead("/events?limit=8", everyKind);
  const rows = events.data?.items ?? [];
  return html`<${Panel} title="What happened" id="newest" at=${events.at}
    tools=${html`<a href="#/events">all events</a>`}>
    <${Read} of=${events} rows=${6} empty=${rows.length === 0 && "Nothing yet."}><ol class="happened">
      ${rows.map(each => html`<li key=${each.id}><${Mark} state=${each.severity} /><span class="hidden">${each.severity}
        </span><time class="num faint" datetime=${each.time}>${moment(each.time)}</time>
        <span>${each.text}</span></li>`)}</ol><//><//>`;
}

export const everyKind = ["server", "copies", "origin", "disk", "certificate", "index", "purge", "release", "policy",
  "token", "test"];

// The content servers: how each is, why, and how much it has to do.

const states = ["", "alive", "returning", "unknown", "suspect", "draining", "dead"];
const badness = ["dead", "suspect", "unknown", "returning", "draining", "alive"];

export const StateOf = ({ server }) => html`<${State} state=${server.state} />
  ${server.isRetired && html` <${State} state="retired" />`}${server.isFull && html` <span class="tag">full</span>`}`;

const serverColumns = [
  {
    title: "Server", head: true, sort: row => row.id, cell: row => html`<a
      href="#/servers/${segment(row.id)}">${row.id}</a>
      <span class="under">${[row.zone, row.country].filter(Boolean).join(" · ")}</span>`,
  },
  {
    title: "State", sort: row => badness.indexOf(row.state), kind: "is-wide-cell", cell: row => html`<${StateOf}
      server=${row} />
      ${row.why && html`<span class="under why">${row.why}</span>`}`,
  },
  { title: "Load", num: true, sort: row => row.load, cell: row => html`<span
    title="downloads under way">${count(row.load)}</span>` },
  { title: "Requests/s", num: true, sort: row => row.figures?.requests ?? -1,
    cell: row => rate(row.figures?.requests) },
  { title: "Sent", num: true, sort: row => row.figures?.bytes ?? -1, cell: row => byteRate(row.figures?.bytes) },
  {
    title: "Disk", sort: row => row.told?.diskFree ?? -1,
    cell: row => html`<${DiskUse} free=${row.told?.diskFree} size=${row.told?.diskSize} />`,
  },
  {
    title: "Told", num: true, sort: row => row.told?.ageSeconds ?? Infinity,
    cell: row => row.told ? html`<span title="it told this so long ago">
      ${span(row.told.ageSeconds)} ago</span>` : nothing,
  },
  { title: "Version", sort: row => row.told?.version ?? "", cell: row => row.told?.version ?? nothing },
];

const doing = {
  title: "Actions", quiet: true, kind: "actions",
  cell: row => serverActions(row).map(action => html`<${ActionButton} key=${action.verb} action=${action} />`),
};

export function Servers({ query }) {
  const servers = useRead("/servers?limit=1000", ["server", "disk", "certificate"]);
  const [text, setText] = useState(query.get("q") ?? "");
  const [state, setState] = useState(query.get("state") ?? "");
  const rows = useMemo(() => {
    const wanted = text.toLowerCase();
    return (servers.data?.items ?? []).filter(row => (state === "" || row.state === state)
      && [row.id, row.url, row.zone, row.country, row.why, row.address, row.told?.version]
        .some(each => each?.toLowerCase().includes(wanted)));
  }, [servers.data, text, state]);
  const all = servers.data?.items.length ?? 0;
  return html`<${Title} tools=${html`<${AsOf} at=${servers.at} />`}
    lead=${servers.data ? `${plural(all, "content server")}${rows.length < all
      ? `, ${count(rows.length)} shown` : ""}` : " "}>
    Servers<//>
    <div class="filters"><${Search} value=${text} onChange=${setText} label="Search servers" wait=${0}
      placeholder="id, address, zone, reason" /><${Choice} label="State" value=${state} onChange=${setState}
      options=${states} /></div>
    <${Read} of=${servers} rows=${10} empty=${rows.length === 0
      && (all === 0 ? "No content server has registered yet." : "No server is like that.")}>
      <${Table} label="Content servers" rows=${rows} keyOf=${row => row.id} pick=${row => `is-${row.state}`}
        columns=${may("admin") ? [...serverColumns, doing] : serverColumns}
        start=${{ by: "State", down: false }} /><//>`;
}

// One content server: the evidence, what it told, what happened to it.

export function ServerPage({ name }) {
  const server = useRead(`/servers/${segment(name)}`, ["server", "disk", "certificate"]);
  const events = useRead(withQuery("/events", { search: name, limit: 50 }),
    ["server", "disk", "certificate", "copies", "origin"]);
  const it = server.data;
  return html`<p class="back"><a href="#/servers">All servers</a></p>
    <${Title} tools=${it && may("admin") ? serverActions(it).map(action => html`<${ActionButton} key=${action.verb}
      action=${action} />`) : null}
      lead=${it && html`<${StateOf} server=${it} /> <${AsOf} at=${server.at} />`}>${name}<//>
    <${Read} of=${server} rows=${8}>${it && html`
      ${it.why && html`<p class="note is-${it.state === "dead" ? "error" : "warning"}"><${Mark}
        state=${it.state === "dead" ? "error" : "warning"} /> ${it.why}</p>`}
      <div class="tiles"><h2 class="hidden">Figures</h2>
        <${Tile} at=${server.at} title="Downloads" value=${count(it.load)} more="under way" />
        <${Tile} at=${server.at} title="Requests a second" value=${rate(it.figures?.requests)}
          more=${it.figures?.errors > 0 ? `${rate(it.figures.errors)} with errors` : "no errors"} />
        <${Tile} at=${server.at} title="Sent" value=${byteRate(it.figures?.bytes)} more=" " />
        <${Tile} at=${server.at} title="Hit ratio"
          value=${share(it.figures?.hits, (it.figures?.hits ?? 0) + (it.figures?.misses ?? 0))}
          more="${byteRate(it.figures?.filledBytes)} from origins" />
        <${Tile} at=${server.at} title="Copies" value=${count(it.copies)}
          more=${it.wrong > 0 ? `${count(it.wrong)} with other bytes` : "published files"}
          tone=${it.wrong > 0 ? "is-warning" : ""} /></div>
      <div class="pair"><${Panel} title="Where it is" id="where" at=${server.at}><${Facts} rows=${[
        ["Address", it.address ?? nothing], ["URL", it.url ?? "speaks no HTTP"],
        ["Zone", it.zone ?? nothing], ["Country", it.country ?? nothing], ["Weight", count(it.weight)],
        ["Clients", it.isAsked ? "may be sent there" : "are not sent there"],
        ["Pulls", it.pulls.length > 0 ? it.pulls.join(", ") : nothing]]} /><//>
      <${Panel} title="What it told" id="told" at=${server.at}><${Told} server=${it} /><//></div>`}<//>
    <${Panel} title="What happened to it" id="its-events" at=${events.at}><${Read} of=${events} rows=${3}
      empty=${events.data?.items.length === 0 && "Nothing that is still known."}><ol class="happened">
      ${events.data?.items.filter(each => each.subject === name
        || each.text.split(/[\s,.:;()]+/).includes(name)).map(each => html`
        <li key=${each.id}><${Mark} state=${each.severity} /><span class="hidden">${each.severity} </span>
        <time class="num faint" datetime=${each.time}>${moment(each.time)}</time><span>
          ${each.text}</span></li>`)}</ol><//><//>`;
}

function Told({ server }) {
  const { told } = server;
  return html`<${Facts} rows=${[
    ["Told", told ? `${span(told.ageSeconds)} ago` : "nothing"],
    ["Version", told?.version ?? nothing],
    ["Disk", html`<${DiskUse} free=${told?.diskFree} size=${told?.diskSize} />`],
    ["Published files", server.capacity ? html`<span class="disk"><${Meter} part=${server.capacity - (server.free ?? 0)}
      all=${server.capacity} label="of what it may keep" /> <span class="num">${bytes(server.free)} left
      of ${bytes(server.capacity)}</span></span>` : nothing],
    ["Cache on disk", bytes(told?.storeBytes)],
    ["Certificate", told?.certificateEnds ? `ends ${day(told.certificateEnds)}` : "none"],
    server.isRetired && ["Retired", server.left > 0
      ? `${plural(server.left, "file")} not safe elsewhere yet` : "may be switched off"],
  ]} />`;
}
