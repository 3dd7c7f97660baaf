// @ts-check
/** What all queues share that show one entry after another: moving, deciding, notes, undo. */

import { ApiError } from "./api.js";
import { el, fill } from "./dom.js";
import { askNote } from "./queue_actions.js";
import { endOf } from "./queue_end.js";
import { Feed } from "./queue_feed.js";
import { Notes } from "./queue_notes.js";
import { preload } from "./queue_pictures.js";
import { isAbout, lastSaid, settledBy } from "./queue_sayings.js";

/**
 * @typedef {import("./queue_feed.js").Entry} Entry
 * @typedef {import("./state.js").Saying} Saying
 * @typedef {import("./queue_actions.js").Action} Action
 * @typedef {{name: string, title: string, about: string, isDecided: (entry: Entry) => boolean,
 *   show: (entry: Entry) => void, pictures: (entry: Entry) => any[], preload?: boolean,
 *   page?: number, concerns?: (entry: Entry, sayings: Saying[]) => boolean,
 *   told?: (entries: Entry[]) => void}} Queue
 *   `about`: what it would hold, for when it is empty; `preload`: whether the next entries' whole
 *   pictures are wanted soon (default yes); `page`: entries asked for at once; `concerns`: whether
 *   sayings that are taken back belong to an entry, if there are several about one; `told`: these
 *   entries came anew, and the server knew all that was said here
 */

const PRELOADED = 3;
const PAGE = 40;

export class Walk {
  /** Where the view shows an entry; emptied when there is none. */
  body = el("div", { class: "entry" });
  #app;
  #queue;
  #alive = true;
  #moves = 0;

  /**
   * @param {HTMLElement} root
   * @param {import("./app.js").App} app
   * @param {Queue} queue
   */
  constructor(root, app, queue) {
    this.#app = app;
    this.#queue = queue;
    this.notes = new Notes(app.store.get().summary?.workspace ?? "", queue.name);
    this.feed = new Feed(queue.name, queue.isDecided, queue.page ?? PAGE);
    root.append(el("h1", { class: "unseen", text: queue.title }), this.body);
    void this.#try(() => this.feed.open(app.params().get("after") ?? ""));
  }

  get entry() {
    return this.feed.current;
  }

  /** While the next entry is on its way, a key must not fall on the one before once more. */
  get decidable() {
    return this.#moves ? undefined : this.entry;
  }

  /** Keys that every such queue has. @returns {Action[]} */
  get moves() {
    return [
      {
        keys: ["s", "ArrowRight", "]"],
        label: "Skip",
        tone: "plain",
        repeat: true,
        run: () => this.skip(),
      },
      {
        keys: ["ArrowLeft", "["],
        label: "Back",
        tone: "plain",
        repeat: true,
        run: () => this.back(),
      },
      { keys: ["m"], label: "Note", tone: "plain", run: () => this.askNote() },
    ];
  }

  /**
   * Go to the first open entry behind a place.
   *
   * @param {string} after
   */
  jump(after) {
    return this.#move(() => this.#jump(after));
  }

  skip() {
    return this.#move(() => this.feed.forward());
  }

  back() {
    return this.#move(() => this.feed.back());
  }

  /**
   * Say something about the entry, and go on to the next.
   *
   * @param {Saying[]} sayings
   * @param {string} label
   * @param {{stay?: boolean}} [options] `stay`: there may be more to say about it
   */
  decide(sayings, label, options = {}) {
    const entry = this.decidable;
    if (!entry) return;
    const note = this.notes.give(entry.key);
    const said = note ? sayings.map((saying) => ({ ...saying, note })) : sayings;
    const all = settledBy(this.feed, this.#queue, entry, said);
    const settled = all.filter((each) => !this.feed.isDecided(each));
    for (const each of new Set([entry, ...settled])) this.feed.mark(each, said[0]);
    this.#app.decide(said, { label, queue: this.#queue.name, clears: settled.length });
    if (options.stay) this.draw();
    else void this.skip();
  }

  askNote() {
    const entry = this.entry;
    if (!entry) return;
    const recorded = entry.decision?.note ?? entry.image?.decision?.note ?? "";
    askNote(this.notes.get(entry.key) || recorded, (note) => {
      this.notes.set(entry.key, note);
      const said = lastSaid(this.feed, this.#queue, entry);
      if (said?.images.length) {
        this.notes.give(entry.key);
        this.#app.decide([{ ...said, note }], { label: "Noted", queue: this.#queue.name });
      }
      this.draw();
    });
  }

  /** Show where the person is now; a button that was used stays in focus. */
  draw() {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    this.#draw();
    if (focused && focused !== document.activeElement && this.body.contains(focused)) {
      focused.focus({ preventScroll: true });
    }
  }

  #draw() {
    if (!this.#alive) return;
    const entry = this.entry;
    this.#app.setParams({ after: this.feed.place });
    if (!entry) {
      const again = () => void this.#try(() => this.#jump(""));
      const seen = this.feed.entries.length > 0;
      fill(this.body, endOf(this.#app, this.#queue, seen, again));
      return;
    }
    this.#queue.show(entry);
    if (this.#queue.preload === false) return;
    preload(this.feed.ahead(PRELOADED).flatMap((each) => this.#queue.pictures(each)));
  }

  /** What an app's view answers to. @returns {import("./app.js").View} */
  get view() {
    return {
      unmount: () => {
        this.#alive = false;
      },
      onChange: () => void this.#try(() => this.#catchUp()),
      onUndone: (sayings) => this.#takeBack(sayings),
      onRefused: (letter) => this.#takeBack(letter.sayings),
    };
  }

  async #catchUp() {
    const before = this.entry;
    const { unsent } = this.#app.store.get();
    // Nor has anything been said while the answer was on its way.
    const isTold = () => !unsent.length && this.#app.store.get().unsent === unsent;
    const fresh = await this.feed.refresh(isTold);
    if (isTold()) this.#queue.told?.(fresh);
    if (before && this.entry?.key === before.key && this.#decidedElsewhere(before)) {
      this.#app.announce("Decided elsewhere; this is the next.");
      await this.feed.forward();
    } else if (!before) await this.#jump("");
  }

  get #isTold() {
    return this.#app.store.get().unsent.length === 0;
  }

  /** @param {string} after */
  #jump(after) {
    if (this.#isTold) this.feed.forget();
    return this.feed.jump(after);
  }

  /** @param {Entry} before */
  #decidedElsewhere(before) {
    const now = this.entry;
    return now !== undefined && this.feed.isDecided(now) && !this.#queue.isDecided(before);
  }

  /** @param {Saying[]} sayings */
  #takeBack(sayings) {
    const own = this.feed.entries.filter((each) =>
      isAbout(this.feed, this.#queue, each, sayings),
    );
    for (const each of own) {
      this.feed.mark(each, null);
      this.notes.takeBack(each.key);
    }
    if (!own.length) void this.#try(() => this.#jump(""));
    else {
      this.feed.goTo((each) => own.includes(each));
      this.draw();
    }
  }

  /** @param {() => Promise<void>} move */
  async #move(move) {
    this.#moves += 1;
    await this.#try(move);
    this.#moves -= 1;
  }

  /** @param {() => Promise<void>} move */
  async #try(move) {
    try {
      await move();
      this.draw();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!this.#alive) return;
      const again = () => void this.#try(() => this.#jump(""));
      fill(
        this.body,
        el("p", { class: "empty", text: `This queue cannot be shown: ${error.message}.` }),
        el("button", { type: "button", class: "action plain", text: "Try again", onclick: again }),
      );
    }
  }
}
