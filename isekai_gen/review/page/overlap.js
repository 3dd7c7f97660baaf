// @ts-check
/** The queue of fictional images that may look like a real class. */

import { el, fill } from "./dom.js";
import { actionBar, askReason, openZoom } from "./queue_actions.js";
import { entryHead } from "./queue_head.js";
import { picture } from "./queue_pictures.js";
import { Walk } from "./queue_walk.js";

/**
 * @typedef {import("./queue_feed.js").Entry} Entry
 * @typedef {{class: string, name: string, similarity: number, picture: string}} Near
 */

/** @type {Record<string, string>} */
const REASONS = {
  name_near_class: "The concept's words lie close to a real class.",
  near_reference_image: "It lies close to an image of a reference set.",
  looks_like_class: "It looks more like a real class than a concept of its own.",
};

/**
 * @param {HTMLElement} root
 * @param {import("./app.js").App} app
 * @returns {import("./app.js").View}
 */
export function mount(root, app) {
  const walk = new Walk(root, app, {
    name: "overlap",
    title: "Images that may look like a real class",
    about: "Images come here that lie close to a limit of “isekai-gen overlap”.",
    isDecided: (entry) => entry.image.decision !== null,
    pictures: (entry) => [entry.image],
    show: (entry) => show(entry),
  });
  /** @param {string} choice @param {string} label @param {string} [reason] */
  const say = (choice, label, reason = "") => {
    if (walk.entry) walk.decide([{ images: [walk.entry.image.id], choice, reason }], label);
  };
  const drop = () => {
    if (walk.entry) askReason((reason) => say("drop", `Dropped (${reason})`, reason));
  };
  /** @type {import("./queue_actions.js").Action[]} */
  const actions = [
    { keys: ["k"], label: "Keep", tone: "yes", run: () => say("keep", "Kept") },
    { keys: ["x"], label: "Drop…", tone: "no", run: drop },
    ...walk.moves,
    {
      keys: ["z"],
      label: "Zoom",
      tone: "plain",
      run: () => walk.entry && openZoom([walk.entry.image]),
    },
  ];
  const bar = actionBar(actions);
  app.keys.bind("view", actions);

  /** @param {Entry} entry */
  function show(entry) {
    fill(
      walk.body,
      entryHead(app, walk, "overlap", el("h2", { text: entry.image.name })),
      el(
        "div",
        { class: "beside" },
        el("figure", { class: "frame" }, picture(entry.image)),
        nearest(entry),
      ),
      el("p", { class: "prompt", text: entry.image.prompt }),
      bar,
    );
  }

  return walk.view;
}

/** @param {Entry} entry */
function nearest(entry) {
  const numbers = entry.measured === null ? "" : ` measured ${entry.measured.toFixed(3)}`;
  const limit = entry.limit === null ? "" : `, limit ${entry.limit.toFixed(3)}`;
  return el(
    "section",
    { class: "evidence", tabindex: "0", "aria-label": "Nearest in the real world" },
    el("p", { text: REASONS[entry.reason] ?? "It lies close to the limit." }),
    el("p", { class: "facts", text: `${entry.by.replaceAll("_", " ")}:${numbers}${limit}` }),
    ...(entry.nearest.length ? lists(entry.nearest) : [unknown(entry)]),
  );
}

/** @param {Entry} entry */
function unknown(entry) {
  const near = entry.reference ? `Nearest: ${entry.reference.split("/").slice(1).join("/")}. ` : "";
  const text = `${near}For a table of neighbors, run “isekai-gen neighbors”.`;
  return el("p", { class: "facts", text });
}

/** @type {Record<string, string>} */
const KINDS = { text: "by its name", class: "by its images", image: "single images" };

/**
 * One list for each kind of comparison: their similarities are not of one scale.
 *
 * @param {(Near & {kind?: string})[]} nearest
 */
function lists(nearest) {
  /** @type {Map<string, (Near & {kind?: string})[]>} */
  const parts = new Map();
  for (const near of nearest) {
    const name = `${near.class.split("/")[0]} ${near.kind ?? ""}`;
    parts.set(name, [...(parts.get(name) ?? []), near]);
  }
  return [...parts.values()].flatMap((rows) => {
    const kind = rows[0].kind ?? "";
    const title = `Nearest of ${rows[0].class.split("/")[0]}, ${KINDS[kind] ?? kind}`;
    return [el("h3", { text: title }), el("ul", { class: "nearest" }, ...rows.map(row))];
  });
}

/** @param {Near} near */
function row(near) {
  const share = `${Math.max(0, Math.min(100, 100 * near.similarity))}%`;
  const shown = near.picture
    ? el("img", { src: near.picture, alt: near.name, loading: "lazy" })
    : null;
  return el(
    "li",
    { class: shown ? "pictured" : "" },
    shown,
    el("span", { text: near.name, title: near.class }),
    el("span", { class: "number", text: near.similarity.toFixed(3) }),
    el("span", { class: "meter", vars: { "--share": share }, "aria-hidden": "true" }),
  );
}
