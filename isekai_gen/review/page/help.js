// @ts-check
/** The list of all keys of what is shown now, made from the keys themselves. */

import { el, fill } from "./dom.js";
import { bindingsOf, keyName, singleKeysOn, turnSingleKeys } from "./keys.js";
import { openDialog } from "./modal.js";

/** Show the key list; Escape or its button closes it. */
export function openHelp() {
  openDialog("Keys", "help", [list("view", "Here"), list("page", "Everywhere"), singleKeys()]);
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
