// The frame around the views: who is signed in, which view is shown, whether what is shown is live.
import {
  clock, html, live, lookForSession, may, plural, render, session, signIn, signOut, startStream, stopStream,
  useCell, useEffect, useMemo, useRef, useState,
} from "./ground.js";
import { Copyable, Dialog, Dialogs, Mark } from "./parts.js";
import { Overview, ServerPage, Servers } from "./fleet.js";
import { Cache, Downloads, FilePage, Files, Releases } from "./content.js";
import { Api, Events, Policies, Settings, Tokens } from "./records.js";

// key: pressed after g.
const views = [
  { path: "", title: "Overview", key: "o", view: Overview },
  { path: "servers", title: "Servers", key: "s", view: Servers, one: ServerPage },
  { path: "files", title: "Files", key: "f", view: Files, one: FilePage },
  { path: "cache", title: "Origins and cache", key: "c", view: Cache },
  { path: "releases", title: "Releases", key: "r", view: Releases },
  { path: "downloads", title: "Downloads", key: "d", view: Downloads },
  { path: "events", title: "Events", key: "e", view: Events },
  { path: "policies", title: "Policies", key: "p", view: Policies },
  { path: "tokens", title: "Tokens", key: "t", view: Tokens, scope: "admin" },
  { path: "settings", title: "Settings", key: "i", view: Settings },
  { path: "api", title: "API", key: "a", view: Api },
];

function readPlace() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/").map(part => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
  return { hash: location.hash, view: parts[0], name: parts[1] ?? "", query: new URLSearchParams(query ?? "") };
}

function usePlace() {
  const [place, set] = useState(readPlace);
  useEffect(() => {
    const look = () => set(readPlace());
    addEventListener("hashchange", look);
    return () => removeEventListener("hashchange", look);
  }, []);
  return place;
}

function App() {
  const who = useCell(session);
  const [trouble, setTrouble] = useState(null);
  useEffect(() => {
    const look = () => lookForSession().then(() => setTrouble(null), problem => {
      setTrouble(problem);
      timer = setTimeout(look, 1500);
    });
    let timer = null;
    look();
    return () => clearTimeout(timer);
  }, []);
  useEffect(() => {
    if (who) startStream();
    else stopStream();
  }, [Boolean(who)]);
  if (who === undefined) return html`<p class="booting">${trouble ? trouble.message : "MicroCDN"}</p>`;
  return who === null ? html`<${Login} /><${ThemeSwitch} corner />` : html`<${Frame} who=${who} />`;
}

function Frame({ who }) {
  const place = usePlace();
  const [isHelp, setHelp] = useState(false);
  useKeys(() => setHelp(true));
  const state = useCell(live, value => value.state);
  const shown = views.find(each => each.path === place.view) ?? views[0];
  const View = place.name && shown.one ? shown.one : shown.view;
  useEffect(() => {
    document.title = `${place.name || shown.title} · MicroCDN`;
  }, [place.hash]);
  const skip = event => {
    event.preventDefault();
    document.querySelector("h1")?.focus();
  };
  return html`<div class="frame is-${state}">
    <a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <header class="top"><a class="brand" href="#/" aria-label="MicroCDN"><img src="/ui/icon.svg" alt="" width="26"
      height="26" />
      <span>Micro<b>CDN</b></span></a><${Pulse} />
      <div class="top-tools"><button type="button" class="quiet keys" onClick=${() => setHelp(true)}>Keys</button>
        <${ThemeSwitch} /><button type="button" class="quiet" title="signed in with the token ${who.token}"
          onClick=${signOut}>Sign out</button></div></header>
    <${Menu} shown=${shown} />
    <main id="main"><${Lost} /><div class="content"><${View} key=${shown.path + place.name} name=${place.name}
      query=${place.query} /></div></main>
    <${Announcer} /><${Dialogs} />${isHelp && html`<${Keys} close=${() => setHelp(false)} />`}</div>`;
}

function Menu({ shown }) {
  const problems = useCell(live, value => value.now?.problems.length ?? 0);
  useEffect(() => document.querySelector(".menu [aria-current]")?.scrollIntoView({ block: "nearest" }), [shown]);
  const open = views.filter(each => !each.scope || may(each.scope));
  return html`<nav class="menu" aria-label="views"><ul>${open.map(each =>
    html`<li key=${each.path}><a href="#/${each.path}" aria-current=${each === shown ? "page" : undefined}>
      ${each.title}${each.path === "" && problems > 0 && html` <span class="count"
        title=${plural(problems, "problem")}>${problems}<span class="hidden"> problems</span></span>`}</a></li>`)}
  </ul></nav>`;
}

