// The fleet: the overview with its charts, the servers, and each server.
import {
  byteRate, bytes, clock, count, day, has, html, live, may, nothing, plural, quoted, rate, segment, share, span,
  useCell, useEffect, useMemo, useRead, useRef, useState, withQuery,
} from "./ground.js";
import {
  act, ActionButton, AsOf, Choice, DiskUse, Facts, figure, Happened, Mark, Meter, Panel, Read, Rows, Search, State,
  Table, Tile, Title, Waiting,
} from "./parts.js";

const height = 176;

// Marks of an axis of bytes are powers of two.
const twos = Array.from({ length: 60 }, (_, power) => 2 ** power);

// times: seconds; series: { name, tone, values, write, steps }. The tone is one of the style sheet's colours.
function Chart({ title, times, series }) {
  const box = useRef(null);
  const plot = useRef(null);
  const [at, setAt] = useState(null);
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
  }, []);
  useEffect(() => plot.current?.setData(data), [times]);
  const index = at !== null && at < times.length ? at : times.length - 1;
  return html`<figure class="chart">
    <figcaption><span class="hidden">${title}, at ${clock(1000 * times[index])}: </span>
      ${series.map(each => html`<span class="legend">
        <span class="swatch tone-${each.tone}" aria-hidden="true"></span>${each.name}
        <b class="num">${each.write(each.values[index])}</b></span>`)}
      <span class="legend-time num">${at === null ? "" : clock(1000 * times[index])}</span></figcaption>
    <div class="plot" ref=${box} role="img" aria-label=${inWords(title, series)}></div>
    <${AsTable} title=${title} times=${times} series=${series} /></figure>`;
}

function inWords(title, series) {
  const parts = series.map(({ name, values, write }) => {
    const known = values.filter(value => value !== null).sort((a, b) => a - b);
    return `${name}: now ${write(values.at(-1))}, between ${write(known[0])} and ${write(known.at(-1))}`;
  });
  return `${title}. ${parts.join("; ")}.`;
}

// Every five minutes: for those who cannot see the lines, and for those who want the figures.
function AsTable({ title, times, series }) {
  const [isOpen, setOpen] = useState(false);
  const rows = useMemo(() => !isOpen ? [] : [...times.keys()]
    .filter(row => row === times.length - 1 || times[row] % 300 < 5).reverse(), [isOpen, times]);
  const columns = [{ title: "time", head: true, cell: row => clock(1000 * times[row]) },
    ...series.map(({ name, values, write }) => ({ title: name, num: true, cell: row => write(values[row]) }))];
  return html`<details class="as-table" onToggle=${event => setOpen(event.currentTarget.open)}>
    <summary>as a table</summary>${isOpen && html`<${Table} label=${title} columns=${columns} rows=${rows}
      keyOf=${row => times[row]} />`}</details>`;
}

function options(box, series, setAt) {
  // Asked whenever it is drawn, which is every second: the colours may have been changed.
  const style = getComputedStyle(document.documentElement);
  const colour = name => () => style.getPropertyValue(name).trim();
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
      fill: each.tone === "a" ? colour(`--fill-${each.tone}`) : undefined,
    }))],
  };
}

// What is wrong, what the fleet does now, and what it did in the last hour.

// The worst first.
const order = ["dead", "suspect", "unknown", "returning", "draining", "alive"];
const tailSeconds = 5;
const mostTail = 720;

export function Overview() {
  const { now, at } = useCell(live);
  return html`<${Title} lead=${now && html`<${About} now=${now} />`}>Overview<//>
    ${now ? html`<${Problems} now=${now} at=${at} /><${Tiles} now=${now} at=${at} /><${Hour} now=${now} at=${at} />
      <div class="pair"><${FleetGrid} /><${Newest} /></div>` : html`<${Waiting} rows=${4} />`}`;
}

const About = ({ now }) => html`Index ${now.version}, up for
  ${" "}${span((Date.parse(now.time) - Date.parse(now.started)) / 1000)}
  ${now.leads ? "" : html`; it follows${now.writer ? html` <code>${now.writer}</code>` : ""}`}
  ${now.behindSeconds !== null && html`; <b>cannot tell for ${span(now.behindSeconds)} whether it knows all that is
  published</b>`}`;

