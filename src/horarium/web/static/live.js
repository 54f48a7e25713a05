// Live pages: one stream of small events leads the open page to fetch itself again and take over the parts that changed.
// The contract is docs/reference/live.md.
import { $, $$, countSelection, fade, toast } from "./app.js";
import { catchUp } from "./log.js";

const PAUSE = 2000, EVERY = 30000, STALE = 5000, LOST = 30000;
let morph = null;

/* Morphing leaves alone what the reader is using: a focused row or field, an open menu, a ticked box. */
const inUse = (node) => {
  if (node.matches("details[open].menu, dialog[open], tr:has(details.menu[open])")) return true;
  return node.matches("tr, form") && node.contains(document.activeElement);
};
htmx.registerExtension("calm", {
  init: (api) => { morph = api.morph; },
  htmx_before_morph_node: (node, { newNode }) => {
    if (node.nodeType !== Node.ELEMENT_NODE || !calm) return true;
    if (node.tagName === "DETAILS") newNode.toggleAttribute("open", node.open);
    return !inUse(node);
  },
  htmx_before_morph_attr: (node, { attrName }) => !(calm && attrName === "tabindex" && node.closest(".lane")),
});

/* Fetching the page again, at most once in a while. */
let calm = false, busy = false, wanted = false, last = 0;
export function refresh() {
  if (busy || document.hidden) { wanted = true; return; }
  const wait = last + PAUSE - Date.now();
  if (wait > 0) { wanted = true; setTimeout(again, wait); return; }
  take();
}
const again = () => { if (wanted) { wanted = false; refresh(); } };
async function take() {
  busy = true;
  const begun = Date.now();
  try {
    const response = await fetch(location.pathname + location.search, {
      headers: { "HX-Request": "true", "HX-Request-Type": "partial" }, cache: "no-store", signal: AbortSignal.timeout(15000),
    });
    if (response.status === 401 || response.redirected) { location.reload(); return; }
    if (!response.ok) return;
    swap(new DOMParser().parseFromString(await response.text(), "text/html"));
  } catch { /* the next event or the next half minute tries again */ } finally {
    busy = false;
    last = Date.now() + (Date.now() - begun) * 4;
    if (wanted) setTimeout(again, PAUSE);
  }
}
function swap(fresh) {
  calm = true;
  try {
    for (const part of $$("[data-live]")) {
      const other = fresh.getElementById(part.id);
      if (!other || part.isEqualNode(other)) continue;
      const fragment = document.createDocumentFragment();
      fragment.append(document.importNode(other, true));
      morph(part, fragment, false);
    }
    const box = $("#stream-box"), next = $("#stream-box", fresh);
    if (box && next && next.firstElementChild?.id !== box.firstElementChild?.id) {
      box.replaceChildren(...next.cloneNode(true).childNodes);
      htmx.process(box);
    }
  } finally { calm = false; }
  const marks = $$(".strip a[data-tip]");
  if (marks.length && !marks.some((mark) => mark.tabIndex === 0)) marks[0].tabIndex = 0;
  catchUp(fresh);
  tellNewer(fresh);
  countSelection();
  if (dropped) { lastHeard = Date.now(); $("#lost").hidden = true; } else heard();
}
/* New rows never push what is being read: they are counted. */
function tellNewer(fresh) {
  const note = $("#newer"), first = $("[data-rows] [data-row]");
  if (!note || !first) return;
  let count = 0;
  for (const row of $$("[data-rows] [data-row]", fresh)) {
    if (row.id === first.id) break;
    if (!document.getElementById(row.id)) count += 1;
  }
  note.hidden = count === 0;
  $("[data-newer]", note).textContent = `${count} newer ${count === 1 ? "run" : "runs"}`;
}

