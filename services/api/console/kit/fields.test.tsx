/** Forms made from schemas, as people fill them in. */

import { type Signal, signal, useSignal } from "@preact/signals";
import { describe, expect, it } from "vitest";
import { ended, Fault, type FaultAt } from "./api";
import type { PropertySchema, Values } from "./features";
import { type Controls, Fields, inWords, memberOf, Restored, useDraft } from "./form";
import { forget, recall } from "./kept";
import { cleanup, open, screen, waitFor, within } from "./testing";

interface Given {
  values?: Values;
  required?: string[];
  wrong?: FaultAt[];
  controls?: Controls;
  at?: string;
  lang?: "zh" | "en";
}

function form(members: Record<string, PropertySchema>, given: Given = {}) {
  const values = signal<Values>(given.values ?? {});
  const { required = [], wrong = [], controls = {}, at = "" } = given;
  const hands = open(
    <Fields {...{ members, required, values, wrong, controls, at }} />,
    given.lang ? { lang: given.lang } : {},
  );
  return { values, hands };
}
const text = (name: string) => screen.getByRole("textbox", { name }) as HTMLInputElement;

describe("the control of a member", () => {
  it.each<[string, PropertySchema, string, string]>([
    ["a number", { type: "number" }, "INPUT", "number"],
    ["a day", { type: "string", format: "date" }, "INPUT", "date"],
    ["a short text", { type: "string", maxLength: 80 }, "INPUT", "text"],
    ["a code", { type: "string", pattern: "[a-z]+" }, "INPUT", "text"],
    ["a long text", { type: "string", maxLength: 4000 }, "TEXTAREA", "textarea"],
    ["a text without a bound", { type: "string" }, "TEXTAREA", "textarea"],
    ["a text or nothing", { type: ["string", "null"], maxLength: 9 }, "INPUT", "text"],
    ["one of several", { type: "string", enum: ["a", "b"] }, "SELECT", "select-one"],
  ])("is that of %s", (_, schema, element, type) => {
    form({ member: { title: "Member", ...schema } });
    const control = screen.getByLabelText("Member") as HTMLInputElement;
    expect([control.tagName, control.type]).toEqual([element, type]);
  });
  it("holds to the range of numbers, and to whole ones", () => {
    form({ depth: { title: "Depth", type: "integer", minimum: 1, exclusiveMaximum: 16 } });
    const { min, max, step } = screen.getByRole("spinbutton", {
      name: "Depth",
    }) as HTMLInputElement;
    expect([min, max, step]).toEqual(["1", "16", "1"]);
  });
  it("shows what holds where nothing is said, without saying it", () => {
    const { values } = form({ cell_m: { title: "Cell", type: "number", default: 100 } });
    const control = screen.getByRole("spinbutton") as HTMLInputElement;
    expect([control.value, control.placeholder]).toEqual(["", "100"]);
    expect(values.value).toEqual({});
  });
  it("may be the screen's own, with the words of the schema", async () => {
    const controls: Controls = {
      dataset: ({ value, set }) => (
        <button type="button" onClick={() => set("land-2024")}>
          {String(value ?? "choose")}
        </button>
      ),
    };
    const { values, hands } = form(
      { dataset: { title: "Dataset", description: "of land use" } },
      { controls },
    );
    await hands.click(screen.getByRole("button"));
    expect(values.value).toEqual({ dataset: "land-2024" });
    expect(screen.getByText("of land use")).toBeTruthy();
  });
  it("has the code of a member without words", () => {
    form({ nameless: { type: "string", maxLength: 9 } });
    expect(text("nameless")).toBeTruthy();
  });
});

