// Does what buttons say, without leaving the page: asks first in the button's own place, or in a
// dialog whose question the server has written.

import { soon } from "./live.js";

/** How long a question in its own place stays open. */
const ASK_MS = 8000;

const words = document.body.dataset;
const $ = (selector, within = document) => within.querySelector(selector);

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
  takeBack?.();
  for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
  const answer = await post("act", body);
  if (!answer) return say(words.wrong);
  const text = await answer.text();
  if (answer.ok && answer.headers.get("Content-Type")?.startsWith("text/html")) {
    askInDialog(text);
    return;
  }
  $("#ask")?.close();
  if (answer.ok) {
    say("");
    if (form.dataset.stdin !== undefined) said(form);
  } else {
    say(text || words.wrong);
  }
  soon(0);
}

/** The answer to a form, once there is one: a daemon that is being replaced answers later. */
async function post(address, body) {
  for (const wait of [300, 1000, 2000, 5000, 0]) {
    try {
      return await fetch(address, { method: "POST", body, headers: { "X-Requested-With": "minder" } });
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

/** Shows that something failed until it is dismissed or something else has gone well. */
function say(text) {
  const place = $("#said");
  if (!text) return place.replaceChildren();
  const notice = document.createElement("div"), close = document.createElement("button"), message = document.createElement("b");
  notice.className = "notice bad";
  notice.setAttribute("role", "alert");
  message.textContent = text;
  close.type = "button";
  close.className = "quiet small end";
  close.textContent = words.dismiss;
  close.addEventListener("click", () => notice.remove());
  notice.append(message, close);
  place.replaceChildren(notice);
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