/* The connection: live, or since when it is not. */
const pill = $(".live[data-state]");
let lastHeard = 0, ended = false;
const clock = (at) => {
  const manner = { timeStyle: "medium", hour12: pill !== null && "twelve" in pill.dataset };
  try {
    return new Intl.DateTimeFormat("en-GB", { ...manner, timeZone: pill?.dataset.zone }).format(at);
  } catch { return new Intl.DateTimeFormat("en-GB", manner).format(at); } // a zone this browser does not know
};
const show = (state, words) => {
  if (!pill || (pill.dataset.state === state && state === "live")) return;
  pill.dataset.state = state;
  const text = $(".t", pill);
  if (text.textContent !== words) text.textContent = words;
};
function heard() {
  lastHeard = Date.now();
  show("live", "Live");
  if (pill) pill.title = `Connected. Last update ${clock(lastHeard)}`;
  $("#lost").hidden = true;
}
function look() {
  const stream = $("[data-stream]");
  if (!stream || ended || document.hidden || !lastHeard) return;
  const silent = Date.now() - lastHeard, patience = dropped ? STALE : Number(stream.dataset.heartbeat) * 1000 + STALE;
  if (silent < patience) return;
  show("stale", `Reconnecting, ${clock(lastHeard)}`);
  if (silent < LOST) return;
  $("[data-lost-since]").textContent = clock(lastHeard);
  $("#lost").hidden = false;
}

/* Events of the stream. */
let dropped = true, connections = 0, tries = 0;
const concerns = (watch, kind, ids) =>
  watch === "*" || watch === `${kind}:${ids.id}` || (kind === "run" && watch === `task:${ids.task}`);
const ids = (event) => { try { return JSON.parse(event.detail.data); } catch { return {}; } };
for (const kind of ["task", "run"]) {
  addEventListener(kind, (event) => { heard(); if (concerns(event.target.dataset.watch, kind, ids(event))) refresh(); });
}
for (const kind of ["tick", "line"]) addEventListener(kind, heard);
for (const kind of ["state", "resync"]) addEventListener(kind, () => { heard(); refresh(); });

addEventListener("htmx:sse:after:connection", () => {
  dropped = false;
  tries = 0;
  heard();
  connections += 1;
  if (connections > 1) refresh(); // what happened in between
});
addEventListener("htmx:sse:before:connection", (event) => {
  if (event.detail.connection.attempt > 0) dropped = true;
  if (ended) event.preventDefault();
});
addEventListener("htmx:sse:error", (event) => {
  dropped = true;
  if ([401, 403].includes(event.detail.status)) { ended = true; location.reload(); }
});
const knock = (stream) => stream.dispatchEvent(new CustomEvent("live:retry"));
const retry = (event) => {
  if (!event.target.matches?.("[data-stream]") || ended) return;
  dropped = true;
  lastHeard ||= Date.now();
  if ([401, 403].includes(event.detail.ctx?.response?.status)) { ended = true; return; }
  tries += 1;
  setTimeout(() => event.target.isConnected && knock(event.target), Math.min(1000 * 2 ** tries, 10000));
};
addEventListener("htmx:error", retry);
addEventListener("htmx:response:error", retry);
/* Try now: a new element asks at once, where the old one would wait out its pause. */
addEventListener("click", (event) => {
  if (!event.target.closest("[data-reconnect]")) return;
  last = 0;
  refresh();
  for (const stream of $$("[data-stream]")) {
    const other = stream.cloneNode();
    other.removeAttribute("data-htmx-powered");
    stream.replaceWith(other);
    htmx.process(other);
  }
});
addEventListener("visibilitychange", () => { if (!document.hidden) { lastHeard = Date.now(); again(); } });
setInterval(look, 1000);
setInterval(() => { if (Date.now() - last > EVERY - PAUSE) refresh(); }, EVERY);

/* Actions: the button is busy until the server answers; the page changes only on the answer. */
const sender = (event) => event.detail.ctx?.request?.submitter;
addEventListener("htmx:before:request", (event) => {
  const button = sender(event);
  if (button) { button.setAttribute("aria-busy", "true"); button.closest("details.menu")?.removeAttribute("open"); }
});
addEventListener("htmx:finally:request", (event) => {
  const button = sender(event);
  button?.removeAttribute("aria-busy");
  if (event.detail.ctx?.response?.status < 400) button?.closest("dialog")?.close();
  fade();
  countSelection();
});
addEventListener("htmx:before:swap", (event) => {
  const { ctx } = event.detail;
  if (!(ctx?.response?.status >= 400) || !sender(event)) return;
  event.preventDefault();
  const page = new DOMParser().parseFromString(ctx.text, "text/html");
  sender(event).closest("dialog")?.close();
  toast("failed", $("h1", page)?.textContent || "That did not work", $("h1 + p", page)?.textContent || "Nothing was changed.");
});
addEventListener("htmx:error", (event) => {
  if (sender(event)) toast("failed", "The server did not answer", "Nothing was changed as far as we know. Try again in a moment.");
});
