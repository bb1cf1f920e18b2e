// Does what buttons say, without leaving the page: asks first in the button's own place, or in a
// dialog whose question the server has written.

import { soon } from "./live.js";
import { release } from "./patch.js";

/** How long a question in its own place stays open. */
const ASK_MS = 8000;

const words = document.body.dataset;
const $ = (selector, within = document) => within.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];

/** The open question in a button's place: how to take it back. */
let takeBack = null;

document.addEventListener("submit", (event) => {
  const form = event.target, button = event.submitter;
  if (form.getAttribute("action") !== "act") return;
  event.preventDefault();
  if (button && asksHere(button)) ask(button);
  else send(form, button);
});

/** Takes back the question that is open, if one is. Tells whether one was. */
export function cancel() {
  if (!takeBack) return false;
  takeBack();
  return true;
}

/** Whether it is one process that is restarted or stopped, by a button in a slot. */
function asksHere(button) {
  return ["restart", "stop"].includes(button.name) && !button.dataset.sure
    && button.value !== "selected" && !button.value.endsWith(":*") && button.parentElement.matches(".acts");
}

function ask(button) {
  takeBack?.();
  const box = button.parentElement, before = [...box.childNodes];
  const question = document.createElement("span"), yes = document.createElement("button"), no = document.createElement("button");
  question.className = "ask";
  question.textContent = button.name === "stop" ? words.askStop : words.askRestart;
  yes.name = button.name;
  yes.value = button.value;
  yes.className = button.className;
  yes.textContent = button.textContent;
  yes.dataset.sure = "1";
  yes.setAttribute("form", "act");
  no.type = "button";
  no.className = button.className;
  no.textContent = words.cancel;
  box.replaceChildren(question, yes, no);
  yes.focus();
  const timer = setTimeout(() => takeBack?.(), ASK_MS);
  takeBack = () => {
    clearTimeout(timer);
    takeBack = null;
    const hadFocus = box.contains(document.activeElement);
    box.replaceChildren(...before);
    if (hadFocus) button.focus();
  };
  no.addEventListener("click", () => takeBack?.());
}

/** Sends a form, and shows what the server says to it. */
async function send(form, button) {
  const body = new URLSearchParams(new FormData(form, button));
  if (button?.dataset.sure) body.set("sure", "1");
  const here = button?.closest(".procs tr[data-name], .trouble li");
  takeBack?.();
  for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
  const finish = begin(body);
  const answer = await post("act", body);
  const text = await answer?.text();
  const rows = finish(), row = here ?? (rows.length === 1 ? rows[0] : null);
  if (!answer) return say(words.wrong, row);
  if (answer.ok && answer.headers.get("Content-Type")?.startsWith("text/html")) {
    askInDialog(text);
    return;
  }
  $("#ask")?.close();
  if (answer.ok) {
    tell(text);
    if (form.dataset.stdin !== undefined) said(form);
  } else {
    say(text || words.wrong, row);
  }
  soon(0);
}

/** Shows at once, where the buttons are, what is being done. Answers what takes that back, and tells
 * whose buttons they are. */
function begin(body) {
  const verb = ["start", "restart", "stop"].find((it) => body.has(it) || body.has(`${it}all`));
  const rows = verb ? rowsOf(verb, body) : [];
  for (const row of rows) row.querySelector("[data-said]")?.remove();
  // What is going to be asked about has not begun.
  const isSure = verb === "start" ? rows.length <= 10 : body.has("sure");
  const begun = (isSure ? rows : []).map((row) => {
    const acts = $(".acts", row), before = [...acts.childNodes], doing = document.createElement("span");
    doing.className = "doing";
    doing.textContent = words[`doing${verb[0].toUpperCase()}${verb.slice(1)}`];
    const hadFocus = acts.contains(document.activeElement);
    acts.replaceChildren(doing, ...before.filter((it) => it.matches?.("a, details")));
    if (hadFocus) $("th a, .who a", row)?.focus();
    return { acts, before, doing };
  });
  return () => {
    for (const { acts, before, doing } of begun) {
      if (doing.parentElement !== acts) continue;
      acts.replaceChildren(...before);
      release(acts);
    }
    return rows;
  };
}

