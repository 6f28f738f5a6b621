// The page's own words; everything about a layer comes from the service in both languages.

/** @typedef {"zh" | "en"} Lang */

const words = {
  zh: {
    name: "山海",
    other: "English",
    click: "点击地图，或按回车键查看地图中心，可知该处的值",
    compare: "对比图层",
    alone: "不对比",
    comparing: "图层对比",
    left: "左",
    right: "右",
    divider: "左右图层的分界，可用方向键移动",
    fold: "图例",
    loading: "正在读取…",
    version: "版本",
    cells: "像元",
    resolution: "数据真实分辨率",
    standIn: "含替代数据，不得作为实测结果使用",
    standIns: (n) => `${n} 项输入为替代数据`,
    standInMark: "替代数据",
    sources: "数据来源与许可",
    nothing: "此处无数据",
    noClass: "图上没有该图层的要素",
    value: "值",
    requirement: "管控要求",
    more: "查看详情",
    yes: "是",
    no: "否",
    failed: "读取失败",
  },
  en: {
    name: "Shanhai",
    other: "中文",
    click: "Click the map, or press Enter for its centre, to see what is there",
    compare: "Compare with",
    alone: "nothing",
    comparing: "Two layers compared",
    left: "left",
    right: "right",
    divider: "Border of the left and the right layer; arrow keys move it",
    fold: "Legend",
    loading: "Reading…",
    version: "version",
    cells: "cells of",
    resolution: "true resolution of the data",
    standIn: "Rests on stand-in data: not a measurement",
    standIns: (n) => `Stand-ins among its inputs: ${n}`,
    standInMark: "STAND-IN",
    sources: "Data sources and licences",
    nothing: "No data here",
    noClass: "No feature of this layer is on the map",
    value: "Value",
    requirement: "Requirement:",
    more: "More about it",
    yes: "yes",
    no: "no",
    failed: "Could not be read",
  },
};

const controls = {
  zh: {
    "AttributionControl.ToggleAttribution": "显示或隐藏来源",
    "Map.Title": "地图",
    "NavigationControl.ZoomIn": "放大",
    "NavigationControl.ZoomOut": "缩小",
    "Popup.Close": "关闭",
    "ScaleControl.Kilometers": "公里",
    "ScaleControl.Meters": "米",
  },
  en: {},
};

/** @param {Lang} lang */
export function wordsIn(lang) {
  return words[lang];
}

/** What the map's own buttons are called. @param {Lang} lang */
export function controlsIn(lang) {
  return controls[lang];
}

/** @param {Lang} lang @returns {Lang} */
export function otherThan(lang) {
  return lang === "zh" ? "en" : "zh";
}

/**
 * The member of a document in a language, or in the other where it has none.
 * @param {Record<string, any>} document
 * @param {string} name
 * @param {Lang} lang
 */
export function localised(document, name, lang) {
  return document[`${name}_${lang}`] ?? document[`${name}_${otherThan(lang)}`] ?? "";
}
