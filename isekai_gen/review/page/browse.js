// @ts-check
/** Browse: every image of the dataset in one grid, chosen by facets or found by a search. */

import { bar } from "./browse_bar.js";
import { decider } from "./browse_decide.js";
import { Pages } from "./browse_pages.js";
import { chosen, readQuery, replaced, toggled, writeQuery } from "./browse_query.js";
import { found } from "./browse_search.js";
import { openDialog } from "./dialog.js";
import { el, fill } from "./dom.js";
import { chips, facetColumn } from "./facets.js";
import { Grid } from "./grid.js";
import { bindBrowseKeys } from "./browse_keys.js";

/** @typedef {import("./browse_query.js").Query} Query */

const PLACE_MS = 300;

class Browse {
  /** @type {Query} */
  #query;
  /** @type {Blob | null} a picture that is searched for; it has no place in the address */
  #picture = null;
  /** @type {import("./browse_pages.js").ImageList} */
  #list;
  /** @type {{refresh: () => void, close: () => void} | null} */
  #dialog = null;
  #fault = "";
  #placeTimer = 0;
  #app;

  /**
   * @param {HTMLElement} root
   * @param {import("./app.js").App} app
   */
  constructor(root, app) {
    this.#app = app;
    this.decide = decider(app);
    this.#query = readQuery(app.params());
    const at = Math.max(0, Number.parseInt(app.params().get("at") ?? "", 10) || 0);
    this.#list = this.#makeList();
    this.grid = new Grid(this.#list, { open: () => this.open(), active: () => this.#keepPlace() });
    this.bar = bar(root, {
      words: (text) => this.#ask(text ? { like: [text] } : replaced(this.#query, "like", "")),
      picture: (picture) => this.#ask({}, picture),
      fault: (text) => this.#failed(text),
      order: (order) => this.#ask(replaced(this.#asked, "order", order)),
      flip: () => this.facets.flip(),
    });
    this.facets = facetColumn(
      (name, value) => this.#ask(toggled(this.#asked, name, value)),
      (open) => this.bar.flip.setAttribute("aria-expanded", String(open)),
    );
    this.chips = el("div", { class: "browse-chips", role: "group", "aria-label": "Chosen" });
    this.empty = el("div", { class: "browse-empty" });
    const images = el("div", { class: "browse-images" }, this.grid.node, this.empty);
    root.append(
      el("h1", { class: "unseen", text: "All images" }),
      this.facets.node,
      el("div", { class: "browse-main" }, this.bar.node, this.chips, images),
    );
    this.unsubscribe = app.store.subscribe((state, before) => {
      if (state.summary === before.summary) return;
      this.#showWords();
      if (state.summary?.version !== before.summary?.version) this.refresh();
    });
    this.#showWords();
    this.grid.show(this.#list, at);
  }

  get app() {
    return this.#app;
  }

  get list() {
    return this.#list;
  }

  /** The facets without the search: choosing one ends the search. */
  get #asked() {
    return replaced(this.#query, "like", "");
  }

  /** The image that has the focus, if it is known. */
  get image() {
    return this.#list.at(this.grid.active);
  }

  open() {
    const image = this.image;
    if (image && !this.#dialog) {
      const closed = () => {
        this.#dialog = null;
        this.grid.focus();
      };
      this.#dialog = openDialog(this, { image, decide: this.decide, closed });
    }
  }

  /** Ask anew for what is shown: something was decided. */
  refresh() {
    this.#list.refresh();
    this.#dialog?.refresh();
  }

  close() {
    this.unsubscribe();
    this.#dialog?.close();
    this.#list.close();
    this.grid.close();
    this.bar.close();
    clearTimeout(this.#placeTimer);
  }

  /**
   * @param {Query} query
   * @param {Blob | null} [picture]
   */
  #ask(query, picture = null) {
    this.#query = query;
    this.#picture = picture;
    this.#fault = "";
    this.#list.close();
    this.#list = this.#makeList();
    this.#showWords();
    this.grid.show(this.#list, 0);
    this.#app.setParams(writeQuery(query, 0));
  }

  #makeList() {
    const changed = () => this.#changed();
    /** @param {Error} error */
    const failed = (error) => this.#failed(error.message);
    const sought = this.#picture ?? this.#query.like?.[0];
    return sought ? found(sought, changed, failed) : new Pages(this.#query, changed, failed);
  }

  #changed() {
    this.grid.refresh();
    this.#showWords();
  }

  /** @param {string} text */
  #failed(text) {
    this.#fault = text;
    this.#showWords();
    this.#app.announce(text);
  }

  #keepPlace() {
    clearTimeout(this.#placeTimer);
    this.#placeTimer = window.setTimeout(
      () => this.#app.setParams(writeQuery(this.#query, this.grid.active)),
      PLACE_MS,
    );
  }

  #showWords() {
    const { summary } = this.#app.store.get();
    if (!summary) return;
    const total = this.#list.total();
    const like = this.#query.like?.[0] ?? "";
    this.facets.show(summary, this.#query);
    this.bar.show({
      total,
      reachable: this.grid.size,
      search: summary.search,
      like,
      picture: this.#picture,
      order: this.#query.order?.[0] ?? "concept",
    });
    const toggle = (/** @type {string} */ name, /** @type {string} */ value) =>
      this.#ask(toggled(this.#asked, name, value));
    fill(this.chips, chips(summary, chosen(this.#query), { toggle, clear: () => this.#ask({}) }));
    fill(this.empty, this.#emptyWords(total));
  }

  /** @param {number | null} total */
  #emptyWords(total) {
    if (this.#fault) return el("p", { class: "browse-fault", text: this.#fault });
    if (total !== 0) return null;
    const any = chosen(this.#query).length > 0;
    return el("p", { text: any ? "No image fits all of these." : "There are no images yet." });
  }
}

/**
 * @param {HTMLElement} root
 * @param {import("./app.js").App} app
 * @returns {import("./app.js").View}
 */
export function mount(root, app) {
  const browse = new Browse(root, app);
  bindBrowseKeys(browse, browse.decide);
  return {
    unmount: () => browse.close(),
    onChange: () => browse.refresh(),
    onUndone: () => browse.refresh(),
    onRefused: () => browse.refresh(),
  };
}