const pages = {
  origin: "cache", purge: "cache", copies: "files?missing", release: "releases", policy: "policies",
};

// Where more is to be seen of what an event or a problem is about.
export const placeOf = ({ kind, subject }) => `#/${["server", "disk", "certificate"].includes(kind) && subject
  ? `servers/${segment(subject)}` : pages[kind] ?? "events"}`;

function Problems({ now, at }) {
  const isLost = useCell(live, value => value.state === "lost");
  const { problems } = now;
  const list = some => html`<ul>${some.map(each => html`<li class="is-${each.severity}"><${Mark}
    state=${each.severity} /><span class="hidden">${each.severity}: </span><a
    href=${placeOf(each)}>${each.text}</a></li>`)}</ul>`;
  return problems.length === 0 ? html`<section class="panel problems is-well" aria-label="problems"><p><${Mark}
      state="done" /> <b>Nothing ${isLost ? " was" : " is"} wrong.</b> ${summary(now)}</p>
      <${AsOf} at=${at} /></section>`
    : html`<section class="panel problems" aria-label="problems"><header class="panel-head">
      <h2>${plural(problems.length, "problem")}</h2><${AsOf} at=${at} /><span class="faint">${summary(now)}</span>
      </header>${list(problems.slice(0, 6))}${problems.length > 6 && html`<details><summary>${problems.length - 6}
      ${" "}more</summary>${list(problems.slice(6))}</details>`}</section>`;
}

const summary = now => {
  const known = order.filter(state => now.servers[state] > 0).map(state => `${count(now.servers[state])} ${state}`);
  return `Servers: ${known.join(", ") || "none registered"}.`;
};

const FigureTiles = ({ at, of: { requests, errors, bytes: sent, downloads, hits, misses } }) => html`
  <${Tile} at=${at} title="Requests a second" value=${rate(requests)}
    more=${errors > 0 ? `${rate(errors)} with errors` : "no errors"} />
  <${Tile} at=${at} title="Sent" value=${byteRate(sent)} more="${count(downloads)} downloads under way" />
  <${Tile} at=${at} title="Hit ratio" value=${share(hits, hits + misses)} href="#/cache"
    more="${rate(misses)} misses a second" />`;

function Tiles({ now, at }) {
  const { figures, copies } = now;
  return html`<div class="tiles"><h2 class="hidden">Now</h2>
    <${FigureTiles} at=${at} of=${figures} />
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

// The last hour, with what came by the stream since it was read.
function useHour(hour, now, at) {
  const tail = useRef([]);
  return useMemo(() => {
    if (now) {
      const time = Math.floor(at / 1000 / tailSeconds) * tailSeconds;
      tail.current = [...tail.current.filter(each => each.time !== time), { ...now.figures, time }].slice(-mostTail);
    }
    if (!hour) return null;
    const times = [...hour.requests.keys()].map(index => Date.parse(hour.begin) / 1000 + index * hour.step);
    const newer = tail.current.filter(each => !(each.time <= times.at(-1)));
    return pick => (pick === "time" ? times : hour[pick]).concat(newer.map(each => each[pick]));
  }, [hour, at]);
}

const charts = [
  ["Requests", ["requests", "requests", "a", rate], ["errors", "errors", "c", rate]],
  ["Bytes", ["sent", "bytes", "a", byteRate, twos], ["from origins", "filledBytes", "b", byteRate]],
];

function Hour({ now, at }) {
  const hour = useRead("/figures", [], 60_000);
  const line = useHour(hour.data, now, at);
  return html`<div class="pair">${charts.map(([what, ...series]) => html`<${Panel} key=${what}
    title="${what} a second, the last hour" at=${at ?? hour.at}>${line ? html`<${Chart}
      title="${what} a second over the last hour" times=${line("time")}
      series=${series.map(([name, pick, tone, write, steps]) => ({ name, tone, values: line(pick), write, steps }))} />`
    : html`<div class="chart-room"><${Read} of=${hour} /></div>`}<//>`)}</div>`;
}

const noServer = "No content server has registered yet.";

// Each server is a tile: its shape tells the state, the line below it the load against the busiest.
function FleetGrid() {
  const servers = useRead("/servers?limit=1000", ["server", "disk", "certificate"]);
  const rows = useMemo(() => [...servers.data?.items ?? []].sort((a, b) =>
    order.indexOf(a.state) - order.indexOf(b.state) || a.id.localeCompare(b.id, "en", { numeric: true })),
  [servers.data]);
  const most = Math.max(1, ...rows.map(each => each.load));
  return html`<${Panel} title="The fleet" at=${servers.at} wide=${rows.length > 24}
    tools=${html`<a href="#/servers">all servers</a>`}>
    <${Read} of=${servers} rows=${4} empty=${rows.length === 0 && noServer}>
      <ul class="fleet ${rows.length > 24 ? "is-many" : ""}">${rows.map(each => html`<li key=${each.id}>
        <a href="#/servers/${segment(each.id)}" class="is-${each.state}" title=${each.why || each.state}
          aria-label="${each.id}: ${each.state}${each.why ? `, ${each.why}` : ""}; ${plural(each.load, "download")}">
          <${Mark} state=${each.isRetired && each.state === "alive" ? "retired" : each.state} />
          <span class="fleet-id">${each.id}</span><span class="fleet-load" aria-hidden="true"><span
            style=${{ width: `${100 * each.load / most}%` }}></span></span></a></li>`)}</ul>
      <p class="key faint">${order.filter(state => rows.some(each => each.state === state)).map(state => html`
        <${State} state=${state} />`)}</p><//><//>`;
}

