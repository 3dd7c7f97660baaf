// @ts-check
/** Buttons made from key bindings, so that touch, mouse and keys always do the same. */

import { el } from "./dom.js";
import { picture } from "./queue_pictures.js";
import { keyName } from "./keys.js";
import { openDialog } from "./modal.js";

/**
 * @typedef {import("./keys.js").Binding & {tone?: "yes" | "no" | "plain"}} Action
 *   a binding that is a button too if it has a `tone`
 */

/** @param {Action[]} actions */
export function actionBar(actions) {
  const buttons = actions
    .filter((each) => each.tone)
    .map((each) =>
      el(
        "button",
        {
          type: "button",
          class: `action ${each.tone}`,
          "aria-keyshortcuts": each.keys[0].toUpperCase(),
          onclick: each.run,
        },
        el("span", { text: each.label }),
        el("kbd", { "aria-hidden": "true", text: keyName(each.keys[0]) }),
      ),
    );
  return el("div", { class: "actions", role: "group", "aria-label": "Decide" }, ...buttons);
}

/**
 * Ask for a note.
 *
 * @param {string} before what it says now
 * @param {(note: string) => void} done
 */
export function askNote(before, done) {
  const area = el("textarea", { rows: 4, maxlength: 2000, "aria-label": "Note" });
  area.value = before;
  const save = () => {
    done(area.value.trim());
    dialog.close();
  };
  area.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    save();
  });
  const hint = "It is recorded with your decision. Enter saves, Shift Enter begins a line.";
  const button = el("button", { type: "button", class: "action yes", text: "Save", onclick: save });
  const dialog = openDialog("Note", "note", [area, el("p", { class: "hint", text: hint }), button]);
  area.focus();
}

const REASONS = ["looks real", "wrong concept", "broken", "unsafe", "other"];

/**
 * Ask why an image is dropped, by click or digit; closing the menu drops nothing.
 *
 * @param {(reason: string) => void} done
 */
export function askReason(done) {
  const choose = (/** @type {string} */ reason) => {
    dialog.close();
    done(reason);
  };
  /** @type {Action[]} */
  const actions = REASONS.map((reason, place) => ({
    keys: [String(place + 1)],
    label: reason,
    tone: "plain",
    run: () => choose(reason),
  }));
  const dialog = openDialog("Drop: why?", "reasons", [actionBar(actions)], actions);
}

/**
 * Show pictures as large as the screen allows; a click shows one in its own pixels.
 *
 * @param {{id: string, name: string, prompt: string, width: number, height: number}[]} images
 */
export function openZoom(images) {
  const frames = images.map((image) => {
    const shown = /** @type {HTMLImageElement} */ (picture(image).cloneNode());
    const button = el(
      "button",
      { type: "button", class: "zoomed", "aria-pressed": "false" },
      shown,
    );
    button.addEventListener("click", () => {
      const real = button.classList.toggle("real-size");
      button.setAttribute("aria-pressed", String(real));
    });
    return button;
  });
  const close = { keys: ["z", " "], label: "Close", run: () => dialog.close() };
  const dialog = openDialog(
    "Zoom",
    "zoom",
    [el("div", { class: "zoom-frames" }, ...frames)],
    [close],
  );
}
