// @ts-check
/** The queue of concepts: all images of one, the least typical first, to keep or drop by eye. */

import { el, fill } from "./dom.js";
import { concernsMembers, MemberGrid, Said } from "./group_members.js";
import { withoutArrows } from "./groups.js";
import { actionBar, askReason, openZoom } from "./queue_actions.js";
import { entryHead } from "./queue_head.js";
import { Walk } from "./queue_walk.js";

/**
 * @typedef {import("./queue_feed.js").Entry} Entry
 * @typedef {import("./state.js").Brief} Brief
 */

/**
 * @param {HTMLElement} root
 * @param {import("./app.js").App} app
 * @returns {import("./app.js").View}
 */
export function mount(root, app) {
  const said = new Said();
  const walk = new Walk(root, app, {
    name: "consistency",
    title: "Images of one concept",
    about: "Concepts come here once they have images that every filter keeps.",
    isDecided: (entry) => openOf(entry).length === 0,
    pictures: (entry) => entry.images,
    preload: false,
    page: 2,
    concerns: concernsMembers,
    told: (entries) => said.forget(entries.flatMap((each) => each.images)),
    show: (entry) => show(entry),
  });
  const grid = new MemberGrid("Images of the concept, the least typical first", look, (image) =>
    say([image], said.look(image).state === "dropped" ? "keep" : "drop"),
  );
  grid.node.classList.add("large");

  /** @param {Brief} image */
  function look(image) {
    const { state, text } = said.look(image);
    const typical = image.typical ?? null;
    const how = typical === null ? "" : `typical ${typical.toFixed(2)}`;
    return { state, text: [text, how].filter(Boolean).join(" · ") };
  }

  /** Images that filters keep and no person has decided about. @param {Entry} entry */
  function openOf(entry) {
    return entry.images.filter(
      (/** @type {Brief} */ image) => image.verdict === "kept" && !said.of(image),
    );
  }

  /** @param {Brief[]} images @param {string} choice @param {string} [reason] */
  function say(images, choice, reason = "") {
    const entry = walk.decidable;
    if (!entry || !images.length) return;
    const sayings = images.map((image) => ({ images: [image.id], choice, reason }));
    const wasOpen = openOf(entry).length > 0;
    said.take(sayings);
    const isDone = openOf(entry).length === 0;
    const word = choice === "keep" ? "Kept" : "Dropped";
    app.decide(sayings, {
      label: images.length > 1 ? `${word} ${images.length}` : word,
      queue: "consistency",
      clears: wasOpen && isDone ? 1 : 0,
    });
    walk.draw();
  }
  const decide = (/** @type {string} */ choice) => {
    say(grid.chosen, choice);
    grid.advance();
  };
  const dropWhy = () => {
    const images = grid.chosen;
    askReason((reason) => say(images, "drop", reason));
  };
  const keepRest = () => {
    const entry = walk.decidable;
    if (!entry) return;
    say(openOf(entry), "keep");
    void walk.skip();
  };
  /** @type {import("./queue_actions.js").Action[]} */
  const actions = [
    { keys: ["k"], label: "Keep", tone: "yes", run: () => decide("keep") },
    { keys: ["x"], label: "Drop", tone: "no", run: () => decide("drop") },
    { keys: ["r"], label: "Drop, with reason…", tone: "plain", run: dropWhy },
    { keys: ["a"], label: "Keep all the rest", tone: "yes", run: keepRest },
    ...walk.moves
      .filter((each) => each.label !== "Note")
      .map(withoutArrows)
      .map(named),
    { keys: ["z"], label: "Zoom", tone: "plain", run: () => openZoom(grid.chosen.slice(0, 4)) },
    ...grid.moves,
  ];
  const bar = actionBar(actions);
  app.keys.bind("view", actions);

  /** @param {Entry} entry */
  function show(entry) {
    grid.show(entry.images);
    const open = openOf(entry).length;
    fill(
      walk.body,
      entryHead(
        app,
        walk,
        "consistency",
        conceptSelect(app, walk, entry),
        el("p", { class: "facts", text: `${open} of ${entry.images.length} images to decide` }),
        el("p", { class: "facts end", text: "Click an image to drop or keep it." }),
      ),
      grid.node,
      bar,
    );
  }

  return {
    ...walk.view,
    onUndone(sayings) {
      const isKnown = said.takeBack(sayings);
      walk.view.onUndone?.(sayings);
      if (!isKnown) walk.view.onChange?.();
    },
    onRefused(letter) {
      said.takeBack(letter.sayings);
      walk.view.onRefused?.(letter);
    },
  };
}

/** @param {import("./queue_actions.js").Action} action */
function named(action) {
  return { ...action, label: action.label === "Skip" ? "Next concept" : "Concept before" };
}

/**
 * @param {import("./app.js").App} app
 * @param {Walk} walk
 * @param {Entry} entry
 */
function conceptSelect(app, walk, entry) {
  const concepts = app.store.get().summary?.concepts ?? [];
  const options = concepts.map((each) =>
    el("option", { value: each.slug, selected: each.slug === entry.key, text: each.name }),
  );
  const select = el("select", { class: "concept-select", "aria-label": "Concept" }, ...options);
  select.addEventListener("change", () => {
    const place = concepts.findIndex((each) => each.slug === select.value);
    void walk.jump(concepts[place - 1]?.slug ?? "");
  });
  return select;
}
