import { describe, expect, it } from "vitest";
import { recall } from "../../kit/kept";
import { maps } from "../../kit/map/testing";
import {
  type Answer,
  cleanup,
  fireEvent,
  open,
  refused,
  screen,
  waitFor,
  withHeaders,
  within,
} from "../../kit/testing";
import { collection, PLANNER, scheme, ZONES, zoned } from "./testing";
import Zones from "./zones";

/** The tab of editing, for a planner, on the draft. */
async function editing(answers: Record<string, Answer> = {}, of = "xm@2") {
  const sent = zoned(
    [scheme(1, "published"), scheme(2, "draft"), scheme(1, "review", { code: "new" })],
    answers,
  );
  const hands = open(<Zones />, { ...PLANNER, query: `tab=edit&scheme=${of}` });
  const writes = () => sent.filter(({ method }) => method !== "GET");
  return { hands, sent, writes };
}
const way = (name: string) => screen.findByRole("button", { name, pressed: false });
const main = (name: string) => {
  const found = screen.getAllByRole("button", { name });
  return found.at(-1) as HTMLElement;
};
const isOff = (one: HTMLElement) => one.hasAttribute("disabled");
const why = () => screen.getByRole("textbox", { name: /^Why/ });
const redrawn = { scheme: { code: "xm", version: 2, status: "draft" }, zones: {} };

/** The list of zones, once they are read. */
async function zoneList() {
  await screen.findByRole("option", { name: /Zone 1/ });
  return screen.getByRole("combobox", { name: /^Zone/ });
}

async function typeShape(text: string) {
  await waitFor(() => expect(isOff(screen.getByRole("button", { name: "Undo" }))).toBe(false));
  fireEvent.input(screen.getByLabelText(/Corners/), { target: { value: text } });
  fireEvent.click(screen.getByText("Draw these"));
}

describe("merging", () => {
  const box = (name: RegExp) => screen.findByRole<HTMLInputElement>("checkbox", { name });
  async function merging(answers: Record<string, Answer> = {}) {
    const screenOf = await editing({ "POST /zone-schemes/xm/mergers": redrawn, ...answers });
    await screenOf.hands.click(await way("Merge"));
    return screenOf;
  }
  async function filled(answers: Record<string, Answer> = {}) {
    const screenOf = await merging(answers);
    await screenOf.hands.click(await box(/Zone 1/));
    await screenOf.hands.click(await box(/Zone 2/));
    await screenOf.hands.type(why(), "one valley");
    return screenOf;
  }

  it("sends the zones with the reason and the version, once", async () => {
    const { hands, writes } = await filled();
    await hands.click(main("Merge"));
    await waitFor(() => expect(writes()).toHaveLength(1));
    expect(writes()[0]).toMatchObject({
      path: "/zone-schemes/xm/mergers",
      body: { zones: ["1", "2"], note: "one valley", version: 2 },
    });
    expect(writes()[0]?.headers.get("X-CSRF-Token")).toBe("proof");
    expect(writes()[0]?.headers.get("Idempotency-Key")).toMatch(/^[0-9a-f-]{36}$/);
  });
  it("is of zones of one class", async () => {
    const { hands } = await merging();
    await hands.click(await box(/Zone 1/));
    expect((await box(/Zone 2/)).disabled).toBe(false);
    expect((await box(/Zone 3/)).disabled).toBe(true);
    await hands.click(await box(/Zone 1/));
    expect((await box(/Zone 3/)).disabled).toBe(false);
  });
  it("needs two zones and a reason that says something", async () => {
    const { hands } = await merging();
    await hands.click(await box(/Zone 1/));
    await hands.type(why(), "one valley");
    expect(isOff(main("Merge"))).toBe(true);
    await hands.click(await box(/Zone 2/));
    expect(isOff(main("Merge"))).toBe(false);
    await hands.clear(why());
    await hands.type(why(), "   ");
    expect(isOff(main("Merge"))).toBe(true);
  });
  it("that is refused says why and loses nothing; sent again it is another request", async () => {
    let apart = true;
    const { hands, writes } = await filled({
      "POST /zone-schemes/xm/mergers": () =>
        apart ? refused(400, "the zones do not touch") : redrawn,
    });
    await hands.click(main("Merge"));
    expect((await screen.findByRole("alert")).textContent).toContain("do not touch");
    expect((why() as HTMLInputElement).value).toBe("one valley");
    expect((await box(/Zone 1/)).checked).toBe(true);
    apart = false;
    await hands.click(main("Merge"));
    await waitFor(() => expect(writes()).toHaveLength(2));
    const keys = writes().map(({ headers }) => headers.get("Idempotency-Key"));
    expect(new Set(keys).size).toBe(2);
    await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());
  });
  it("is done once, though its answer was lost on the way", async () => {
    const { hands, writes } = await filled();
    const before = globalThis.fetch;
    let lost = true;
    globalThis.fetch = async (...asked) => {
      const answer = await before(...asked);
      if (lost && (asked[0] as Request).method === "POST") throw new TypeError("network");
      return answer;
    };
    await hands.click(main("Merge"));
    expect((await screen.findByRole("alert")).textContent).toContain("does not answer");
    lost = false;
    await hands.click(main("Merge"));
    await waitFor(() => expect(writes()).toHaveLength(2));
    const keys = writes().map(({ headers }) => headers.get("Idempotency-Key"));
    expect(keys[0]).toBe(keys[1]);
  });
});

