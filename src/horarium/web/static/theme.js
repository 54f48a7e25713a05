// Loaded in <head>, before first paint: applies the theme this browser has chosen (light or dark), unless the person
// has chosen another look for all their browsers since then.
(() => {
  const root = document.documentElement;
  root.dataset.js = "";
  if (root.dataset.look && root.dataset.look !== (localStorage.getItem("look") || "system")) {
    localStorage.removeItem("theme");
    localStorage.setItem("look", root.dataset.look);
  }
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
})();