function Newest() {
  const events = useRead("/events?limit=8", everyKind);
  return html`<${Panel} title="What happened" at=${events.at}
    tools=${html`<a href="#/events">all events</a>`}>
    <${Happened} of=${events} rows=${events.data?.items ?? []} empty="Nothing yet." /><//>`;
}

export const everyKind = ["server", "copies", "origin", "disk", "certificate", "index", "purge", "release", "policy",
  "token", "test"];

// The content servers: how each is, why, and how much it has to do.

const StateOf = ({ server }) => html`<${State} state=${server.state} />
  ${server.isRetired && html` <${State} state="retired" />`}${server.isFull && html` <span class="tag">full</span>`}`;

const serverColumns = [
  {
    title: "Server", head: true, sort: row => row.id, cell: row => html`<a
      href="#/servers/${segment(row.id)}">${row.id}</a>
      <span class="under">${[row.zone, row.country].filter(Boolean).join(" · ")}</span>`,
  },
  {
    title: "State", sort: row => order.indexOf(row.state), kind: "is-wide-cell", cell: row => html`<${StateOf}
      server=${row} />
      ${row.why && html`<span class="under why">${row.why}</span>`}`,
  },
  figure("Load", "load"),
  { title: "Requests/s", num: true, sort: row => row.figures?.requests ?? -1,
    cell: row => rate(row.figures?.requests) },
  { title: "Sent", num: true, sort: row => row.figures?.bytes ?? -1, cell: row => byteRate(row.figures?.bytes) },
  {
    title: "Disk", sort: row => row.told?.diskFree ?? -1,
    cell: row => html`<${DiskUse} free=${row.told?.diskFree} size=${row.told?.diskSize} />`,
  },
  { title: "Heartbeat", num: true, sort: row => row.heartbeatAge ?? Infinity, cell: row => span(row.heartbeatAge) },
  { title: "Version", sort: row => row.told?.version ?? "", cell: row => row.told?.version ?? nothing },
];

const ofServer = (verb, id, command, text, done, more) => act(verb, id,
  ["POST", `/servers/${segment(id)}/${verb.toLowerCase()}`], `${command} ${quoted(id)}`, text, `${id} ${done}.`, more);

// What may be done with a server as it is.
const serverActions = ({ id, state, isRetired }) => [
  state === "draining" ? ofServer("Resume", id, "resume", "Clients are sent there again.", "is back")
    : ofServer("Drain", id, "drain", "Nobody is sent there any more, also after it was started again. Downloads under "
      + "way end in peace.", "is being drained"),
  isRetired ? ofServer("Reinstate", id, "server resume", "It takes part again, and gets copies as the others do.",
    "takes part again")
    : ofServer("Retire", id, "server retire", "Copies of all its files are made elsewhere, and nothing new is "
      + "published there. It may be switched off when no file is left that is not safe elsewhere.", "is being retired",
    { isDangerous: true, sure: `Yes, ${id} is to go.` }),
];

