// @ts-check
/**
 * A queue as a person walks through it: entries fetched ahead, back and forth, nothing twice.
 *
 * The server gives what is open first, then what is decided. What is decided here counts at once;
 * what is decided elsewhere counts after `refresh`.
 */

import { get } from "./api.js";

/**
 * @typedef {import("./state.js").Saying} Saying
 * @typedef {{key: string} & Record<string, any>} Entry
 */

export class Feed {
  /** @type {Entry[]} */
  entries = [];
  /** Place of the entry that is shown; behind the last one at the end of the queue. */
  index = 0;
  /** @type {Map<string, Saying | null>} key to what was said here; null once it was taken back */
  #said = new Map();
  /** @type {Set<string>} */
  #keys = new Set();
  #start = "";
  #next = "";
  #exhausted = false;
  /** @type {Promise<void> | null} */
  #loading = null;
  /** Counts the jumps: what was asked for before one has no place behind it. */
  #jumps = 0;
  #name;
  #isDecided;
  #page;

  /**
   * @param {string} name
   * @param {(entry: Entry) => boolean} isDecided by what the server said of it
   * @param {number} page entries asked for at once
   */
  constructor(name, isDecided, page) {
    this.#name = name;
    this.#isDecided = isDecided;
    this.#page = page;
  }

  /** @returns {Entry | undefined} */
  get current() {
    return this.entries[this.index];
  }

  /** @param {Entry} entry */
  isDecided(entry) {
    const said = this.#said.get(entry.key);
    return said === undefined ? this.#isDecided(entry) : said !== null;
  }

  /**
   * What was said here of an entry.
   *
   * @param {Entry} entry
   */
  saidOf(entry) {
    return this.#said.get(entry.key) ?? null;
  }

  /**
   * @param {Entry} entry
   * @param {Saying | null} saying null if it was taken back or refused
   */
  mark(entry, saying) {
    this.#said.set(entry.key, saying);
  }

  /**
   * Fetch the first entries behind a place, and stand at the first open one.
   *
   * @param {string} after key of the entry before, "" for the start
   */
  async open(after) {
    const jumps = this.#jumps;
    this.#start = this.#next = after;
    await this.#load();
    if (jumps !== this.#jumps) return;
    this.index = -1;
    await this.forward();
    if (!this.current && after) await this.jump("");
  }

  /**
   * Leave what was fetched, and stand at the first open entry behind a place.
   *
   * @param {string} after
   */
  async jump(after) {
    this.#jumps += 1;
    this.#loading = null;
    this.entries = [];
    this.#keys.clear();
    this.#exhausted = false;
    await this.open(after);
  }

  /** Go to the next open entry, or behind the last. */
  async forward() {
    const from = this.index;
    for (let place = from + 1; ; place++) {
      if (place >= this.entries.length) await this.#load();
      if (this.index !== from) return;
      if (place >= this.entries.length || !this.isDecided(this.entries[place])) {
        this.index = Math.min(place, this.entries.length);
        break;
      }
    }
    if (this.entries.length - this.index < this.#page / 3 + 1) void this.#load();
  }

  /** Go to the entry before, open or not; earlier ones are fetched if it began behind them. */
  async back() {
    if (this.index === 0) await this.#loadEarlier();
    this.index = Math.max(0, this.index - 1);
  }

  /** Key of the entry before this one, by which a reload finds the place again. */
  get place() {
    return this.index > 0 ? this.entries[this.index - 1].key : this.#start;
  }

  /** @param {number} most */
  ahead(most) {
    return this.entries
      .slice(this.index + 1)
      .filter((each) => !this.isDecided(each))
      .slice(0, most);
  }

  /**
   * Stand at an entry that was shown before.
   *
   * @param {(entry: Entry) => boolean} matches
   * @returns {Entry | undefined} undefined if it was not shown on this visit
   */
  goTo(matches) {
    const place = this.entries.findIndex(matches);
    if (place >= 0) this.index = place;
    return this.entries[place];
  }

  /** Trust the server alone again, once it has been told everything. */
  forget() {
    this.#said.clear();
  }

  /**
   * Hear what was decided elsewhere about this entry and those ahead.
   *
   * @param {() => boolean} isTold whether the server has been told everything that was said here
   * @returns {Promise<Entry[]>} entries as they are now
   */
  async refresh(isTold) {
    const jumps = this.#jumps;
    const answer = await get(`/api/queue/${this.#name}`, { after: this.place, limit: this.#page });
    if (jumps !== this.#jumps) return [];
    const trusted = isTold();
    /** @type {Map<string, Entry>} */
    const fresh = new Map(answer.entries.map((/** @type {Entry} */ each) => [each.key, each]));
    const named = this.entries.map((each) => fresh.has(each.key));
    const covered = answer.next ? named.lastIndexOf(true) : this.entries.length;
    for (const [place, entry] of this.entries.entries()) {
      const news = fresh.get(entry.key);
      if (news) {
        this.entries[place] = news;
        if (trusted) this.#said.delete(entry.key);
      } else if (place >= this.index && place < covered && !this.#said.has(entry.key)) {
        // The server names open entries first: one that it no longer names here is decided.
        this.#said.set(entry.key, ELSEWHERE);
      }
    }
    if (answer.left) this.#exhausted = false;
    return [...fresh.values()];
  }

  /** Fetch further entries; once, however often it is asked for meanwhile. */
  #load() {
    if (this.#exhausted) return Promise.resolve();
    if (this.#loading) return this.#loading;
    const loading = this.#loadPage().finally(() => {
      if (this.#loading === loading) this.#loading = null;
    });
    this.#loading = loading;
    return loading;
  }

  async #loadPage() {
    const jumps = this.#jumps;
    const answer = await get(`/api/queue/${this.#name}`, { after: this.#next, limit: this.#page });
    if (jumps !== this.#jumps) return;
    this.entries.push(...this.#unknown(answer.entries));
    this.#next = answer.next;
    const last = answer.entries.at(-1);
    // Behind the first decided entry there are only others: on a long queue, thousands.
    this.#exhausted = answer.next === "" || !last || this.#isDecided(last);
  }

  async #loadEarlier() {
    if (!this.#start) return;
    const jumps = this.#jumps;
    const first = this.entries[0]?.key;
    /** @type {Entry[]} */
    const earlier = [];
    for (let after = ""; ;) {
      const answer = await get(`/api/queue/${this.#name}`, { after, limit: 5 * this.#page });
      if (jumps !== this.#jumps) return;
      const stop = answer.entries.findIndex((/** @type {Entry} */ each) => each.key === first);
      earlier.push(...this.#unknown(stop < 0 ? answer.entries : answer.entries.slice(0, stop)));
      after = answer.next;
      if (stop >= 0 || !after) break;
    }
    this.#start = "";
    this.entries.unshift(...earlier);
    this.index += earlier.length;
  }

  /** @param {Entry[]} entries */
  #unknown(entries) {
    const found = entries.filter((each) => !this.#keys.has(each.key));
    for (const each of found) this.#keys.add(each.key);
    return found;
  }
}

/** @type {Saying} stands for what another tab or person said */
const ELSEWHERE = { images: [], choice: "elsewhere" };
