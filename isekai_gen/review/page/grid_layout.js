// @ts-check
/** How many cells fit, and how large: arithmetic only. */

/**
 * @typedef {{columns: number, cell: number, rowHeight: number, slots: number}} Layout
 *   `cell`: side of a picture; `slots`: rows that exist at a time, whatever the list's length
 * @typedef {"left" | "right" | "up" | "down" | "pageup" | "pagedown" | "first" | "last"} Move
 */

export const GAP = 10;
export const OVERSCAN = 2;
const CAPTION = 26;
const LEAST_CELL = 132;
const STEP = 12;
// Three elements a cell, and a row around each line of them: fewer than 300 in all.
const MOST_ELEMENTS = 280;
const ELEMENTS_PER_CELL = 3;
// Browsers cut elements off at some tens of millions of pixels; Firefox is the first to, at 17.9.
const TALLEST = 16_000_000;

/**
 * @param {number} cell
 * @param {number} width
 * @param {number} height
 * @returns {Layout}
 */
function withCell(cell, width, height) {
  const columns = Math.max(1, Math.floor((width + GAP) / (cell + GAP)));
  const side = Math.floor((width + GAP) / columns) - GAP;
  const rowHeight = side + CAPTION + GAP;
  return {
    columns,
    cell: side,
    rowHeight,
    slots: Math.ceil(height / rowHeight) + 1 + 2 * OVERSCAN,
  };
}

/**
 * The smallest cells, from a least size on, that stay within the budget of elements.
 *
 * @param {number} width of the space for cells
 * @param {number} height
 * @returns {Layout}
 */
export function fit(width, height) {
  for (let cell = LEAST_CELL; ; cell += STEP) {
    const layout = withCell(cell, width, height);
    const elements = layout.slots * (layout.columns * ELEMENTS_PER_CELL + 1);
    if (elements <= MOST_ELEMENTS || layout.columns === 1) return layout;
  }
}

/**
 * How many images can be scrolled to.
 *
 * @param {number} total
 * @param {Layout} layout
 */
export function reachable(total, layout) {
  return Math.min(total, Math.floor(TALLEST / layout.rowHeight) * layout.columns);
}

/**
 * Where a move leads from a place.
 *
 * @param {number} from
 * @param {Move} move
 * @param {{columns: number, page: number, size: number}} grid `page`: places that are seen at once
 */
export function moved(from, move, { columns, page, size }) {
  const last = size - 1;
  const to = {
    left: from - 1,
    right: from + 1,
    up: from - columns,
    down: from + columns,
    pageup: from - page,
    pagedown: from + page,
    first: 0,
    last,
  }[move];
  const stays = (move === "up" && to < 0) || (move === "down" && to > last);
  return stays ? from : Math.min(last, Math.max(0, to));
}
