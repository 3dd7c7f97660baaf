// @ts-check
/** What is shown behind the last entry of a queue. */

import { el } from "./dom.js";
import { leftOf } from "./state.js";

/**
 * @param {import("./app.js").App} app
 * @param {import("./queue_walk.js").Queue} queue
 * @param {boolean} seen whether there were any entries
 * @param {() => void} again goes through those that were passed over
 */
export function endOf(app, queue, seen, again) {
  const left = leftOf(app.store.get(), queue.name);
  if (left) {
    const some = left === 1 ? "one entry" : `${left} entries`;
    return el(
      "div",
      { class: "empty" },
      el("p", { text: `You passed over ${some}.` }),
      el("button", {
        type: "button",
        class: "action yes",
        text: "Go through them again",
        onclick: again,
      }),
    );
  }
  const text = seen
    ? "All decided. Nothing is left in this queue."
    : `Nothing to decide here. ${queue.about}`;
  return el("div", { class: "empty" }, el("p", { text }));
}
