// Single keys, for who works without a pointer. Off inside fields, and off altogether if the help
// says so.

import { cancel } from "./act.js";
import { step } from "./log.js";

const OFF = "minder-keys-off";
const PAGES = { o: "./", e: "events", c: "configuration", d: "daemon" };
const VERBS = { s: "start", r: "restart", t: "stop" };
const TOOLS = { f: "follow", p: "pause", w: "wrap" };

const $ = (selector, within = document) => within.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];

let awaitsPage = false;

const single = $("[data-do=single]");
if (single) {
  single.checked = !localStorage.getItem(OFF);
  single.addEventListener("change", () => {
    if (single.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  });
}
$("[data-do=keys]")?.addEventListener("click", () => $("#keys").showModal());

addEventListener("keydown", (event) => {
  if (event.key === "Escape") return leave(event);
  if (event.ctrlKey || event.metaKey || event.altKey || localStorage.getItem(OFF)) return;
  if (event.target.matches?.("input:not([type=checkbox]), select, textarea") || $("dialog[open]")) return;
  const key = event.key, row = event.target.closest?.("tr, .trouble li");
  const wasAwaiting = awaitsPage;
  awaitsPage = key === "g";
  if (wasAwaiting && PAGES[key]) location.href = PAGES[key];
  else if (key === "/") { event.preventDefault(); ($("[data-do=filter]") ?? $("[data-do=find]"))?.focus(); }
  else if (key === "j") move(1, row);
  else if (key === "k") move(-1, row);
  else if (key === "?") $("#keys")?.showModal();
  else if (key === "x" && row) $("input[type=checkbox]", row)?.click();
  else if (key === "l" && row) $(".acts a", row)?.click();
  else if (VERBS[key]) $(`.acts [name=${VERBS[key]}]`, row ?? $(".head"))?.click();
  else if (TOOLS[key]) $(`[data-do=${TOOLS[key]}]`)?.click();
  else if (key === "n" || key === "N") step(key === "n" ? 1 : -1);
  else if (key === "1" || key === "2") all(".tabs a")[Number(key) - 1]?.click();
  else if (key === "[" || key === "]") file(key === "[" ? 1 : -1);
});

/** Leaves what is open, whatever that is. */
function leave(event) {
  const menus = all("details.menu[open]");
  for (const menu of menus) { menu.open = false; $("summary", menu).focus(); }
  if (menus.length > 0 || cancel()) return;
  if (all(".procs input:checked").length > 0) $("#act [type=reset]")?.click();
  else event.target.blur?.();
}

function move(by, row) {
  const rows = all(".procs tr[data-name], .procs tr.group, .events tr[data-name]").filter((it) => it.offsetParent);
  if (rows.length === 0) return;
  const at = rows.indexOf(row);
  const next = rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + by))];
  $("th a", next)?.focus();
}

function file(by) {
  const files = $("select[name=file]");
  if (!files) return;
  const index = files.selectedIndex + by;
  if (index < 0 || index >= files.length) return;
  files.selectedIndex = index;
  files.form.requestSubmit();
}
