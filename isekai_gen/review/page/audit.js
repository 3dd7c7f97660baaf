// @ts-check
/** The questions of an audit, asked blind: what a filter said is not told. */

import { el, fill } from "./dom.js";
import { actionBar, openZoom } from "./queue_actions.js";
import { entryHead } from "./queue_head.js";
import { picture } from "./queue_pictures.js";
import { Walk } from "./queue_walk.js";

/**
 * @typedef {import("./queue_feed.js").Entry} Entry
 * @typedef {{id: string}} Shown
 */

/** @type {Record<string, [string, string]>} what yes and no stand for */
const ANSWERS = { duplicate: ["duplicate", "not_duplicate"], drop: ["drop", "keep"] };

/**
 * @param {HTMLElement} root
 * @param {import("./app.js").App} app
 * @returns {import("./app.js").View}
 */
export function mount(root, app) {
  const walk = new Walk(root, app, {
    name: "audit",
    title: "Questions of the audit",
    about: "Draw a sample of verdicts to check with “isekai-gen audit”.",
    isDecided: (entry) => Boolean(entry.answer),
    pictures: (entry) => entry.images,
    show: (entry) => show(entry),
  });
  /** @param {string} label @param {(ask: string) => string} choiceOf */
  const answer = (label, choiceOf) => {
    const entry = walk.entry;
    if (!entry) return;
    const images = entry.images.map((/** @type {Shown} */ image) => image.id);
    walk.decide([{ images, choice: choiceOf(entry.ask), question: entry.key }], label);
  };
  /** @type {import("./queue_actions.js").Action[]} */
  const actions = [
    { keys: ["y"], label: "Yes", tone: "no", run: () => answer("Yes", (ask) => ANSWERS[ask][0]) },
    { keys: ["n"], label: "No", tone: "yes", run: () => answer("No", (ask) => ANSWERS[ask][1]) },
    { keys: ["q"], label: "Unsure", tone: "plain", run: () => answer("Unsure", () => "unsure") },
    ...walk.moves.filter((each) => each.label !== "Note"),
    {
      keys: ["z"],
      label: "Zoom",
      tone: "plain",
      run: () => walk.entry && openZoom(walk.entry.images),
    },
  ];
  const bar = actionBar(actions);
  app.keys.bind("view", actions);

  /** @param {Entry} entry */
  function show(entry) {
    const frames = entry.images.map((/** @type {any} */ image) =>
      el("figure", { class: "frame" }, picture(image)),
    );
    fill(
      walk.body,
      entryHead(app, walk, "audit"),
      el("p", { class: "question", text: entry.question }),
      el("div", { class: frames.length > 1 ? "stage" : "stage single" }, ...frames),
      bar,
    );
  }

  return walk.view;
}
