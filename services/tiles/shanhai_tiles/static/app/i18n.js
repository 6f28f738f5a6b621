// The page's own words; everything about a layer comes from the service in both languages.

/** @typedef {"zh" | "en"} Lang */

const words = {
  zh: {
    other: "English",
    click: "点击地图查看该处的值",
    version: "版本",
    cells: "像元",
    resolution: "数据真实分辨率",
    standIn: "含替代数据，不得作为实测结果使用",
    standIns: (n) => `${n} 项输入为替代数据`,
    standInMark: "替代数据",
    sources: "数据来源与许可",
    nothing: "此处无数据",
    area: "面积",
    share: "占比",
    value: "值",
    failed: "读取失败",
  },
  en: {
    other: "中文",
    click: "Click the map to see what is there",
    version: "version",
    cells: "cells of",
    resolution: "true resolution of the data",
    standIn: "Rests on stand-in data: not a measurement",
    standIns: (n) => `${n} of its inputs are stand-ins`,
    standInMark: "STAND-IN",
    sources: "Data sources and licences",
    nothing: "No data here",
    area: "Area",
    share: "Share",
    value: "Value",
    failed: "Could not be read",
  },
};

/** @param {Lang} lang */
export function wordsIn(lang) {
  return words[lang];
}

/**
 * The member of a document in a language, or in the other where it has none.
 * @param {Record<string, any>} document
 * @param {string} name
 * @param {Lang} lang
 */
export function localised(document, name, lang) {
  const other = lang === "zh" ? "en" : "zh";
  return document[`${name}_${lang}`] ?? document[`${name}_${other}`] ?? "";
}
