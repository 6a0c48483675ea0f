// Files, what was downloaded of them, what is pulled from origins, and releases.
import {
  bytes, count, curlOf, html, may, moment, nothing, plural, quoted, segment, share, short, useEffect, useMemo,
  useRead, useState, withQuery,
} from "./ground.js";
import {
  ActionButton, activate, AsOf, Copyable, CursorPages, Facts, Mark, Panel, purge, Read, rollBack, Search, State,
  Table, Title, unstage, usePages,
} from "./parts.js";

const fileColumns = [
  { title: "Name", head: true, kind: "name", cell: row => html`<a
    href="#/files/${segment(row.name)}">${row.name}</a>` },
  { title: "Size", num: true, cell: row => row.size === null ? "servers disagree" : bytes(row.size) },
  { title: "Copies", num: true, cell: row => html`<${Copies} row=${row} />` },
  { title: "Revision", num: true, cell: row => row.revision === null ? html`<span class="faint">not published</span>`
    : count(row.revision) },
  { title: "Changed", num: true, cell: row => moment(row.lastModified) },
  { title: "SHA-256", cell: row => html`<code title=${row.sha256 ?? ""}>${short(row.sha256)}</code>` },
];

export const Copies = ({ row }) => row.wanted === null ? count(row.copies)
  : html`${count(row.copies)} of ${count(row.wanted)}
  ${row.copies < row.wanted && html`<span class="tag is-${row.copies === 0 ? "error" : "warning"}">
    ${count(row.wanted - row.copies)} missing</span>`}`;

export function Files({ query }) {
  const [text, setText] = useState(query.get("q") ?? "");
  const [isMissing, setMissing] = useState(query.has("missing"));
  const pages = usePages(text + isMissing);
  const files = useRead(withQuery("/files", { search: text, missing: isMissing ? "true" : "", limit: 50,
    after: pages.after }), ["copies", "release"]);
  const rows = files.data?.items ?? [];
  return html`<${Title} tools=${html`<${AsOf} at=${files.at} />`}
    lead="Every file that a server has, who has it, and where a client is sent.">Files<//>
    <div class="filters"><${Search} value=${text} onChange=${setText} label="Search files"
      placeholder="part of a name" /><label class="check"><input type="checkbox" checked=${isMissing}
        onChange=${event => setMissing(event.currentTarget.checked)} /> only with missing copies</label></div>
    <div class=${files.isOld ? "is-old" : ""}><${Read} of=${files} rows=${12} empty=${rows.length === 0
      && (isMissing ? "No file misses a copy." : text ? html`No file's name has “${text}” in it.`
        : html`There is no file yet. <code>microcdn put FILE NAME</code>
      publishes one.`)}>
      <${Table} label="Files" columns=${fileColumns} rows=${rows} keyOf=${row => row.name} pageSize=${1000} />
      <${CursorPages} pages=${pages} next=${files.data?.next} /><//></div>`;
}

// One file: who has it, and why a client is sent where it is sent.

const candidateColumns = [
  { title: "Server", head: true, cell: row => html`<a href="#/servers/${segment(row.id)}">${row.id}</a>` },
  { title: "State", cell: row => html`<${State} state=${row.state} />${row.why && html`<span
    class="under why">${row.why}</span>`}` },
  { title: "Verdict", kind: "is-wide-cell", cell: row => row.excluded
    ? html`<span class="excluded"><${Mark} state="error" /> left out: ${row.excluded}</span>`
    : row.isChosen ? html`<span class="chosen"><${Mark} state="done" /> gets the client</span>`
    : "asked if those above fail" },
  { title: "Score", num: true, cell: row => row.excluded ? nothing : count(row.score) },
  { title: "Downloads", num: true, cell: row => count(row.load) },
  { title: "Weight", num: true, cell: row => count(row.weight) },
  { title: "Zone", cell: row => [row.zone, row.country].filter(Boolean).join(" · ") || nothing },
];

