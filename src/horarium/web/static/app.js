// What every page can do with script. Each page is usable without it; controls that need it carry the class js-only.
export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

const typing = (node) => /^(INPUT|TEXTAREA|SELECT)$/.test(node.tagName) && !/^(checkbox|radio)$/.test(node.type);

/* Theme: the system's until somebody chooses. */
const flipTheme = () => {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme || (dark ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  localStorage.setItem("theme", next);
  localStorage.setItem("look", document.documentElement.dataset.look || "system");
};

/* Dialogs: modal with script, popovers without. A question asked before a form is sent keeps the button that sends it. */
let asking = null;
const openDialog = (id) => {
  const dialog = document.getElementById(id);
  if (dialog && !dialog.open) dialog.showModal();
};
const ask = (button) => {
  asking = button;
  $("#ask-t").textContent = button.dataset.ask;
  $("#ask-p").textContent = button.dataset.askText;
  openDialog("ask");
};
const confirmed = () => {
  $("#ask").close();
  const button = asking;
  asking = null;
  if (button?.isConnected) button.form.requestSubmit(button);
};

const copy = async (button) => {
  const text = document.getElementById(button.dataset.copy).textContent;
  try {
    await navigator.clipboard.writeText(text);
    toast("ok", "Copied");
  } catch {
    toast("failed", "The browser does not let this page copy", "Select the text and copy it by hand.");
  }
};

const download = (button) => {
  const text = document.getElementById(button.dataset.download).textContent;
  const address = URL.createObjectURL(new Blob([`${text}\n`], { type: "text/plain" }));
  Object.assign(document.createElement("a"), { href: address, download: button.dataset.name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
};

const reveal = (button) => {
  const field = document.getElementById(button.dataset.reveal);
  const shown = field.type === "password";
  field.type = shown ? "text" : "password";
  button.setAttribute("aria-pressed", shown);
};

const CLICKS = {
  "[data-theme-toggle]": flipTheme,
  "[data-open]": (node, event) => { event.preventDefault(); openDialog(node.dataset.open); },
  "[data-close]": (node) => node.closest("dialog").close(),
  "[data-confirm]": confirmed,
  "[data-ask]": (node, event) => { if (node !== asking) { event.preventDefault(); ask(node); } },
  "[data-dismiss]": (node) => node.closest(".toast").remove(),
  "[data-copy]": copy,
  "[data-download]": download,
  "[data-reveal]": reveal,
  "[data-clear]": () => clearSelection(),
};

addEventListener("click", (event) => {
  for (const [selector, act] of Object.entries(CLICKS)) {
    const node = event.target.closest?.(selector);
    if (node && !node.disabled) act(node, event);
  }
  if (event.target instanceof HTMLDialogElement && event.target.open) event.target.close();
  for (const menu of $$("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

/* Messages: good news goes after six seconds unless it is being read, bad news stays. */
export function toast(status, title, text = "") {
  const box = document.createElement("div");
  box.className = "toast";
  box.dataset.s = status;
  const words = document.createElement("div");
  words.append(Object.assign(document.createElement("b"), { textContent: title }));
  if (text) words.append(Object.assign(document.createElement("span"), { className: "sub", textContent: text }));
  const close = Object.assign(document.createElement("button"), { type: "button", className: "link", textContent: "Close" });
  close.dataset.dismiss = "";
  box.append(words, close);
  $("#toasts")?.append(box);
  fade();
}
export function fade() {
  for (const box of $$('.toast[data-s="ok"]:not([data-timed])')) {
    box.dataset.timed = "";
    const go = () => (box.matches(":hover, :focus-within") ? setTimeout(go, 2000) : box.remove());
    setTimeout(go, 6000);
  }
}

/* Tips of chart marks. */
let tip;
const showTip = (mark) => {
  tip ||= document.body.appendChild(Object.assign(document.createElement("div"), { className: "tip", role: "tooltip" }));
  const name = Object.assign(document.createElement("b"), { textContent: mark.dataset.tip });
  const rest = Object.assign(document.createElement("span"), { textContent: `${mark.dataset.when} · ${mark.dataset.state}` });
  tip.replaceChildren(name, rest);
  tip.hidden = false;
  const at = mark.getBoundingClientRect(), own = tip.getBoundingClientRect();
  const left = Math.min(innerWidth - own.width - 8, at.x + at.width / 2 - own.width / 2);
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${at.y - own.height - 8 < 8 ? at.bottom + 8 : at.y - own.height - 8}px`;
};
const hideTip = () => { if (tip) tip.hidden = true; };
for (const kind of ["pointerover", "focusin"]) {
  addEventListener(kind, (event) => {
    const mark = event.target.closest?.("[data-tip]");
    if (mark) showTip(mark); else hideTip();
  });
}
addEventListener("scroll", hideTip, true);

/* The horarium opens near now; arrow keys walk its marks, which are one tab stop. */
const scroller = $(".strip-scroll");
if (scroller) scroller.scrollLeft = Math.max(0, ((scroller.scrollWidth - 120) * scroller.dataset.now) / 100 - scroller.clientWidth * 0.55);
const walk = (event) => {
  const mark = event.target.closest?.(".strip a[data-tip]");
  if (!mark) return false;
  const all = $$(".strip a[data-tip]"), at = all.indexOf(mark);
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: all.length - 1 }[event.key];
  if (to === undefined || !all[to]) return false;
  mark.tabIndex = -1;
  all[to].tabIndex = 0;
  all[to].focus();
  return true;
};

/* Selecting rows. */
const boxes = () => $$(".sel input[type=checkbox]");
export function countSelection() {
  const all = boxes(), chosen = all.filter((box) => box.checked).length, head = $("[data-all]");
  if (head) { head.checked = chosen > 0 && chosen === all.length; head.indeterminate = chosen > 0 && chosen < all.length; }
  for (const words of $$("[data-count]")) words.textContent = chosen;
}
const clearSelection = () => { for (const box of boxes()) box.checked = false; countSelection(); };
addEventListener("change", (event) => {
  if (event.target.matches("[data-all]")) for (const box of boxes()) box.checked = event.target.checked;
  if (event.target.matches("[data-all], .sel input")) countSelection();
});

/* Rows under the keyboard: the one that has focus, and its neighbours. */
const currentRow = () => document.activeElement?.closest?.("[data-row]");
const step = (by) => {
  const rows = $$("[data-row]"), at = rows.indexOf(currentRow());
  const row = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1)];
  $("[data-open-row]", row ?? document)?.focus();
};
const select = () => {
  const box = currentRow()?.querySelector(".sel input");
  if (box) { box.checked = !box.checked; countSelection(); }
};
const runIt = () => (currentRow()?.querySelector("[data-run]") ?? $(".page-h [data-run]"))?.click();
const search = () => ($("[data-search]") ?? $("[data-log-find]"))?.focus();
const escape = () => {
  const menus = $$("details.menu[open]");
  for (const menu of menus) { menu.open = false; $("summary", menu).focus(); }
  if (!menus.length && !$("dialog[open]") && boxes().some((box) => box.checked)) clearSelection();
};

const KEYS = {
  "/": search,
  "?": () => openDialog("keys"),
  j: () => step(1),
  k: () => step(-1),
  x: select,
  r: runIt,
  t: flipTheme,
  f: () => $('[data-log="follow"]')?.click(),
  w: () => $('[data-log="wrap"]')?.click(),
};
let gone = 0;
addEventListener("keydown", (event) => {
  if (event.key === "Escape") { escape(); return; }
  if (event.metaKey || event.ctrlKey || event.altKey || typing(event.target)) return;
  if (walk(event)) { event.preventDefault(); return; }
  if ($("dialog[open]")) return;
  const place = Date.now() - gone < 1200 && $(`[data-go="${CSS.escape(event.key)}"]`);
  gone = event.key === "g" ? Date.now() : 0;
  if (place) { event.preventDefault(); place.click(); }
  else if (KEYS[event.key]) { event.preventDefault(); KEYS[event.key](); }
});

/* A filter applies as soon as it is ticked; its form also works by itself. */
addEventListener("change", (event) => { if (event.target.matches("[data-filter] .menu input")) event.target.form.requestSubmit(); });

fade();
countSelection();
// In the next frame: by then the browser is done with what asked for the focus by itself.
requestAnimationFrame(() => $("[data-focus]")?.focus());
