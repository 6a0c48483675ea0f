// Events, policies, tokens, settings, and the browser of the API.
import {
  ask, count, curlOf, html, may, moment, plural, root, segment, session, useMemo, useRead, useState, withQuery,
} from "./ground.js";
import {
  ActionButton, addToken, AsOf, Choice, Copyable, CursorPages, dropPolicy, dropToken, Panel, Read, Search,
  setPolicy, State, Table, Title, usePages,
} from "./parts.js";
import { everyKind } from "./fleet.js";

const kinds = ["", ...everyKind];
const severities = ["", "info", "warning", "error"];

const places = {
  server: row => `#/servers/${segment(row.subject)}`, disk: row => `#/servers/${segment(row.subject)}`,
  certificate: row => `#/servers/${segment(row.subject)}`, origin: () => "#/cache", purge: () => "#/cache",
  release: () => "#/releases", policy: () => "#/policies",
};

const eventColumns = [
  { title: "When", num: true, cell: row => html`<time datetime=${row.time}
    title=${row.time}>${moment(row.time)}</time>` },
  { title: "Severity", cell: row => html`<${State} state=${row.severity} />` },
  { title: "Kind", cell: row => row.kind },
  { title: "About", cell: row => row.subject && places[row.kind]
    ? html`<a class="long" href=${places[row.kind](row)}>${row.subject}</a>` : html`<span
      class="long">${row.subject}</span>` },
  { title: "What happened", kind: "is-wide-cell", cell: row => row.text },
];

export function Events({ query }) {
  const [text, setText] = useState(query.get("q") ?? "");
  const [kind, setKind] = useState(query.get("kind") ?? "");
  const [severity, setSeverity] = useState(query.get("severity") ?? "");
  const pages = usePages(text + kind + severity);
  const events = useRead(
    withQuery("/events", { search: text, kind, severity, limit: 100, after: pages.after }), everyKind);
  const rows = useMemo(() => [...events.data?.items ?? []].sort((a, b) => b.id - a.id), [events.data]);
  return html`<${Title} tools=${html`<${AsOf} at=${events.at} />`}
    lead="Every change of state, the newest first.">Events<//>
    <div class="filters"><${Search} value=${text} onChange=${setText} label="Search events"
      placeholder="words, a server's id" />
      <${Choice} label="Kind" value=${kind} onChange=${setKind} options=${kinds} />
      <${Choice} label="At least" value=${severity} onChange=${setSeverity} options=${severities} /></div>
    <div class=${events.isOld ? "is-old" : ""}><${Read} of=${events} rows=${12} empty=${rows.length === 0
      && "Nothing like that happened."}>
      <${Table} label="Events" columns=${eventColumns} rows=${rows} keyOf=${row => row.id}
        pick=${row => `is-${row.severity}`}
        pageSize=${1000} /><${CursorPages} pages=${pages} next=${events.data?.next} /><//></div>`;
}

// How many copies there are to be of what lies below a prefix.

const policyColumns = [
  { title: "Prefix", head: true, sort: row => row.prefix, cell: row => html`<code class="long">${row.prefix}</code>${
    row.prefix === "/" && html` <span class="faint">every other name</span>`}` },
  { title: "Copies", num: true, sort: row => row.replicas, cell: row => count(row.replicas) },
  { title: "Spread", cell: row => row.zoneSpread ? "over zones" : "anywhere" },
  { title: "Servers", cell: row => row.servers.length > 0 ? row.servers.join(", ") : html`<span
    class="faint">all</span>` },
];

const dropping = {
  title: "Actions", quiet: true, kind: "actions", cell: row => html`<${ActionButton} action=${dropPolicy(row)} />`,
};

export function Policies() {
  const policies = useRead("/policies?limit=1000", ["policy"]);
  const rows = policies.data?.items ?? [];
  return html`<${Title} tools=${html`<${AsOf} at=${policies.at} />`}
    lead="Of several prefixes that fit a name, the longest counts.">Policies<//>
    <${Read} of=${policies} rows=${3} empty=${rows.length === 0
      && "There is none: a put says how many copies it wants."}>
      <${Table} label="Policies" columns=${may("admin") ? [...policyColumns, dropping] : policyColumns} rows=${rows}
        keyOf=${row => row.prefix} /><//>
    ${may("admin") && html`<${PolicyForm} />`}`;
}

