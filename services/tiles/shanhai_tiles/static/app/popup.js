// What lies under a click, in words.

import { element, swatch } from "./dom.js";
import { localised, otherThan, wordsIn } from "./i18n.js";

/** Members told by the name and the swatch, or of use to machines only. */
const TOLD = new Set(["name_zh", "name_en", "color", "class", "class_value", "zone_class"]);

/**
 * @param {Record<string, any>} found answer of the service's `point`
 * @param {Record<string, any>} layer description of the layer
 * @param {import("./i18n.js").Lang} lang
 */
export function describe(found, layer, lang) {
  const title = element("h3", {}, localised(layer, "title", lang));
  const body = "features" in found ? features(found, layer, lang) : [value(found, layer, lang)];
  const place = element("p", { class: "place" }, position(found));
  return element("section", {}, title, ...body, ...warning(found, lang), place);
}

function position({ lon, lat }) {
  const northing = `${Math.abs(lat).toFixed(4)}°${lat < 0 ? "S" : "N"}`;
  return `${Math.abs(lon).toFixed(4)}°${lon < 0 ? "W" : "E"}, ${northing}`;
}

function value(found, layer, lang) {
  const words = wordsIn(lang);
  if (found.value === null) return element("p", {}, words.nothing);
  if (found.class) {
    const label = localised(found.class, "label", lang);
    return element("p", {}, swatch(found.class.color), element("b", {}, label));
  }
  const unit = localised(layer.legend, "unit", lang);
  const number = `${+found.value.toPrecision(5)} ${unit}`.trim();
  return element("p", {}, `${words.value}:`, element("b", {}, number));
}

function features(found, layer, lang) {
  if (found.features.length === 0) return [element("p", {}, wordsIn(lang).nothing)];
  return found.features.map((feature) => one(feature, layer, lang));
}

function one(feature, layer, lang) {
  const mark = swatch(colorOf(feature, layer), layer.legend.symbol);
  const name = localised(feature, "name", lang) || feature.code;
  const rows = layer.properties.flatMap((property) => row(property, feature, lang));
  return element(
    "div",
    { class: "feature" },
    element("p", {}, mark, element("b", {}, name)),
    element("dl", {}, ...rows),
  );
}

/** As the map has it: the feature's own colour, that of its class, or the one of all. */
function colorOf(feature, { legend }) {
  const its = String(feature[legend.property]);
  const entry = legend.entries.find(({ values }) => values.includes(its));
  return feature.color ?? (entry ?? legend.entries.at(-1)).color;
}

function row(property, feature, lang) {
  const told = feature[property.name];
  if (told === null || told === undefined || told === "" || TOLD.has(property.name)) return [];
  if (property.name.endsWith(`_${otherThan(lang)}`)) return [];
  const title = element("dt", {}, localised(property, "title", lang));
  return [title, element("dd", {}, inWords(told, property, lang))];
}

function inWords(told, property, lang) {
  const words = wordsIn(lang);
  if (typeof told === "boolean") return told ? words.yes : words.no;
  const listed = property[`words_${lang}`][told] ?? told;
  const text = typeof listed === "number" ? String(+listed.toPrecision(7)) : String(listed);
  return `${text} ${localised(property, "unit", lang)}`.trim();
}

function warning(found, lang) {
  return found.stand_in ? [element("p", { class: "warning" }, wordsIn(lang).standIn)] : [];
}