describe("splitting", () => {
  it("sends a line across a zone", async () => {
    const { hands, writes } = await editing({ "POST /zone-schemes/xm/splits": redrawn });
    await hands.click(await way("Split"));
    await hands.selectOptions(await zoneList(), "3");
    await hands.type(why(), "two owners");
    expect(isOff(main("Split"))).toBe(true);
    await typeShape("118.25 23.9\n118.25 24.2");
    await waitFor(() => expect(isOff(main("Split"))).toBe(false));
    await hands.click(main("Split"));
    await waitFor(() => expect(writes()).toHaveLength(1));
    expect(writes()[0]).toMatchObject({
      path: "/zone-schemes/xm/splits",
      body: {
        zone: "3",
        note: "two owners",
        version: 2,
        line: {
          type: "MultiLineString",
          coordinates: [
            [
              [118.25, 23.9],
              [118.25, 24.2],
            ],
          ],
        },
      },
    });
  });
  it("leaves a line that does not cross where it is, to be mended", async () => {
    const { hands } = await editing({
      "POST /zone-schemes/xm/splits": refused(400, "the line does not cross the zone"),
    });
    await hands.click(await way("Split"));
    await hands.selectOptions(await zoneList(), "3");
    await hands.type(why(), "two owners");
    await typeShape("118.25 24.05\n118.26 24.05");
    await waitFor(() => expect(isOff(main("Split"))).toBe(false));
    await hands.click(main("Split"));
    expect((await screen.findByRole("alert")).textContent).toContain("does not cross");
    expect(screen.getByLabelText<HTMLTextAreaElement>(/Corners/).value).toBe(
      "118.25 24.05\n118.26 24.05",
    );
  });
});

describe("reassigning", () => {
  it("sends an area and its class; then there is nothing drawn", async () => {
    const { hands, writes } = await editing({
      "POST /zone-schemes/xm/adjustments": redrawn,
    });
    await hands.click(await way("Reassign"));
    await typeShape("118.05 24\n118.15 24\n118.15 24.05");
    await hands.selectOptions(
      await screen.findByRole("combobox", { name: /Becomes/ }),
      "Restoration",
    );
    await hands.type(why(), "burnt in May");
    await hands.click(main("Reassign"));
    await waitFor(() => expect(writes()).toHaveLength(1));
    expect(writes()[0]?.body).toEqual({
      geometry: {
        type: "MultiPolygon",
        coordinates: [
          [
            [
              [118.05, 24],
              [118.15, 24],
              [118.15, 24.05],
              [118.05, 24],
            ],
          ],
        ],
      },
      to_class: "mend",
      note: "burnt in May",
      version: 2,
    });
    await waitFor(() => expect(isOff(main("Reassign"))).toBe(true));
  });
  it("needs an area, a class and a reason", async () => {
    const { hands } = await editing();
    await hands.click(await way("Reassign"));
    await hands.type(why(), "burnt");
    await hands.selectOptions(await screen.findByRole("combobox", { name: /Becomes/ }), "mend");
    expect(isOff(main("Reassign"))).toBe(true);
    await typeShape("118.05 24\n118.15 24\n118.15 24.05");
    await waitFor(() => expect(isOff(main("Reassign"))).toBe(false));
  });
  it("takes clicks on the map for corners, not for a choice of zones", async () => {
    const { hands } = await editing();
    await hands.click(await way("Reassign"));
    const [map] = maps;
    if (map) map.rendered = [{ properties: { code: "2" } }];
    map?.click(118.15, 24.05);
    await hands.click(await way("Attributes"));
    expect(screen.getByRole<HTMLSelectElement>("combobox", { name: /^Zone/ }).value).toBe("");
  });
});

