// Events, downloads, policies, tokens, settings, and the browser of the API.
import {
  ask, bytes, curlOf, day, has, html, may, moment, nothing, plural, quoted, segment, session, useEffect,
  useMemo, useRead, useState, withQuery,
} from "./ground.js";
import {
  act, ActionButton, Check, Choice, Copyable, Field, figure, Panel, Read, Rows, Search, State, Title, usePages,
} from "./parts.js";
import { everyKind, placeOf } from "./fleet.js";

const kinds = ["", ...everyKind];
const severities = ["", "info", "warning", "error"];

const eventColumns = [
  { title: "When", num: true, cell: row => html`<time datetime=${row.time}
    title=${row.time}>${moment(row.time)}</time>` },
  { title: "Severity", cell: row => html`<${State} state=${row.severity} />` },
  { title: "Kind", cell: row => row.kind },
  { title: "About", cell: row => row.subject && html`<a class="long"
    href=${placeOf(row)}>${row.subject}</a>` },
  { title: "What happened", kind: "is-wide-cell", cell: row => row.text },
];

export function Events() {
  const [text, setText] = useState("");
  const [kind, setKind] = useState("");
  const [severity, setSeverity] = useState("");
  const pages = usePages(text + kind + severity);
  const events = useRead(
    withQuery("/events", { search: text, kind, severity, limit: 100, after: pages.after }), everyKind);
  return html`<${Title} at=${events.at}
    lead="Every change of state, the newest first.">Events<//>
    <div class="filters"><${Search} value=${text} onChange=${setText} label="Search events"
      placeholder="words, a server's id" />
      <${Choice} label="Kind" value=${kind} onChange=${setKind} options=${kinds} />
      <${Choice} label="At least" value=${severity} onChange=${setSeverity} options=${severities} /></div>
    <${Rows} of=${events} wait=${12} empty="Nothing like that happened." label="Events" columns=${eventColumns}
      keyOf=${row => row.id} pick=${row => `is-${row.severity}`} pages=${pages} />`;
}

// Finished downloads by day and by file.

const downloadColumns = [
  { title: "File", head: true, kind: "name", sort: row => row.name,
    cell: row => html`<a href="#/files/${segment(row.name)}">${row.name}</a>` },
  figure("Downloads", "count"), figure("Sent", "bytes", bytes),
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
    .filter(row => has(text, row.name)), [downloads.data, text]);
  const most = Math.max(1, ...Object.values(sums));
  const week = [0, 1, 2, 3, 4, 5, 6].map(daysAgo);
  return html`<${Title} lead="Downloads that were finished; ranges of one download count once.">Downloads<//>
    <${Panel} title="The last seven days" at=${downloads.at}><ol class="days">
      ${week.map(each => html`<${DayBar} key=${each} day=${each} most=${most} isShown=${day === each} pick=${setDay}
        tell=${sum => setSums(old => ({ ...old, [each]: sum }))} />`)}</ol><//>
    <${Panel} title=${`By file, ${day}`} at=${downloads.at}>
      <div class="filters"><${Search} value=${text} onChange=${setText} label="Search downloads" wait=${0}
        placeholder="part of a name" /><label class="choice"><span>Day (UTC)</span><input type="date" value=${day}
        onChange=${event => setDay(event.currentTarget.value || daysAgo(0))} /></label></div>
      <${Rows} of=${downloads} rows=${rows} empty="Nothing was downloaded to its end." label="Downloads by file"
        columns=${downloadColumns} keyOf=${row => row.name} start=${{ by: "Downloads", down: true }}
        pages=${pages} /><//>`;
}

function DayBar({ day, most, isShown, pick, tell }) {
  // Of days that are over hardly anything comes.
  const { data } = useRead(`/downloads?day=${day}&limit=1000`, [], day === daysAgo(0) ? 15_000 : 600_000);
  const sum = useMemo(() => (data?.items ?? []).reduce((all, row) => ({ count: all.count + row.count,
    bytes: all.bytes + row.bytes }), { count: 0, bytes: 0 }), [data]);
  useEffect(() => tell(sum.count), [sum]);
  return html`<li><button class="quiet num" aria-pressed=${isShown}
      onClick=${() => pick(day)}>${day}</button>
    <span class="days-bar" aria-hidden="true"><span style=${{ width: `${100 * sum.count / most}%` }}></span></span>
    <span class="num">${data ? `${data.next ? "at least " : ""}${plural(sum.count, "download")}, ${bytes(sum.bytes)}`
      : nothing}</span></li>`;
}

// How many copies there are to be of what lies below a prefix.

