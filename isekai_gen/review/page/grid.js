// @ts-check
/** A grid of any number of images, of which only the rows in view exist. */

import { el } from "./dom.js";
import { makeSlot, moveSlot, showImage, showNothing, showPicture } from "./grid_cells.js";
import { fit, GAP, moved, OVERSCAN, reachable } from "./grid_layout.js";

/**
 * @typedef {import("./browse_pages.js").ImageList} ImageList
 * @typedef {import("./grid_layout.js").Move} Move
 */

// Pictures are asked for when the rows rest: a scroll bar that is dragged passes thousands.
const REST_MS = 80;

export class Grid {
  /** @type {import("./grid_cells.js").Slot[]} */
  #slots = [];
  /** @type {import("./grid_layout.js").Layout} */
  #layout = { columns: 1, cell: 132, rowHeight: 168, slots: 0 };
  #canvas = el("div", { class: "grid-canvas", role: "rowgroup" });
  #resizes = new ResizeObserver(() => this.#measure());
  #parking = false;
  #frame = 0;
  #restTimer = 0;
  #lastTop = 0;
  #active = 0;
  /** Whether the active image is to come into view once the list's length is known. */
  #arriving = true;
  #list;
  #listeners;

  /**
   * @param {ImageList} list
   * @param {{open: (place: number) => void, active: (place: number) => void}} listeners
   *   `open`: an image was chosen; `active`: another has the focus
   */
  constructor(list, listeners) {
    this.#list = list;
    this.#listeners = listeners;
    this.node = el(
      "div",
      {
        class: "image-grid",
        role: "grid",
        "aria-label": "Images",
        "aria-readonly": "true",
        tabindex: 0,
        onscroll: () => this.#soon(),
        // By Tab, that is: one who drags the scroll bar stays where it was dragged to.
        onfocus: () => this.node.matches(":focus-visible") && !this.#parking && this.focus(),
        onclick: (/** @type {MouseEvent} */ event) => this.#clicked(event),
      },
      this.#canvas,
    );
    this.#resizes.observe(this.node);
  }

  get active() {
    return this.#active;
  }