export function FilePage({ name, query }) {
  const [from, setFrom] = useState(query.get("from") ?? "");
  const [typed, setTyped] = useState(from);
  const path = withQuery("/explain", { name, from });
  const why = useRead(path, ["server", "copies", "release"]);
  const it = why.data;
  const rows = (it?.candidates ?? []).map(each => ({ ...each, isChosen: each.id === it.chosen }));
  const look = event => {
    event.preventDefault();
    setFrom(typed.trim());
  };
  return html`<p class="back"><a href="#/files">All files</a></p><${Title}><span class="long">${name}</span><//>
    <form class="filters" onSubmit=${look}><label class="choice"><span>Client's address</span><input type="text"
      value=${typed} onInput=${event => setTyped(event.currentTarget.value)} placeholder="yours" inputmode="url"
      autocomplete="off" spellcheck=${false} /></label><button type="submit">Explain</button></form>
    <${Read} of=${why} rows=${8}>${it && html`
      <p class="verdict">${it.verdict}</p>
      <div class="pair"><${Panel} title="The file" id="file" at=${why.at}><${Facts} rows=${it.isPulled
        ? [["Kind", "a path that servers pull from an origin"]] : [
          ["Size", it.file.size === null ? "servers disagree"
            : `${bytes(it.file.size)} (${count(it.file.size)} bytes)`],
          ["Copies", html`<${Copies} row=${it.file} />`],
          ["Revision", it.file.revision === null ? "not published" : count(it.file.revision)],
          ["Changed", moment(it.file.lastModified)],
          ["SHA-256", html`<code class="long">${it.file.sha256 ?? nothing}</code>`]]} /><//>
      <${Panel} title="The client" id="client" at=${why.at}><${Facts} rows=${[
        ["Address", it.from], ["Zone", it.zone ?? nothing], ["Country", it.country ?? nothing],
        ["Gets", it.chosen ?? "no server"], ["Sent to", it.url ? html`<code
          class="long">${it.url}</code>` : nothing]]} /><//></div>
      <${Panel} title="Who might get the client" id="candidates" at=${why.at}>
        <${Table} label="Candidates, in the order in which they are asked" columns=${candidateColumns} rows=${rows}
          keyOf=${row => row.id} pick=${row => row.excluded ? "is-out" : row.isChosen ? "is-chosen" : ""} />
        ${it.notOffered.length > 0 && html`<h3>Copies with other bytes</h3><ul
          class="plain">${it.notOffered.map(each => html`
          <li key=${each.server}><${Mark} state="warning" /> <a
            href="#/servers/${segment(each.server)}">${each.server}</a>:
          ${" "}${bytes(each.size)}, <code>${short(each.sha256)}</code></li>`)}</ul>`}<//>`}<//>
    <${Panel} title="The same from a terminal" id="terminal"><${Copyable} label="the command line"
      text="microcdn explain ${quoted(name)}${from ? ` --from ${quoted(from)}` : ""}" />
      <${Copyable} text=${curlOf("GET", path)} label="the curl command" /><//>`;
}

// Finished downloads by day and by file.

const downloadColumns = [
  { title: "File", head: true, kind: "name", sort: row => row.name,
    cell: row => html`<a href="#/files/${segment(row.name)}">${row.name}</a>` },
  { title: "Downloads", num: true, sort: row => row.count, cell: row => count(row.count) },
  { title: "Sent", num: true, sort: row => row.bytes, cell: row => bytes(row.bytes) },
];

// A day as the index counts them, by the clock of Greenwich.
const daysAgo = days => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);

export function Downloads() {
  const [day, setDay] = useState(daysAgo(0));
  const [text, setText] = useState("");
  const [sums, setSums] = useState({});
  const pages = usePages(day);
  const downloads = useRead(withQuery("/downloads", { day, limit: 1000, after: pages.after }), [], 15_000);
  const rows = useMemo(() => (downloads.data?.items ?? [])
    .filter(row => row.name.toLowerCase().includes(text.toLowerCase())), [downloads.data, text]);
  const most = Math.max(1, ...Object.values(sums));
  const week = [0, 1, 2, 3, 4, 5, 6].map(daysAgo);
  return html`<${Title} lead="Downloads that were finished; ranges of one download count once.">Downloads<//>
    <${Panel} title="The last seven days" id="days" at=${downloads.at}><ol class="days">
      ${week.map(each => html`<${DayBar} key=${each} day=${each} most=${most} isShown=${day === each} pick=${setDay}
        tell=${sum => setSums(old => ({ ...old, [each]: sum }))} />`)}</ol><//>
    <${Panel} title=${`By file, ${day}`} id="by-file" at=${downloads.at}>
      <div class="filters"><${Search} value=${text} onChange=${setText} label="Search downloads" wait=${0}
        placeholder="part of a name" /><label class="choice"><span>Day (UTC)</span><input type="date" value=${day}
        min=${daysAgo(30)} max=${daysAgo(0)}
        onChange=${event => setDay(event.currentTarget.value || daysAgo(0))} /></label></div>
      <${Read} of=${downloads} rows=${6} empty=${rows.length === 0 && "Nothing was downloaded to its end."}>
        <${Table} label="Downloads by file" columns=${downloadColumns} rows=${rows} keyOf=${row => row.name}
          start=${{ by: "Downloads", down: true }} />
        <${CursorPages} pages=${pages} next=${downloads.data?.next} /><//><//>`;
}

