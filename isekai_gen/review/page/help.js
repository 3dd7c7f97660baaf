// @ts-check
/** The list of all keys of what is shown now, made from the keys themselves. */

import { el, fill } from "./dom.js";
import { bindingsOf, singleKeysOn, turnSingleKeys } from "./keys.js";
import { icon } from "./icons.js";

/** @type {Record<string, string>} */
const NAMES = {
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  " ": "Space",
  Escape: "Esc",
};

/** @param {string} key as KeyboardEvent.key, with or without "Shift+" */
export function keyName(key) {
  const [last, shift] = key.startsWith("Shift+") ? [key.slice(6), "Shift "] : [key, ""];
  return shift + (NAMES[last] ?? (last.length === 1 ? last.toUpperCase() : last));
}

/** Show the key list; Escape or its button closes it. */
export function openHelp() {
  const dialog = el(
    "dialog",
    { class: "help", "aria-labelledby": "help-title" },
    el("h2", { id: "help-title", text: "Keys" }),
    list("view", "Here"),
    list("page", "Everywhere"),
    singleKeys(),
    closeButton(() => dialog.close()),
  );
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (/** @type {Event} */ event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
}

/** @param {() => void} close */
export function closeButton(close) {
  return el(
    "button",
    { type: "button", class: "close tool", "aria-label": "Close", onclick: close },
    icon("close"),
  );
}

/**
 * @param {string} scope
 * @param {string} title
 */
function list(scope, title) {
  const bindings = bindingsOf(scope);
  if (!bindings.length) return null;
  const rows = bindings.flatMap(({ keys, label }) => [
    fill(el("dt"), ...keys.map((key) => el("kbd", { text: keyName(key) }))),
    el("dd", { text: label }),
  ]);
  return el("section", {}, el("h3", { text: title }), el("dl", { class: "key-list" }, ...rows));
}

function singleKeys() {
  const box = el("input", { type: "checkbox", checked: singleKeysOn() });
  box.addEventListener("change", () => turnSingleKeys(box.checked));
  return el("label", { class: "check" }, box, "Letters and digits work as keys");
}