describe("a form that is not sent yet", () => {
  /** As after a reload: the screen is made anew, of what the browser has kept. */
  async function reload(name: string) {
    cleanup();
    const screenOf = await editing();
    await screenOf.hands.click(await way(name));
    return screenOf;
  }
  const restored = () => screen.findByText(/What you had not saved is here again/);

  it("to reassign is there again with its area, its class and its reason", async () => {
    const { hands } = await editing();
    await hands.click(await way("Reassign"));
    await typeShape("118.05 24\n118.15 24\n118.15 24.05");
    await hands.selectOptions(await screen.findByRole("combobox", { name: /Becomes/ }), "mend");
    await hands.type(why(), "burnt in May");
    await reload("Reassign");
    await restored();
    expect((why() as HTMLInputElement).value).toBe("burnt in May");
    const list = await screen.findByRole<HTMLSelectElement>("combobox", { name: /Becomes/ });
    expect(list.value).toBe("mend");
    expect(screen.getByLabelText<HTMLTextAreaElement>(/Corners/).value).toBe(
      "118.05 24\n118.15 24\n118.15 24.05",
    );
    expect(isOff(main("Reassign"))).toBe(false);
  });
  it("to split is there again with its zone and its line, until it is thrown away", async () => {
    const { hands } = await editing();
    await hands.click(await way("Split"));
    await hands.selectOptions(await zoneList(), "3");
    await typeShape("118.25 23.9\n118.25 24.2");
    const again = await reload("Split");
    await restored();
    await waitFor(async () => expect(((await zoneList()) as HTMLSelectElement).value).toBe("3"));
    expect(screen.getByLabelText<HTMLTextAreaElement>(/Corners/).value).toBe(
      "118.25 23.9\n118.25 24.2",
    );
    await waitFor(() => expect(isOff(screen.getByRole("button", { name: "Undo" }))).toBe(false));
    await again.hands.click(screen.getByRole("button", { name: "Throw away" }));
    expect(screen.getByLabelText<HTMLTextAreaElement>(/Corners/).value).toBe("");
    expect(recall("draft.zoning.split.xm@2")).toBeNull();
  });
  it("to merge is there again with its zones and its reason", async () => {
    const { hands } = await editing();
    await hands.click(await way("Merge"));
    await hands.click(await screen.findByRole("checkbox", { name: /Zone 1/ }));
    await hands.type(why(), "one valley");
    await hands.click(await screen.findByRole("checkbox", { name: /Zone 2/ }));
    await reload("Merge");
    await restored();
    expect((why() as HTMLInputElement).value).toBe("one valley");
    await waitFor(() => expect(screen.getAllByRole("checkbox", { checked: true })).toHaveLength(2));
  });
  it("to begin a draft is there again with its reason", async () => {
    const { hands } = await editing({}, "xm@1");
    await hands.type(await screen.findByLabelText("Why a draft is begun"), "yearly");
    cleanup();
    await editing({}, "xm@1");
    await restored();
    expect(screen.getByLabelText<HTMLInputElement>("Why a draft is begun").value).toBe("yearly");
  });
  it("is kept no longer once it was sent", async () => {
    const { hands, writes } = await editing({ "POST /zone-schemes/xm/mergers": redrawn });
    await hands.click(await way("Merge"));
    await hands.click(await screen.findByRole("checkbox", { name: /Zone 1/ }));
    await hands.click(await screen.findByRole("checkbox", { name: /Zone 2/ }));
    await hands.type(why(), "one valley");
    expect(recall("draft.zoning.merge.xm@2")).not.toBeNull();
    await hands.click(main("Merge"));
    await waitFor(() => expect(writes()).toHaveLength(1));
    await waitFor(() => expect(recall("draft.zoning.merge.xm@2")).toBeNull());
  });
});

