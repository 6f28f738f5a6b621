// What lies under a click, in words.

import { element, swatch } from "./dom.js";
import { localised, wordsIn } from "./i18n.js";

/**
 * @param {Record<string, any>} found answer of the service's `point`
 * @param {import("./i18n.js").Lang} lang
 */
export function describe(found, lang) {
  const place = element("p", { class: "place" }, position(found));
  const body = "features" in found ? features(found, lang) : [value(found, lang)];
  return element("div", { class: "found" }, ...body, ...warning(found, lang), place);
}

function position({ lon, lat }) {
  const northing = `${Math.abs(lat).toFixed(4)}°${lat < 0 ? "S" : "N"}`;
  return `${Math.abs(lon).toFixed(4)}°${lon < 0 ? "W" : "E"}, ${northing}`;
}

function value(found, lang) {
  const words = wordsIn(lang);
  if (found.value === null) return element("p", {}, words.nothing);
  if (found.class) {
    const label = localised(found.class, "label", lang);
    return element("p", {}, swatch(found.class.color), element("b", {}, label));
  }
  const unit = found.unit && found.unit !== "1" ? ` ${found.unit}` : "";
  return element("p", {}, `${words.value}: `, element("b", {}, +found.value.toPrecision(5) + unit));
}

function features(found, lang) {
  if (found.features.length === 0) return [element("p", {}, wordsIn(lang).nothing)];
  return found.features.map((feature) => one(feature, lang));
}

function one(feature, lang) {
  const words = wordsIn(lang);
  const mark = feature.color ? [swatch(feature.color)] : [];
  const numbers = [];
  if (feature.area_km2 != null) numbers.push(`${words.area} ${feature.area_km2.toFixed(1)} km²`);
  if (feature.share_percent != null) {
    numbers.push(`${words.share} ${feature.share_percent.toFixed(1)} %`);
  }
  const name = element("b", {}, localised(feature, "name", lang));
  return element("p", {}, ...mark, name, element("br"), numbers.join(" · "));
}

function warning(found, lang) {
  return found.stand_in ? [element("p", { class: "warning" }, wordsIn(lang).standIn)] : [];
}
