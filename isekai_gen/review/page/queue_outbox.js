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

let named = 0;

/** Another name each time, in the order of time. */
export function nextName() {
  const time = String(Date.now()).padStart(15, "0");
  return `${time}-${String(named++).padStart(6, "0")}-${crypto.randomUUID()}`;
}

export class Outbox {
  #prefix;
  #store;
  #refused;
  #overtaken;
  #pumping = false;
  #wake = () => {};

  /**
   * @param {string} workspace whose decisions these are
   * @param {import("./state.js").Store<import("./state.js").State>} store
   * @param {{refused: (letter: Letter, error: ApiError) => void, overtaken: () => void}} listeners
   *   `overtaken`: something else was changed before the server had what was sent
   */
  constructor(workspace, store, listeners) {
    this.#prefix = `isekai-gen.unsent:${workspace}:`;
    this.#store = store;
    this.#refused = listeners.refused;
    this.#overtaken = listeners.overtaken;
    window.addEventListener("storage", (event) => {
      if (event.key?.startsWith(this.#prefix)) this.#store.set({ unsent: this.#read() });
    });
    this.#store.set({ unsent: this.#read() });
    void this.#pump();
  }

  /** @param {Omit<Letter, "id">} letter */
  add(letter) {
    // Letters have a key each, in the order of time: tabs that change one list at once lose some.
    this.#keep({ ...letter, id: nextName() });
    void this.#pump();
  }

  /** Try again now rather than after the wait. */
  hurry() {
    this.#wake();
    void this.#pump();
  }

  /**
   * Do something while nothing is being sent; whoever asks first is first.
   *
   * @param {() => Promise<void> | void} act
   * @returns {Promise<void>}
   */
  inTurn(act) {
    return navigator.locks.request(this.#prefix, act);
  }

  /**
   * Send the letters of a request again that the server may have though it did not answer; in turn
   * only.
   *
   * @param {string} request
   * @returns {Promise<boolean>} whether none is left in doubt
   */
  async settle(request) {
    for (const letter of this.#read()) {
      if (letter.request === request && letter.tried && !(await this.#send(letter))) return false;
    }
    return true;
  }

  /**
   * Take the letters of a request out that were not sent yet; in turn only.
   *
   * @param {string} request
   */
  takeOut(request) {
    const unsent = this.#read().filter((letter) => letter.request === request);
    for (const letter of unsent) this.#drop(letter);
    return unsent;
  }

  /**
   * The server has recorded something for this tab, and says how things are now.
   *
   * @param {import("./state.js").Summary & {before: string}} summary
   */
  learn(summary) {
    const known = this.#store.get().summary?.version;
    this.#store.set({ summary, server: "here" });
    if (summary.before !== known) this.#overtaken();
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
    return letter ? this.#send(letter) : true;
  }

  /**
   * Whether the letter is off the list.
   *
   * @param {Letter} letter
   */
  async #send(letter) {
    if (!letter.tried) this.#keep({ ...letter, tried: true });
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const { sayings, tab, request } = letter;
      const summary = await post("/api/decisions", { sayings, tab, request }, { signal });
      this.#drop(letter);
      this.learn(summary);
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
  #keep(letter) {
    localStorage.setItem(this.#prefix + letter.id, JSON.stringify(letter));
    this.#store.set({ unsent: this.#read() });
  }

  /** @param {Letter} letter */
  #drop(letter) {
    localStorage.removeItem(this.#prefix + letter.id);
    this.#store.set({ unsent: this.#read() });
  }
}