describe("zones that somebody else has redrawn meanwhile", () => {
  const shrunk = {
    ...ZONES[2],
    properties: { ...ZONES[2]?.properties, area_km2: 12 },
  };
  /** The first planner comes between: theirs is there from the first refusal on. */
  async function second(answers: Record<string, Answer> = {}) {
    let theirs = false;
    const screenOf = await editing({
      "GET /zone-schemes/xm/adjustments": () =>
        withHeaders({ adjustments: [] }, { ETag: theirs ? '"z2"' : '"z1"' }),
      "GET /collections/zones/items": () =>
        theirs ? collection([ZONES[0] ?? {}, shrunk]) : collection(ZONES),
      "POST /zone-schemes/xm/splits": ({ headers }) => {
        theirs = true;
        return headers.get("If-Match") === '"z2"' ? redrawn : refused(412, "they have changed");
      },
      ...answers,
    });
    const { hands } = screenOf;
    await hands.click(await way("Split"));
    await hands.selectOptions(await zoneList(), "3");
    await hands.type(why(), "two owners");
    await typeShape("118.25 23.9\n118.25 24.2");
    await waitFor(() => expect(isOff(main("Split"))).toBe(false));
    return screenOf;
  }
  const dialog = async () => within(await screen.findByRole("dialog"));

  it("stand as they are now beside what they were and what was meant; nothing is lost", async () => {
    const { hands, writes } = await second();
    await hands.click(main("Split"));
    const told = await dialog();
    expect(writes()[0]?.headers.get("If-Match")).toBe('"z1"');
    const rows = told.getAllByRole("row").map(({ textContent }) => textContent);
    expect(rows.slice(1)).toEqual([
      expect.stringMatching(/^2.*20\.0+ km².*\(none\)$/),
      expect.stringMatching(/^3.*30\.0+ km².*12\.0+ km²$/),
    ]);
    expect(told.getByText("2 corners")).toBeTruthy();
    await hands.click(told.getByRole("button", { name: "Back to editing" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect((why() as HTMLInputElement).value).toBe("two owners");
    expect(screen.getByLabelText<HTMLTextAreaElement>(/Corners/).value).toBe(
      "118.25 23.9\n118.25 24.2",
    );
  });
  it("are redrawn where one has seen them and says so", async () => {
    const { hands, writes } = await second();
    await hands.click(main("Split"));
    await hands.click((await dialog()).getByRole("button", { name: /on what is there now/ }));
    await waitFor(() => expect(writes()).toHaveLength(2));
    expect(writes()[1]?.headers.get("If-Match")).toBe('"z2"');
    expect(writes()[1]?.body).toEqual(writes()[0]?.body);
    const keys = writes().map(({ headers }) => headers.get("Idempotency-Key"));
    expect(keys[0]).not.toBe(keys[1]);
    await waitFor(() => expect(recall("draft.zoning.split.xm@2")).toBeNull());
  });
  it("are known as they were begun on, after a reload too", async () => {
    await second();
    cleanup();
    const { hands, writes } = await editing({
      "GET /zone-schemes/xm/adjustments": () => withHeaders({ adjustments: [] }, { ETag: '"z2"' }),
      "POST /zone-schemes/xm/splits": refused(412, "they have changed"),
    });
    await hands.click(await way("Split"));
    await waitFor(() => expect(isOff(main("Split"))).toBe(false));
    await hands.click(main("Split"));
    await dialog();
    expect(writes()[0]?.headers.get("If-Match")).toBe('"z1"');
  });
  it("that cannot be read say so, and the form can be sent again", async () => {
    let down = false;
    const { hands } = await second({
      "GET /zone-schemes/xm/adjustments": () =>
        down ? refused(503, "away") : withHeaders({ adjustments: [] }, { ETag: '"z1"' }),
      "POST /zone-schemes/xm/splits": () => {
        down = true;
        return refused(412, "they have changed");
      },
    });
    await hands.click(main("Split"));
    expect((await screen.findByRole("alert")).textContent).toContain("away");
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(isOff(main("Split"))).toBe(false);
  });
});

describe("a version that is no draft", () => {
  it("in force begins a draft first, and goes on with that", async () => {
    const { hands, writes, sent } = await editing(
      {
        "POST /zone-schemes/xm/versions": Response.json(redrawn, { status: 201 }),
      },
      "xm@1",
    );
    const begin = await screen.findByRole("button", { name: "Begin a draft" });
    expect(isOff(begin)).toBe(true);
    await hands.type(screen.getByLabelText("Why a draft is begun"), "the yearly review");
    await hands.click(begin);
    await waitFor(() =>
      expect(writes()[0]?.body).toEqual({ note: "the yearly review", version: 1 }),
    );
    const list = screen.getByRole<HTMLSelectElement>("combobox", { name: "Scheme and version" });
    await waitFor(() => expect(list.value).toBe("xm@2"));
    const reads = () => sent.filter(({ path }) => path === "/collections/zone_schemes/items");
    await waitFor(() => expect(reads()).toHaveLength(2));
  });
  it("in force has attributes that are not changed", async () => {
    const { hands } = await editing({}, "xm@1");
    await hands.selectOptions(await zoneList(), "1");
    expect(screen.getByText(/A version in force is not changed/)).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Save" })).toBeNull();
  });
  it("in review is sent back first", async () => {
    await editing({}, "new@1");
    expect(await screen.findByText(/This version is in review; send it back/)).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Merge" })).toBeNull();
  });
});

describe("what is said of a zone", () => {
  const present = (name_en: string, tag: string) =>
    withHeaders(
      { ...ZONES[0], properties: { ...ZONES[0]?.properties, name_en, stated_area_km2: 12 } },
      { ETag: tag },
    );
  const ITEM = "/collections/zones/items/1";
  const name = () => screen.findByLabelText<HTMLInputElement>(/English name/);
  const save = () => screen.getByRole("button", { name: "Save" });
  async function form(answers: Record<string, Answer> = {}) {
    const screenOf = await editing({ [`GET ${ITEM}`]: present("Zone 1", '"a"'), ...answers });
    await screenOf.hands.selectOptions(await zoneList(), "1");
    await name();
    return screenOf;
  }
  async function rename(
    hands: { clear: (e: Element) => unknown; type: (e: Element, t: string) => unknown },
    to: string,
  ) {
    await hands.clear(await name());
    await hands.type(await name(), to);
  }

  it("is changed as far as it was touched, on the state that was read", async () => {
    const { hands, writes } = await form({ [`PATCH ${ITEM}`]: present("West hills", '"b"') });
    expect(isOff(save())).toBe(true);
    await rename(hands, "West hills");
    await hands.click(save());
    await waitFor(() => expect(writes()).toHaveLength(1));
    expect(writes()[0]?.body).toEqual({ properties: { name_en: "West hills" } });
    expect(writes()[0]?.headers.get("If-Match")).toBe('"a"');
    expect(writes()[0]?.query.get("version")).toBe("2");
    await waitFor(() => expect(isOff(save())).toBe(true));
    expect(recall("draft.zone.1@2")).toBeNull();
  });
  it("is of one of the classes of the scheme, by their words", async () => {
    const { hands, writes } = await form({ [`PATCH ${ITEM}`]: present("Zone 1", '"b"') });
    const list = screen.getByLabelText(/^Class/);
    expect(
      within(list)
        .getAllByRole("option")
        .map(({ textContent }) => textContent),
    ).toEqual(["Conservation", "Restoration"]);
    await hands.selectOptions(list, "Restoration");
    await hands.click(save());
    await waitFor(() =>
      expect(writes()[0]?.body).toEqual({ properties: { zone_class: "supply_demand.mend" } }),
    );
  });
  it("is taken away where it is emptied", async () => {
    const { hands, writes } = await form({ [`PATCH ${ITEM}`]: present("Zone 1", '"b"') });
    await hands.clear(screen.getByLabelText(/Stated area/));
    await hands.click(save());
    await waitFor(() =>
      expect(writes()[0]?.body).toEqual({ properties: { stated_area_km2: null } }),
    );
  });
  it("that is refused says so at its field, and keeps what was typed", async () => {
    const { hands } = await form({
      [`PATCH ${ITEM}`]: refused(400, "one member is wrong", [
        { pointer: "/properties/name_en", detail: "another zone is called that" },
      ]),
    });
    await rename(hands, "Zone 2");
    await hands.click(save());
    await waitFor(async () => expect((await name()).getAttribute("aria-invalid")).toBe("true"));
    expect((await name()).value).toBe("Zone 2");
    expect(isOff(save())).toBe(false);
  });
  it("is there again after a reload, until it is thrown away", async () => {
    const { hands } = await form();
    await rename(hands, "Half typed");
    await hands.click(await screen.findByRole("tab", { name: "Areas" }));
    await hands.click(screen.getByRole("tab", { name: "Edit" }));
    expect((await name()).value).toBe("Half typed");
    await hands.click(screen.getByRole("button", { name: "Throw away" }));
    expect((await name()).value).toBe("Zone 1");
    expect(recall("draft.zone.1@2")).toBeNull();
  });

  describe("that somebody else has changed too", () => {
    /** Theirs came between: the first change meets 412, one on their state is taken. */
    async function conflict(answers: Record<string, Answer> = {}) {
      let theirs = false;
      const screenOf = await form({
        [`GET ${ITEM}`]: () => (theirs ? present("Theirs", '"b"') : present("Zone 1", '"a"')),
        [`PATCH ${ITEM}`]: ({ headers }) => {
          theirs = true;
          return headers.get("If-Match") === '"b"'
            ? present("Mine", '"c"')
            : refused(412, "it was changed in the meantime");
        },
        ...answers,
      });
      await rename(screenOf.hands, "Mine");
      await screenOf.hands.click(save());
      return screenOf;
    }
    const dialog = async () => within(await screen.findByRole("dialog"));

    it("stands beside mine, and mine is sent on top of it", async () => {
      const { hands, writes } = await conflict();
      const both = await dialog();
      expect(both.getByText("Theirs", { selector: "span" })).toBeTruthy();
      expect(both.getByText("Mine", { selector: "span" })).toBeTruthy();
      await hands.click(both.getByRole("button", { name: "Send again as chosen" }));
      await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
      expect(writes()[1]?.headers.get("If-Match")).toBe('"b"');
      expect(writes()[1]?.body).toEqual({ properties: { name_en: "Mine" } });
    });
    it("loses nothing where one goes back to the form", async () => {
      const { hands, writes } = await conflict();
      await hands.click((await dialog()).getByRole("button", { name: "Back to editing" }));
      await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
      expect((await name()).value).toBe("Mine");
      await hands.click(save());
      expect((await dialog()).getByText("Theirs", { selector: "span" })).toBeTruthy();
      expect(writes()).toHaveLength(2);
    });
    it("and can no longer be read, says so and can be saved again", async () => {
      let reads = 0;
      const { hands } = await conflict({
        [`GET ${ITEM}`]: () =>
          ++reads > 1 ? refused(503, "cannot be read now") : present("Zone 1", '"a"'),
      });
      expect((await screen.findByRole("alert")).textContent).toContain("cannot be read now");
      expect(isOff(save())).toBe(false);
      expect((await name()).value).toBe("Mine");
      await hands.click(save());
      expect(screen.queryByRole("dialog")).toBeNull();
    });
  });
});
