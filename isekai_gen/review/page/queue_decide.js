// @ts-check
/** Say and take back: shown at once, sent behind the person's back, undone in order. */

import { ApiError, post } from "./api.js";
import { leftOf } from "./state.js";

/**
 * @typedef {import("./state.js").Saying} Saying
 * @typedef {import("./state.js").Letter} Letter
 */

/** The server takes no more in one request. */
const MOST_AT_ONCE = 500;

export class Decider {
  /** @type {Letter[]} what this tab sent, so that a range is undone as one */
  #sent = [];
  /** @type {Promise<void>} */
  #undoing = Promise.resolve();
  #store;
  #outbox;
  #tell;
  #undone;

  /**
   * @param {import("./state.js").Store<import("./state.js").State>} store
   * @param {import("./queue_outbox.js").Outbox} outbox
   * @param {(text: string) => void} tell
   * @param {(sayings: Saying[]) => void} undone what the view does about it
   */
  constructor(store, outbox, tell, undone) {
    this.#store = store;
    this.#outbox = outbox;
    this.#tell = tell;
    this.#undone = undone;
  }

  /**
   * Record what a person says.
   *
   * @param {Saying[]} sayings
   * @param {{label: string, queue?: string, clears?: number}} about `label`: in the past tense,
   *   such as "Kept"; `clears`: by how many entries this shortens `queue`
   */
  say(sayings, about) {
    const { label, queue = "", clears = 0 } = about;
    for (let from = 0; from < sayings.length; from += MOST_AT_ONCE) {
      const some = sayings.slice(from, from + MOST_AT_ONCE);
      const isLast = from + MOST_AT_ONCE >= sayings.length;
      this.#outbox.add({ sayings: some, queue, clears: isLast ? clears : 0, label });
    }
    const left = queue ? ` ${leftOf(this.#store.get(), queue)} left.` : "";
    this.#tell(`${label}.${left}`);
  }

  /**
   * The server has it.
   *
   * @param {Letter} letter
   * @param {any} summary
   */
  arrived(letter, summary) {
    this.#sent.push(letter);
    const spoken = this.#store.get().spoken + letter.sayings.length;
    this.#store.set({ summary, server: "here", spoken });
  }

  /** Take back the last thing said, one after another however fast the key is pressed. */
  undo() {
    this.#undoing = this.#undoing.then(() => this.#undoOne());
    return this.#undoing;
  }

  async #undoOne() {
    const unsent = await this.#outbox.takeBack();
    if (unsent) {
      this.#undone(unsent.sayings);
      this.#tell(`Undone: ${unsent.label}.`);
      return;
    }
    const last = this.#sent.pop();
    try {
      const sayings = await this.#undoOnServer(last?.sayings.length ?? 1);
      if (sayings.length) this.#undone(sayings);
      const said = last?.label ?? sayings[0]?.choice.replace("_", " ");
      this.#tell(sayings.length ? `Undone: ${said}.` : "There is nothing to undo.");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (last) this.#sent.push(last);
      this.#tell(`Not undone: ${error.message}.`);
    }
  }

  /** @param {number} times */
  async #undoOnServer(times) {
    /** @type {Saying[]} */
    const sayings = [];
    for (let time = 0; time < times; time++) {
      const { undone, summary } = await post("/api/undo", {});
      const spoken = this.#store.get().spoken + (undone ? 1 : 0);
      this.#store.set({ summary, spoken });
      if (undone) sayings.push(undone);
    }
    return sayings;
  }
}
