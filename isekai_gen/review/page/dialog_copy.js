// @ts-check
/** A command line that is copied by one press. */

import { el } from "./dom.js";

/** @param {string} line */
export function copyLine(line) {
  const code = el("code", { text: line, tabindex: 0 });
  const status = el("span", { class: "copy-status", role: "status" });
  async function copy() {
    try {
      await navigator.clipboard.writeText(line);
      status.textContent = "Copied.";
    } catch {
      // The browser may refuse pages the clipboard: the person's own key always works.
      getSelection()?.selectAllChildren(code);
      status.textContent = "Selected: press Ctrl+C.";
    }
  }
  const press = el("button", { type: "button", onclick: () => void copy() }, "Copy");
  return el("div", { class: "copy" }, code, press, status);
}
