// @ts-check
/** Which key does what; the same registry runs them and lists them for people. */

import { remember, remembered } from "./state.js";

/**
 * @typedef {{keys: string[], label: string, run: (event: KeyboardEvent) => void,
 *   up?: (event: KeyboardEvent) => void, repeat?: boolean}} Binding
 *   `keys` as KeyboardEvent.key says them, letters in lower case, "Shift+" before arrows;
 *   `repeat`: also while the key is held (a decision never is)
 */

/** @type {Map<string, Binding[]>} scope ("page", "view" or "dialog") to its keys */
const scopes = new Map();
/** @type {Map<string, (event: KeyboardEvent) => void>} key to what runs when it is let go */
const held = new Map();
/** @type {((event: KeyboardEvent) => boolean) | null} */
let fallback = null;

/**
 * Bind keys in a scope, instead of those it had. While a modal dialog is open only "dialog" counts.
 *
 * @param {"page" | "view" | "dialog"} scope
 * @param {Binding[]} bindings
 */
export function bind(scope, bindings) {
  scopes.set(scope, bindings);
}

/** @param {string} scope */
export function bindingsOf(scope) {
  return scopes.get(scope) ?? [];
}

/**
 * What a view does with keys it did not bind; it returns whether it used the key.
 *
 * @param {((event: KeyboardEvent) => boolean) | null} listener
 */
export function onOtherKeys(listener) {
  fallback = listener;
}

/** @type {Record<string, string>} */
const NAMES = {
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  " ": "Space",
  Escape: "Esc",
};

/** @param {string} key as KeyboardEvent.key, with or without "Shift+" */
export function keyName(key) {
  const [last, shift] = key.startsWith("Shift+") ? [key.slice(6), "Shift "] : [key, ""];
  return shift + (NAMES[last] ?? (last.length === 1 ? last.toUpperCase() : last));
}

/** Keys without a modifier can be turned off, for those who speak to their computer. */
export const singleKeysOn = () => remembered("keys", "on") === "on";

/** @param {boolean} on */
export const turnSingleKeys = (on) => remember("keys", on ? "on" : "off");

/** @param {KeyboardEvent} event */
function nameOf(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return event.shiftKey && key.startsWith("Arrow") ? `Shift+${key}` : key;
}

/** @param {KeyboardEvent} event */
function isTyping(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (target.matches?.("input[type=radio], input[type=checkbox]")) return event.key === " ";
  if (target.matches?.("input, textarea, select") || target.isContentEditable) return true;
  const presses = event.key === "Enter" || event.key === " ";
  return presses && Boolean(target.closest?.("button, a, summary, [role=button]"));
}

/** @param {KeyboardEvent} event */
function onKeyDown(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (isTyping(event)) return;
  if (event.key.length === 1 && !singleKeysOn()) return;
  const open = document.querySelector("dialog:modal");
  const name = nameOf(event);
  for (const scope of open ? ["dialog"] : ["view", "page"]) {
    const found = (scopes.get(scope) ?? []).find((each) => each.keys.includes(name));
    if (!found) continue;
    event.preventDefault();
    if (event.repeat && !found.repeat) return;
    if (found.up) held.set(event.code, found.up);
    found.run(event);
    return;
  }
  if (!open && fallback?.(event)) event.preventDefault();
}

/** Listen for keys; once, when the page starts. */
export function listen() {
  document.addEventListener("keydown", onKeyDown);
  document.addEventListener("keyup", (event) => {
    held.get(event.code)?.(event);
    held.delete(event.code);
  });
  // A key let go in another window is never reported here.
  window.addEventListener("blur", () => {
    for (const up of held.values()) up(new KeyboardEvent("keyup"));
    held.clear();
  });
}
