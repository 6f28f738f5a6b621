/** Lists that are filled in as rows of fields. */

import { type Signal, signal } from "@preact/signals";
import { describe, expect, it, test } from "vitest";
import type { FaultAt } from "./api";
import type { PropertySchema, Values } from "./features";
import { type Controls, Fields, fieldPattern } from "./form";
import { hasField, isRows, moved, rowSchema } from "./rows";
import { act, open, screen, within } from "./testing";

const PHASES: PropertySchema = {
  title: "Phases",
  type: "array",
  maxItems: 3,
  items: {
    type: "object",
    required: ["name"],
    properties: {
      name: { title: "Name", type: "string", maxLength: 20 },
      budget: { title: "Budget", type: "number" },
      steps: {
        title: "Steps",
        type: "array",
        items: {
          type: "object",
          properties: { day: { title: "Day", type: "string", format: "date" } },
        },
      },
    },
  },
};
const LAYERS: PropertySchema = {
  title: "Layers",
  type: "array",
  items: {
    oneOf: [
      {
        type: "object",
        properties: {
          kind: {
            title: "Kind",
            type: "string",
            enum: ["raster"],
            "x-enum-titles": { raster: "Raster" },
          },
          theme: { title: "Theme", type: "string", maxLength: 20 },
        },
      },
      {
        type: "object",
        required: ["collection"],
        properties: {
          kind: {
            title: "Kind",
            type: "string",
            enum: ["features"],
            "x-enum-titles": { features: "Features" },
          },
          collection: { title: "Collection", type: "string", maxLength: 20 },
        },
      },
    ],
  },
};
const VARIANTS: PropertySchema = {
  title: "Variants",
  type: "array",
  items: { type: "array", items: { type: "string" } },
};

function Shown({
  members,
  values,
  wrong,
  controls = {},
}: {
  members: Record<string, PropertySchema>;
  values: Signal<Values>;
  wrong: Signal<FaultAt[]>;
  controls?: Controls;
}) {
  return (
    <Fields
      members={members}
      values={values}
      wrong={wrong.value}
      controls={controls}
      at="/inputs"
    />
  );
}

function form(
  members: Record<string, PropertySchema>,
  given: Values = {},
  more: { lang?: "zh" | "en"; controls?: Controls } = {},
) {
  const { lang, ...rest } = more;
  const values = signal<Values>(given);
  const wrong = signal<FaultAt[]>([]);
  const hands = open(<Shown {...{ members, values, wrong }} {...rest} />, lang ? { lang } : {});
  return { values, wrong, hands };
}

const rows = () => [...document.querySelectorAll("details")].map((row) => within(row));
/** The button of the outermost list, which stands below all rows. */
const add = () => screen.getAllByRole("button", { name: "Add one" }).at(-1) as HTMLButtonElement;
const names = () => screen.getAllByLabelText(/Name/) as HTMLInputElement[];

describe("rows of a list", () => {
  it("are added open, filled in and taken out; without any nothing is said", async () => {
    const { values, hands } = form({ phases: PHASES });
    await hands.click(add());
    expect(document.querySelector("details")?.open).toBe(true);
    await hands.type(screen.getByLabelText(/Name/), "一期");
    await hands.type(screen.getByLabelText("Budget"), "7");
    expect(values.value).toEqual({ phases: [{ name: "一期", budget: 7 }] });
    expect(screen.getByText("No. 1 一期")).toBeTruthy();
    await hands.click(screen.getByRole("button", { name: "Take out" }));
    expect(values.value).toEqual({});
  });

  it("are moved with all that was typed, and stay at the ends", async () => {
    const { values, hands } = form({ phases: PHASES }, { phases: [{ name: "a" }, { name: "b" }] });
    const up = screen.getAllByRole("button", { name: "Up" }) as HTMLButtonElement[];
    const down = screen.getAllByRole("button", { name: "Down" }) as HTMLButtonElement[];
    expect([up[0]?.disabled, down[1]?.disabled]).toEqual([true, true]);
    await hands.click(up[1] as HTMLButtonElement);
    expect(values.value).toEqual({ phases: [{ name: "b" }, { name: "a" }] });
    expect(names().map(({ value }) => value)).toEqual(["b", "a"]);
  });

  it("are as many as the service takes", async () => {
    const { hands } = form({ phases: PHASES }, { phases: [{ name: "a" }, { name: "b" }] });
    await hands.click(add());
    expect(add().disabled).toBe(true);
    expect(screen.getByText("at most 3")).toBeTruthy();
  });

  it("hold lists of their own", async () => {
    const { values, hands } = form({ phases: PHASES }, { phases: [{ name: "a" }] });
    const steps = within(screen.getByRole("group", { name: "Steps" }));
    await hands.click(steps.getByRole("button", { name: "Add one" }));
    await hands.type(steps.getByLabelText("Day"), "2026-03-01");
    expect(values.value).toEqual({ phases: [{ name: "a", steps: [{ day: "2026-03-01" }] }] });
  });

  it("are told in Chinese", () => {
    form({ phases: PHASES }, { phases: [{ name: "一期" }] }, { lang: "zh" });
    expect(screen.getByText("第 1 项 一期")).toBeTruthy();
    expect(screen.getAllByRole("button", { name: "添加一项" })).toHaveLength(2);
    expect(screen.getByRole("button", { name: "上移" })).toBeTruthy();
  });

  it("have the screen's own controls for their members", () => {
    const controls: Controls = { budget: ({ value }) => <output>{`¥${value}`}</output> };
    form({ phases: PHASES }, { phases: [{ name: "a", budget: 5 }] }, { controls });
    expect(screen.getByText("¥5")).toBeTruthy();
  });
});

