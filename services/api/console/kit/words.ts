/** The console's two languages: each text stands in both where it is used. */

import { effect } from "@preact/signals";
import { keptSignal } from "./kept";

export type Lang = "zh" | "en";

/** The language of whoever looks; at first what the browser asked the service for. */
export const lang = keptSignal<Lang>(
  "lang",
  document.documentElement.lang.startsWith("zh") ? "zh" : "en",
);

effect(() => {
  document.documentElement.lang = lang.value === "zh" ? "zh-CN" : "en";
});

/** The text in the language of whoever looks. */
export function t(zh: string, en: string): string {
  return lang.value === "zh" ? zh : en;
}

/** A bilingual member, as `name` of `name_zh` and `name_en`; the other language where one is empty. */
export function called(from: object, member = "name"): string {
  const texts = from as Record<string, unknown>;
  const [first, second] = lang.value === "zh" ? ["zh", "en"] : ["en", "zh"];
  return String(texts[`${member}_${first}`] || texts[`${member}_${second}`] || "");
}