const policyColumns = [
  { title: "Prefix", head: true, sort: row => row.prefix, cell: row => html`<code class="long">${row.prefix}</code>${
    row.prefix === "/" && html` <span class="faint">every other name</span>`}` },
  figure("Copies", "replicas"),
  { title: "Spread", cell: row => row.zoneSpread ? "over zones" : "anywhere" },
  { title: "Servers", cell: row => row.servers.length > 0 ? row.servers.join(", ") : html`<span
    class="faint">all</span>` },
];

const dropping = {
  title: "Actions", quiet: true, kind: "actions", cell: row => html`<${ActionButton} action=${dropPolicy(row)} />`,
};

export function Policies() {
  const policies = useRead("/policies?limit=1000", ["policy"]);
  return html`<${Title} at=${policies.at} lead="Of several prefixes that fit a name, the longest counts.">Policies<//>
    <${Rows} of=${policies} empty="There is none: a put says how many copies it wants." label="Policies"
      columns=${may("admin") ? [...policyColumns, dropping] : policyColumns} keyOf=${row => row.prefix} />
    ${may("admin") && html`<${PolicyForm} shown=${policies.data?.items ?? []} />`}`;
}

const policyPath = prefix => `/policies/${segment(prefix)}`;

// What somebody else changed since it was shown is not changed.
const ifShown = etag => etag && { "If-Match": etag };

const setPolicy = ({ prefix, replicas, zoneSpread, servers, etag }) => act("Set", `the policy of ${prefix}`,
  ["PUT", policyPath(prefix)], `policy set ${quoted(prefix)} --replicas ${replicas}`
    + `${zoneSpread ? " --zone-spread" : ""}${servers.length > 0 ? ` --servers ${quoted(servers.join(","))}` : ""}`,
  `${plural(replicas, "copy", "copies")} of what is published below ${prefix}. What is missing is made at once.`,
  `The policy of ${prefix} is set.`, { body: { replicas, zoneSpread, servers }, fields: ifShown(etag) });

const dropPolicy = ({ prefix, etag }) => act("Remove", `the policy of ${prefix}`, ["DELETE", policyPath(prefix)],
  `policy rm ${quoted(prefix)}`, "The policy of the next shorter prefix counts instead.",
  `The policy of ${prefix} is gone.`, { fields: ifShown(etag) });

function PolicyForm({ shown }) {
  const [prefix, setPrefix] = useState("");
  const [replicas, setReplicas] = useState(2);
  const [zoneSpread, setSpread] = useState(false);
  const [servers, setServers] = useState("");
  const policy = { prefix: prefix.trim(), replicas: Number(replicas), zoneSpread,
    servers: servers.split(/[\s,]+/).filter(Boolean), etag: shown.find(each => each.prefix === prefix.trim())?.etag };
  return html`<${Panel} title="Set a policy"><div class="form">
    <${Field} label="Prefix" value=${prefix} set=${setPrefix} placeholder="releases/ or / for every name" />
    <${Field} label="Copies" value=${replicas} set=${setReplicas} kind="" type="number" min="1" max="64" class="few" />
    <${Field} label="Servers" value=${servers} set=${setServers} placeholder="all, or CS1, CS2" />
    <${Check} checked=${zoneSpread} set=${setSpread}>in as many zones as there are<//>
    <${ActionButton} kind="main" action=${policy.prefix && policy.replicas >= 1
      && setPolicy(policy)}>Set…<//></div><//>`;
}

// Who may do something here, and who did.

const scopes = ["read", "publish", "purge", "admin"];

const tokenColumns = [
  { title: "Id", head: true, cell: row => html`<code>${row.id}</code>${row.id === session.value?.token
    && html` <span class="tag">yours</span>`}` },
  { title: "Scopes", cell: row => row.scopes.join(", ") },
  { title: "Prefix", cell: row => row.prefix ? html`<code class="long">${row.prefix}</code>` : html`<span
    class="faint">all</span>` },
  { title: "Made", num: true, cell: row => moment(row.created) },
  { title: "Note", kind: "is-wide-cell", cell: row => row.note },
  { title: "Actions", quiet: true, kind: "actions", cell: row => html`<${ActionButton} action=${dropToken(row)} />` },
];

const auditColumns = [
  { title: "When", num: true, cell: row => moment(row.time) },
  { title: "Token", cell: row => html`<code>${row.token}</code>` },
  { title: "From", cell: row => row.from },
  { title: "Action", kind: "is-wide-cell", cell: row => html`<code class="long">${row.action}</code>` },
  { title: "Status", num: true, cell: row => row.status },
  { title: "What came of it", kind: "is-wide-cell", cell: row => row.detail },
];

