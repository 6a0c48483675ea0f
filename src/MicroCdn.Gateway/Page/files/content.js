// Files, what is pulled from origins, and releases.
import {
  bytes, cell, count, html, may, moment, nothing, plural, quoted, readAnew, segment, send, share, short, useCell,
  useMemo, useRead, useState, withQuery,
} from "./ground.js";
import {
  act, ActionButton, Check, Copyable, Facts, Field, figure, Mark, Panel, Read, Rows, Search, State, Table, Title,
  usePages,
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

const Copies = ({ row }) => row.wanted === null ? count(row.copies)
  : html`${count(row.copies)} of ${count(row.wanted)}
  ${row.copies < row.wanted && html`<span class="tag is-${row.copies === 0 ? "error" : "warning"}">
    ${count(row.wanted - row.copies)} missing</span>`}`;

export function Files({ query }) {
  const [text, setText] = useState(query.get("q") ?? "");
  const [isMissing, setMissing] = useState(query.has("missing"));
  const pages = usePages(text + isMissing);
  const files = useRead(withQuery("/files", { search: text, missing: isMissing ? "true" : "", limit: 50,
    after: pages.after }), ["copies", "release"]);
  return html`<${Title} at=${files.at}
    lead="Every file that a server has, who has it, and where a client is sent.">Files<//>
    <div class="filters"><${Search} value=${text} onChange=${setText} label="Search files"
      placeholder="part of a name" /><${Check} checked=${isMissing}
        set=${setMissing}>only with missing copies<//></div>
    <${Rows} of=${files} wait=${12} pages=${pages} label="Files" columns=${fileColumns} keyOf=${row => row.name}
      empty=${isMissing ? "No file misses a copy." : text ? html`No file's name has “${text}” in it.`
        : html`There is no file yet. <code>microcdn put FILE NAME</code> publishes one.`} />`;
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
  { ...figure("Downloads", "load"), sort: null }, { ...figure("Weight", "weight"), sort: null },
  { title: "Zone", cell: row => [row.zone, row.country].filter(Boolean).join(" · ") || nothing },
];

export function FilePage({ name, query }) {
  const [from, setFrom] = useState(query.get("from") ?? "");
  const path = withQuery("/explain", { name, from });
  const why = useRead(path, ["server", "copies", "release"]);
  const it = why.data;
  const rows = (it?.candidates ?? []).map(each => ({ ...each, isChosen: each.id === it.chosen }));
  return html`<p class="back"><a href="#/files">All files</a></p><${Title}><span class="long">${name}</span><//>
    <div class="filters"><${Search} value=${from} onChange=${setFrom} wait=${600}
      label="Client's address" placeholder="address of a client; yours when empty" /></div>
    <${Read} of=${why} rows=${8}>${it && html`
      <p class="verdict">${it.verdict}</p>
      <div class="pair"><${Panel} title="The file" at=${why.at}><${Facts} rows=${it.isPulled
        ? [["Kind", "a path that servers pull from an origin"]] : [
          ["Size", it.file.size === null ? "servers disagree"
            : `${bytes(it.file.size)} (${count(it.file.size)} bytes)`],
          ["Copies", html`<${Copies} row=${it.file} />`],
          ["Revision", it.file.revision === null ? "not published" : count(it.file.revision)],
          ["Changed", moment(it.file.lastModified)],
          ["SHA-256", html`<code class="long">${it.file.sha256 ?? nothing}</code>`]]} /><//>
      <${Panel} title="The client" at=${why.at}><${Facts} rows=${[
        ["Address", it.from], ["Zone", it.zone], ["Country", it.country],
        ["Gets", it.chosen ?? "no server"], ["Sent to", it.url ? html`<code
          class="long">${it.url}</code>` : nothing]]} /><//></div>
      <${Panel} title="Who might get the client" at=${why.at}>
        <${Table} label="Candidates, in the order in which they are asked" columns=${candidateColumns} rows=${rows}
          keyOf=${row => row.id} pick=${row => row.excluded ? "is-out" : row.isChosen ? "is-chosen" : ""} />
        ${it.notOffered.length > 0 && html`<h3>Copies with other bytes</h3><ul
          class="plain">${it.notOffered.map(each => html`
          <li><${Mark} state="warning" /> <a
            href="#/servers/${segment(each.server)}">${each.server}</a>:
          ${" "}${bytes(each.size)}, <code>${short(each.sha256)}</code></li>`)}</ul>`}<//>`}<//>
    <${Panel} title="The same from a terminal"><${Copyable} label="the command line"
      text="microcdn explain ${quoted(name)}${from && ` --from ${quoted(from)}`}" /><//>`;
}

