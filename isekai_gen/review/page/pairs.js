// @ts-check
/** The queue of pairs that may be duplicates. */

import { el, fill } from "./dom.js";
import { PairStage } from "./pair_stage.js";
import { similarityBar } from "./pair_similarity.js";
import { actionBar, openZoom } from "./queue_actions.js";
import { entryHead } from "./queue_head.js";
import { Walk } from "./queue_walk.js";
import { compareWords, markedWords } from "./queue_words.js";

/**
 * @typedef {import("./queue_feed.js").Entry} Entry
 * @typedef {import("./queue_actions.js").Action} Action
 * @typedef {import("./state.js").Brief} Brief
 */

/**
 * @param {HTMLElement} root
 * @param {import("./app.js").App} app
 * @returns {import("./app.js").View}
 */
export function mount(root, app) {
  const stage = new PairStage();
  const walk = new Walk(root, app, {
    name: "duplicates",
    title: "Pairs that may be duplicates",
    about: "Pairs come here whose similarity lies close below the limit (“isekai-gen dedupe”).",
    isDecided: (entry) =>
      entry.decision !== null ||
      entry.images.some((/** @type {Brief} */ image) => image.decision?.choice === "drop"),
    pictures: (entry) => entry.images,
    show: (entry) => show(entry),
  });
  const actions = [...decisions(walk), ...walk.moves, ...looks(walk, stage)];
  const bar = actionBar(actions);
  app.keys.bind("view", actions);

  /** @param {Entry} entry */
  function show(entry) {
    stage.show(entry.images);
    const words = compareWords(entry.images[0].prompt, entry.images[1].prompt);
    fill(
      walk.body,
      entryHead(app, walk, "duplicates", stage.controls),
      stage.node,
      el(
        "div",
        { class: "captions" },
        ...entry.images.map((/** @type {Brief} */ image, /** @type {number} */ side) =>
          caption(image, words[side], entry.images[1 - side]),
        ),
      ),
      similarityBar(entry),
      bar,
    );
  }

  return {
    ...walk.view,
    unmount() {
      stage.stop();
      walk.view.unmount();
    },
  };
}

/**
 * @param {Walk} walk
 * @returns {Action[]}
 */
function decisions(walk) {
  const ids = () => walk.entry?.images.map((/** @type {Brief} */ image) => image.id) ?? [];
  /** @param {string} choice @param {string} label */
  const pair = (choice, label) => walk.decide([{ images: ids(), choice }], label);
  /** @param {number} side @param {string} label */
  const drop = (side, label) =>
    walk.decide([{ images: [ids()[side]], choice: "drop", reason: "of a pair" }], label);
  return [
    { keys: ["d"], label: "Duplicate", tone: "no", run: () => pair("duplicate", "Duplicate") },
    {
      keys: ["n"],
      label: "Not a duplicate",
      tone: "yes",
      run: () => pair("not_duplicate", "Not a duplicate"),
    },
    { keys: ["1"], label: "Drop left", tone: "plain", run: () => drop(0, "Left dropped") },
    { keys: ["2"], label: "Drop right", tone: "plain", run: () => drop(1, "Right dropped") },
  ];
}

/**
 * @param {Walk} walk
 * @param {PairStage} stage
 * @returns {Action[]}
 */
function looks(walk, stage) {
  const zoom = () => {
    if (walk.entry) openZoom(walk.entry.images);
  };
  return [
    { keys: ["z"], label: "Zoom", tone: "plain", run: zoom },
    {
      keys: ["f"],
      label: "Flicker while held",
      run: () => stage.hold(),
      up: () => stage.release(),
    },
    { keys: ["v"], label: "Side by side, flicker, difference", run: () => stage.nextMode() },
    { keys: [" "], label: "Pause the flicker", run: () => stage.pause() },
    { keys: ["a"], label: "Amplify the difference", run: () => stage.nextGain() },
  ];
}

/**
 * @param {Brief} image
 * @param {[string, boolean][]} words
 * @param {Brief} other
 */
function caption(image, words, other) {
  const seed = el("span", { class: "seed", text: `seed ${image.seed}` });
  if (String(image.seed) === String(other.seed)) seed.append(" (the same)");
  const dropped = image.verdict === "dropped";
  return el(
    "div",
    { class: "caption" },
    el(
      "p",
      { class: "facts" },
      el("b", { class: image.concept === other.concept ? "" : "differs", text: image.name }),
      ` #${image.index} `,
      seed,
      dropped ? el("span", { class: "chip dropped", text: `dropped: ${image.by}` }) : null,
    ),
    el("p", { class: "prompt" }, ...markedWords(words)),
  );
}
