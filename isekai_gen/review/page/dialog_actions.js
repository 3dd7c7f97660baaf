// @ts-check
/** What can be done with the image in the dialog: its buttons, their keys, and the note. */

import { el, fill, keyCap } from "./dom.js";
import { inWords } from "./facets.js";

/**
 * @typedef {import("./grid_cells.js").Brief} Brief
 * @typedef {import("./browse_decide.js").Choice} Choice
 * @typedef {{say: (choice: Choice, note?: string) => void, undo: () => void,
 *   step: (by: 1 | -1) => void, back: () => void, close: () => void}} Doing
 */

/**
 * @param {string} text
 * @param {string} key
 * @param {() => void} run
 * @param {string} [kind]
 */
const button = (text, key, run, kind = "") =>
  el("button", { type: "button", class: kind, onclick: run }, text, keyCap(key));

/** @param {Doing} doing */
export function dialogActions(doing) {
  const verdict = el("p", { class: "dialog-verdict", role: "status" });
  const keep = button("Keep", "K", () => doing.say("keep"), "is-keep");
  const drop = button("Drop", "X", () => doing.say("drop"), "is-drop");
  const takeBack = button("Leave to the filters", "R", () => doing.say("undecided"));
  const back = button("", "B", doing.back, "dialog-back");
  const note = noteForm(doing);
  const node = el(
    "div",
    { class: "dialog-actions" },
    el(
      "div",
      { class: "dialog-steps" },
      button("Before", "←", () => doing.step(-1)),
      button("Next", "→", () => doing.step(1)),
      back,
      button("Close", "Esc", doing.close, "dialog-close"),
    ),
    verdict,
    el(
      "div",
      { class: "dialog-choices" },
      keep,
      drop,
      button("Note", "N", note.open),
      button("Undo", "U", doing.undo),
      takeBack,
    ),
    note.node,
  );
  return {
    node,
    leaveNote: note.leave,
    keys: [
      { keys: ["k"], label: "Keep", run: () => doing.say("keep") },
      { keys: ["x"], label: "Drop", run: () => doing.say("drop") },
      { keys: ["n"], label: "Note", run: note.open },
      { keys: ["u"], label: "Undo", run: doing.undo },
      { keys: ["r"], label: "Leave to the filters", run: () => doing.say("undecided") },
      { keys: ["b"], label: "Back", run: doing.back },
      { keys: ["ArrowLeft"], label: "Before", repeat: true, run: () => doing.step(-1) },
      { keys: ["ArrowRight"], label: "Next", repeat: true, run: () => doing.step(1) },
    ],
    /**
     * @param {Brief} image
     * @param {Brief | undefined} from the image from which this one was opened
     */
    show(image, from) {
      fill(verdict, verdictWords(image));
      keep.setAttribute("aria-pressed", String(image.decision?.choice === "keep"));
      drop.setAttribute("aria-pressed", String(image.decision?.choice === "drop"));
      takeBack.hidden = !image.decision;
      back.hidden = !from;
      if (from) fill(back, `Back to ${from.name} ${from.index}`, keyCap("B"));
    },
  };
}

/** @param {Brief} image */
function verdictWords(image) {
  const badge = el("strong", {
    class: "verdict-badge",
    dataset: { verdict: image.verdict },
    text: image.verdict,
  });
  const { decision } = image;
  if (decision) return [badge, ` by ${decision.by}`, decision.note && `: “${decision.note}”`];
  return [
    badge,
    image.by && ` by ${inWords(image.by)}`,
    image.reason && `: ${inWords(image.reason)}`,
  ];
}

/** @param {Doing} doing */
function noteForm(doing) {
  const text = el("textarea", { id: "dialog-note", rows: 2, maxlength: 2000 });
  /** @param {Choice} choice */
  const send = (choice) => () => {
    if (text.value.trim()) doing.say(choice, text.value.trim());
    leave();
  };
  const node = el(
    "div",
    { class: "dialog-note", hidden: true },
    el("label", { for: "dialog-note", text: "Note for others, recorded with the decision" }),
    text,
    el(
      "div",
      { class: "dialog-choices" },
      el(
        "button",
        { type: "button", class: "is-keep", onclick: send("keep") },
        "Keep with this note",
      ),
      el(
        "button",
        { type: "button", class: "is-drop", onclick: send("drop") },
        "Drop with this note",
      ),
    ),
  );
  function open() {
    node.hidden = false;
    text.focus();
  }
  /** Whether there was a note to leave. */
  function leave() {
    if (node.hidden) return false;
    node.hidden = true;
    text.value = "";
    return true;
  }
  return { node, open, leave };
}