describe("what is filled in", () => {
  it("is what was typed, and gone once it is emptied", async () => {
    const { values, hands } = form({ name: { title: "Name", type: "string", maxLength: 9 } });
    await hands.type(text("Name"), "万石山");
    expect(values.value).toEqual({ name: "万石山" });
    await hands.clear(text("Name"));
    expect(values.value).toEqual({});
  });
  it("leaves the other members as they were, unknown ones among them", async () => {
    const { values, hands } = form(
      { a: { title: "A", type: "number" } },
      { values: { b: [1], c: null } },
    );
    await hands.type(screen.getByRole("spinbutton"), "0");
    expect(values.value).toEqual({ a: 0, b: [1], c: null });
  });
  it("is a number of a list of numbers, not its text", async () => {
    const { values, hands } = form({
      touch: { title: "Cells that touch", type: "integer", enum: [4, 8], default: 8 },
    });
    await hands.selectOptions(screen.getByRole("combobox"), "4");
    expect(values.value).toEqual({ touch: 4 });
  });
  it("is nothing once the empty choice is made, and that is offered only where it may be", async () => {
    const { values, hands } = form(
      {
        kind: { title: "Kind", enum: ["a"], "x-enum-titles": { a: "River" } },
        must: { title: "Must", enum: ["b"] },
      },
      { values: { kind: "a", must: "b" }, required: ["must"], lang: "zh" },
    );
    await hands.selectOptions(screen.getByRole("combobox", { name: "Kind" }), "（未填）");
    expect(values.value).toEqual({ must: "b" });
    const must = within(screen.getByRole("combobox", { name: /Must/ }));
    expect(must.queryByRole("option", { name: "（未填）" })).toBeNull();
  });
  it("is yes or no, and no is said", async () => {
    const { values, hands } = form({
      keep: { title: "Keep", type: "boolean", default: true, description: "for a year" },
    });
    const box = screen.getByRole("checkbox") as HTMLInputElement;
    expect(box.checked).toBe(true);
    await hands.click(box);
    expect(values.value).toEqual({ keep: false });
  });
  it("by keyboard alone is the same", async () => {
    const { values, hands } = form({
      name: { title: "Name", type: "string", maxLength: 9 },
      keep: { title: "Keep", type: "boolean" },
    });
    await hands.tab();
    await hands.keyboard("湾");
    await hands.tab();
    await hands.keyboard(" ");
    expect(values.value).toEqual({ name: "湾", keep: true });
  });
});

describe("a list", () => {
  const members = { sites: { title: "Sites", type: "array", items: { type: "string" } } };
  const years = { years: { title: "Years", type: "array", items: { type: "integer" } } };
  const fill = async (hands: ReturnType<typeof open>, name: string, lines: string) => {
    await hands.clear(text(name));
    await hands.type(text(name), lines);
    await hands.tab();
  };

  it("is one a line, without empty ones", async () => {
    const { values, hands } = form(members);
    await fill(hands, "Sites", " A-1 {Enter}{Enter}B-2{Enter}");
    expect(values.value).toEqual({ sites: ["A-1", "B-2"] });
  });
  it("is nothing once it is emptied", async () => {
    const { values, hands } = form(members, { values: { sites: ["A-1"] } });
    await fill(hands, "Sites", " ");
    expect(values.value).toEqual({});
  });
  it("of numbers holds numbers, and what is none as it was typed", async () => {
    const { values, hands } = form(years);
    await fill(hands, "Years", "2020{Enter}20x5");
    expect(values.value).toEqual({ years: [2020, "20x5"] });
    expect(text("Years").value).toBe("2020\n20x5");
  });
  it("of several numbered days holds their numbers, in order", async () => {
    const { values, hands } = form({
      days: { title: "Days", type: "array", items: { type: "integer", enum: [1, 2, 3] } },
    });
    await hands.click(screen.getByRole("checkbox", { name: "3" }));
    await hands.click(screen.getByRole("checkbox", { name: "1" }));
    expect(values.value).toEqual({ days: [1, 3] });
    await hands.click(screen.getByRole("checkbox", { name: "1" }));
    await hands.click(screen.getByRole("checkbox", { name: "3" }));
    expect(values.value).toEqual({});
  });
});

describe("an object of any members", () => {
  const weights = {
    weights: {
      title: "Weights",
      type: "object",
      additionalProperties: { type: "number" },
    },
  } satisfies Record<string, PropertySchema>;

  it("is a line for each", async () => {
    const { values, hands } = form(weights, { values: { weights: { forest: 0.3 } } });
    expect(text("Weights").value).toBe("forest: 0.3");
    await hands.type(text("Weights"), "{Enter}耕地：0.5");
    await hands.tab();
    expect(values.value).toEqual({ weights: { forest: 0.3, 耕地: 0.5 } });
  });
  it("keeps what is no number to be refused, never as nought", async () => {
    const { values, hands } = form(weights);
    await hands.type(text("Weights"), "forest: much{Enter}water:");
    await hands.tab();
    expect(values.value).toEqual({ weights: { forest: "much", water: "" } });
  });
  it("of other values shows them as they are written", () => {
    form(
      { more: { title: "More", type: "object" } },
      { values: { more: { a: { b: [1] }, c: "text" } } },
    );
    expect(text("More").value).toBe('a: {"b":[1]}\nc: text');
  });
});