function PolicyForm() {
  const [prefix, setPrefix] = useState("");
  const [replicas, setReplicas] = useState(2);
  const [zoneSpread, setSpread] = useState(false);
  const [servers, setServers] = useState("");
  const policy = { prefix: prefix.trim(), replicas, zoneSpread, servers: servers.split(/[\s,]+/).filter(Boolean) };
  return html`<${Panel} title="Set a policy" id="set-policy"><div class="form">
    <label class="grow"><span>Prefix</span><input type="text" value=${prefix}
      placeholder="releases/ or / for every name"
      onInput=${event => setPrefix(event.currentTarget.value)} spellcheck=${false} autocomplete="off" /></label>
    <label><span>Copies</span><input type="number" min="1" max="100" value=${replicas} class="few"
      onInput=${event => setReplicas(Number(event.currentTarget.value))} /></label>
    <label class="grow"><span>Servers</span><input type="text" value=${servers} placeholder="all, or CS1, CS2"
      onInput=${event => setServers(event.currentTarget.value)} spellcheck=${false} autocomplete="off" /></label>
    <label class="check"><input type="checkbox" checked=${zoneSpread}
      onChange=${event => setSpread(event.currentTarget.checked)} /> in as many zones as there are</label>
    ${policy.prefix && replicas >= 1 ? html`<${ActionButton} kind="main" action=${setPolicy(policy)}>Set…<//>`
      : html`<button type="button" class="main" disabled>Set…</button>`}</div><//>`;
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
  const rows = tokens.data?.items ?? [];
  return html`<${Title} lead="The index keeps no more of a token than its hash.">Tokens<//>
    <${Panel} title="Tokens" id="tokens" at=${tokens.at}><${Read} of=${tokens} rows=${3}
      empty=${rows.length === 0 && "There is none."}><${Table} label="Tokens" columns=${tokenColumns} rows=${rows}
      keyOf=${row => row.id} /><//><//><${TokenForm} />
    <${Panel} title="Audit log" id="audit" at=${audit.at}><${Read} of=${audit} rows=${5}
      empty=${audit.data?.items.length === 0 && "Nobody changed anything yet."}><${Table} label="Audit log"
      columns=${auditColumns} rows=${audit.data?.items ?? []}
      keyOf=${row => `${row.time} ${row.action} ${row.from}`} /><//><//>`;
}

function TokenForm() {
  const [chosen, setChosen] = useState(["read"]);
  const [prefix, setPrefix] = useState("");
  const [note, setNote] = useState("");
  const turn = scope => setChosen(old => old.includes(scope) ? old.filter(each => each !== scope)
    : scopes.filter(each => each === scope || old.includes(each)));
  return html`<${Panel} title="Make a token" id="make-token"><div class="form">
    <fieldset class="radios"><legend>It allows</legend>${scopes.map(scope => html`<label key=${scope}><input
      type="checkbox"
      checked=${chosen.includes(scope)} onChange=${() => turn(scope)} /> ${scope}</label>`)}</fieldset>
    <label class="grow"><span>Prefix</span><input type="text" value=${prefix} placeholder="all names"
      spellcheck=${false}
      autocomplete="off" onInput=${event => setPrefix(event.currentTarget.value)} /></label>
    <label class="grow"><span>Note</span><input type="text" value=${note} placeholder="who has it" autocomplete="off"
      onInput=${event => setNote(event.currentTarget.value)} /></label>
    ${chosen.length > 0 ? html`<${ActionButton} kind="main" action=${addToken({ scopes: chosen, prefix: prefix.trim(),
      note: note.trim() })}>Make…<//>`
      : html`<button type="button" class="main" disabled>Make…</button>`}</div><//>`;
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

export function Settings({ query }) {
  const settings = useRead("/settings", [], 30_000);
  const [text, setText] = useState(query.get("q") ?? "");
  const [isOwn, setOwn] = useState(false);
  const all = settings.data?.items ?? [];
  const rows = useMemo(() => all.filter(row => (!isOwn || row.source !== "default")
    && [row.verb, row.key, row.flag, row.value, row.meaning]
      .some(each => each.toLowerCase().includes(text.toLowerCase()))),
  [settings.data, text, isOwn]);
  return html`<${Title} tools=${html`<${AsOf} at=${settings.at} />`}
    lead="${plural(all.length, "setting")} of this process,
    ${count(all.filter(row => row.source !== "default").length)} of them set.">Settings<//>
    <div class="filters"><${Search} value=${text} onChange=${setText} label="Search settings" wait=${0}
      placeholder="flag, value, meaning" />
      <label class="check"><input type="checkbox" checked=${isOwn}
        onChange=${event => setOwn(event.currentTarget.checked)} />
        only what was set</label></div>
    <${Read} of=${settings} rows=${12} empty=${rows.length === 0 && "No setting is like that."}>
      <${Table} label="Settings" columns=${settingColumns} rows=${rows} keyOf=${row => `${row.verb} ${row.key}`}
        pageSize=${100} /><//>`;
}

// A browser for the description of the API: what there is, how to ask, and a try of what changes nothing.

const methods = ["get", "put", "post", "delete", "patch", "head"];
const mostShown = 100_000;

