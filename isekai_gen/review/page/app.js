// @ts-check
/** Start the page: shared state, routing by the address's hash, and one view at a time. */

import * as api from "./api.js";
import { byId, fill } from "./dom.js";
import { mountHeader } from "./header.js";
import { applyTheme, toggleTheme } from "./header_theme.js";
import { openHelp } from "./help.js";
import * as keys from "./keys.js";
import { firstSummary, follow, wakeFollowing } from "./queue_changes.js";
import { Decider } from "./queue_decide.js";
import { Outbox } from "./queue_outbox.js";
import { reloadBroken } from "./queue_pictures.js";
import { createStore, leftOf } from "./state.js";

/**
 * @typedef {{unmount: () => void, onKey?: (event: KeyboardEvent) => boolean,
 *   onChange?: () => void, onUndone?: (sayings: import("./state.js").Saying[]) => void,
 *   onRefused?: (letter: import("./state.js").Letter) => void}} View
 *   `onChange`: something was decided elsewhere; `onUndone`: this was taken back;
 *   `onRefused`: the server would not have this
 */

/** @type {Record<string, () => Promise<{mount: (root: HTMLElement, app: App) => View}>>} */
const VIEWS = {
  duplicates: () => import("./pairs.js"),
  groups: () => import("./groups.js"),
  overlap: () => import("./overlap.js"),
  consistency: () => import("./consistency.js"),
  audit: () => import("./audit.js"),
  browse: () => import("./browse.js"),
};

const STATUS_MS = 8000;

/** @type {import("./state.js").State} */
const NOTHING_YET = { summary: null, unsent: [], server: "here", trouble: "", view: "" };

/** What a view is given. */
export class App {
  /** @type {import("./state.js").Store<import("./state.js").State>} */
  store = createStore(NOTHING_YET);
  api = api;
  keys = keys;
  /** @type {Outbox | null} */
  outbox = null;
  /** @type {Decider | null} */
  #decider = null;
  /** @type {View | null} */
  #view = null;
  #statusTimer = 0;
  /** Counts the changes of view, so that the last one wins. */
  #turn = 0;

  async start() {
    applyTheme();
    mountHeader(this);
    const summary = await firstSummary(this.store);
    document.title = `${summary.workspace} · review · isekai-gen`;
    this.outbox = new Outbox(summary.workspace, this.store, {
      refused: (letter, error) => this.#onRefused(letter, error),
      overtaken: () => this.#view?.onChange?.(),
    });
    this.#decider = new Decider(summary.workspace, this.store, this.outbox, {
      tell: (text) => this.announce(text),
      undone: (said) => this.#view?.onUndone?.(said),
      stale: () => this.#view?.onChange?.(),
    });
    this.#bindKeys();
    window.addEventListener("hashchange", () => void this.#route());
    this.store.subscribe((state, before) => {
      if (state.server === "here" && before.server !== "here") reloadBroken();
    });
    await this.#route();
    // All views are here before the server can go away: a browser may not try a second time.
    void Promise.all(Object.keys(VIEWS).map((view) => this.#load(view)));
    void follow(this.store, this.outbox, () => this.#view?.onChange?.());
  }

  /**
   * Record sayings: shown at once, kept until the server has them. See Decider.say.
   *
   * @param {import("./state.js").Saying | import("./state.js").Saying[]} sayings
   * @param {{label: string, queue?: string, clears?: number}} about
   */
  decide(sayings, about) {
    this.#decider?.say([sayings].flat(), about);
  }

  /** Take back the last thing said. */
  undo() {
    return this.#decider?.undo();
  }

  /** Ask the server again now, rather than after the wait. */
  hurry() {
    this.outbox?.hurry();
    wakeFollowing();
  }

  /**
   * Say something, to the eyes (a line at the bottom) and to a screen reader.
   *
   * @param {string} text
   */
  announce(text) {
    byId("status").textContent = text;
    byId("live").textContent = text;
    clearTimeout(this.#statusTimer);
    this.#statusTimer = window.setTimeout(() => fill(byId("status")), STATUS_MS);
  }

  /** The part of the hash behind "?", which a view may use to keep its place. */
  params() {
    return new URLSearchParams(location.hash.split("?")[1] ?? "");
  }

  /**
   * Keep the view's place in the address, without loading it anew.
   *
   * @param {Record<string, string> | URLSearchParams} params empty values are left out
   */
  setParams(params) {
    // A view that is being left may still hear from the server.
    if (location.hash.slice(1).split("?")[0] !== this.store.get().view) return;
    const kept = [...new URLSearchParams(params)].filter(([, value]) => value !== "");
    const tail = kept.length ? `?${new URLSearchParams(kept)}` : "";
    history.replaceState(null, "", `#${this.store.get().view}${tail}`);
  }

  /** @param {string} view */
  go(view) {
    location.hash = `#${view}`;
  }

  /**
   * @param {import("./state.js").Letter} letter
   * @param {Error} error
   */
  #onRefused(letter, error) {
    this.#decider?.refused(letter);
    this.announce(`Not recorded (${letter.label}): ${error.message}.`);
    this.#view?.onRefused?.(letter);
  }

  async #route() {
    const [name] = location.hash.slice(1).split("?");
    if (name === "view") return;
    if (!(name in VIEWS)) {
      location.replace(`#${firstView(this.store.get())}`);
      return;
    }
    const turn = ++this.#turn;
    const loaded = await this.#load(name);
    if (!loaded || turn !== this.#turn) return; // meanwhile the person has gone on to another view
    this.#view?.unmount();
    keys.bind("view", []);
    keys.onOtherKeys(null);
    this.store.set({ view: name });
    const root = byId("view");
    root.className = `view view-${name}`;
    this.#view = loaded.mount(fill(root), this);
    keys.onOtherKeys((event) => this.#view?.onKey?.(event) ?? false);
  }

  /**
   * A view's module; null, and said so, if the server went away before it came.
   *
   * @param {string} view
   */
  async #load(view) {
    try {
      return await VIEWS[view]();
    } catch (error) {
      // Browsers say so of a module that does not arrive, and of nothing else while loading one.
      if (!(error instanceof TypeError)) throw error;
      this.announce("Part of this page did not arrive; reload it once the server answers.");
      return null;
    }
  }

  #bindKeys() {
    const views = Object.keys(VIEWS);
    keys.bind("page", [
      { keys: ["u"], label: "Undo", run: () => void this.undo() },
      { keys: ["t"], label: "Light or dark", run: () => toggleTheme() },
      { keys: ["?"], label: "All keys", run: () => openHelp() },
      {
        keys: ["g"],
        label: "Go to the next tab",
        run: () => this.go(views[(views.indexOf(this.store.get().view) + 1) % views.length]),
      },
    ]);
    keys.listen();
  }
}

/**
 * The first queue with something left to decide, else browsing.
 *
 * @param {import("./state.js").State} state
 */
function firstView(state) {
  const queues = Object.keys(VIEWS).filter((name) => name !== "browse");
  return queues.find((name) => leftOf(state, name) > 0) ?? "browse";
}

const app = new App();
for (const kind of /** @type {const} */ (["error", "unhandledrejection"])) {
  window.addEventListener(kind, (/** @type {any} */ event) => {
    app.announce(`The page has a fault: ${event.reason?.message ?? event.message}. Reload it.`);
  });
}
byId("skip").addEventListener("click", (/** @type {Event} */ event) => {
  event.preventDefault();
  byId("view").focus();
});
void app.start();
