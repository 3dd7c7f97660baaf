// @ts-check
/** The line above the grid: how many images, in which order, and the search. */

import { el, fill } from "./dom.js";
import { searchBox } from "./search.js";

/**
 * @typedef {{total: number | null, reachable: number, order: string, like: string,
 *   picture: Blob | null, search: import("./search.js").SearchState}} BarWords
 * @typedef {import("./search.js").Listeners & {order: (order: string) => void,
 *   flip: () => void}} BarListeners
 */

const ORDERS = [
  ["concept", "By concept"],
  ["closest", "Closest to a limit first"],
];

/**
 * @param {HTMLElement} view
 * @param {BarListeners} listeners
 */
export function bar(view, listeners) {
  const count = el("p", { class: "browse-count", role: "status" });
  const sought = el("div", { class: "browse-sought" });
  const order = el(
    "select",
    { "aria-label": "Order", onchange: () => listeners.order(order.value) },
    ORDERS.map(([value, text]) => el("option", { value, text })),
  );
  const search = searchBox(view, listeners);
  const flip = el("button", {
    type: "button",
    class: "browse-flip",
    text: "Facets",
    "aria-controls": "facets",
    onclick: listeners.flip,
  });
  const node = el("div", { class: "browse-bar" }, flip, count, sought, order, search.node);
  const preview = previewOf(sought);
  return {
    node,
    flip,
    focusSearch: search.focus,
    close() {
      search.close();
      preview(null, "", () => {});
    },
    /** @param {BarWords} words */
    show(words) {
      const isSearch = Boolean(words.picture || words.like);
      count.textContent = countWords(words, isSearch);
      order.value = words.order;
      order.hidden = isSearch;
      search.show(words.search, words.like);
      preview(words.picture, words.like, () => listeners.words(""));
    },
  };
}

/**
 * @param {BarWords} words
 * @param {boolean} isSearch
 */
function countWords({ total, reachable }, isSearch) {
  if (total === null) return isSearch ? "Searching…" : "Counting…";
  const images = `${total.toLocaleString("en-US")} ${total === 1 ? "image" : "images"}`;
  if (isSearch) return `${images}, most alike first`;
  if (reachable >= total) return images;
  const first = reachable.toLocaleString("en-US");
  return `${images}; the first ${first} are here: choose fewer by facets`;
}

/**
 * What is searched for, with a button that ends it.
 *
 * @param {HTMLElement} node
 */
function previewOf(node) {
  let address = "";
  /** @type {Blob | string | null} */
  let shown = null;
  /**
   * @param {Blob | null} picture
   * @param {string} like
   * @param {() => void} end
   */
  return (picture, like, end) => {
    if (shown === (picture ?? like)) return;
    shown = picture ?? like;
    if (address) URL.revokeObjectURL(address);
    address = picture ? URL.createObjectURL(picture) : "";
    const what = address
      ? el("img", { src: address, alt: "the picture searched for" })
      : el("span", { text: `like “${like}”` });
    const label = { "aria-label": "End the search", type: "button", onclick: end };
    fill(node, shown && [what, el("button", { ...label, text: "×" })]);
  };
}