function DayBar({ day, most, isShown, pick, tell }) {
  // Of days that are over hardly anything comes.
  const { data } = useRead(`/downloads?day=${day}&limit=1000`, [], day === daysAgo(0) ? 15_000 : 600_000);
  const sum = useMemo(() => (data?.items ?? []).reduce((all, row) => ({ count: all.count + row.count,
    bytes: all.bytes + row.bytes }), { count: 0, bytes: 0 }), [data]);
  useEffect(() => tell(sum.count), [sum]);
  return html`<li><button type="button" class="quiet num" aria-pressed=${isShown}
      onClick=${() => pick(day)}>${day}</button>
    <span class="days-bar" aria-hidden="true"><span style=${{ width: `${100 * sum.count / most}%` }}></span></span>
    <span class="num">${data ? `${data.next ? "at least " : ""}${plural(sum.count, "download")}, ${bytes(sum.bytes)}`
      : nothing}</span></li>`;
}

// What origins were asked, and purges.

const originColumns = [
  { title: "Origin", head: true, sort: row => row.origin, cell: row => html`<span class="long">${row.origin}</span>` },
  { title: "State", kind: "is-wide-cell", sort: row => -row.down.length, cell: row => html`<${State}
    state=${row.down.length === 0 ? "up" : "down"} word=${row.down.length === 0 ? "answers"
      : `failed ${row.down.length} of ${row.servers.length} servers`} />${row.down.map(each => html`<span
        key=${each.server}
      class="under why">${each.server}: ${each.why}</span>`)}` },
  { title: "Hit ratio", num: true, sort: row => row.hits / (row.hits + row.misses || 1),
    cell: row => share(row.hits, row.hits + row.misses) },
  { title: "Hits", num: true, sort: row => row.hits, cell: row => count(row.hits) },
  { title: "Misses", num: true, sort: row => row.misses, cell: row => count(row.misses) },
  { title: "Failures", num: true, sort: row => row.failures, cell: row => count(row.failures) },
  { title: "From it", num: true, sort: row => row.filledBytes, cell: row => bytes(row.filledBytes) },
  { title: "Servers", kind: "is-wide-cell", cell: row => html`<details><summary>
    ${plural(row.servers.length, "server")}</summary>
    <ul class="plain">${row.servers.map(each => html`<li key=${each.server}>${each.server}:
      ${" "}${share(each.hits, each.hits + each.misses)} hits, ${count(each.failures)} failures</li>`)}</ul>
    </details>` },
];

function byOrigin(items) {
  const origins = new Map();
  for (const item of items) {
    const row = origins.get(item.origin)
      ?? { origin: item.origin, hits: 0, misses: 0, failures: 0, filledBytes: 0, servers: [], down: [] };
    for (const figure of ["hits", "misses", "failures", "filledBytes"]) row[figure] += item[figure];
    row.servers.push(item);
    if (item.isDown) row.down.push(item);
    origins.set(item.origin, row);
  }
  return [...origins.values()];
}

export function Cache() {
  const origins = useRead("/origins?limit=1000", ["origin"]);
  const rows = useMemo(() => byOrigin(origins.data?.items ?? []), [origins.data]);
  return html`<${Title} lead="What content servers pull, and how often a copy answered instead.">Origins and cache<//>
    <${Panel} title="Origins" id="origins" at=${origins.at}>
      <${Read} of=${origins} rows=${3} empty=${rows.length === 0 && html`No content server pulls from an origin.
        <code>microcdn content --origin /=https://www.example.org</code> lets one.`}>
        <${Table} label="Origins" columns=${originColumns} rows=${rows} keyOf=${row => row.origin} /><//><//>
    ${may("purge") && html`<${PurgeForm} />`}<${Purges} />`;
}

const labels = { url: "URL or path", prefix: "Begins with", tag: "Tag" };
const examples = { url: "https://www.example.org/news/1 or /news/1", prefix: "/img/", tag: "news" };

function PurgeForm() {
  const [kind, setKind] = useState("url");
  const [value, setValue] = useState("");
  const [isSoft, setSoft] = useState(false);
  const isReady = kind === "all" || value.trim() !== "";
  return html`<${Panel} title="Purge" id="purge"><div class="form">
    <fieldset class="radios"><legend>What</legend>${["url", "prefix", "tag", "all"].map(each => html`<label key=${each}>
      <input type="radio" name="kind" checked=${kind === each}
        onChange=${() => setKind(each)} /> ${each}</label>`)}</fieldset>
    ${kind !== "all" && html`<label class="grow"><span>${labels[kind]}</span><input type="text" value=${value}
      placeholder=${examples[kind]} spellcheck=${false}
      autocomplete="off" onInput=${event => setValue(event.currentTarget.value)} /></label>`}
    <label class="check"><input type="checkbox" checked=${isSoft}
      onChange=${event => setSoft(event.currentTarget.checked)} />
      soft: ask the origin about copies instead of dropping them</label>
    ${isReady ? html`<${ActionButton} kind="main"
      action=${purge({ kind, value: value.trim(), soft: isSoft })}>Purge…<//>`
      : html`<button type="button" class="main" disabled>Purge…</button>`}</div><//>`;
}

