/** A page of the service shown inside the console, without a frame and without its scripts. */

import { useEffect, useRef } from "preact/hooks";

/** The parts of a page: its rules, and its elements with what the policy would refuse taken aside.
 * @param text A whole HTML page. */
export function partsOf(text: string): { rules: string; root: HTMLElement } {
  let rules = "";
  // Even a page that is only read is held against the policy: its styles are taken out before.
  const plain = text
    .replace(/<style[^>]*>([\s\S]*?)<\/style>/gi, (_, found: string) => {
      rules += `${found}\n`;
      return "";
    })
    .replace(/\sstyle=(["'])/gi, " data-style=$1")
    // A document has one main part, which is the console's.
    .replace(/<(\/?)main\b/gi, "<$1article");
  const parsed = new DOMParser().parseFromString(plain, "text/html");
  for (const odd of parsed.querySelectorAll("script, link, iframe, object, embed, meta, base"))
    odd.remove();
  // Links would leave the form.
  for (const one of parsed.querySelectorAll("a[href]")) one.setAttribute("target", "_blank");
  return { rules, root: parsed.documentElement };
}

/** The page in a tree of its own, where its rules reach nothing else. */
export function Page({ text, label }: { text: string; label: string }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const shadow = element.shadowRoot ?? element.attachShadow({ mode: "open" });
    const { rules, root } = partsOf(text);
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(rules.replaceAll(":root", "html").replace(/\bmain(?=[\s,.:>{])/g, "article"));
    shadow.adoptedStyleSheets = [sheet];
    const own = document.importNode(root, true);
    // Set by the script, which the console's policy allows; written in the page it is refused.
    for (const one of own.querySelectorAll<HTMLElement>("[data-style]"))
      one.style.cssText = one.dataset.style ?? "";
    shadow.replaceChildren(own);
  }, [text]);
  return <section ref={box} class="page-preview" aria-label={label} tabIndex={0} />;
}