const buttons = server => serverActions(server).map(action => html`<${ActionButton} key=${action.verb}
  action=${action} />`);

const doing = { title: "Actions", quiet: true, kind: "actions", cell: buttons };

export function Servers() {
  const servers = useRead("/servers?limit=1000", ["server", "disk", "certificate"]);
  const [text, setText] = useState("");
  const [state, setState] = useState("");
  const rows = useMemo(() => (servers.data?.items ?? []).filter(row => (state === "" || row.state === state)
    && has(text, row.id, row.url, row.zone, row.country, row.why, row.address, row.told?.version)),
  [servers.data, text, state]);
  const all = servers.data?.items.length ?? 0;
  return html`<${Title} at=${servers.at} lead=${servers.data ? `${plural(all, "content server")}${rows.length < all
      ? `, ${count(rows.length)} shown` : ""}` : " "}>
    Servers<//>
    <div class="filters"><${Search} value=${text} onChange=${setText} label="Search servers" wait=${0}
      placeholder="id, address, zone, reason" /><${Choice} label="State" value=${state} onChange=${setState}
      options=${["", ...order]} /></div>
    <${Rows} of=${servers} rows=${rows} empty=${all === 0 ? noServer : "No server is like that."}
      label="Content servers" keyOf=${row => row.id} pick=${row => `is-${row.state}`}
      columns=${may("admin") ? [...serverColumns, doing] : serverColumns} start=${{ by: "State", down: false }} />`;
}

// One content server: the evidence, what it told, what happened to it.

export function ServerPage({ name }) {
  const server = useRead(`/servers/${segment(name)}`, ["server", "disk", "certificate"]);
  const events = useRead(withQuery("/events", { search: name, limit: 50 }),
    ["server", "disk", "certificate", "copies", "origin"]);
  const it = server.data;
  return html`<p class="back"><a href="#/servers">All servers</a></p>
    <${Title} tools=${it && may("admin") ? buttons(it) : null}
      lead=${it && html`<${StateOf} server=${it} /> <${AsOf} at=${server.at} />`}>${name}<//>
    <${Read} of=${server} rows=${8}>${it && html`
      ${it.why && html`<p class="note is-${it.state === "dead" ? "error" : "warning"}"><${Mark} state=${it.state} />
        ${it.why}</p>`}
      <div class="tiles"><h2 class="hidden">Figures</h2>
        <${FigureTiles} at=${server.at} of=${{ ...it.figures, downloads: it.load }} />
        <${Tile} at=${server.at} title="Copies" value=${count(it.copies)}
          more=${it.wrong > 0 ? `${count(it.wrong)} with other bytes` : "published files"}
          tone=${it.wrong > 0 ? "is-warning" : ""} /></div>
      <div class="pair"><${Panel} title="Where it is" at=${server.at}><${Facts} rows=${[
        ["Address", it.address], ["URL", it.url ?? "speaks no HTTP"],
        ["Zone", it.zone], ["Country", it.country], ["Weight", count(it.weight)],
        ["Clients", it.isAsked ? "may be sent there" : "are not sent there"],
        ["Pulls", it.pulls.length > 0 ? it.pulls.join(", ") : nothing]]} /><//>
      <${Panel} title="What it told" at=${server.at}><${Told} server=${it} /><//></div>`}<//>
    <${Panel} title="What happened to it" at=${events.at}><${Happened} of=${events}
      rows=${(events.data?.items ?? []).filter(each => each.subject === name
        || each.text.split(/[\s,.:;()]+/).includes(name))} empty="Nothing that is still known." /><//>`;
}

function Told({ server }) {
  const { told } = server;
  return html`<${Facts} rows=${[
    ["Last heartbeat", span(server.heartbeatAge)], ["Age of this", span(told?.ageSeconds)],
    ["Version", told?.version],
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