describe("an object inside", () => {
  const members = {
    options: {
      title: "Options",
      type: "object",
      description: "seldom needed",
      required: ["depth"],
      properties: {
        depth: { title: "Depth", type: "integer" },
        mode: { title: "Mode", type: "object", properties: { fast: { type: "boolean" } } },
      },
    },
  } satisfies Record<string, PropertySchema>;
  const folded = () => screen.getByText("Options").closest("details") as HTMLDetailsElement;

  it("is folded, and says how much of it is filled in", async () => {
    const { values, hands } = form(members, { values: { options: { depth: 3 } } });
    expect(folded().open).toBe(false);
    expect(screen.getByText("1 given")).toBeTruthy();
    await hands.click(screen.getByRole("checkbox", { name: "fast" }));
    expect(values.value).toEqual({ options: { depth: 3, mode: { fast: true } } });
    expect(screen.getByText("2 given")).toBeTruthy();
  });
  it("is gone with the last of its members", async () => {
    const { values, hands } = form(members, { values: { options: { depth: 3 } } });
    await hands.clear(screen.getByRole("spinbutton"));
    expect(values.value).toEqual({});
  });
  it("follows what is put in its place", async () => {
    const { values } = form(members, { values: { options: { depth: 3 } } });
    values.value = { options: { depth: 9 } };
    await waitFor(() =>
      expect((screen.getByRole("spinbutton") as HTMLInputElement).value).toBe("9"),
    );
  });
});

describe("what the service refused", () => {
  const wrongAt = (pointer: string) => [{ pointer, detail: "does not do" }];
  const told = () => screen.getByRole("alert");

  it.each<[string, PropertySchema, string]>([
    ["a text", { type: "string", maxLength: 9 }, "/inputs/member"],
    ["a choice", { enum: ["a"] }, "/inputs/member"],
    ["a yes or no", { type: "boolean" }, "/inputs/member"],
    ["a list", { type: "array", items: { type: "string" } }, "/inputs/member"],
    ["one line of a list", { type: "array", items: { type: "string" } }, "/inputs/member/2"],
    ["one of any members", { type: "object" }, "/inputs/member/forest"],
  ])("of %s is told there", (_, schema, pointer) => {
    form(
      { member: { title: "Member", ...schema }, other: { title: "Other", type: "number" } },
      { at: "/inputs", wrong: wrongAt(pointer) },
    );
    expect(told().textContent).toBe("does not do");
    const field = within(told().closest(".field") as HTMLElement);
    const control = field.getByLabelText(/Member/);
    expect(control.getAttribute("aria-invalid")).toBe("true");
  });
  it("of an object inside opens it, and is told at its member", () => {
    form(
      {
        options: {
          title: "Options",
          type: "object",
          properties: { depth: { title: "Depth", type: "integer" } },
        },
      },
      { at: "/inputs", wrong: wrongAt("/inputs/options/depth") },
    );
    expect(told().closest("details")?.open).toBe(true);
    expect(screen.getByRole("spinbutton").getAttribute("aria-invalid")).toBe("true");
  });
  it("of an object inside as a whole is told at its head", () => {
    form(
      { options: { type: "object", properties: { depth: { type: "integer" } } } },
      { wrong: wrongAt("/options") },
    );
    expect(told().closest("details")?.open).toBe(true);
    expect(screen.getByRole("spinbutton").getAttribute("aria-invalid")).not.toBe("true");
  });
  it("of a namesake elsewhere is not told here", () => {
    form(
      { name: { type: "string", maxLength: 9 } },
      { at: "/inputs", wrong: [...wrongAt("/name"), ...wrongAt("/inputs/name_en")] },
    );
    expect(screen.queryByRole("alert")).toBeNull();
  });
});

