// @ts-check
/** Search by words or by a picture, where the dataset has an encoder that can. */

import { el, fill } from "./dom.js";
import { smallEnough } from "./search_picture.js";

/**
 * @typedef {{text: boolean, picture: boolean, why: string}} SearchState
 * @typedef {{words: (text: string) => void, picture: (picture: Blob) => void,
 *   fault: (text: string) => void}} Listeners
 */

/**
 * The search box, and a watch for pictures dropped or pasted anywhere in the view.
 *
 * @param {HTMLElement} view
 * @param {Listeners} listeners
 */
export function searchBox(view, listeners) {
  /** @type {SearchState} */
  let can = { text: false, picture: false, why: "" };
  const words = el("input", {
    type: "search",
    class: "search-words",
    placeholder: "Search by words",
    "aria-label": "Search by words",
    enterkeyhint: "search",
    autocomplete: "off",
  });
  const node = el("form", { class: "search", role: "search", onsubmit: submit });
  const file = el("input", {
    type: "file",
    accept: "image/*",
    class: "unseen",
    id: "search-file",
    onchange: () => offer(file.files?.[0]),
  });
  const choose = el("label", { class: "search-file", for: "search-file", text: "By picture…" });
  choose.title = "Choose a file, or drop or paste a picture here";

  /** @param {Event} event */
  function submit(event) {
    event.preventDefault();
    // So that the keys of the grid work on what is found.
    words.blur();
    listeners.words(words.value.trim());
  }

  /** @param {File | null | undefined} picture */
  async function offer(picture) {
    file.value = "";
    if (!picture) return;
    try {
      listeners.picture(await smallEnough(picture));
    } catch {
      listeners.fault(
        `${picture.name} cannot be shown by this browser: choose a PNG or JPEG file.`,
      );
    }
  }

  const watching = new AbortController();
  watch(view, { signal: watching.signal, allowed: () => can.picture, offer });

  return {
    node,
    focus: () => words.focus(),
    /**
     * @param {SearchState} state
     * @param {string} text what is searched for now
     */
    show(state, text) {
      if (document.activeElement !== words) words.value = text;
      if (state.text === can.text && state.picture === can.picture && node.childElementCount)
        return;
      can = state;
      fill(node, state.text && words, state.picture && [file, choose], !state.text && why(state));
    },
    close: () => watching.abort(),
  };
}

/** @param {SearchState} state */
function why(state) {
  const what = state.picture ? "Search by words" : "Search";
  return el("p", { class: "search-why", text: `${what} is off: ${state.why}` });
}

/**
 * @param {HTMLElement} view
 * @param {{signal: AbortSignal, allowed: () => boolean,
 *   offer: (picture: File | null | undefined) => void}} options
 */
function watch(view, { signal, allowed, offer }) {
  /** @param {FileList | undefined} files */
  const pictureOf = (files) => [...(files ?? [])].find((each) => each.type.startsWith("image/"));
  view.addEventListener(
    "dragover",
    (event) => {
      if (!allowed() || !event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      view.classList.add("is-dropping");
    },
    { signal },
  );
  view.addEventListener("dragleave", () => view.classList.remove("is-dropping"), { signal });
  view.addEventListener(
    "drop",
    (event) => {
      // Otherwise the browser would leave the page to show the file.
      event.preventDefault();
      view.classList.remove("is-dropping");
      if (allowed()) offer(pictureOf(event.dataTransfer?.files));
    },
    { signal },
  );
  document.addEventListener(
    "paste",
    (event) => {
      const picture = pictureOf(event.clipboardData?.files);
      if (picture && allowed()) offer(picture);
    },
    { signal },
  );
}