// Beside the name: whether the figures are of this moment.
function Pulse() {
  const { state, at } = useCell(live);
  return html`<span class="pulse is-${state}"><span class="dot" aria-hidden="true"></span>
    <span class="num">${state === "live" ? `live ${clock(at)}` : state === "lost" ? "not live" : state}</span></span>`;
}

function Lost() {
  const { state, since } = useCell(live);
  return state === "lost" ? html`<p class="lost" role="alert"><${Mark} state="error" /> <span>Lost the index at
    ${" "}<b class="num">${clock(since)}</b>. What is shown below is as it was then; trying again every
    second.</span></p>`
    : null;
}

// Says new problems to who does not see them, and nothing else.
function Announcer() {
  const told = useCell(live, value => (value.now?.problems ?? []).map(each => each.text).slice(0, 5).join(" "));
  return html`<div class="hidden" aria-live="polite">${told}</div>`;
}

function ThemeSwitch({ corner }) {
  const [theme, set] = useState(document.documentElement.dataset.theme ?? "system");
  const next = { system: "light", light: "dark", dark: "system" }[theme];
  const change = () => {
    set(next);
    if (next === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem("microcdn-theme", next);
    } catch {
      // Then it counts as long as this page is open.
    }
  };
  return html`<button type="button" class="quiet theme ${corner ? "is-corner" : ""}" onClick=${change}
    title="change to ${next}">${{ system: "Auto", light: "Light", dark: "Dark" }[theme]}
    <span class="hidden"> colours</span></button>`;
}

const Keys = ({ close }) => html`<${Dialog} title="Keys" close=${close}><dl class="facts keys-list">
  <div><dt><kbd>/</kbd></dt><dd>search</dd></div>
  ${views.map(each => html`<div key=${each.key}><dt><kbd>g</kbd> <kbd>${each.key}</kbd></dt><dd>
    ${each.title}</dd></div>`)}
  <div><dt><kbd>Esc</kbd></dt><dd>closes a window like this</dd></div><div><dt><kbd>?</kbd></dt><dd>this</dd></div></dl>
  <div class="dialog-end"><button type="button" class="main" onClick=${close}>Close</button></div><//>`;

function useKeys(help) {
  const state = useMemo(() => ({ isGoing: false }), []);
  useEffect(() => {
    const press = event => {
      const isTyping = event.target.closest?.("input, textarea, select, dialog");
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      const target = state.isGoing && views.find(each => each.key === event.key);
      state.isGoing = event.key === "g";
      if (target) location.hash = `#/${target.path}`;
      else if (event.key === "?") help();
      else if (event.key === "/") document.querySelector("main input[type=search]")?.focus();
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
}

render(html`<${App} />`, document.getElementById("app"));

// Takes a token once, for a session.

export function Login() {
  const field = useRef(null);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState(null);
  useEffect(() => {
    document.title = "Sign in · MicroCDN";
    field.current.focus();
  }, []);
  const submit = async event => {
    event.preventDefault();
    const token = field.current.value.trim();
    if (!token) return setProblem({ message: "Paste a token first." });
    setBusy(true);
    setProblem(null);
    try {
      await signIn(token);
    } catch (failure) {
      setProblem(failure);
      setBusy(false);
      field.current.select();
    }
    return undefined;
  };
  return html`<main class="login" id="main"><form onSubmit=${submit}>
    <img src="/ui/icon.svg" alt="" width="44" height="44" /><h1>Micro<b>CDN</b></h1>
    <label for="token">Token</label>
    <input id="token" ref=${field} type="password" autocomplete="current-password" spellcheck=${false}
      aria-describedby="problem" placeholder="microcdn_…" />
    <p class="problem" id="problem" role="alert">${problem && html`<${Mark} state="error" /> ${problem.message}`}</p>
    <button type="submit" class="main" disabled=${isBusy}>${isBusy ? "…" : "Sign in"}</button>
    <div class="login-help"><p>The first token lies in the index's state folder, in the file <code>admin.token</code>.
      Others are made by</p>
      <${Copyable} text="microcdn token add --scope read" label="the command line" />
      <p>What is pasted is sent to this index once, and not kept by the browser.</p></div></form></main>`;
}
