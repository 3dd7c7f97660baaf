// @ts-check
/** Rows of the grid: made once, then given other images as they scroll by. */

import { thumbUrl } from "./api.js";
import { el } from "./dom.js";
import { GAP } from "./grid_layout.js";

/**
 * @typedef {import("./state.js").Brief & {similarity?: number}} Brief
 *   `similarity`: to what was searched for
 * @typedef {{row: number, node: HTMLElement, cells: HTMLElement[]}} Slot
 *   a row's elements, and which row they show; -1 for none
 */

/**
 * @param {import("./grid_layout.js").Layout} layout
 * @returns {Slot}
 */
export function makeSlot(layout) {
  const cells = Array.from({ length: layout.columns }, (_, column) => makeCell(column));
  const node = el("div", { class: "grid-row", role: "row", hidden: true }, cells);
  return { row: -1, node, cells };
}

/** @param {number} column */
function makeCell(column) {
  return el(
    "div",
    { class: "grid-cell", role: "gridcell", "aria-colindex": column + 1, tabindex: -1 },
    el("img", { alt: "", decoding: "async", draggable: "false" }),
    el("span", { class: "grid-caption" }),
  );
}

/**
 * Move a row's elements to another row; its cells are to be shown anew.
 *
 * @param {Slot} slot
 * @param {number} row
 * @param {import("./grid_layout.js").Layout} layout
 */
export function moveSlot(slot, row, layout) {
  slot.row = row;
  slot.node.hidden = false;
  slot.node.setAttribute("aria-rowindex", String(row + 1));
  slot.node.style.transform = `translateY(${row * layout.rowHeight + GAP}px)`;
}

/**
 * Show an image in a cell, or that it is not known yet.
 *
 * @param {HTMLElement} cell
 * @param {number} place
 * @param {Brief | undefined} image
 */
export function showImage(cell, place, image) {
  cell.hidden = false;
  cell.dataset.place = String(place);
  const [picture, caption] = /** @type {[HTMLImageElement, HTMLElement]} */ ([...cell.children]);
  if (cell.dataset.id !== image?.id) picture.removeAttribute("src");
  cell.dataset.id = image?.id ?? "";
  cell.dataset.verdict = image?.verdict ?? "";
  cell.dataset.decision = image?.decision?.choice ?? "";
  caption.textContent = image ? captionOf(image) : "";
  cell.setAttribute("aria-label", image ? describe(image) : "loading");
}

/** @param {Brief} image */
function captionOf(image) {
  const name = `${image.name} ${image.index}`;
  return image.similarity === undefined ? name : `${image.similarity.toFixed(3)} ${name}`;
}

/** @param {HTMLElement} cell a place behind the last image */
export function showNothing(cell) {
  cell.hidden = true;
  delete cell.dataset.id;
  cell.querySelector("img")?.removeAttribute("src");
}

/**
 * Ask for the picture of a cell, if it is not there yet.
 *
 * @param {HTMLElement} cell
 * @param {160 | 320 | 640} size
 */
export function showPicture(cell, size) {
  const picture = /** @type {HTMLImageElement} */ (cell.firstElementChild);
  if (cell.dataset.id && !picture.hasAttribute("src"))
    picture.src = thumbUrl(cell.dataset.id, size);
}

/**
 * An image in words, for those who do not see it.
 *
 * @param {Brief} image
 */
function describe(image) {
  const why = image.reason && image.by !== "person" ? `, ${image.reason.replaceAll("_", " ")}` : "";
  const who = image.decision ? " by a person" : "";
  return `${image.name} ${image.index}, ${image.verdict}${who}${why}`;
}
