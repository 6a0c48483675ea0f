// The frame around the views: who is signed in, which view is shown, whether what is shown is live.
import {
  clock, html, live, lookForSession, may, plural, render, session, signOut, startStream, stopStream, useCell,
  useEffect, useMemo, useState,
} from "./ground.js";
import { Dialogs, Keys, Login, Mark } from "./parts.js";
import { Overview, ServerPage, Servers } from "./fleet.js";
import { Cache, FilePage, Files, Releases } from "./content.js";
import { Api, Downloads, Events, Policies, Settings, Tokens } from "./records.js";

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
  return who === null ? html`<${Login} />` : html`<${Frame} who=${who} />`;
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
      <div class="top-tools"><button class="quiet keys" onClick=${() => setHelp(true)}>Keys</button>
        <${ThemeSwitch} /><button class="quiet" title="signed in with the token ${who.token}"
          onClick=${signOut}>Sign out</button></div></header>
    <${Menu} shown=${shown} />
    <main id="main"><${Lost} /><div class="content"><${View} key=${shown.path + place.name} name=${place.name}
      query=${place.query} /></div></main>
    <${Announcer} /><${Dialogs} />${isHelp && html`<${Keys} views=${views} close=${() => setHelp(false)} />`}</div>`;
}

function Menu({ shown }) {
  const problems = useCell(live, value => value.now?.problems.length ?? 0);
  useEffect(() => document.querySelector(".menu [aria-current]")?.scrollIntoView({ block: "nearest" }), [shown]);
  const open = views.filter(each => !each.scope || may(each.scope));
  return html`<nav class="menu" aria-label="views"><ul>${open.map(each =>
    html`<li><a href="#/${each.path}" aria-current=${each === shown ? "page" : undefined}>
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

function ThemeSwitch() {
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
  return html`<button class="quiet theme" onClick=${change}
    title="change to ${next}">${{ system: "Auto", light: "Light", dark: "Dark" }[theme]}
    <span class="hidden"> colours</span></button>`;
}

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
