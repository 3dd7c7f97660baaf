// @ts-check
/** One image in full: zoomed, with all that is known of it, and the next one a key away. */

import { ApiError, get, pictureUrl } from "./api.js";
import { dialogActions } from "./dialog_actions.js";
import { facts } from "./dialog_facts.js";
import { stage } from "./dialog_stage.js";
import { el, fill } from "./dom.js";

/**
 * @typedef {import("./grid_cells.js").Brief} Brief
 * @typedef {import("./browse_keys.js").Browsing} Browsing
 * @typedef {{image: Brief, decide: import("./browse_decide.js").Decide, closed: () => void}} Needs
 */

class ImageDialog {
  /** @type {Brief[]} the image of the grid, then similar ones that were opened from it in turn */
  #trail;
  /** @type {any} what the server says of the image, once it has */
  #known = null;
  #asking = new AbortController();
  #browsing;
  #closed;

  /**
   * @param {Browsing} browsing
   * @param {Needs} needs
   */
  constructor(browsing, { image, decide, closed }) {
    this.#browsing = browsing;
    this.#closed = closed;
    this.#trail = [image];
    this.title = el("h2", { class: "dialog-title", id: "dialog-title", tabindex: -1 });
    this.stage = stage();
    this.facts = el("div", { class: "dialog-facts" });
    this.actions = dialogActions({
      say: (choice, note) => {
        decide(browsing.list, this.image, choice, note);
        this.#showBrief();
      },
      undo: () => void browsing.app.undo(),
      step: (by) => this.step(by),
      back: () => this.#back(),
      close: () => this.close(),
    });
    this.node = el(
      "dialog",
      {
        class: "image-dialog",
        "aria-labelledby": "dialog-title",
        onclose: () => this.#gone(),
        onclick: (/** @type {Event} */ event) => event.target === this.node && this.close(),
        oncancel: (/** @type {Event} */ event) => {
          // Escape leaves a note that is being written, not the image.
          if (this.actions.leaveNote()) event.preventDefault();
        },
      },
      this.stage.node,
      el("div", { class: "dialog-side" }, this.title, this.actions.node, this.facts),
    );
  }

  /**
   * The image that is shown, whatever the grid shows by now: a decision can take it out of there.
   *
   * @returns {Brief}
   */
  get image() {
    const opened = /** @type {Brief} */ (this.#trail.at(-1));
    return this.#known?.image.id === opened.id ? this.#known.image : opened;
  }

  open() {
    document.body.append(this.node);
    this.node.showModal();
    this.#browsing.app.keys.bind("dialog", [...this.actions.keys, ...this.stage.keys]);
    this.show();
    this.title.focus();
  }

  close() {
    this.node.close();
  }

  /** Something was decided: show it at once, and ask for the rest. */
  refresh() {
    this.#showBrief();
    void this.#ask();
  }

  /** Show the image anew: another one. */
  show() {
    this.#known = null;
    fill(this.facts, el("p", { class: "dialog-wait", text: "Looking it up…" }));
    this.refresh();
    this.node.querySelector(".dialog-side").scrollTop = 0;
  }

  /** @param {1 | -1} by to the next image of the grid, or the one before */
  step(by) {
    const { grid, list } = this.#browsing;
    const here = list.at(grid.active);
    // Once a decision has taken an image out of the list, the next one has its place.
    const isNext = by > 0 && here && here.id !== this.#trail[0].id;
    if (!isNext) grid.move(by > 0 ? "right" : "left");
    const image = this.#browsing.image;
    if (!image) return;
    this.#trail = [image];
    this.show();
    this.title.focus();
  }

  #back() {
    if (this.#trail.length < 2) return;
    this.#trail.pop();
    this.show();
    this.title.focus();
  }

  /** @param {Brief} image one that is like this one */
  #follow(image) {
    this.#trail.push(image);
    this.show();
    this.title.focus();
  }

  #showBrief() {
    const { image } = this;
    this.title.textContent = `${image.name} ${image.index}`;
    this.stage.show(image);
    this.actions.show(image, this.#trail.at(-2));
  }

  async #ask() {
    this.#asking.abort();
    const { signal } = (this.#asking = new AbortController());
    try {
      this.#known = await get(`/api/image/${encodeURIComponent(this.image.id)}`, {}, { signal });
      fill(this.facts, facts(this.#known, { open: (like) => this.#follow(like) }));
      this.#showBrief();
      this.#prepareNext();
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      fill(this.facts, el("p", { class: "browse-fault", text: error.message }));
    }
  }

  #prepareNext() {
    const { list, grid } = this.#browsing;
    for (const place of [grid.active + 1, grid.active - 1]) {
      const near = list.at(place);
      if (near) new Image().src = pictureUrl(near.id);
    }
  }

  #gone() {
    this.#asking.abort();
    this.#browsing.app.keys.bind("dialog", []);
    this.node.remove();
    this.#closed();
  }
}

/**
 * @param {Browsing} browsing
 * @param {Needs} needs
 */
export function openDialog(browsing, needs) {
  const dialog = new ImageDialog(browsing, needs);
  dialog.open();
  return dialog;
}
