// @ts-check
/** How many images are kept and dropped, in all and for each concept against its quota. */

import { el, fill } from "./dom.js";

/**
 * @typedef {import("./state.js").State} State
 * @typedef {import("./state.js").Concept} Concept
 */

const WHOLE = ["planned", "generated", "failed", "pending"];

/** @param {import("./app.js").App} app */
export function counters(app) {
  const popover = el("div", {
    id: "counters",
    popover: "auto",
    class: "counters",
    tabindex: "0",
    role: "region",
    "aria-label": "Kept and dropped per concept",
  });
  const button = el("button", { type: "button", class: "tool totals", popovertarget: "counters" });
  popover.addEventListener("toggle", () => fillIfOpen(popover, app.store.get()));
  /** @param {State} state */
  const show = (state) => {
    if (!state.summary) return;
    const { kept, dropped } = state.summary.counts;
    fill(
      button,
      el("b", { class: "kept", text: kept }),
      " kept ",
      el("b", { class: "dropped", text: sumOf(dropped) }),
      " dropped",
    );
    fillIfOpen(popover, state);
  };
  return { button, popover, show };
}

/** @param {Record<string, number>} parts */
const sumOf = (parts) => Object.values(parts).reduce((sum, each) => sum + each, 0);

/**
 * @param {HTMLElement} popover
 * @param {State} state
 */
function fillIfOpen(popover, state) {
  if (!popover.matches(":popover-open") || !state.summary) return;
  const { counts, concepts, waiting } = state.summary;
  const last = concepts.some((each) => each.quota !== null) ? "Of its quota" : "Of those generated";
  const parts = Object.entries(counts.dropped).filter(([, count]) => count);
  fill(
    popover,
    el("p", { text: WHOLE.map((name) => `${counts[name]} ${name}`).join(", ") }),
    parts.length ? el("p", { text: `Dropped by ${parts.map(named).join(", ")}` }) : null,
    waiting ? el("p", { class: "waiting", text: waitingText(waiting) }) : null,
    el(
      "table",
      {},
      el("thead", {}, el("tr", {}, ...["Concept", "Kept", "Dropped", last].map(heading))),
      el("tbody", {}, ...concepts.map(row)),
    ),
  );
}

/** @param {[string, unknown]} part */
const named = ([by, count]) => `${by.replaceAll("_", " ")}: ${count}`;

/** @param {number} waiting */
function waitingText(waiting) {
  const some =
    waiting === 1 ? "1 decision on a pair counts" : `${waiting} decisions on pairs count`;
  return `${some} when the images are judged again: run “isekai-gen dedupe”.`;
}

/** @param {string} text */
const heading = (text) => el("th", { scope: "col", text });

/** @param {Concept} concept */
function row(concept) {
  const goal = concept.quota ?? concept.generated;
  const share = goal ? Math.min(100, (100 * concept.kept) / goal) : 0;
  const reached = concept.quota !== null && concept.kept >= concept.quota;
  const missing = goal - concept.kept;
  const tail = concept.quota === null ? "" : reached ? ", reached" : `, ${missing} to go`;
  return el(
    "tr",
    {},
    el("th", { scope: "row", text: concept.name }),
    el("td", { class: "number", text: concept.kept }),
    el("td", { class: "number", text: concept.dropped }),
    el(
      "td",
      { class: reached ? "quota reached" : "quota" },
      el("span", { class: "bar", vars: { "--share": `${share}%` }, "aria-hidden": "true" }),
      `${concept.kept} of ${goal}${tail}`,
    ),
  );
}