/** The rows of the processes and groups that a form is about, and what else has buttons for them. */
function rowsOf(verb, body) {
  const value = body.get(verb), names = new Set(value === "selected" ? body.getAll("p") : [value]);
  const groups = new Set([...body.getAll("g"), value]);
  const isMeant = ({ dataset }) => value === null || names.has(dataset.name) || groups.has(`${dataset.group}:*`);
  const rows = all(".procs tr[data-name], .procs tr[data-group], .trouble li[data-name], .head[data-name]").filter(isMeant);
  const members = rows.filter((row) => row.dataset.group).flatMap((row) => [...row.closest("tbody").querySelectorAll("tr.m")]);
  return [...new Set([...rows, ...members])];
}

/** The answer to a form, once there is one: a daemon that is being replaced answers later. */
async function post(address, body) {
  // A page that was asked for with a password in its address has one that may not be asked for again.
  const whole = new URL(address, location.href);
  for (const wait of [300, 1000, 2000, 5000, 0]) {
    try {
      return await fetch(whole, { method: "POST", body, headers: { "X-Requested-With": "minder" } });
    } catch {
      if (wait) await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
  return null;
}

function askInDialog(html) {
  const form = new DOMParser().parseFromString(html, "text/html").querySelector("#question");
  if (!form) return;
  $("#ask")?.remove();
  const dialog = document.createElement("dialog");
  dialog.id = "ask";
  dialog.setAttribute("aria-labelledby", "ask-t");
  dialog.append(document.importNode(form, true));
  document.body.append(dialog);
  const want = $("[data-want]", dialog), go = $("button.danger", dialog);
  const check = () => { go.disabled = want !== null && want.value.trim() !== want.dataset.want; };
  want?.addEventListener("input", check);
  check();
  $("[data-do=cancel]", dialog).addEventListener("click", (event) => {
    event.preventDefault();
    dialog.close();
  });
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
  $("[data-do=cancel]", dialog).focus();
}

/** Tells how something went that is not seen elsewhere, until something else is done. */
function tell(text) {
  $("#said").replaceChildren(...(text ? [notice(text, false)] : []));
}

/** Shows that something failed until it is dismissed or something else has gone well: in the row that
 * it is about, or on top where there is none. */
function say(text, row = null) {
  if (!row?.isConnected || !row.matches("tr, li")) return $("#said").replaceChildren(notice(text, true));
  row.querySelector("[data-said]")?.remove();
  const place = document.createElement(row.matches("tr") ? "td" : "div");
  place.className = "failed";
  place.dataset.said = "";
  if (row.matches("tr")) place.setAttribute("role", "cell");
  place.append(notice(text, true));
  row.append(place);
}

function notice(text, isBad) {
  const notice = document.createElement("div"), close = document.createElement("button"), message = document.createElement("b");
  notice.className = isBad ? "notice bad" : "notice";
  notice.setAttribute("role", isBad ? "alert" : "status");
  message.textContent = text;
  close.type = "button";
  close.className = "quiet small end";
  close.textContent = words.dismiss;
  close.addEventListener("click", () => (notice.closest("[data-said]") ?? notice).remove());
  notice.append(message, close);
  return notice;
}

/** What was sent to a program: kept for the arrow keys. */
const sent = [];
let shown = 0;

function said(form) {
  const input = form.elements.stdin;
  sent.push(input.value);
  shown = sent.length;
  input.value = "";
}

document.addEventListener("keydown", (event) => {
  if (event.target.name !== "stdin" || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
  event.preventDefault();
  shown = Math.max(0, Math.min(sent.length, shown + (event.key === "ArrowUp" ? -1 : 1)));
  event.target.value = sent[shown] ?? "";
});
