// @ts-check
/** The queue of duplicate groups: which member stands for the others. */

import { el, fill } from "./dom.js";
import { concernsMembers, MemberGrid, Said } from "./group_members.js";
import { actionBar, openZoom } from "./queue_actions.js";
import { entryHead } from "./queue_head.js";
import { Walk } from "./queue_walk.js";

/**
 * @typedef {import("./queue_feed.js").Entry} Entry
 * @typedef {import("./state.js").Brief} Brief
 */

/** Up to so many members are shown large. */
const FEW = 10;
const REPRESENTATIVE = "representative";

/**
 * @param {HTMLElement} root
 * @param {import("./app.js").App} app
 * @returns {import("./app.js").View}
 */
export function mount(root, app) {
  const said = new Said();
  const walk = new Walk(root, app, {
    name: "groups",
    title: "Groups of duplicates",
    about: "Images form a group when “isekai-gen dedupe” finds that they are duplicates.",
    isDecided: (entry) =>
      entry.decided || entry.images.some((/** @type {Brief} */ image) => image.decision !== null),
    pictures: (entry) => entry.images,
    preload: false,
    page: 8,
    concerns: concernsMembers,
    told: (entries) => {
      said.forget(entries.flatMap((each) => each.images));
      for (const { key } of entries) chosen.delete(key);
    },
    show: (entry) => show(entry),
  });
  const grid = new MemberGrid(
    "Members of the group",
    (image) => ({ ...said.look(image), star: isRepresentative(image) ? "representative" : "" }),
    () => undefined,
  );
  /** @type {Map<string, string[]>} key of a group to the representatives chosen here */
  const chosen = new Map();

  /** The representative that a person chose. @param {Entry} entry @returns {string | undefined} */
  const choiceFor = (entry) =>
    chosen.get(entry.key)?.at(-1) ?? entry.images.find(isKeptAsRepresentative)?.id;
  /** @param {Brief} image */
  const isRepresentative = (image) =>
    walk.entry !== undefined &&
    image.id === (choiceFor(walk.entry) ?? walk.entry.representative);

  const represent = () => {
    const entry = walk.decidable;
    const [image] = grid.chosen;
    if (!entry || !image) return;
    /** @type {import("./state.js").Saying[]} */
    const sayings = [{ images: [image.id], choice: "keep", reason: REPRESENTATIVE }];
    const before = choiceFor(entry);
    // Two images that a person keeps would both stay.
    if (before && before !== image.id) sayings.push({ images: [before], choice: "undecided" });
    chosen.set(entry.key, [...(chosen.get(entry.key) ?? []), image.id]);
    said.take(sayings);
    walk.decide(sayings, "Representative chosen");
  };
  const drop = () => {
    if (!walk.decidable) return;
    const reason = "of a group";
    const sayings = grid.chosen.map(({ id }) => ({ images: [id], choice: "drop", reason }));
    said.take(sayings);
    walk.decide(sayings, "Dropped", { stay: true });
  };
  const separate = () => {
    const entry = walk.decidable;
    const [image] = grid.chosen;
    if (!entry || !image || isRepresentative(image)) return;
    const images = [choiceFor(entry) ?? entry.representative, image.id];
    walk.decide([{ images, choice: "not_duplicate" }], "Not a duplicate", { stay: true });
  };
  /** @type {import("./queue_actions.js").Action[]} */
  const actions = [
    { keys: ["r"], label: "This one represents them", tone: "yes", run: represent },
    { keys: ["x"], label: "Drop", tone: "no", run: drop },
    { keys: ["n"], label: "Not a duplicate of it", tone: "plain", run: separate },
    ...walk.moves.map(withoutArrows),
    { keys: ["z"], label: "Zoom", tone: "plain", run: () => walk.entry && openZoom(grid.chosen) },
    ...grid.moves,
  ];
  const bar = actionBar(actions);
  app.keys.bind("view", actions);

  /** @param {Entry} entry */
  function show(entry) {
    grid.show(entry.images, entry.images.findIndex(isRepresentative));
    grid.node.classList.toggle("large", entry.images.length <= FEW);
    fill(
      walk.body,
      entryHead(app, walk, "groups", el("p", { class: "facts", text: factsOf(entry) })),
      grid.node,
      bar,
    );
  }

  /** @param {import("./state.js").Saying[]} sayings */
  function takeBack(sayings) {
    const isKnown = said.takeBack(sayings);
    for (const { images, choice } of sayings) {
      for (const ids of choice === "keep" ? chosen.values() : []) {
        if (ids.at(-1) === images[0]) ids.pop();
      }
    }
    return isKnown;
  }

  return {
    ...walk.view,
    onUndone(sayings) {
      const isKnown = takeBack(sayings);
      walk.view.onUndone?.(sayings);
      if (!isKnown) walk.view.onChange?.();
    },
    onRefused(letter) {
      takeBack(letter.sayings);
      walk.view.onRefused?.(letter);
    },
  };
}

/** @param {Brief} image */
const isKeptAsRepresentative = ({ decision }) =>
  decision?.choice === "keep" && decision.reason === REPRESENTATIVE;

/** @param {Entry} entry */
function factsOf(entry) {
  const members = `${entry.images.length} members`;
  if (entry.diameter === null) return members;
  const least = entry.diameter_is_exact ? "the least alike have" : "the least alike have at most";
  return `${members}; ${least} similarity ${entry.diameter.toFixed(3)}`;
}

/**
 * Arrows choose a member here.
 *
 * @param {import("./queue_actions.js").Action} action
 */
export function withoutArrows(action) {
  return { ...action, keys: action.keys.filter((key) => !key.startsWith("Arrow")) };
}
