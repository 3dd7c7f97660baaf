// @ts-check
/** Two prompts, and which of their words differ. */

import { el } from "./dom.js";

/**
 * For each word of both texts, whether the other has it in the same order (longest common part).
 *
 * @param {string} left
 * @param {string} right
 * @returns {[[string, boolean][], [string, boolean][]]} words with whether they are the other's too
 */
export function compareWords(left, right) {
  const [a, b] = [left.split(/\s+/).filter(Boolean), right.split(/\s+/).filter(Boolean)];
  const longest = Array.from({ length: a.length + 1 }, () => new Array(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      longest[i][j] = alike(a[i], b[j])
        ? longest[i + 1][j + 1] + 1
        : Math.max(longest[i + 1][j], longest[i][j + 1]);
    }
  }
  const [sameA, sameB] = [new Set(), new Set()];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (alike(a[i], b[j])) {
      sameA.add(i++);
      sameB.add(j++);
    } else if (longest[i + 1][j] >= longest[i][j + 1]) i++;
    else j++;
  }
  return [a.map((word, i) => [word, sameA.has(i)]), b.map((word, j) => [word, sameB.has(j)])];
}

/** @param {string} word */
const bare = (word) => word.toLowerCase().replace(/[.,;:]+$/, "");

/** @param {string} a @param {string} b */
const alike = (a, b) => bare(a) === bare(b);

/**
 * Words as text, those that differ marked.
 *
 * @param {[string, boolean][]} words
 */
export function markedWords(words) {
  return words.flatMap(([word, same]) => [same ? word : el("mark", { text: word }), " "]);
}