  get size() {
    return reachable(this.#list.total() ?? 0, this.#layout);
  }

  /**
   * Show another list.
   *
   * @param {ImageList} list
   * @param {number} at the place that is to have the focus
   */
  show(list, at) {
    this.#list = list;
    this.#active = at;
    this.#arriving = true;
    list.want(at, at + this.#layout.columns * this.#layout.slots);
    this.refresh();
  }

  /** More is known of the list, or something in it is other than before. */
  refresh() {
    const known = this.#list.total() !== null;
    this.node.setAttribute("aria-busy", String(!known));
    // Until then the former list stays in view, so that nothing flashes.
    if (!known) return;
    const { columns, rowHeight } = this.#layout;
    const rows = Math.ceil(this.size / columns);
    this.#canvas.style.height = `${rows * rowHeight + GAP}px`;
    this.node.setAttribute("aria-rowcount", String(rows));
    this.node.setAttribute("aria-colcount", String(columns));
    this.#active = Math.max(0, Math.min(this.#active, this.size - 1));
    if (this.#arriving) this.#arrive();
    this.#draw(true);
  }

  /**
   * @param {Move} move
   */
  move(move) {
    const { columns, rowHeight } = this.#layout;
    const page = Math.max(1, Math.floor(this.node.clientHeight / rowHeight)) * columns;
    this.activate(moved(this.#active, move, { columns, page, size: this.size }));
  }

  /** @param {number} place that gets the focus and comes into view */
  activate(place) {
    if (this.size === 0) return;
    this.#active = Math.min(place, this.size - 1);
    this.#reveal();
    this.#draw(false);
    this.focus();
    this.#listeners.active(this.#active);
  }

  focus() {
    this.#reveal();
    this.#draw(false);
    this.#cellOf(this.#active)?.focus({ preventScroll: true });
  }

  close() {
    this.#resizes.disconnect();
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#restTimer);
  }

  #arrive() {
    this.#arriving = false;
    this.node.scrollTop = 0;
    this.#reveal();
  }

  #measure() {
    const { clientWidth, clientHeight } = this.node;
    if (!clientWidth || !clientHeight) return;
    const focused = this.#canvas.contains(document.activeElement);
    const before = this.#slots.length;
    const first = Math.round(this.node.scrollTop / this.#layout.rowHeight) * this.#layout.columns;
    this.#layout = fit(clientWidth - 2 * GAP, clientHeight);
    const { cell, columns, rowHeight, slots } = this.#layout;
    this.node.style.setProperty("--cell", `${cell}px`);
    this.node.style.setProperty("--gap", `${GAP}px`);
    this.#slots = Array.from({ length: slots }, () => makeSlot(this.#layout));
    this.#canvas.replaceChildren(...this.#slots.map((slot) => slot.node));
    this.refresh();
    if (before) this.node.scrollTop = Math.floor(first / columns) * rowHeight;
    if (focused) this.focus();
  }

  #soon() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#draw(false));
  }

  /** @param {boolean} anew also the rows that are shown already */
  #draw(anew) {
    const { columns, rowHeight } = this.#layout;
    if (!this.#slots.length || this.#list.total() === null) return;
    const top = this.node.scrollTop;
    const flying = Math.abs(top - this.#lastTop) > this.node.clientHeight / 2;
    this.#lastTop = top;
    const rows = Math.ceil(this.size / columns);
    const most = Math.max(0, rows - this.#slots.length);
    const first = Math.min(most, Math.max(0, Math.floor(top / rowHeight) - OVERSCAN));
    for (let row = first; row < first + this.#slots.length; row++) this.#drawRow(row, rows, anew);
    this.#markActive();
    this.#list.want(first * columns, (first + this.#slots.length) * columns - 1);
    clearTimeout(this.#restTimer);
    if (flying) this.#restTimer = window.setTimeout(() => this.#drawPictures(), REST_MS);
    else this.#drawPictures();
  }

  /**
   * @param {number} row
   * @param {number} rows
   * @param {boolean} anew
   */
  #drawRow(row, rows, anew) {
    const slot = this.#slots[row % this.#slots.length];
    if (slot.row === row && !anew) return;
    // A row that takes the focus away with it would leave it on another image.
    if (slot.row !== row && slot.node.contains(document.activeElement)) this.#park();
    moveSlot(slot, row, this.#layout);
    slot.node.hidden = row >= rows;
    slot.cells.forEach((cell, column) => {
      const place = row * this.#layout.columns + column;
      if (place < this.size) showImage(cell, place, this.#list.at(place));
      else showNothing(cell);
    });
  }

  /** Keep the focus within the grid while the active image is out of view. */
  #park() {
    this.#parking = true;
    this.node.tabIndex = 0;
    this.node.focus({ preventScroll: true });
    this.#parking = false;
  }

  #drawPictures() {
    const size = this.#layout.cell * devicePixelRatio > 200 ? 320 : 160;
    for (const slot of this.#slots) for (const cell of slot.cells) showPicture(cell, size);
  }

  #markActive() {
    const active = this.#cellOf(this.#active);
    for (const slot of this.#slots) {
      for (const cell of slot.cells) cell.tabIndex = cell === active ? 0 : -1;
    }
    // With the active cell out of view, the grid itself is where Tab arrives.
    this.node.tabIndex = active ? -1 : 0;
  }

  /** @param {number} place */
  #cellOf(place) {
    const { columns } = this.#layout;
    const row = Math.floor(place / columns);
    const slot = this.#slots.length ? this.#slots[row % this.#slots.length] : undefined;
    const cell = slot?.row === row ? slot.cells[place % columns] : undefined;
    return cell?.hidden ? undefined : cell;
  }

  #reveal() {
    const { columns, rowHeight } = this.#layout;
    const top = Math.floor(this.#active / columns) * rowHeight;
    const { scrollTop, clientHeight } = this.node;
    if (top < scrollTop) this.node.scrollTop = top;
    else if (top + rowHeight + GAP > scrollTop + clientHeight) {
      this.node.scrollTop = top + rowHeight + GAP - clientHeight;
    }
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const cell = /** @type {HTMLElement} */ (event.target).closest?.(".grid-cell");
    if (!(cell instanceof HTMLElement) || !cell.dataset.id) return;
    this.activate(Number(cell.dataset.place));
    this.#listeners.open(this.#active);
  }
}
