// @ts-check
/** Light, dark, or as the system says until a person chooses. */

import { remember, remembered } from "./state.js";

/** @returns {"light" | "dark"} what is shown now */
function shown() {
  const chosen = remembered("theme");
  if (chosen === "light" || chosen === "dark") return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** Show the theme that was chosen on an earlier visit. */
export function applyTheme() {
  const chosen = remembered("theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
}

/** Change to the other one, and keep it. */
export function toggleTheme() {
  remember("theme", shown() === "dark" ? "light" : "dark");
  applyTheme();
}
