// @ts-check
/** How alike two images are, and where that lies between the two limits. */

import { el } from "./dom.js";

/** @param {number} number */
const short = (number) => number.toFixed(number > 0.995 ? 4 : 3);

/** @param {import("./queue_feed.js").Entry} entry */
export function similarityBar({ similarity, tier, limit, review_limit: review }) {
  if (similarity === null || limit === null || review === null) {
    return el("p", {
      class: "similarity facts",
      text: "A person named this pair; it was not measured.",
    });
  }
  const margin = Math.max(limit - review, 0.001) * 0.3;
  const [low, high] = [Math.min(review, similarity) - margin, Math.max(limit, similarity) + margin];
  /** @param {number} value */
  const at = (value) => `${(100 * (value - low)) / (high - low)}%`;
  return el(
    "div",
    {
      class: "similarity",
      vars: { "--from": at(review), "--to": at(limit), "--at": at(similarity) },
    },
    el(
      "p",
      { class: "facts" },
      el("b", { text: `Similarity ${short(similarity)}` }),
      ` ${tier}; asked from ${short(review)}, dropped above ${short(limit)}`,
    ),
    el(
      "div",
      { class: "scale", "aria-hidden": "true" },
      el("span", { class: "band" }),
      el("span", { class: "limit" }),
      el("span", { class: "marker" }),
    ),
  );
}
