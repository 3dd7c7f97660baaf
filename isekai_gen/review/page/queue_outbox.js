// @ts-check
/**
 * Sayings on their way to the server, kept by the browser until it has them.
 *
 * All tabs of a dataset share one list, so that what a closed tab left is sent by the next; a lock
 * lets one tab send at a time, in the order in which things were said.
 */

import { ApiError, post } from "./api.js";

/** @typedef {import("./state.js").Letter} Letter */

const PATIENCE_MS = 20_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8_000;

export class Outbox {
  #prefix;
  #store;
  #sent;
  #refused;
  #added = 0;
  #pumping = false;
  #wake = () => {};

  /**
   * @param {string} workspace whose decisions these are
   * @param {import("./state.js").Store<import("./state.js").State>} store
   * @param {{sent: (letter: Letter, summary: any) => void,
   *   refused: (letter: Letter, error: ApiError) => void}} listeners
   */
  constructor(workspace, store, listeners) {
    this.#prefix = `isekai-gen.unsent:${workspace}:`;
    this.#store = store;
    this.#sent = listeners.sent;
    this.#refused = listeners.refused;
    window.addEventListener("storage", (event) => {
      if (event.key?.startsWith(this.#prefix)) this.#store.set({ unsent: this.#read() });
    });
    this.#store.set({ unsent: this.#read() });
    void this.#pump();
  }

  /** @param {Omit<Letter, "id">} letter */
  add(letter) {
    // Letters have a key each, in the order of time: tabs that change one list at once lose some.
    const time = String(Date.now()).padStart(15, "0");
    const id = `${time}-${String(this.#added++).padStart(6, "0")}-${crypto.randomUUID()}`;
    localStorage.setItem(this.#prefix + id, JSON.stringify({ ...letter, id }));
    this.#store.set({ unsent: this.#read() });
    void this.#pump();
  }

  /** Try again now rather than after the wait. */
  hurry() {
    this.#wake();
    void this.#pump();
  }

  /** Resolves when no request is under way. */
  settled() {
    return navigator.locks.request(this.#prefix, () => undefined);
  }

  /**
   * Take the last letter out if it was not sent yet.
   *
   * @returns {Promise<Letter | null>}
   */
  takeBack() {
    return navigator.locks.request(this.#prefix, () => {
      const last = this.#read().pop() ?? null;
      if (last) this.#drop(last);
      return last;
    });
  }

  /** @returns {Letter[]} */
  #read() {
    const names = Object.keys(localStorage).filter((name) => name.startsWith(this.#prefix));
    const texts = names.sort().map((name) => localStorage.getItem(name));
    return texts.flatMap((text) => (text === null ? [] : [JSON.parse(text)]));
  }

  async #pump() {
    if (this.#pumping) return;
    this.#pumping = true;
    let wait = FIRST_WAIT_MS;
    while (this.#read().length) {
      const arrived = await navigator.locks.request(this.#prefix, () => this.#sendFirst());
      if (arrived) {
        wait = FIRST_WAIT_MS;
        continue;
      }
      await this.#pause(wait);
      wait = Math.min(LONGEST_WAIT_MS, wait * 2);
    }
    this.#pumping = false;
  }

  /** @param {number} ms */
  #pause(ms) {
    return new Promise((resolve) => {
      this.#wake = () => resolve(undefined);
      setTimeout(resolve, ms);
    });
  }

  /** Whether the first letter is off the list. */
  async #sendFirst() {
    const [letter] = this.#read();
    if (!letter) return true;
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const summary = await post("/api/decisions", { sayings: letter.sayings }, { signal });
      this.#drop(letter);
      this.#sent(letter, summary);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.passing) {
        this.#store.set({ server: error.status === 403 ? "stranger" : "gone" });
        return false;
      }
      this.#drop(letter);
      this.#refused(letter, error);
    }
    return true;
  }

  /** @param {Letter} letter */
  #drop(letter) {
    localStorage.removeItem(this.#prefix + letter.id);
    this.#store.set({ unsent: this.#read() });
  }
}