// While one is on its way, its receipts come every second.
function Purges() {
  const [isRunning, setRunning] = useState(false);
  const purges = useRead("/purges?limit=20", ["purge"], isRunning ? 1000 : 5000);
  const rows = purges.data?.items ?? [];
  const running = rows.some(each => each.state === "running");
  if (running !== isRunning) setRunning(running);
  return html`<${Panel} title="The last purges" id="purges" at=${purges.at}>
    <${Read} of=${purges} rows=${3} empty=${rows.length === 0 && "There was none."}>
      <ol class="purges">${rows.map(each => html`<${Purge} key=${each.id} purge=${each} />`)}</ol><//><//>`;
}

function Purge({ purge: it }) {
  const ready = it.receipts.filter(each => each.state === "purged");
  const others = it.receipts.length - ready.length;
  return html`<li><div class="purge-head"><${State} state=${it.state} />
    <b class="long">${it.kind === "all" ? "everything" : `${it.kind} ${it.value}`}</b>${it.isSoft && html` <span
      class="tag">soft</span>`}
    <span class="faint num">${moment(it.time)}${it.number !== null ? `, number ${count(it.number)}` : ""}</span></div>
    ${it.detail && html`<p class="note is-error"><${Mark} state="error" /> ${it.detail}</p>`}
    <details><summary>${count(ready.length)} of ${plural(it.receipts.length, "server")} purged${others > 0
      ? `, ${count(others)} not` : ""}</summary>
    <ul class="receipts">${it.receipts.map(each => html`<li key=${each.server}><${State} state=${each.state}
      word=${each.server} /> <span class="faint num">${each.state === "purged" ? `${count(each.milliseconds)} ms`
        : each.state === "away" ? "away: it purges before it serves" : "has not answered"}</span></li>`)}</ul>
    </details></li>`;
}

// Releases: what is staged, what is active, and how far an activation is.

export function Releases() {
  const [isRunning, setRunning] = useState(false);
  const releases = useRead("/releases?limit=100", ["release"], isRunning ? 1000 : 5000);
  const rows = releases.data?.items ?? [];
  const running = rows.some(each => each.work?.state === "running");
  if (running !== isRunning) setRunning(running);
  return html`<${Title} tools=${html`<${AsOf} at=${releases.at} />`}
    lead="Files that become visible together, and can be taken back together.">Releases<//>
    <${Read} of=${releases} rows=${6} empty=${rows.length === 0 && html`There is none.
      <code>microcdn put DIR site --stage v1</code> stages one.`}>
      <ol class="cards">${rows.map(each => html`<${Release} key=${each.name} release=${each} />`)}
      </ol><//>`;
}

const Release = ({ release }) => html`<li class="panel">
  <header class="panel-head"><h2 class="long">${release.name}</h2><${State} state=${release.state}
    word=${release.state.replace("-", " ")} />
    <div class="tools">${may("publish") && html`
      ${release.state === "staged" && html`<${ActionButton} action=${activate(release)} kind="main" />
        <${ActionButton} action=${unstage(release)} />`}
      ${release.isUndoable && html`<${ActionButton} action=${rollBack(release)} />`}`}</div></header>
  <p class="faint">${plural(release.files, "file")}, ${bytes(release.bytes)}; ${release.state === "staged" ? "staged"
    : "activated"} ${moment(release.time)}</p>
  ${release.work && html`<${Work} work=${release.work} />`}</li>`;

function Work({ work }) {
  const known = work.there !== null && work.wanted > 0;
  return html`<div class="work"><p><${State} state=${work.state}
    word=${`${work.kind === "activate" ? "activation" : "rollback"}:
    ${work.state}`} /> ${work.detail}</p>
    ${work.state === "running" && html`<div class="progress"><progress max=${known ? work.wanted : undefined}
      value=${known ? work.there : undefined} aria-label="copies that are there"></progress>
      <span class="num">${known ? `${count(work.there)} of ${plural(work.wanted, "copy", "copies")},
        ${share(work.there, work.wanted)}` : "copies are being counted"}</span></div>`}
    ${work.shown.length + work.late.length > 0 && html`<details><summary>shown by
      ${" "}${plural(work.shown.length, "server")}${work.late.length > 0
        ? `, ${plural(work.late.length, "server")} late` : ""}</summary><ul class="receipts">
      ${work.shown.map(each => html`<li key=${each}><${State} state="done" word=${each} /></li>`)}
      ${work.late.map(each => html`<li key=${each}><${State} state="late"
        word="${each}: late" /></li>`)}</ul></details>`}</div>`;
}