describe("an unsaved form", () => {
  const BLANK = { name: "" };

  /** A form of an object, beside buttons that go to another. */
  function Editing({ name, saved }: { name: string | null; saved?: Values }) {
    const { values, restored, reset } = useDraft(name, BLANK);
    return (
      <>
        <Restored restored={restored} reset={reset} />
        <Fields
          members={{ name: { title: "Name", type: "string", maxLength: 9 } }}
          values={values}
        />
        <button type="button" onClick={() => reset(saved)}>
          Saved
        </button>
      </>
    );
  }
  function Two() {
    const of = useSignal("a");
    return (
      <>
        <button
          type="button"
          onClick={() => {
            of.value = "b";
          }}
        >
          The other
        </button>
        <Editing name={of.value} />
      </>
    );
  }
  const typed = () => text("Name").value;

  it("is offered again after a reload, and may be thrown away", async () => {
    const first = open(<Editing name="a" />);
    await first.type(text("Name"), "湾");
    cleanup();
    const hands = open(<Editing name="a" />);
    expect(typed()).toBe("湾");
    expect(screen.getByRole("status").textContent).toContain("What you had not saved");
    await hands.click(screen.getByRole("button", { name: "Throw away" }));
    expect(typed()).toBe("");
    expect(screen.queryByRole("status")).toBeNull();
    expect(recall("draft.a")).toBeNull();
  });
  it("is kept for signing in again where another tab has signed out", async () => {
    const hands = open(<Editing name="a" />);
    await hands.type(text("Name"), "湾");
    forget("draft.");
    ended.value = 1;
    expect(recall("draft.a")).toEqual({ name: "湾" });
    ended.value = 0;
  });
  it("as it was read is not kept", async () => {
    const hands = open(<Editing name="a" />);
    await hands.type(text("Name"), "x");
    expect(recall("draft.a")).toEqual({ name: "x" });
    await hands.keyboard("{Backspace}");
    await hands.type(text("Name"), "y");
    expect(recall("draft.a")).toEqual({ name: "y" });
    await hands.click(screen.getByRole("button", { name: "Saved" }));
    expect(recall("draft.a")).toBeNull();
  });
  it("after it was saved is unsaved once it differs from that", async () => {
    const hands = open(<Editing name="a" saved={{ name: "saved" }} />);
    await hands.click(screen.getByRole("button", { name: "Saved" }));
    expect(recall("draft.a")).toBeNull();
    await hands.type(text("Name"), "!");
    expect(recall("draft.a")).toEqual({ name: "saved!" });
    await hands.keyboard("{Backspace}");
    expect(recall("draft.a")).toBeNull();
  });
  it("of one object does not come into another's", async () => {
    const hands = open(<Two />);
    await hands.type(text("Name"), "of a");
    await hands.click(screen.getByRole("button", { name: "The other" }));
    expect(typed()).toBe("");
    expect(recall("draft.b")).toBeNull();
    expect(recall("draft.a")).toEqual({ name: "of a" });
    await hands.type(text("Name"), "of b");
    expect([recall("draft.a"), recall("draft.b")]).toEqual([{ name: "of a" }, { name: "of b" }]);
  });
  it("without a name is kept nowhere", async () => {
    const hands = open(<Editing name={null} />);
    await hands.type(text("Name"), "x");
    expect(Object.keys(localStorage).filter((name) => name.includes("draft"))).toEqual([]);
  });
});

it("a member of a form's values is read and written in its place", () => {
  const held: Signal<Values> = signal({ form: { a: 1 }, shape: null });
  const form = memberOf(held, "form");
  form.value = { ...form.value, b: 2 };
  expect(held.value).toEqual({ form: { a: 1, b: 2 }, shape: null });
});

describe("a refusal", () => {
  const members: Record<string, PropertySchema> = {
    years: { title: "Planned years", type: "array", items: { type: "integer" } },
    edits: {
      title: "Edits",
      type: "array",
      items: { type: "object", properties: { year: { title: "Year", type: "integer" } } },
    },
  };
  const refused = (at: string, message: string, ...pointers: string[]) =>
    inWords(
      new Fault(
        400,
        message,
        pointers.map((pointer) => ({ pointer, detail: "is required" })),
      ),
      members,
      at,
    );
  it("calls fields by their titles, and parts of them by the way there", () => {
    const told = refused(
      "/inputs",
      "/inputs/years: is required; /inputs/edits/0/year: is required",
      "/inputs/years",
      "/inputs/edits/0/year",
    );
    expect(told?.message).toBe("Planned years: is required; Edits › no. 1 › Year: is required");
    expect(told?.at.map(({ pointer }) => pointer)).toEqual([
      "Planned years",
      "Edits › no. 1 › Year",
    ]);
  });
  it("says where it is that the form has no field for", () => {
    expect(refused("", "/crs: is required", "/crs")?.message).toBe("/crs: is required");
    expect(refused("/inputs", "years：必填", "years")?.message).toBe("Planned years：必填");
  });
  it("says of the form as a whole what is wrong, and not where", () => {
    expect(refused("", "the body: /: they cross", "")?.message).toBe("the body: they cross");
    expect(refused("", "请求体无效：/：须逐级加重", "")?.message).toBe("请求体无效：须逐级加重");
  });
  it("is none where nothing was refused", () => expect(inWords(null, members)).toBeNull());
});
