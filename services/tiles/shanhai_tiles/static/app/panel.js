// The card beside the map: title, honesty marks, legend.

import { byId, element, swatch } from "./dom.js";
import { localised, wordsIn } from "./i18n.js";

/**
 * @param {Record<string, any>} layer description of the layer
 * @param {import("./i18n.js").Lang} lang
 */
export function showPanel(layer, lang) {
  const words = wordsIn(lang);
  const title = localised(layer, "title", lang);
  document.title = `${title} · ${lang === "zh" ? "山海" : "Shanhai"}`;
  document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
  byId("title").textContent = title;
  byId("language").textContent = words.other;
  byId("facts").textContent = facts(layer, words);
  byId("hint").textContent = words.click;
  showStandIn(layer, lang);
  byId("legend").replaceChildren(...legend(layer.legend, lang));
  showSources(layer, lang);
}

function facts(layer, words) {
  const resolution = layer.native_resolution_m;
  return [
    layer.id,
    `${words.version} ${layer.version.slice(0, 8)}`,
    layer.cell_m ? `${words.cells} ${metres(layer.cell_m)}` : "",
    resolution ? `${words.resolution} ${metres(resolution)}` : "",
  ]
    .filter(Boolean)
    .join(" · ");
}

function metres(value) {
  return value >= 1000 ? `${+(value / 1000).toFixed(1)} km` : `${+value.toFixed(1)} m`;
}

function showStandIn(layer, lang) {
  const words = wordsIn(lang);
  const box = byId("stand-in");
  box.hidden = !layer.stand_in;
  const notes = layer.stand_in_notes.map((note) => {
    const title = localised(note, "title", lang);
    const text = localised(note, "note", lang);
    return element("li", {}, element("b", {}, title), text ? ` ${text}` : "");
  });
  box.replaceChildren(element("strong", {}, words.standIn));
  if (notes.length > 0) {
    const summary = element("summary", {}, words.standIns(notes.length));
    box.append(element("details", {}, summary, element("ul", {}, ...notes)));
  }
}

function showSources(layer, lang) {
  const words = wordsIn(lang);
  const box = byId("sources");
  box.hidden = layer.sources.length === 0;
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
  box.replaceChildren(element("summary", {}, words.sources), element("ul", {}, ...rows));
}

function legend(document, lang) {
  const unit = document.unit && document.unit !== "1" ? ` (${document.unit})` : "";
  const heading = element("h2", {}, localised(document, "title", lang) + unit);
  return [heading, document.kind === "ramp" ? ramp(document) : classes(document, lang)];
}

function classes(document, lang) {
  const items = document.entries.map((entry) =>
    element("li", {}, swatch(entry.color), localised(entry, "label", lang)),
  );
  return element("ul", { class: "classes" }, ...items);
}

function ramp(document) {
  const bar = element("div", { class: "bar" });
  const colors = document.entries.map((entry) => entry.color);
  bar.style.backgroundImage = `linear-gradient(to right, ${colors.join(", ")})`;
  const ends = [document.entries.at(0), document.entries.at(-1)].map((entry) =>
    element("span", {}, entry.label_en),
  );
  return element("div", { class: "ramp" }, bar, element("div", { class: "ends" }, ...ends));
}
