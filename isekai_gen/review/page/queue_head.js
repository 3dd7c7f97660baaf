// @ts-check
/** The line above an entry: how much is left, and what was said of this one already. */

import { el } from "./dom.js";
import { leftOf } from "./state.js";

/** @type {Record<string, string>} */
const WORDS = {
  keep: "kept",
  drop: "dropped",
  duplicate: "duplicate",
  not_duplicate: "not a duplicate",
  unsure: "unsure",
  elsewhere: "decided elsewhere",
};

/** @param {string} choice */
const wordsOf = (choice) => WORDS[choice] ?? choice;

/**
 * @param {import("./app.js").App} app
 * @param {import("./queue_walk.js").Walk} walk
 * @param {string} queue
 * @param {...any} more
 */
export function entryHead(app, walk, queue, ...more) {
  const entry = walk.entry;
  const left = leftOf(app.store.get(), queue);
  const choice = entry && (walk.feed.saidOf(entry)?.choice ?? choiceOf(entry));
  const note = entry && walk.notes.get(entry.key);
  return el(
    "div",
    { class: "entry-head" },
    el("p", { class: "left" }, el("b", { text: left }), " left"),
    choice ? el("span", { class: "chip", text: `Decided: ${wordsOf(choice)}` }) : null,
    note ? el("span", { class: "chip", text: `Note: ${note}` }) : null,
    ...more,
  );
}

/** @param {import("./queue_feed.js").Entry} entry */
const choiceOf = (entry) => entry.decision?.choice ?? entry.image?.decision?.choice ?? entry.answer;