describe("what was refused of a row", () => {
  const given = { phases: [{ name: "a" }, { name: "b" }, { name: "c" }] };
  const refuse = (wrong: Signal<FaultAt[]>, pointer: string) =>
    act(() => {
      wrong.value = [{ pointer, detail: "is wrong" }];
    });
  const invalid = () =>
    names()
      .filter((field) => field.getAttribute("aria-invalid") === "true")
      .map(({ value }) => value);

  it("stands at its field, in a row that is opened", async () => {
    const { wrong } = form({ phases: PHASES }, given);
    await refuse(wrong, "/inputs/phases/1/name");
    expect(invalid()).toEqual(["b"]);
    expect([...document.querySelectorAll("details")].map(({ open }) => open)).toEqual([
      false,
      true,
      false,
    ]);
  });

  it("goes where the row is moved, and with it when it is taken out", async () => {
    const { wrong, hands } = form({ phases: PHASES }, given);
    await refuse(wrong, "/inputs/phases/1/name");
    await hands.click(screen.getAllByRole("button", { name: "Up" })[1] as HTMLElement);
    expect(names().map(({ value }) => value)).toEqual(["b", "a", "c"]);
    expect(invalid()).toEqual(["b"]);
    await hands.click(screen.getAllByRole("button", { name: "Take out" })[0] as HTMLElement);
    expect(invalid()).toEqual([]);
    await hands.click(add());
    expect(invalid()).toEqual([]);
  });

  it("is told of the row as a whole, of a row within, and of the list", async () => {
    const { wrong } = form(
      { phases: PHASES },
      { phases: [{ name: "a" }, { name: "b", steps: [{ day: "2026-01-01" }] }] },
    );
    await refuse(wrong, "/inputs/phases/0");
    expect(rows()[0]?.getByRole("alert").textContent).toBe("is wrong");
    await refuse(wrong, "/inputs/phases/1/steps/0/day");
    expect(screen.getByLabelText("Day").getAttribute("aria-invalid")).toBe("true");
    await refuse(wrong, "/inputs/phases");
    const list = screen.getByRole("group", { name: "Phases" });
    expect(list.querySelector(":scope > .fault")?.textContent).toBe("is wrong");
  });
});

describe("rows of several kinds", () => {
  it("begin as the first, and lose what another kind does not have", async () => {
    const { values, hands } = form({ layers: LAYERS });
    await hands.click(add());
    expect(values.value).toEqual({ layers: [{ kind: "raster" }] });
    await hands.type(screen.getByLabelText("Theme"), "zones");
    await hands.selectOptions(screen.getByLabelText("Kind"), "Features");
    expect(values.value).toEqual({ layers: [{ kind: "features" }] });
    expect(screen.queryByLabelText("Theme")).toBeNull();
    expect(screen.getByLabelText(/Collection/)).toBeTruthy();
    expect(screen.getByText("No. 1 Features")).toBeTruthy();
  });

  it("are described by the one that a row names", () => {
    const { items = {} } = LAYERS;
    expect(rowSchema(items, { kind: "features" }).required).toEqual(["collection"]);
    expect(rowSchema(items, {}).properties?.kind?.enum).toEqual(["raster", "features"]);
  });
});

it("rows that are lists of codes have one a line", async () => {
  const { values, hands } = form({ variants: VARIANTS });
  await hands.click(add());
  await hands.type(screen.getByLabelText(/Members/), "a{enter}b");
  await hands.tab();
  expect(values.value).toEqual({ variants: [["a", "b"]] });
});

test.each<[string, PropertySchema, boolean]>([
  ["objects of known members", PHASES, true],
  ["objects of several kinds", LAYERS, true],
  ["lists", VARIANTS, true],
  ["codes", { type: "array", items: { type: "string" } }, false],
  ["objects of any members", { type: "array", items: { type: "object" } }, false],
  ["nothing said", { type: "array" }, false],
])("a list of %s is one of rows, or is not", (_, schema, told) => {
  expect(isRows(schema)).toBe(told);
});

test.each<[string, PropertySchema, boolean]>([
  ["0/name", PHASES, true],
  ["0/steps/2/day", PHASES, true],
  ["0/steps/2/night", PHASES, false],
  ["0/other", PHASES, false],
  ["1/collection", LAYERS, true],
  ["0/3", VARIANTS, true],
  ["", { type: "number" }, true],
  ["0", { type: "array", items: { type: "string" } }, false],
])("%s has a field or has none", (path, schema, told) => {
  expect(hasField(schema, path ? path.split("/") : [])).toBe(told);
});

test("a member moves by one and stays at the ends", () => {
  expect(moved(["a", "b", "c"], 0, 1)).toEqual(["b", "a", "c"]);
  expect(moved(["a", "b", "c"], 2, -1)).toEqual(["a", "c", "b"]);
  expect(moved(["a", "b"], 0, -1)).toEqual(["a", "b"]);
  expect(moved(["a", "b"], 1, 1)).toEqual(["a", "b"]);
});

test.each<[string | undefined, string | undefined]>([
  ["^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$", "^[A-Za-z0-9][A-Za-z0-9._\\-]{0,79}$"],
  ["[a-z0-9\\-]", "[a-z0-9\\-]"],
  ["[-a]", undefined],
  ["(?i)a", undefined],
  [undefined, undefined],
])("a pattern %s is one that fields take, or none", (pattern, taken) => {
  expect(fieldPattern(pattern)).toBe(taken);
});
