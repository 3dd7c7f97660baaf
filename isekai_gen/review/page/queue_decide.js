// @ts-check
/** Say and take back: shown at once, sent behind the person's back, undone in order. */

import { ApiError, post } from "./api.js";
import { nextName } from "./queue_outbox.js";
import { leftOf } from "./state.js";

/**
 * @typedef {import("./state.js").Saying} Saying
 * @typedef {import("./state.js").Letter} Letter
 * @typedef {{request: string, letters: number, label: string}} Said
 *   `letters`: how many it took, since the server takes so many sayings at once
 */

/** The server takes no more in one request. */
const MOST_AT_ONCE = 500;
/** How far back a person may go. */
const MOST_KEPT = 1000;

export class Decider {
  /** Told to the server, so that each tab takes back its own; a reload keeps it. */
  #tab;
  /** @type {Said[]} what this tab said, oldest first */
  #said;
  #place;
  #store;
  #outbox;
  #tell;
  #undone;
  #stale;

  /**
   * @param {string} workspace whose decisions these are
   * @param {import("./state.js").Store<import("./state.js").State>} store
   * @param {import("./queue_outbox.js").Outbox} outbox
   * @param {{tell: (text: string) => void, undone: (sayings: Saying[]) => void,
   *   stale: () => void}} listeners
   *   `undone`: what the view does about it; `stale`: what is shown may not be so
   */
  constructor(workspace, store, outbox, listeners) {
    this.#place = `isekai-gen.said:${workspace}`;
    this.#store = store;
    this.#outbox = outbox;
    this.#tell = listeners.tell;
    this.#undone = listeners.undone;
    this.#stale = listeners.stale;
    const kept = sessionStorage.getItem(this.#place);
    const { tab, said } = kept ? JSON.parse(kept) : { tab: crypto.randomUUID(), said: [] };
    this.#tab = tab;
    this.#said = said;
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
    const request = nextName();
    const sender = { tab: this.#tab, request };
    const letters = Math.ceil(sayings.length / MOST_AT_ONCE);
    this.#keep([...this.#said, { request, letters, label }].slice(-MOST_KEPT));
    for (let sent = 0; sent < letters; sent++) {
      const some = sayings.slice(sent * MOST_AT_ONCE, (sent + 1) * MOST_AT_ONCE);
      const last = sent === letters - 1;
      this.#outbox.add({ ...sender, sayings: some, queue, clears: last ? clears : 0, label });
    }
    const left = queue ? ` ${leftOf(this.#store.get(), queue)} left.` : "";
    this.#tell(`${label}.${left}`);
  }

  /**
   * The server would not have it: there is nothing of it to take back.
   *
   * @param {Letter} letter
   */
  refused(letter) {
    const fewer = this.#said.map((each) =>
      each.request === letter.request ? { ...each, letters: each.letters - 1 } : each,
    );
    this.#keep(fewer.filter((each) => each.letters > 0));
  }

  /**
   * Take back the last thing said. However fast the key is pressed, and whatever is said meanwhile,
   * things happen in the order of the keys: each waits for its turn with the server.
   */
  undo() {
    const last = this.#said.at(-1);
    if (!last) {
      this.#tell("There is nothing to undo in this tab.");
      return Promise.resolve();
    }
    this.#keep(this.#said.slice(0, -1));
    return this.#outbox.inTurn(() => this.#takeBack(last));
  }

  /** @param {Said} said */
  async #takeBack(said) {
    if (!(await this.#outbox.settle(said.request))) {
      this.#keepAgain(said);
      this.#tell("Not undone: the server may have it already, and cannot be asked now.");
      return;
    }
    const unsent = this.#outbox.takeOut(said.request);
    const sayings = unsent.flatMap((letter) => letter.sayings);
    try {
      const told = unsent.length < said.letters ? await this.#takeBackOnServer(said) : NOTHING;
      const undone = [...told.undone, ...sayings];
      if (undone.length) this.#undone(undone);
      if (told.left.length) this.#stale();
      this.#tell(outcome(said.label, undone.length, told.left));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (sayings.length) this.#undone(sayings);
      // What the server refuses to take back it will refuse again.
      if (error.status !== 400) this.#keepAgain({ ...said, letters: said.letters - unsent.length });
      this.#tell(`Not undone: ${error.message}.`);
    }
  }

  /**
   * @param {Said} said
   * @returns {Promise<{undone: Saying[], left: (Saying & {why: string})[]}>}
   */
  async #takeBackOnServer(said) {
    const { request } = said;
    const { summary, ...told } = await post("/api/undo", { tab: this.#tab, request });
    this.#outbox.learn(summary);
    return told;
  }

  /** @param {Said} said */
  #keepAgain(said) {
    const inOrder = (/** @type {Said} */ a, /** @type {Said} */ b) =>
      a.request < b.request ? -1 : 1;
    this.#keep([...this.#said, said].sort(inOrder));
  }

  /** @param {Said[]} said */
  #keep(said) {
    this.#said = said;
    sessionStorage.setItem(this.#place, JSON.stringify({ tab: this.#tab, said }));
  }
}

/** @type {{undone: Saying[], left: (Saying & {why: string})[]}} */
const NOTHING = { undone: [], left: [] };

/**
 * What came of an undo, in words.
 *
 * @param {string} label
 * @param {number} undone how many sayings were taken back
 * @param {{why: string}[]} left
 */
function outcome(label, undone, left) {
  const why = [...new Set(left.map((each) => each.why))].join(", ");
  if (!undone) return `Not undone (${label}): ${why}.`;
  const rest = left.length ? ` ${left.length} of ${undone + left.length} stay: ${why}.` : "";
  return `Undone: ${label}.${rest}`;
}
