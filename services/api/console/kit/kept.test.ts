import { describe, expect, it, vi } from "vitest";
import { forget, keep, keptSignal, recall } from "./kept";
import "./testing";
import { theme } from "./theme";
import { called, lang, t } from "./words";

/** A browser that keeps nothing, as private windows and full stores do. */
function keepNothing(): void {
  const refuse = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  vi.stubGlobal("localStorage", {
    getItem: refuse,
    setItem: refuse,
    removeItem: refuse,
    clear() {},
  });
}

describe("what is kept", () => {
  it.each([[0], [false], [""], [{ a: [1, null] }]])("is read again as it was: %j", (value) => {
    keep("one", value);
    expect(recall("one")).toEqual(value);
  });
  it("is forgotten by null, and was never there before", () => {
    keep("one", 1);
    keep("one", null);
    expect([recall("one"), recall("two")]).toEqual([null, null]);
    expect(localStorage).toHaveLength(0);
  });
  it("is nothing where it cannot be read, as after another version", () => {
    localStorage.setItem("shanhai.one", "{half");
    expect(recall("one")).toBeNull();
  });
  it("is apart from what other pages of the address keep", () => {
    localStorage.setItem("draft.theirs", "1");
    keep("draft.mine", 1);
    forget("draft.");
    expect(recall("draft.mine")).toBeNull();
    expect(localStorage.getItem("draft.theirs")).toBe("1");
  });
  it("is forgotten by its beginning alone", () => {
    for (const name of ["draft.a", "draft.b", "drafts", "my.draft.c"]) keep(name, name);
    forget("draft.");
    expect(Object.keys(localStorage).sort()).toEqual(["shanhai.drafts", "shanhai.my.draft.c"]);
  });
  it("is nothing in a browser that keeps nothing, and nothing fails", () => {
    keepNothing();
    keep("one", 1);
    keep("one", null);
    forget("");
    expect(recall("one")).toBeNull();
  });
});

describe("a choice that outlives the page", () => {
  it("begins with what was kept, even where that is no", () => {
    keep("folded", false);
    expect(keptSignal("folded", true).value).toBe(false);
  });
  it("begins as it is given where nothing was kept", () =>
    expect(keptSignal("width", 320).value).toBe(320));
  it("is kept with each change", () => {
    const width = keptSignal("width", 320);
    width.value = 400;
    expect(recall("width")).toBe(400);
  });
  it("changes in a browser that keeps nothing", () => {
    keepNothing();
    const width = keptSignal("width", 320);
    width.value = 400;
    expect(width.value).toBe(400);
  });
});

describe("the language", () => {
  it("chooses each text, and tells readers of screens", () => {
    lang.value = "zh";
    expect([t("规划", "plan"), document.documentElement.lang]).toEqual(["规划", "zh-CN"]);
    lang.value = "en";
    expect([t("规划", "plan"), document.documentElement.lang]).toEqual(["plan", "en"]);
    expect(recall("lang")).toBe("en");
  });
  it("chooses a name, or the other where one is empty, or none", () => {
    lang.value = "en";
    expect(called({ name_zh: "规划", name_en: "Plan" })).toBe("Plan");
    expect(called({ name_zh: "规划", name_en: "" })).toBe("规划");
    expect(called({ name_zh: "规划" })).toBe("规划");
    expect(called({ code: "x" })).toBe("");
    lang.value = "zh";
    expect(called({ name_zh: null, name_en: "Plan" })).toBe("Plan");
  });
  it("chooses members of other names", () => {
    lang.value = "zh";
    expect(called({ unit_zh: "公顷", unit_en: "ha", name_zh: "面积" }, "unit")).toBe("公顷");
  });
});

it("the theme is the system's until somebody chooses", () => {
  const shown = () => document.documentElement.dataset.theme;
  theme.value = "dark";
  expect([shown(), recall("theme")]).toEqual(["dark", "dark"]);
  theme.value = "auto";
  expect([shown(), recall("theme")]).toEqual([undefined, "auto"]);
});
