// The card beside the map: titles, honesty marks, legends, what to compare with.

import { byId, element, swatch } from "./dom.js";
import { localised, otherThan, wordsIn } from "./i18n.js";
import { pageAddress, read } from "./service.js";

/** What does not depend on the layer. @param {import("./i18n.js").Lang} lang */
export function showPage(lang) {
  const words = wordsIn(lang);
  const link = byId("language");
  link.textContent = words.other;
  // The view is kept in the address as the map moves, so the link is made when it is followed.
  const follow = () => link.setAttribute("href", pageAddress({ lang: otherThan(lang) }));
  follow();
  link.addEventListener("click", follow);
  byId("hint").textContent = words.click;
  byId("loading").textContent = words.loading;
  const fold = byId("fold");
  fold.textContent = words.fold;
  fold.addEventListener("click", () => {
    const open = fold.getAttribute("aria-expanded") === "true";
    fold.setAttribute("aria-expanded", String(!open));
    byId("card").classList.toggle("folded", open);
  });
}

/**
 * @param {{description: Record<string, any>}[]} shown one layer, or the left and the right one
 * @param {import("./i18n.js").Lang} lang
 */
export function showPanel(shown, lang) {
  const words = wordsIn(lang);
  const titles = shown.map(({ description }) => localised(description, "title", lang));
  const compared = shown.length > 1;
  document.title = `${titles.join(" | ")} · ${words.name}`;
  byId("title").textContent = compared ? words.comparing : titles[0];
  const sides = [words.left, words.right];
  const parts = shown.map(({ description }, n) =>
    part(description, compared ? heading(sides[n], titles[n]) : [], lang),
  );
  byId("layers").replaceChildren(...parts);
}

function heading(side, title) {
  return [element("h2", { class: "side" }, element("span", {}, side), title)];
}

function part(layer, heading, lang) {
  const words = wordsIn(lang);
  const told = `${layer.id} · ${words.version} ${layer.version.slice(0, 8)}`;
  const quiet = element("p", { class: "facts", title: told }, facts(layer, words));
  return element(
    "section",
    { class: "layer" },
    ...heading,
    quiet,
    ...standIn(layer, lang),
    ...legend(layer, lang),
    ...sources(layer, lang),
  );
}

function facts(layer, words) {
  const resolution = layer.native_resolution_m;
  return [
    layer.cell_m ? `${words.cells} ${metres(layer.cell_m)}` : "",
    resolution ? `${words.resolution} ${metres(resolution)}` : "",
  ]
    .filter(Boolean)
    .join(" · ");
}

function metres(value) {
  return value >= 1000 ? `${+(value / 1000).toFixed(1)} km` : `${+value.toFixed(1)} m`;
}

function standIn(layer, lang) {
  if (!layer.stand_in) return [];
  const words = wordsIn(lang);
  const notes = layer.stand_in_notes.map((note) => {
    const text = localised(note, "note", lang);
    const title = element("b", {}, localised(note, "title", lang));
    return element("li", {}, title, text ? ` ${text}` : "");
  });
  const list = element(
    "details",
    {},
    element("summary", {}, words.standIns(notes.length)),
    element("ul", {}, ...notes),
  );
  const warning = element("strong", {}, words.standIn);
  const parts = notes.length > 0 ? [warning, list] : [warning];
  return [element("div", { class: "stand-in", role: "note" }, ...parts)];
}

function sources(layer, lang) {
  if (layer.sources.length === 0) return [];
  const words = wordsIn(lang);
  const rows = layer.sources.map((source) => {
    const resolution = source.native_resolution_m;
    const credit = [
      resolution ? metres(resolution) : "",
      source.source ?? "",
      source.licence ?? "",
      source.stand_in ? words.standInMark : "",
    ];
    const title = element("b", {}, localised(source, "title", lang));
    return element("li", {}, title, ` ${credit.filter(Boolean).join(" · ")}`);
  });
  const summary = element("summary", {}, words.sources);
  return [element("details", { class: "sources" }, summary, element("ul", {}, ...rows))];
}

function legend({ legend: document, ...layer }, lang) {
  const unit = localised(document, "unit", lang);
  const title = localised(document, "title", lang);
  const body = document.kind === "ramp" ? ramp(document) : classes(document, lang);
  // A heading that repeats the layer's title above it would only take room.
  const told = !unit && localised(layer, "title", lang).endsWith(title);
  return [...(told ? [] : [element("h3", {}, unit ? `${title} (${unit})` : title)]), body, ...noData(document, lang)];
}

function classes(document, lang) {
  const items = document.entries.map((entry) =>
    element("li", {}, swatch(entry.color, document.symbol), localised(entry, "label", lang)),
  );
  const none = element("li", { class: "none" }, wordsIn(lang).noClass);
  none.hidden = items.length > 0;
  return element("ul", { class: "classes" }, ...items, none);
}

/** What the ground means where it shows through the layer. */
function noData(document, lang) {
  if (!document.no_data) return [];
  const line = element("li", {}, element("span", { class: "swatch nothing" }));
  line.append(localised(document.no_data, "label", lang));
  return [element("ul", { class: "no-data" }, line)];
}

/**
 * Show those classes of a legend only that the map draws; features of no class have the entry
 * without values.
 * @param {number} n whose: that of the first layer, or of the second
 * @param {{entries: {values: string[]}[]}} document the legend
 * @param {Set<string>} drawn the values of its property on the map
 */
export function showClasses(n, { entries }, drawn) {
  const known = new Set(entries.flatMap(({ values }) => values));
  const others = [...drawn].some((value) => !known.has(value));
  const items = [...byId("layers").children[n].querySelectorAll(".classes li")];
  const shown = entries.map(({ values }) =>
    values.length > 0 ? values.some((value) => drawn.has(value)) : others,
  );
  for (const [place, item] of items.entries()) {
    item.hidden = place < shown.length ? !shown[place] : shown.includes(true);
  }
}

function ramp({ entries }) {
  const bar = element("div", { class: "bar" });
  const colors = entries.map((entry) => entry.color);
  bar.style.backgroundImage = `linear-gradient(to right, ${colors.join(", ")})`;
  const middle = entries.length % 2 ? [entries[(entries.length - 1) / 2]] : [];
  const marks = [entries[0], ...middle, entries.at(-1)].map((entry) =>
    element("span", {}, entry.label_en.replace("-", "−")),
  );
  return element("div", { class: "ramp" }, bar, element("div", { class: "marks" }, ...marks));
}

/** A choice of layers to compare with, where the list may be seen; choosing one goes to its page. */
export async function offerLayers(first, second, lang) {
  const words = wordsIn(lang);
  const list = new URL(`../../layers?lang=${lang}`, location.href);
  const { layers } = await read(list).catch(() => ({ layers: [] }));
  const chosen = second?.layer.name ?? "";
  const names = new Map(layers.map((layer) => [layer.id, localised(layer, "title", lang)]));
  names.delete(first.layer.name);
  if (second) names.set(chosen, localised(second.description, "title", lang));
  const select = byId("with");
  select.replaceChildren(
    new Option(words.alone, "", !chosen, !chosen),
    ...[...names].map(([id, title]) => new Option(title, id, false, id === chosen)),
  );
  select.addEventListener("change", () => location.assign(pageAddress({ with: select.value })));
  byId("compare").prepend(words.compare);
  byId("compare").hidden = names.size === 0;
}