// What origins were asked, and purges.

const originColumns = [
  { title: "Origin", head: true, sort: row => row.origin, cell: row => html`<span class="long">${row.origin}</span>` },
  { title: "State", kind: "is-wide-cell", sort: row => -row.down.length, cell: row => html`<${State}
    state=${row.down.length === 0 ? "up" : "down"} word=${row.down.length === 0 ? "answers"
      : `failed ${row.down.length} of ${row.servers.length} servers`} />${row.down.map(each => html`<span
      class="under why">${each.server}: ${each.why}</span>`)}` },
  { title: "Hit ratio", num: true, sort: row => row.hits / (row.hits + row.misses || 1),
    cell: row => share(row.hits, row.hits + row.misses) },
  figure("Hits", "hits"), figure("Misses", "misses"), figure("Failures", "failures"),
  figure("From it", "filledBytes", bytes),
  { title: "Servers", kind: "is-wide-cell", cell: row => html`<details><summary>
    ${plural(row.servers.length, "server")}</summary>
    <ul class="plain">${row.servers.map(each => html`<li>${each.server}:
      ${" "}${share(each.hits, each.hits + each.misses)} hits, ${count(each.failures)} failures</li>`)}</ul>
    </details>` },
];

function byOrigin(items) {
  const origins = new Map();
  for (const item of items) {
    const row = origins.get(item.origin)
      ?? { origin: item.origin, hits: 0, misses: 0, failures: 0, filledBytes: 0, servers: [], down: [] };
    for (const name of ["hits", "misses", "failures", "filledBytes"]) row[name] += item[name];
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
    <${Panel} title="Origins" at=${origins.at}>
      <${Rows} of=${origins} rows=${rows} label="Origins" columns=${originColumns} keyOf=${row => row.origin}
        empty=${html`No content server pulls from an origin.${" "}
        <code>microcdn content --origin /=https://www.example.org</code> lets one.`} /><//>
    ${may("purge") && html`<${PurgeForm} />`}<${Purges} />`;
}

const kinds = {
  url: ["URL or path", "https://www.example.org/news/1 or /news/1"], prefix: ["Begins with", "/img/"],
  tag: ["Tag", "news"], all: null,
};

function purge({ kind, value, soft }) {
  const isAll = kind === "all";
  return act("Purge", isAll ? "everything" : `${kind} ${value}`, ["POST", "/purges"],
    `purge ${soft ? "--soft " : ""}${kind === "url" ? "" : `--${kind} `}${isAll ? "" : quoted(value)}`.trim(),
    soft ? "Copies of origins are asked about before they are used again."
      : "Copies of origins are used no more, on every content server.", "The purge has begun.", {
      body: { kind, value: isAll ? undefined : value, soft }, isDangerous: isAll,
      sure: "Yes, every copy: the origins get all requests at first.",
    });
}

function PurgeForm() {
  const [kind, setKind] = useState("url");
  const [value, setValue] = useState("");
  const [isSoft, setSoft] = useState(false);
  const wish = { kind, value: value.trim(), soft: isSoft };
  return html`<${Panel} title="Purge"><div class="form">
    <fieldset class="radios"><legend>What</legend>${Object.keys(kinds).map(each => html`<${Check}
      type="radio" checked=${kind === each} set=${() => setKind(each)}>${each}<//>`)}</fieldset>
    ${kinds[kind] && html`<${Field} label=${kinds[kind][0]} value=${value} set=${setValue}
      placeholder=${kinds[kind][1]} />`}
    <${Check} checked=${isSoft} set=${setSoft}>soft: ask the origin about copies instead of dropping them<//>
    <${ActionButton} kind="main" action=${(kind === "all" || wish.value) && purge(wish)}>Purge…<//></div><//>`;
}

// A list of what may be under way: then it is read every second.
function useRunning(path, kind, isRunning) {
  const [isSoon, setSoon] = useState(false);
  const read = useRead(path, [kind], isSoon ? 1000 : 5000);
  const rows = read.data?.items ?? [];
  const running = rows.some(isRunning);
  if (running !== isSoon) setSoon(running);
  return [read, rows];
}

function Purges() {
  const [purges, rows] = useRunning("/purges?limit=20", "purge", each => each.state === "running");
  return html`<${Panel} title="The last purges" at=${purges.at}>
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
    <ul class="receipts">${it.receipts.map(each => html`<li><${State} state=${each.state}
      word=${each.server} /> <span class="faint num">${each.state === "purged" ? `${count(each.milliseconds)} ms`
        : each.state === "away" ? "away: it purges before it serves" : "has not answered"}</span></li>`)}</ul>
    </details></li>`;
}

// Releases: what is staged, what is active, and how far an activation is.

export function Releases() {
  const [releases, rows] = useRunning("/releases?limit=100", "release", each => each.work?.state === "running");
  return html`<${Title} at=${releases.at}
    lead="Files that become visible together, and can be taken back together.">Releases<//>
    ${may("publish") && html`<${StageForm} />`}
    <${Read} of=${releases} rows=${6} empty=${rows.length === 0 && html`There is none.${" "}
      <code>microcdn put DIR site --stage v1</code> stages one.`}>
      <ol class="cards">${rows.map(each => html`<${Release} key=${each.name} release=${each} />`)}
      </ol><//>`;
}

const releasePath = name => `/releases/${segment(name)}`;

const turn = (verb, { name }, path, command, text, done, more) => act(verb, name, ["POST", releasePath(name) + path],
  `${command} ${quoted(name)}`, text, `${name} is being ${done}.`, more);

const stagePath = (release, name) => `${releasePath(release)}/files/${segment(name).replaceAll("%2F", "/")}`;

// from: the folder or the file that is chosen; to: the name that it gets; work: what brings all of its files.
const stage = ({ release, files: [{ name, file }, ...others], from, to, work }) => act("Stage",
  `${plural(others.length + 1, "file")} in ${release}`, ["PUT", stagePath(release, name)],
  `put ${quoted(from)} ${quoted(to)} --stage ${quoted(release)}`, `Nobody sees them before ${release} is activated.${
    others.length > 0 ? " By curl each file goes by itself." : ""}`, "They are on their way.",
  { file: file.name, work });

const activate = release => turn("Activate", release, "/activate", "activate",
  `${plural(release.files, "file")} become visible in one change, once there are copies enough.`, "activated");

const rollBack = release => turn("Roll back", release, "/rollback", "rollback",
  "What was before the newest activation is current again.", "rolled back",
  { isDangerous: true, sure: "Yes, what was there before is to be there again." });

const unstage = ({ name }) => act("Unstage", name, ["DELETE", releasePath(name)], `unstage ${quoted(name)}`,
  "What is staged in it is thrown away; what is visible stays as it is.", `${name} is gone.`);

// What is brought from this page, { release, files, stop }; it goes on while other views are looked at.
const staging = cell(null);

// Brings what is not there yet, three files at once: a browser opens six connections to a host.
async function bring(release, files) {
  const stop = new AbortController();
  const left = files.filter(each => each.state !== "done");
  const work = async () => {
    while (left.length > 0 && !stop.signal.aborted) {
      const one = left.shift();
      const tell = change => {
        Object.assign(one, change);
        staging.set({ release, files, stop });
      };
      tell({ state: "running", sent: 0, why: "" });
      await send(stagePath(release, one.name), one.file, sent => tell({ sent }), stop.signal).then(
        () => tell({ state: "done", sent: one.file.size }), ({ message }) => tell({ state: "failed", why: message }));
    }
  };
  await Promise.all([work(), work(), work()]);
  staging.set({ release, files });
  readAnew();
}

function StageForm() {
  const now = useCell(staging);
  const [release, setRelease] = useState("");
  const [below, setBelow] = useState("");
  const [chosen, choose] = useState([]);
  const [folder] = chosen[0]?.webkitRelativePath.split("/") ?? [];
  // As put does: a folder's own name counts only where no other is said.
  const target = below.trim().replace(/\/+$/, "") || folder;
  const files = chosen.map(file => ({ file, sent: 0, name: (target ? `${target}/` : "")
    + (folder ? file.webkitRelativePath.slice(folder.length + 1) : file.name) }));
  const wish = release.trim() && chosen[0] && stage({
    release: release.trim(), files, from: folder || chosen[0].name, to: folder ? target : files[0].name,
    work: () => {
      choose([]);
      bring(release.trim(), files);
    },
  });
  const picker = (label, isFolder) => html`<label class="grow"><span>${label}</span><input type="file" multiple
    webkitdirectory=${isFolder} onChange=${event => choose([...event.currentTarget.files])} /></label>`;
  return html`<${Panel} title="Stage files">${now && html`<${Staging} ...${now} />`}
    ${!now?.stop && html`<div class="form">
      <${Field} label="Release" value=${release} set=${setRelease} placeholder="v2" />
      <${Field} label="Below" value=${below} set=${setBelow} placeholder="site/" />
      ${picker("Files", false)}${picker("or a folder", true)}
      <${ActionButton} kind="main" action=${wish}>Stage…<//></div>
    ${chosen[0] && html`<p class="faint">${plural(files.length, "file")}, ${bytes(sum(chosen, "size"))}; the first as
      ${" "}<code class="long">${files[0].name}</code></p>`}`}<//>`;
}

const sum = (items, pick) => items.reduce((all, each) => all + each[pick], 0);

const stagingColumns = [
  { title: "File", head: true, kind: "name", cell: row => row.name },
  { title: "Sent", num: true, cell: row => share(row.sent, row.file.size) },
  { title: "State", kind: "is-wide-cell", cell: row => html`<${State} state=${row.state} />
    <span class="under why">${row.why}</span>` },
];

function Staging({ release, files, stop }) {
  const done = files.filter(each => each.state === "done").length;
  const [sent, all] = [sum(files, "sent"), sum(files.map(each => each.file), "size")];
  return html`<div class="work"><p role="status"><${State} state=${stop ? "running" : done < files.length ? "failed"
    : "done"} word="${count(done)} of ${plural(files.length, "file")} staged in ${release}" /></p>
    <div class="progress"><progress max=${all || 1} value=${all ? sent : 1}
      aria-label="bytes that were sent"></progress>
      <span class="num">${bytes(sent)} of ${bytes(all)}</span></div>
    ${done < files.length && html`<${Table} label="Files on their way" columns=${stagingColumns}
      keyOf=${row => row.name}
      rows=${files.filter(each => each.state && each.state !== "done")} />`}
    ${stop ? html`<button onClick=${() => stop.abort()}>Stop</button>`
      : done < files.length ? html`<button class="main" onClick=${() => bring(release, files)}>Try
        again</button>` : html`<${ActionButton} kind="main"
      action=${activate({ name: release, files: done })} />`}</div>`;
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
      ${work.shown.map(each => html`<li><${State} state="done" word=${each} /></li>`)}
      ${work.late.map(each => html`<li><${State} state="late"
        word="${each}: late" /></li>`)}</ul></details>`}</div>`;
}
