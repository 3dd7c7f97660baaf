// @ts-check
/** Elements made in code: untrusted text only ever becomes text. */

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * Make an element.
 *
 * `class` and attributes are set as given (null, undefined and false leave one out, true sets it
 * empty); `text` is its text; a function named like `onclick` becomes a listener; `dataset` and
 * `vars` (CSS custom properties, which the page's policy allows from code) are objects.
 *
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...(Child | Child[])} children
 * @returns {any} the HTMLElement
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) setProp(node, name, value);
  append(node, children);
  return node;
}

/**
 * @param {HTMLElement} node
 * @param {string} name
 * @param {any} value
 */
function setProp(node, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === "text") node.textContent = String(value);
  else if (name === "dataset") Object.assign(node.dataset, value);
  else if (name === "vars") {
    for (const [key, each] of Object.entries(value)) node.style.setProperty(key, String(each));
  } else if (typeof value === "function") node.addEventListener(name.replace(/^on/, ""), value);
  else node.setAttribute(name, value === true ? "" : String(value));
}

/**
 * @param {Node} node
 * @param {(Child | Child[])[]} children
 */
function append(node, children) {
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    node.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/**
 * Give a node these children instead of those it has.
 *
 * @template {Element} T
 * @param {T} node
 * @param {...(Child | Child[])} children
 * @returns {T}
 */
export function fill(node, ...children) {
  node.replaceChildren();
  append(node, children);
  return node;
}

/**
 * An element the page always has.
 *
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  const node = document.getElementById(id);
  if (!node) throw new Error(`index.html has no #${id}`);
  return node;
}

/**
 * A key's name as a small cap, hidden from screen readers: the button says what it does.
 *
 * @param {string} key
 */
export function keyCap(key) {
  return el("kbd", { "aria-hidden": "true", text: key });
}
