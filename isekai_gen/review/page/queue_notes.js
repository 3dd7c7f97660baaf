// @ts-check
/** Notes written before a decision; kept by the browser, so that a reload loses none. */

export class Notes {
  #prefix;
  /** @type {Map<string, string>} notes that went with a decision, should it be taken back */
  #given = new Map();

  /**
   * @param {string} workspace
   * @param {string} queue
   */
  constructor(workspace, queue) {
    this.#prefix = `isekai-gen.note:${workspace}:${queue}:`;
  }

  /** @param {string} key of an entry */
  get(key) {
    return localStorage.getItem(this.#prefix + key) ?? this.#given.get(key) ?? "";
  }

  /**
   * @param {string} key
   * @param {string} note
   */
  set(key, note) {
    this.#given.delete(key);
    if (note) localStorage.setItem(this.#prefix + key, note);
    else localStorage.removeItem(this.#prefix + key);
  }

  /**
   * The note goes with a decision, which is kept by itself.
   *
   * @param {string} key
   */
  give(key) {
    const note = this.get(key);
    localStorage.removeItem(this.#prefix + key);
    if (note) this.#given.set(key, note);
    return note;
  }

  /**
   * The decision was taken back: its note waits for another.
   *
   * @param {string} key
   */
  takeBack(key) {
    this.set(key, this.get(key));
  }
}