export function Tokens() {
  const tokens = useRead("/tokens?limit=1000", ["token"]);
  const audit = useRead("/audit?limit=100", [], 10_000);
  return html`<${Title} lead="The index keeps no more of a token than its hash.">Tokens<//>
    <${Panel} title="Tokens" at=${tokens.at}><${Rows} of=${tokens} empty="There is none." label="Tokens"
      columns=${tokenColumns} keyOf=${row => row.id} /><//><${TokenForm} />
    <${Panel} title="Audit log" at=${audit.at}><${Rows} of=${audit} empty="Nobody changed anything yet."
      label="Audit log" columns=${auditColumns} keyOf=${row => `${row.time} ${row.action} ${row.from}`} /><//>`;
}

const addToken = ({ scopes, prefix, note }) => act("Make", "a token", ["POST", "/tokens"],
  `token add ${scopes.map(scope => `--scope ${scope}`).join(" ")}${prefix ? ` --prefix ${quoted(prefix)}` : ""}`
    + `${note ? ` --note ${quoted(note)}` : ""}`,
  `Whoever has it may: ${scopes.join(", ")}${prefix ? `, below ${prefix}` : ""}.`, "", {
    body: { scopes, prefix: prefix || undefined, note: note || undefined },
    after: answer => ({
      title: "The token", content: html`<p>It is shown this once: the index keeps no more than its hash.</p>
        <${Copyable} text=${answer.body.token} label="the token" />`,
    }),
  });

const dropToken = ({ id }) => act("Take back", id, ["DELETE", `/tokens/${segment(id)}`],
  `token rm ${quoted(id)}`, "Whoever shows it is refused from now on; sessions that began with it end.",
  `${id} is taken back.`);

function TokenForm() {
  const [chosen, setChosen] = useState(["read"]);
  const [prefix, setPrefix] = useState("");
  const [note, setNote] = useState("");
  const turn = scope => setChosen(old => scopes.filter(each => old.includes(each) !== (each === scope)));
  return html`<${Panel} title="Make a token"><div class="form">
    <fieldset class="radios"><legend>It allows</legend>${scopes.map(scope => html`<${Check}
      checked=${chosen.includes(scope)} set=${() => turn(scope)}>${scope}<//>`)}</fieldset>
    <${Field} label="Prefix" value=${prefix} set=${setPrefix} placeholder="all names" />
    <${Field} label="Note" value=${note} set=${setNote} placeholder="who has it" />
    <${ActionButton} kind="main" action=${chosen.length > 0 && addToken({ scopes: chosen, prefix: prefix.trim(),
      note: note.trim() })}>Make…<//></div><//>`;
}

// Each setting as it counts, and where it came from.

const settingColumns = [
  { title: "Setting", head: true, sort: row => row.flag, cell: row => html`<code>${row.flag || row.key}</code>
    <span class="under">${row.verb} · ${row.key}</span>` },
  { title: "Value", cell: row => html`<code class="long">${row.value === "" ? "(empty)" : row.value}</code>` },
  { title: "From", sort: row => row.source, cell: row => row.source === "default" ? html`<span
    class="faint">default</span>`
    : html`<b class="num">${row.source}</b>` },
  { title: "Meaning", kind: "is-wide-cell", cell: row => row.meaning },
];

export function Settings() {
  const settings = useRead("/settings", [], 30_000);
  const [text, setText] = useState("");
  const [isOwn, setOwn] = useState(false);
  const all = settings.data?.items ?? [];
  const rows = useMemo(() => all.filter(row => (!isOwn || row.source !== "default")
    && has(text, row.verb, row.key, row.flag, row.value, row.meaning)), [settings.data, text, isOwn]);
  return html`<${Title} at=${settings.at}
    lead="${plural(all.length, "setting")} of this process.">Settings<//>
    <div class="filters"><${Search} value=${text} onChange=${setText} label="Search settings" wait=${0}
      placeholder="flag, value, meaning" />
      <${Check} checked=${isOwn} set=${setOwn}>only what was set<//></div>
    <${Rows} of=${settings} rows=${rows} wait=${12} empty="No setting is like that." label="Settings"
      columns=${settingColumns} keyOf=${row => `${row.verb} ${row.key}`} pageSize=${100} />`;
}

// A browser for the description of the API: what there is, how to ask, and a try of what changes nothing.

const mostShown = 100_000;

export function Api() {
  const description = useRead("/openapi.json", [], 3_600_000);
  const [text, setText] = useState("");
  const it = description.data;
  const operations = useMemo(() => Object.entries(it?.paths ?? {}).flatMap(([path, item]) => Object.entries(item)
    .map(([method, operation]) => ({ method: method.toUpperCase(), path, parameters: [], ...operation }))), [it]);
  const rows = operations.filter(each => has(text, each.method, each.path, each.summary));
  return html`<${Title} lead=${it ? html`${it.info.title} ${it.info.version}:
    ${" "}${plural(operations.length, "operation")}.${" "}
    <a href="/api/v1/openapi.json" target="_blank" rel="noreferrer">openapi.json</a>` : " "}>API<//>
    <div class="filters"><${Search} value=${text} onChange=${setText} label="Search the API" wait=${0}
      placeholder="path, word" /></div>
    <${Read} of=${description} rows=${12} empty=${rows.length === 0 && "Nothing is like that."}>
      <ul class="api">${rows.map(each => html`<li key=${each.method + each.path}><${Operation} of=${each}
        api=${it} /></li>`)}
      </ul><//>`;
}

