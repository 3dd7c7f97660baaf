// @ts-check
/** The bar at the top: dataset, queues with what is left, counters, undo, keys and theme. */

import { byId, el, fill, keyCap } from "./dom.js";
import { counters } from "./header_counters.js";
import { toggleTheme } from "./header_theme.js";
import { openHelp } from "./help.js";
import { icon } from "./icons.js";
import { leftOf } from "./state.js";

/** @typedef {import("./state.js").State} State */

const TABS = [
  ["duplicates", "Duplicates"],
  ["groups", "Groups"],
  ["overlap", "Overlap"],
  ["consistency", "Consistency"],
  ["audit", "Audit"],
  ["browse", "Browse"],
];

/** @param {import("./app.js").App} app */
export function mountHeader(app) {
  const brand = el("span", { class: "brand" });
  const nav = el("nav", { "aria-label": "Queues" });
  const tabs = TABS.map(([name, label]) => tab(name, label));
  nav.append(...tabs.map((each) => each.link));
  const totals = counters(app);
  fill(
    byId("header"),
    brand,
    nav,
    el("div", { class: "tools" }, totals.button, ...tools(app)),
    totals.popover,
  );
  /** @param {State} state */
  const show = (state) => {
    brand.textContent = brand.title = state.summary?.workspace ?? "";
    for (const each of tabs) each.show(state);
    totals.show(state);
    showBanner(app, state);
  };
  app.store.subscribe(show);
  show(app.store.get());
}

/**
 * @param {string} name
 * @param {string} label
 */
function tab(name, label) {
  const count = el("span", { class: "count" });
  const link = el("a", { href: `#${name}`, class: "tab" }, label, count);
  /** @param {State} state */
  const show = (state) => {
    if (state.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    if (name === "browse" || !state.summary) return;
    const left = leftOf(state, name);
    fill(count, String(left), el("span", { class: "unseen", text: " left" }));
    count.classList.toggle("none", left === 0);
  };
  return { link, show };
}

/** @param {import("./app.js").App} app */
function tools(app) {
  return [
    el(
      "button",
      {
        type: "button",
        class: "tool",
        id: "undo",
        "aria-label": "Undo the last decision",
        onclick: () => void app.undo(),
      },
      icon("undo"),
      el("span", { class: "wide", text: "Undo" }),
      keyCap("U"),
    ),
    el(
      "button",
      { type: "button", class: "tool", "aria-label": "All keys", onclick: () => openHelp() },
      icon("keys"),
      keyCap("?"),
    ),
    el(
      "button",
      { type: "button", class: "tool", "aria-label": "Light or dark", onclick: toggleTheme },
      icon("theme"),
    ),
  ];
}

/**
 * @param {import("./app.js").App} app
 * @param {State} state
 */
function showBanner(app, state) {
  const banner = byId("banner");
  const waiting = state.unsent.length;
  const text = bannerText(state, waiting);
  if (banner.dataset.text === text) return;
  banner.dataset.text = text;
  if (!text) {
    fill(banner);
    return;
  }
  const retry = el("button", { type: "button", text: "Try now", onclick: () => app.hurry() });
  fill(banner, el("p", { text }), retry);
}

/**
 * @param {State} state
 * @param {number} waiting
 */
function bannerText({ server, trouble }, waiting) {
  if (server === "here") return "";
  const some = waiting === 1 ? "1 decision is" : `${waiting} decisions are`;
  const kept = waiting ? `${some} kept in this browser and will be sent.` : "Nothing is lost.";
  if (server === "unable") return `The server cannot show the dataset: ${trouble}. ${kept}`;
  if (server === "gone") {
    // What the browser keeps is kept for this address: another port would not find it.
    const start = `isekai-gen review --port ${location.port}`;
    return `The server does not answer; start it again with “${start}”. ${kept}`;
  }
  const remedy = "open the address that “isekai-gen review” printed";
  return `The server no longer knows this page: ${remedy}. ${kept}`;
}
