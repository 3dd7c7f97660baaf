// @ts-check
/** A long list of images, of which only the pages around the visible rows are fetched. */

import { ApiError, get } from "./api.js";

/**
 * @typedef {import("./grid_cells.js").Brief} Brief
 * @typedef {{total: () => number | null, at: (place: number) => Brief | undefined,
 *   want: (first: number, last: number) => void,
 *   patch: (id: string, change: Partial<Brief>) => void,
 *   refresh: () => void, close: () => void}} ImageList
 *   `total` is null until it is known; `want` says which places are about to be seen; `refresh`
 *   fetches anew what is shown
 * @typedef {{images: Brief[], fresh: boolean}} Page
 */

const PAGE = 200;
// Far more than anyone sees at once, and under 10 MB.
const PAGES_KEPT = 50;
const SETTLE_MS = 40;
const RETRY_MS = 1_500;

/** @implements {ImageList} */
export class Pages {
  /** @type {Map<number, Page>} */
  #pages = new Map();
  /** @type {Map<number, AbortController>} */
  #asked = new Map();
  /** @type {number | null} */
  #total = null;
  #version = "";
  #first = 0;
  #last = 0;
  #timer = 0;
  #query;
  #changed;
  #failed;

  /**
   * @param {Record<string, string[]>} query
   * @param {() => void} changed what to do when more is known
   * @param {(error: ApiError) => void} failed what to do when the server refuses
   */
  constructor(query, changed, failed) {
    this.#query = query;
    this.#changed = changed;
    this.#failed = failed;
  }

  total() {
    return this.#total;
  }

  /** @param {number} place */
  at(place) {
    return this.#pages.get(Math.floor(place / PAGE))?.images[place % PAGE];
  }

  /**
   * @param {number} first
   * @param {number} last
   */
  want(first, last) {
    this.#first = first;
    this.#last = last;
    // While the scroll bar is dragged, the pages it flies over are not asked for.
    this.#later(this.#total === null ? 0 : SETTLE_MS);
  }

  /**
   * Change what is known of an image until the server says more.
   *
   * @param {string} id
   * @param {Partial<Brief>} change
   */
  patch(id, change) {
    for (const page of this.#pages.values()) {
      const found = page.images.find((image) => image.id === id);
      if (found) Object.assign(found, change);
    }
    this.#changed();
  }

  refresh() {
    for (const page of this.#pages.values()) page.fresh = false;
    this.#abort(() => true);
    this.#later(0);
  }

  close() {
    clearTimeout(this.#timer);
    this.#abort(() => true);
  }

  /** @param {number} ms */
  #later(ms) {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#fetchWanted(), ms);
  }

  #fetchWanted() {
    // Half a page ahead on both sides, so that slow scrolling never meets a blank row.
    const ahead = this.#total === null ? 0 : PAGE / 2;
    const end = this.#total === null ? this.#first : Math.max(0, this.#total - 1);
    const from = Math.floor(Math.max(0, Math.min(end, this.#first - ahead)) / PAGE);
    const to = Math.floor(Math.min(end, this.#last + ahead) / PAGE);
    this.#abort((page) => page < from || page > to);
    for (let page = from; page <= to; page++) {
      if (!this.#pages.get(page)?.fresh && !this.#asked.has(page)) void this.#fetch(page);
    }
  }

  /** @param {(page: number) => boolean} which */
  #abort(which) {
    for (const [page, control] of this.#asked) {
      if (!which(page)) continue;
      this.#asked.delete(page);
      control.abort();
    }
  }

  /** @param {number} page */
  async #fetch(page) {
    const control = new AbortController();
    this.#asked.set(page, control);
    try {
      const params = { ...this.#query, offset: page * PAGE, limit: PAGE };
      this.#take(page, await get("/api/images", params, { signal: control.signal }));
    } catch (error) {
      if (control.signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      if (error.passing) this.#later(RETRY_MS);
      else this.#failed(error);
    } finally {
      if (this.#asked.get(page) === control) this.#asked.delete(page);
    }
  }

  /**
   * @param {number} page
   * @param {{version: string, total: number, images: Brief[]}} answer
   */
  #take(page, answer) {
    if (answer.version !== this.#version) {
      // Somebody decided in between: places may have moved in every page that is known.
      for (const each of this.#pages.values()) each.fresh = false;
      this.#version = answer.version;
      this.#later(0);
    }
    if (answer.total !== this.#total) this.#later(0);
    this.#total = answer.total;
    this.#pages.delete(page);
    this.#pages.set(page, { images: answer.images, fresh: true });
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= PAGES_KEPT) break;
      this.#pages.delete(oldest);
    }
    this.#changed();
  }
}
