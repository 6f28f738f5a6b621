import { signal } from "@preact/signals";
import userEvent from "@testing-library/user-event";
import { render } from "preact";
import { act } from "preact/test-utils";
import { beforeEach, describe, expect, it } from "vitest";
import type { PropertySchema, Values } from "./features";
import { choicesOf, Fields, hintOf, pairsOf, plainest, useDraft } from "./form";
import { recall } from "./kept";
import { lang } from "./words";

beforeEach(() => {
  document.body.innerHTML = "";
  localStorage.clear();
  lang.value = "zh";
});

function form(
  members: Record<string, PropertySchema>,
  initial: Values = {},
  wrong = [] as never[],
) {
  const values = signal<Values>(initial);
  const box = document.createElement("div");
  document.body.append(box);
  act(() =>
    render(<Fields members={members} values={values} wrong={wrong} required={["name"]} />, box),
  );
  return { values, box };
}

function type(element: Element | null, value: string, event = "input") {
  const control = element as HTMLInputElement;
  act(() => {
    control.value = value;
    control.dispatchEvent(new Event(event, { bubbles: true }));
  });
}

describe("hintOf", () => {
  it("tells range, unit and default", () =>
    expect(
      hintOf({ description: "像元", minimum: 10, maximum: 5000, default: 100, "x-ogc-unit": "m" }),
    ).toBe("像元；10 – 5000 米；默认 100"));

  it.each([
    ["of money in yuan", {}, "元"],
    ["of other amounts where they have one", { "x-digits": 4 }, ""],
  ])("tells the unit %s", (_, digits, unit) =>
    expect(hintOf({ type: "string", format: "decimal", ...digits })).toBe(unit),
  );

  it("tells one bound alone", () => expect(hintOf({ minimum: 0 })).toBe("≥ 0"));
  it("says nothing of what is not bounded", () => expect(hintOf({})).toBe(""));
});

describe("choicesOf", () => {
  it("has the words of codes", () =>
    expect(choicesOf({ enum: ["a", "b"], "x-enum-titles": { a: "甲" } })).toEqual([
      { value: "a", label: "甲" },
      { value: "b", label: "b" },
    ]));

  it("reads constants with titles", () =>
    expect(choicesOf({ oneOf: [{ const: "x", title: "某" }] })).toEqual([
      { value: "x", label: "某" },
    ]));

  it("a free text has none", () => expect(choicesOf({ type: "string" })).toBeNull());
});

it("of several ways the first that is not null counts", () =>
  expect(
    plainest({ title: "T", anyOf: [{ type: "null" }, { type: "number", minimum: 1 }] }),
  ).toMatchObject({
    title: "T",
    type: "number",
    minimum: 1,
  }));

describe("pairsOf", () => {
  it("reads numbers, with either colon", () =>
    expect(pairsOf("forest: 0.3\n耕地：0.5\nnonsense", true)).toEqual({ forest: 0.3, 耕地: 0.5 }));

  it("reads JSON where a value is that", () =>
    expect(pairsOf('a: {"b": 1}\nc: text', false)).toEqual({ a: { b: 1 }, c: "text" }));
});

describe("Fields", () => {
  it("numbers are numbers, and what is emptied is not sent", () => {
    const { values, box } = form({ cell_m: { title: "像元", type: "number", minimum: 10 } });
    const input = box.querySelector("input");
    type(input, "250");
    expect(values.value).toEqual({ cell_m: 250 });
    type(input, "");
    expect(values.value).toEqual({});
  });

  it.each(["0.05", "1.05", "118.05", "-0.5", "-0.05"])("%s is typed key by key", async (text) => {
    const { values, box } = form({ depth: { type: "number" } });
    const input = box.querySelector("input") as HTMLInputElement;
    await userEvent.type(input, text);
    expect([input.value, values.value]).toEqual([text, { depth: Number(text) }]);
    act(() => {
      values.value = { depth: 3 };
    });
    expect(input.value).toBe("3");
  });

  it("what is only read is not asked for", () => {
    const { box } = form({ area: { type: "number", readOnly: true }, name: { type: "string" } });
    expect(box.querySelectorAll(".field")).toHaveLength(1);
  });

  it("a list takes several of those there are, in their order", () => {
    const { values, box } = form({ kinds: { type: "array", items: { enum: ["a", "b", "c"] } } });
    const [, second, third] = box.querySelectorAll<HTMLInputElement>("[type=checkbox]");
    act(() => third?.click());
    act(() => second?.click());
    expect(values.value).toEqual({ kinds: ["b", "c"] });
  });

  it("members of an inner object stay together", () => {
    const { values, box } = form({
      options: { type: "object", properties: { depth: { type: "integer" } } },
    });
    type(box.querySelector("input"), "3");
    expect(values.value).toEqual({ options: { depth: 3 } });
  });

  it("what was refused is told at its field", () => {
    const wrong = [{ pointer: "/name", detail: "太长" }] as never[];
    const { box } = form({ name: { title: "名称", type: "string" } }, {}, wrong);
    expect(box.querySelector("[role=alert]")?.textContent).toBe("太长");
    const input = box.querySelector("input,textarea");
    expect(input?.getAttribute("aria-invalid")).toBe("true");
  });

  it("what must be given is marked", () => {
    const { box } = form({ name: { title: "名称", type: "string", maxLength: 10 } });
    expect(box.querySelector("input")?.required).toBe(true);
  });
});

describe("useDraft", () => {
  function draft(initial: Values) {
    const found: { values?: ReturnType<typeof useDraft> } = {};
    function Probe() {
      found.values = useDraft("test", initial);
      return null;
    }
    const box = document.createElement("div");
    act(() => render(<Probe />, box));
    return found.values as ReturnType<typeof useDraft>;
  }

  it("comes back after a reload", () => {
    const first = draft({ a: 1 });
    act(() => {
      first.values.value = { a: 2 };
    });
    expect(recall("draft.test")).toEqual({ a: 2 });
    const second = draft({ a: 1 });
    expect(second.values.value).toEqual({ a: 2 });
    expect(second.restored.value).toBe(true);
  });

  it("is forgotten when it is thrown away", () => {
    const made = draft({ a: 1 });
    act(() => {
      made.values.value = { a: 2 };
      made.reset();
    });
    expect(recall("draft.test")).toBeNull();
    expect(made.values.value).toEqual({ a: 1 });
  });
});

describe("an object that may be left out", () => {
  const members: Record<string, PropertySchema> = {
    normalisation: {
      type: "object",
      required: ["from"],
      properties: { from: { type: "string" }, zones: { type: "boolean" } },
    },
  };
  const needed = (box: Element) =>
    box.querySelector<HTMLTextAreaElement>("textarea, input:not([type=checkbox])");

  it("asks for nothing while nothing of it is given", () =>
    expect(needed(form(members).box)?.required).toBe(false));

  it("asks for what it needs once something of it is given", () =>
    expect(needed(form(members, { normalisation: { zones: true } }).box)?.required).toBe(true));
});
