// Makes a part of the page what the server has drawn anew, touching only what differs. What has
// the focus, the pointer or an open question keeps its buttons: nothing moves under the finger.

/** How long buttons under the finger stay as they are although their row has changed. */
const HELD_MS = 5000;

/** When buttons began to be held. */
const held = new WeakMap();

/** What a script has drawn, or a visitor has asked for once, and what is left alone here. */
const isOwn = (node) => node.dataset?.own !== undefined;

const keyOf = (node) => node.nodeType === Node.ELEMENT_NODE
  ? node.id || node.dataset.body || node.dataset.name || node.dataset.group || null
  : null;

/** Patches `now` to look like `then`, which must be an element of the same name. */
export function patch(now, then) {
  if (now.nodeType === Node.TEXT_NODE) {
    if (now.data !== then.data) now.data = then.data;
    return;
  }
  if (now.nodeType !== Node.ELEMENT_NODE || isOwn(now)) return;
  if (now.matches(".acts") && isHeld(now)) return;
  if (now.matches("section.trouble") && isUsed(now) && names(now) !== names(then)) return;
  attributes(now, then);
  children(now, then);
}

function attributes(now, then) {
  for (const { name, value } of then.attributes) {
    // What is typed or chosen is the visitor's.
    if (now.getAttribute(name) !== value && !(name === "value" && now === document.activeElement)) {
      now.setAttribute(name, value);
    }
  }
  for (const { name } of [...now.attributes]) {
    if (!then.hasAttribute(name) && name !== "open") now.removeAttribute(name);
  }
}

function children(now, then) {
  const known = new Map();
  for (const child of now.childNodes) if (keyOf(child)) known.set(keyOf(child), child);
  let at = now.firstChild;
  for (const next of [...then.childNodes]) {
    const key = keyOf(next);
    let match = null;
    if (key) match = known.get(key);
    else if (at && !keyOf(at) && at.nodeName === next.nodeName) match = at;
    if (!match || match.nodeName !== next.nodeName) {
      now.insertBefore(document.importNode(next, true), at);
    } else {
      if (match === at) at = at.nextSibling;
      else now.insertBefore(match, at);
      patch(match, next);
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    // What was said to the visitor stays until it is dismissed.
    if (gone.dataset?.said === undefined) gone.remove();
  }
}

/** Has buttons change with the next patch, although they may be under the finger: it has pressed one. */
export function release(acts) {
  held.set(acts, -Infinity);
}

/** Whether buttons must not change now. */
function isHeld(acts) {
  if (acts.querySelector(".ask, .doing")) return true;
  if (!isUsed(acts.closest("tr, li") ?? acts)) {
    held.delete(acts);
    return false;
  }
  if (!held.has(acts)) held.set(acts, performance.now());
  return performance.now() - held.get(acts) < HELD_MS;
}

const isUsed = (element) => element.matches(":hover, :focus-within");

const names = (section) => [...section.querySelectorAll("li")].map((it) => it.dataset.name).join("\n");
