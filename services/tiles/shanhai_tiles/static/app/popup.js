// What lies under a click, in words.

import { element, swatch } from "./dom.js";
import { localised, otherThan, wordsIn } from "./i18n.js";

/** Members told by the name and the swatch, or of use to machines only. */
const TOLD = new Set([
  ...["name_zh", "name_en", "color", "class", "class_value", "class_name_zh", "class_name_en"],
  ...["zone_class", "code", "job", "version", "cells", "requirement_zh", "requirement_en"],
]);
const CODE = /^[a-z0-9]+([._-][A-Za-z0-9]+)*$/;

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
    const said = element("p", {}, swatch(found.class.color), element("b", {}, label));
    const more = [...demand(found.class, lang), ...link(found.class, layer, lang)];
    return element("div", { class: "feature" }, said, ...more);
  }
  const unit = localised(layer.legend, "unit", lang);
  const number = `${written(found.value, 5, lang)} ${unit}`.trim();
  return element("p", {}, `${words.value}:`, element("b", {}, number));
}

function features(found, layer, lang) {
  if (found.features.length === 0) return [element("p", {}, wordsIn(lang).nothing)];
  return found.features.map((feature) => one(feature, layer, lang));
}

function one(feature, layer, lang) {
  const mark = swatch(colorOf(feature, layer), layer.legend.symbol);
  const end = feature.code?.split(".").at(-1) ?? "";
  const name = localised(feature, "name", lang) || `${localised(layer, "title", lang)} ${end}`;
  const rows = layer.properties.flatMap((property) => row(property, feature, lang));
  return element(
    "div",
    { class: "feature" },
    element("p", {}, mark, element("b", {}, name)),
    ...demand(feature, lang),
    element("dl", {}, ...rows),
    ...link(feature, layer, lang),
  );
}

/** What is demanded where a thing lies. */
function demand(thing, lang) {
  const text = localised(thing, "requirement", lang);
  if (!text) return [];
  return [element("div", { class: "demand" }, element("b", {}, wordsIn(lang).requirement), ` ${text}`)];
}

/** The way to the page about a thing. */
function link({ code }, { page }, lang) {
  if (!page || !code) return [];
  const href = page.replace("{code}", encodeURIComponent(code));
  return [element("p", {}, element("a", { href }, wordsIn(lang).more))];
}

/** A number as people write it: no exponent, thousands apart. */
function written(number, digits, lang) {
  return number.toLocaleString(lang, { maximumSignificantDigits: digits });
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
  const known = property[`words_${lang}`][told];
  // A code without words says nothing here; the page about the thing has it.
  if (typeof told === "string" && !known && CODE.test(told) && !/^[\d.-]+$/.test(told)) return [];
  const title = element("dt", {}, localised(property, "title", lang));
  return [title, element("dd", {}, inWords(told, property, lang))];
}

function inWords(told, property, lang) {
  const words = wordsIn(lang);
  if (typeof told === "boolean") return told ? words.yes : words.no;
  const listed = property[`words_${lang}`][told] ?? told;
  const year = Number.isInteger(listed) && listed < 10000;
  const number = typeof listed === "number" && !year;
  const text = number ? written(listed, 5, lang) : String(listed);
  return `${text} ${localised(property, "unit", lang)}`.trim();
}

function warning(found, lang) {
  return found.stand_in ? [element("p", { class: "warning" }, wordsIn(lang).standIn)] : [];
}