function resolve(api, node) {
  const parts = node?.$ref?.replace(/^#\//, "").split("/");
  return parts ? parts.reduce((at, part) => at?.[part], api) ?? {} : node ?? {};
}

function Operation({ of: it, api }) {
  const [isOpen, setOpen] = useState(false);
  return html`<details class="operation" onToggle=${event => setOpen(event.currentTarget.open)}>
    <summary><span class="method is-${it.method.toLowerCase()}">${it.method}</span> <code>${it.path}</code>
      <span class="faint">${it.summary}</span></summary>
    ${isOpen && html`<${Details} it=${it} api=${api} />`}</details>`;
}

function Details({ it, api }) {
  const [values, setValues] = useState({});
  const filled = withQuery(it.path.replace(/\{([^}]+)\}/g, (whole, name) => values[name]
    ? encodeURIComponent(values[name]) : whole), Object.fromEntries(it.parameters
    .filter(each => each.in === "query").map(each => [each.name, values[each.name] ?? ""])));
  const body = it.requestBody?.content["application/json"]?.schema;
  return html`<div class="operation-body"><p>${it.description}</p>
    ${it.parameters.length > 0 && html`<h2>Parameters</h2><div class="form">${it.parameters.map(each => html`
      <${Field} label=${html`<code>${each.name}</code> ${each.in}${each.required ? ", required" : ""}
        ${each.description && `: ${each.description}`}`} value=${values[each.name] ?? ""}
        placeholder=${typeOf(each.schema)} disabled=${each.in === "header"}
        set=${value => setValues({ ...values, [each.name]: value })} />`)}</div>`}
    ${body && html`<h2>Body</h2><pre tabindex="0">${inWords(api, body)}</pre>`}
    <h2>Answers</h2><dl class="facts">${Object.entries(it.responses).map(([status, answer]) => {
      const told = resolve(api, answer);
      const schema = Object.values(told.content ?? {})[0]?.schema;
      return html`<div><dt>${status}</dt><dd>${told.description}${schema && html`
        <details><summary>what it holds</summary>
        <pre tabindex="0">${inWords(api, schema)}</pre></details>`}</dd></div>`;
    })}</dl>
    <h2>From a terminal</h2><${Copyable} label="the curl command"
      text=${curlOf({ method: it.method, path: filled, body: body && example(api, body),
        file: it.requestBody && !body && "FILE" })} />
    ${it.method === "GET" && html`<${Try} path=${filled} />`}</div>`;
}

function Try({ path }) {
  const [answer, setAnswer] = useState(null);
  const run = () => ask("GET", path).then(({ status, body, text }) => setAnswer({ status,
    text: (body ? JSON.stringify(body, null, 2) : text).slice(0, mostShown) }),
  ({ status, message }) => setAnswer({ status: status || "no answer", text: message }));
  return html`<button class="main" onClick=${run} disabled=${path.includes("{")}>Try it</button>
    ${answer && html`<p class="num faint">${answer.status}</p><pre class="answer" tabindex="0">${answer.text}</pre>`}`;
}

const typeOf = ({ type = "any", format }) => [type].flat().join(" or ") + (format ? ` (${format})` : "");

// A schema as the shape of what it describes; one that holds itself ends at the second time.
function inWords(api, schema, indent = "", seen = []) {
  const it = resolve(api, schema);
  const name = schema.$ref;
  if (name && seen.includes(name)) return name.split("/").at(-1);
  const deeper = [...seen, name];
  const [variant] = it.anyOf ?? it.allOf ?? [];
  if (variant) return inWords(api, variant, indent, deeper) + (it.anyOf ? " or null" : "");
  if (it.items) return `[${inWords(api, it.items, indent, deeper)}]`;
  if (it.additionalProperties) return `{ name: ${typeOf(it.additionalProperties)} }`;
  if (!it.properties) return typeOf(it);
  const more = `${indent}  `;
  const lines = Object.entries(it.properties).map(([key, each]) => `${more}${key}: ${inWords(api, each, more, deeper)}${
    each.description ? `  // ${each.description}` : ""}`);
  return `{\n${lines.join("\n")}\n${indent}}`;
}

// What a body must have, with values that stand for others.
function example(api, schema) {
  const { properties, required = [], type } = resolve(api, schema);
  return properties ? Object.fromEntries(required.map(key => [key, example(api, properties[key])]))
    : { integer: 1, boolean: false, array: [] }[type] ?? "…";
}