export function Api({ query }) {
  const description = useRead("/openapi.json", [], 3_600_000);
  const [text, setText] = useState(query.get("q") ?? "");
  const it = description.data;
  const operations = useMemo(() => Object.entries(it?.paths ?? {}).flatMap(([path, item]) => methods
    .filter(method => item[method]).map(method => ({
      method, path: path.startsWith(root) ? path.slice(root.length) : path, ...item[method],
      parameters: [...item.parameters ?? [], ...item[method].parameters ?? []].map(each => resolve(it, each)),
    }))), [it]);
  const rows = operations.filter(each => `${each.method} ${each.path} ${each.summary ?? ""}`.toLowerCase()
    .includes(text.toLowerCase()));
  return html`<${Title} lead=${it ? html`${it.info?.title} ${it.info?.version}:
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
    <summary><span class="method is-${it.method}">${it.method.toUpperCase()}</span> <code>${it.path}</code>
      <span class="faint">${it.summary ?? ""}</span></summary>
    ${isOpen && html`<${Details} it=${it} api=${api} />`}</details>`;
}

function Details({ it, api }) {
  const [values, setValues] = useState({});
  const filled = withQuery(it.path.replace(/\{([^}]+)\}/g, (whole, name) => values[name]
    ? encodeURIComponent(values[name]) : whole), Object.fromEntries(it.parameters
    .filter(each => each.in === "query").map(each => [each.name, values[each.name] ?? ""])));
  const body = resolve(api, it.requestBody)?.content?.["application/json"]?.schema;
  return html`<div class="operation-body">${it.description && html`<p>${it.description}</p>`}
    ${it.parameters.length > 0 && html`<h2>Parameters</h2><div class="form">${it.parameters.map(each => html`
      <label key=${each.in + each.name} class="grow"><span><code>${each.name}</code> ${each.in}
      ${each.required ? ", required" : ""}
      ${each.description ? `: ${each.description}` : ""}</span>
      <input type="text" value=${values[each.name] ?? ""} spellcheck=${false} autocomplete="off"
        placeholder=${typeOf(api, each.schema)}
        disabled=${each.in === "header"}
        onInput=${event => setValues({ ...values, [each.name]: event.currentTarget.value })} /></label>`)}</div>`}
    ${body && html`<h2>Body</h2><pre tabindex="0">${inWords(api, body)}</pre>`}
    <h2>Answers</h2><dl class="facts">${Object.entries(it.responses ?? {}).map(([status, answer]) => {
      const told = resolve(api, answer);
      const schema = Object.values(told.content ?? {})[0]?.schema;
      return html`<div key=${status}><dt>${status}</dt><dd>${told.description}${schema && html`
        <details><summary>what it holds</summary>
        <pre tabindex="0">${inWords(api, schema)}</pre></details>`}</dd></div>`;
    })}</dl>
    <h2>From a terminal</h2><${Copyable} label="the curl command"
      text=${curlOf(it.method.toUpperCase(), filled, body ? example(api, body) : undefined)} />
    ${it.method === "get" && html`<${Try} path=${filled} />`}</div>`;
}

function Try({ path }) {
  const [answer, setAnswer] = useState(null);
  const isWhole = !path.includes("{");
  const run = async () => {
    const began = performance.now();
    const took = () => `${Math.round(performance.now() - began)} ms`;
    try {
      const { status, body, text } = await ask("GET", path);
      const shown = body === null ? text : JSON.stringify(body, null, 2);
      setAnswer({ head: `${status}, ${took()}`, text: shown.slice(0, mostShown) });
    } catch (problem) {
      setAnswer({ head: `${problem.status || "no answer"}, ${took()}`, text: problem.message });
    }
  };
  return html`<button type="button" class="main" onClick=${run} disabled=${!isWhole}>Try it</button>
    ${answer && html`<p class="num faint">${answer.head}</p><pre class="answer" tabindex="0">${answer.text}</pre>`}`;
}

function typeOf(api, schema) {
  const it = resolve(api, schema);
  if (it.enum) return it.enum.join(" | ");
  return [it.type ?? "any"].flat().join(" or ") + (it.format ? ` (${it.format})` : "");
}

// A schema as the shape of what it describes; one that holds itself ends at the second time.
function inWords(api, schema, indent = "", seen = []) {
  const it = resolve(api, schema);
  const name = schema?.$ref?.split("/").at(-1);
  const variants = (it.oneOf ?? it.anyOf ?? it.allOf)?.filter(each => each.type !== "null");
  if (name && seen.includes(name)) return name;
  const deeper = name ? [...seen, name] : seen;
  if (variants?.length > 0) return variants.map(each => inWords(api, each, indent, deeper)).join(" | ");
  if (it.items) return `[${inWords(api, it.items, indent, deeper)}]`;
  if (!it.properties) {
    return it.additionalProperties?.type ? `{ name: ${typeOf(api, it.additionalProperties)} }` : typeOf(api, it);
  }
  const more = `${indent}  `;
  const lines = Object.entries(it.properties).map(([key, each]) => `${more}${key}: ${inWords(api, each, more, deeper)}${
    each.description ? `  // ${each.description}` : ""}`);
  return `{\n${lines.join("\n")}\n${indent}}`;
}

function example(api, schema) {
  const it = resolve(api, schema);
  if (it.example !== undefined) return it.example;
  if (it.properties) {
    const wanted = it.required ?? Object.keys(it.properties);
    return Object.fromEntries(wanted.map(key => [key, example(api, it.properties[key])]));
  }
  const type = [it.type].flat()[0];
  return it.enum?.[0] ?? { integer: 1, number: 1, boolean: false, array: [] }[type] ?? "…";
}
