// The log of a run: wrap, follow, find, links to lines, and the lines that arrive while it runs.
import { $, $$ } from "./app.js";

const MOST = 2000; // rows kept in the page while a run goes on; the rest is a link away
const body = $(".log-body"), rows = $("[data-lines]");
const button = (name) => $(`[data-log="${name}"]`);
const pressed = (name) => button(name)?.getAttribute("aria-pressed") === "true";
let unseen = 0, own = false;

const press = (name, on) => {
  button(name)?.setAttribute("aria-pressed", on);
  if (name === "wrap") { body.classList.toggle("wrap", on); localStorage.setItem("wrap", on ? "on" : "off"); }
  if (name === "follow" && on) toEnd();
};
const toEnd = () => {
  own = true;
  body.scrollTop = body.scrollHeight;
  unseen = 0;
  tellUnseen();
};
const tellUnseen = () => {
  const more = $("[data-more]");
  if (!more) return;
  more.hidden = unseen === 0;
  more.textContent = `${unseen} new ${unseen === 1 ? "line" : "lines"}`;
};

function append(html) {
  const before = rows.lastElementChild;
  const template = document.createElement("template");
  template.innerHTML = `<table><tbody>${html}</tbody></table>`;
  let added = 0;
  for (const row of $$("tr[id]", template.content)) {
    const old = document.getElementById(row.id);
    if (old) old.replaceWith(row);
    else { rows.append(row); added += 1; }
  }
  if (!added) return;
  before?.classList.remove("fresh");
  $("[data-no-lines]")?.remove();
  const total = Number(rows.dataset.total) + added;
  rows.dataset.total = total;
  $("[data-line-count]").textContent = `${total.toLocaleString("en")} ${total === 1 ? "line" : "lines"}`;
  for (const extra of $$("tr[id]", rows).slice(0, -MOST)) extra.remove();
  if (pressed("follow")) toEnd();
  else { unseen += added; tellUnseen(); }
  mark();
}

/* What a fetched copy of the page has beyond the last line here: nothing is lost between two streams. A later attempt
   is another log, which a page that follows goes on to. */
export function catchUp(fresh) {
  const other = $(".log-body", fresh);
  if (!body || !rows || !other) return;
  if (other.dataset.attempt !== body.dataset.attempt) {
    if (pressed("follow") && !new URLSearchParams(location.search).has("attempt")) location.reload();
    return;
  }
  const last = Number($$("tr[id]", rows).at(-1)?.id.slice(1) ?? 0);
  const later = $$("[data-lines] tr[id]", fresh).filter((row) => Number(row.id.slice(1)) > last);
  if (later.length) append(later.map((row) => row.outerHTML).join(""));
  if (!other.hasAttribute("data-follow") && pressed("follow")) {
    press("follow", false);
    Object.assign(button("follow"), { disabled: true, title: "The run has ended" });
  }
}

const mark = () => {
  const words = $("[data-log-find]")?.value.trim().toLowerCase();
  const hits = $$("tr[id]", rows).filter((row) => {
    const hit = Boolean(words) && row.lastElementChild.textContent.toLowerCase().includes(words);
    row.classList.toggle("hit", hit);
    return hit;
  });
  const found = $("[data-found]");
  if (found) found.textContent = words ? String(hits.length) : "";
  return hits;
};
let place = -1;
const toHit = (by) => {
  const hits = mark();
  if (!hits.length) return;
  place = (place + by + hits.length) % hits.length;
  press("follow", false);
  for (const row of $$("tr.here", rows)) row.classList.remove("here");
  hits[place].classList.add("here");
  hits[place].scrollIntoView({ block: "nearest" });
};

if (body && rows) {
  if (localStorage.getItem("wrap") === "off") press("wrap", false);
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView({ block: "center" });
  else if (body.hasAttribute("data-follow")) toEnd();
  body.addEventListener("scroll", () => {
    const end = body.scrollHeight - body.scrollTop - body.clientHeight < 24;
    if (!own && !end && pressed("follow")) press("follow", false);
    if (end && unseen) toEnd();
    own = false;
  });
  addEventListener("click", (event) => {
    const control = event.target.closest("[data-log]");
    if (control && !control.disabled) press(control.dataset.log, !pressed(control.dataset.log));
    if (event.target.closest("[data-more]")) press("follow", true);
    const number = event.target.closest(".lines .no");
    if (number?.parentNode.id) location.hash = number.parentNode.id;
  });
  $("[data-log-find]")?.addEventListener("input", () => { place = -1; mark(); });
  $("[data-log-find]")?.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    toHit(event.shiftKey ? -1 : 1);
  });
  addEventListener("submit", (event) => {
    if (!event.target.matches("[data-goto]")) return;
    const row = document.getElementById(`L${event.target.elements.line.value}`);
    if (!row) return; // not loaded: the server shows the lines around it
    event.preventDefault();
    event.target.closest("details").open = false;
    press("follow", false);
    location.hash = row.id;
  });
  addEventListener("line", (event) => append(event.detail.data));
}
