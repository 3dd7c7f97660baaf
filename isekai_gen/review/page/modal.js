// @ts-check
/** Dialogs over the page. */

import { el } from "./dom.js";
import { icon } from "./icons.js";
import * as keys from "./keys.js";

/**
 * A modal dialog over the page, with keys of its own; gone once it is closed.
 *
 * @param {string} title
 * @param {string} kind its class
 * @param {any[]} children
 * @param {import("./keys.js").Binding[]} bindings
 */
export function openDialog(title, kind, children, bindings = []) {
  const dialog = el(
    "dialog",
    { class: kind, "aria-label": title },
    el("h2", { text: title }),
    ...children,
    closeButton(() => dialog.close()),
  );
  keys.bind("dialog", bindings);
  dialog.addEventListener("close", () => {
    keys.bind("dialog", []);
    dialog.remove();
  });
  dialog.addEventListener("click", (/** @type {Event} */ event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** @param {() => void} close */
function closeButton(close) {
  return el(
    "button",
    { type: "button", class: "close tool", "aria-label": "Close", onclick: close },
    icon("close"),
  );
}
