import type { FeatureCollection, Polygon } from "geojson";
import { describe, expect, it } from "vitest";
import { maps } from "../../kit/map/testing";
import {
  type Answer,
  act,
  open,
  refused,
  screen,
  serve,
  waitFor,
  withHeaders,
  within,
} from "../../kit/testing";
import { lang } from "../../kit/words";
import { About, given } from "./about";
import { feature, schema } from "./testing";

const planner = { scopes: ["read", "projects"] } as const;
const shape: Polygon = {
  type: "Polygon",
  coordinates: [
    [
      [118.1, 24.5],
      [118.2, 24.5],
      [118.2, 24.7],
      [118.1, 24.5],
    ],
  ],
};

/** A project as the service keeps it: each change makes another tag. */
function kept(more: Record<string, unknown> = {}) {
  const state = { properties: { ...feature("P1").properties, ...more }, version: 1 };
  const tag = () => `"${state.version}"`;
  const shown = () =>
    withHeaders({ ...feature("P1"), properties: state.properties }, { ETag: tag() });
  const answers: Record<string, Answer> = {
    "GET /collections/projects/schema": schema,
    "GET /collections/projects/items/P1": shown,
    "PATCH /collections/projects/items/P1": ({ body, headers }) => {
      if (headers.get("If-Match") !== tag()) return refused(412, "'P1' has changed since");
      change((body as { properties: object }).properties);
      return shown();
    },
  };
  /** Change it as somebody else would. */
  const change = (properties: object) => {
    state.properties = { ...state.properties, ...properties };
    state.version += 1;
  };
  return { answers, change, state };
}

const box = (name: RegExp) => screen.findByRole<HTMLInputElement>("textbox", { name });
const save = () => screen.getByRole<HTMLButtonElement>("button", { name: "Save" });
const patches = (sent: ReturnType<typeof serve>) => sent.filter(({ method }) => method === "PATCH");
const about = (again = () => {}) => <About code="P1" again={again} />;

it("members without a value are left out of a form", () =>
  expect(given({ a: 1, b: null, c: 0, d: undefined, e: "" }, ["a", "b", "c", "d", "e"])).toEqual({
    a: 1,
    c: 0,
    e: "",
  }));

describe("what is said of a project", () => {
  it("stays readable, and cannot be changed, for those who may not", async () => {
    serve(kept().answers);
    open(about(), { scopes: ["read"] });
    const name = await box(/^Chinese name/);
    expect(name.value).toBe("P1项目");
    expect(name.closest("fieldset")?.disabled).toBe(true);
    expect(screen.queryByRole("button", { name: "Save" })).toBeNull();
  });
  it("does not offer what is only read, drawn elsewhere or no field", async () => {
    serve(kept().answers);
    open(about(), planner);
    await box(/^Chinese name/);
    for (const name of [/^State/, /^Code/, /^Annotations/, /^geometry/])
      expect(screen.queryByRole("textbox", { name })).toBeNull();
  });
  it("is saved as what was changed alone, over the state that was read", async () => {
    let told = 0;
    const sent = serve(kept().answers);
    const hands = open(
      about(() => {
        told += 1;
      }),
      planner,
    );
    const cost = await box(/^Cost/);
    expect(save().disabled).toBe(true);
    await hands.clear(cost);
    await hands.type(cost, "900.50");
    await hands.click(save());
    await waitFor(() => expect(save().disabled).toBe(true));
    const [patch] = patches(sent);
    expect(patch?.body).toEqual({ properties: { cost: "900.50" } });
    expect(patch?.headers.get("If-Match")).toBe('"1"');
    expect(patch?.headers.get("Content-Type")).toBe("application/merge-patch+json");
    expect(patch?.headers.get("X-CSRF-Token")).toBe("proof");
    await waitFor(async () => expect((await box(/^Cost/)).value).toBe("900.50"));
    // The card's head may say what was changed.
    expect(told).toBe(1);
    expect(localStorage.getItem("shanhai.draft.project.P1")).toBeNull();
  });
  it("takes a value away by null, and nothing is to be saved once it is typed back", async () => {
    const sent = serve(kept().answers);
    const hands = open(about(), planner);
    const cost = await box(/^Cost/);
    await hands.clear(cost);
    expect(save().disabled).toBe(false);
    await hands.type(cost, "12000000.00");
    expect(save().disabled).toBe(true);
    await hands.clear(cost);
    await hands.click(save());
    await waitFor(() => expect(patches(sent)[0]?.body).toEqual({ properties: { cost: null } }));
  });
  it("shows at its field what was refused, and keeps what was typed", async () => {
    const { answers } = kept();
    serve({
      ...answers,
      "PATCH /collections/projects/items/P1": refused(400, "the change is not valid", [
        { pointer: "/properties/end_year", detail: "end_year must not be before start_year" },
      ]),
    });
    const hands = open(about(), planner);
    const last = await screen.findByRole<HTMLInputElement>("spinbutton", { name: /^Last year/ });
    await hands.clear(last);
    await hands.type(last, "2020");
    await hands.click(save());
    expect(await screen.findByText("the change is not valid")).toBeTruthy();
    expect(last.getAttribute("aria-invalid")).toBe("true");
    expect(last.value).toBe("2020");
    expect(save().disabled).toBe(false);
  });
  it("tells why it cannot be read", async () => {
    serve({
      "GET /collections/projects/schema": schema,
      "GET /collections/projects/items/P1": refused(403, "this project is not for you"),
    });
    open(about(), { lang: "zh" });
    expect((await screen.findByRole("alert")).textContent).toContain("this project is not for you");
    expect(screen.getByRole("button", { name: "重试" })).toBeTruthy();
  });
});

describe("a form that was not saved", () => {
  it("is there again, and can be thrown away", async () => {
    localStorage.setItem("shanhai.draft.project.P1", JSON.stringify({ name_en: "Typed before" }));
    serve(kept().answers);
    const hands = open(about(), planner);
    expect((await box(/^English name/)).value).toBe("Typed before");
    expect(screen.getByText(/What you had not saved is here again/)).toBeTruthy();
    await hands.click(screen.getByRole("button", { name: "Throw away" }));
    expect((await box(/^English name/)).value).toBe("Project P1");
    expect(save().disabled).toBe(true);
  });
  it("does not take back what somebody else has changed meanwhile", async () => {
    const project = kept();
    const sent = serve(project.answers);
    const hands = open(about(), planner);
    await hands.type(await box(/^English name/), " of mine");
    // The page is loaded again, and theirs has come in between.
    project.change({ cost: "777.00" });
    document.body.replaceChildren();
    open(about(), planner);
    expect((await box(/^English name/)).value).toBe("Project P1 of mine");
    expect((await box(/^Cost/)).value).toBe("777.00");
    await hands.click(save());
    await waitFor(() =>
      expect(patches(sent)[0]?.body).toEqual({ properties: { name_en: "Project P1 of mine" } }),
    );
    expect(project.state.properties.cost).toBe("777.00");
  });
  it.each([
    ["the page was left", () => document.body.replaceChildren()],
    ["the language was changed", () => {}],
  ])("overwrites nothing of theirs unseen after %s", async (_, leave) => {
    const project = kept();
    const sent = serve(project.answers);
    const hands = open(about(), planner);
    const cost = await box(/^Cost/);
    await hands.clear(cost);
    await hands.type(cost, "100");
    project.change({ cost: "200.00" });
    leave();
    if (document.body.children.length)
      await act(async () => {
        lang.value = "zh";
      });
    else open(about(), { ...planner, lang: "zh" });
    await screen.findByText(/已恢复上次未保存的内容/);
    await hands.click(screen.getByRole("button", { name: "保存" }));
    const dialog = within(await screen.findByRole("dialog", { name: "他人已修改此对象" }));
    expect(project.state.properties.cost).toBe("200.00");
    expect(patches(sent).map(({ headers }) => headers.get("If-Match"))).toEqual(['"1"']);
    await hands.click(dialog.getByRole("button", { name: "按选择重新提交" }));
    await waitFor(() => expect(project.state.properties.cost).toBe("100"));
    expect(localStorage.getItem("shanhai.draft.project.P1")).toBeNull();
  });
  it("is forgotten once all of it is typed back, and goes on from what is there then", async () => {
    const project = kept();
    const sent = serve(project.answers);
    const hands = open(about(), planner);
    await hands.type(await box(/^English name/), "!");
    expect(localStorage.getItem("shanhai.draft.project.P1")).toContain('"etag":"\\"1\\""');
    project.change({ cost: "200.00" });
    document.body.replaceChildren();
    open(about(), planner);
    await hands.type(await box(/^English name/), "{Backspace}");
    expect(localStorage.getItem("shanhai.draft.project.P1")).toBeNull();
    await hands.type(await box(/^English name/), "?");
    await hands.click(save());
    await waitFor(() => expect(project.state.properties.name_en).toBe("Project P1?"));
    expect(patches(sent).map(({ headers }) => headers.get("If-Match"))).toEqual(['"2"']);
  });
});

describe("two people who change one project", () => {
  const meet = async (more: Partial<Record<string, Answer>> = {}) => {
    const project = kept();
    const sent = serve({ ...project.answers, ...(more as Record<string, Answer>) });
    const hands = open(about(), planner);
    const cost = await box(/^Cost/);
    await hands.clear(cost);
    await hands.type(cost, "100");
    await hands.type(await box(/^English name/), "!");
    project.change({ cost: "200.00" });
    await hands.click(save());
    return { project, sent, hands };
  };
  const dialog = async () =>
    within(await screen.findByRole("dialog", { name: "Somebody else has changed this" }));

  it("see both values beside each other, in the words of the form", async () => {
    await meet();
    const rows = (await dialog()).getAllByRole("row").slice(1);
    expect(rows.map((row) => row.textContent)).toEqual([
      "English name (only I changed it)Project P1Project P1!",
      "Cost200.00100",
    ]);
  });
  it("send mine over theirs, in the state that theirs made", async () => {
    const { project, sent, hands } = await meet();
    await hands.click((await dialog()).getByRole("button", { name: "Send again as chosen" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(patches(sent).map(({ headers }) => headers.get("If-Match"))).toEqual(['"1"', '"2"']);
    expect(project.state.properties).toMatchObject({ cost: "100", name_en: "Project P1!" });
  });
  it("leave theirs where that is chosen, and lose nothing else", async () => {
    const { project, sent, hands } = await meet();
    const open = await dialog();
    await hands.click(open.getByRole("radio", { name: "Cost: theirs" }));
    await hands.click(open.getByRole("button", { name: "Send again as chosen" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(patches(sent)[1]?.body).toEqual({ properties: { name_en: "Project P1!" } });
    expect(project.state.properties).toMatchObject({ cost: "200.00", name_en: "Project P1!" });
  });
  it("go back to the form, where all is as it was typed", async () => {
    const { sent, hands } = await meet();
    await hands.click((await dialog()).getByRole("button", { name: "Back to editing" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect((await box(/^Cost/)).value).toBe("100");
    expect(patches(sent)).toHaveLength(1);
  });
  it("are told in the form what is refused the second time, not behind the dialog", async () => {
    let tries = 0;
    const { hands } = await meet({
      "PATCH /collections/projects/items/P1": () => {
        tries += 1;
        return tries === 1 ? refused(412, "changed") : refused(403, "your role has ended");
      },
    });
    await hands.click((await dialog()).getByRole("button", { name: "Send again as chosen" }));
    expect(await screen.findByText("your role has ended")).toBeTruthy();
    expect(screen.queryByRole("dialog")).toBeNull();
    expect((await box(/^Cost/)).value).toBe("100");
  });
  it("are told where theirs cannot be read, and what was typed stays", async () => {
    let reads = 0;
    const { answers } = kept();
    await meet({
      "GET /collections/projects/items/P1": (sent) => {
        reads += 1;
        const read = answers["GET /collections/projects/items/P1"] as (one: typeof sent) => object;
        return reads === 1 ? read(sent) : refused(503, "the database is away");
      },
    });
    expect(await screen.findByText("the database is away")).toBeTruthy();
    expect((await box(/^Cost/)).value).toBe("100");
  });
});

describe("where a project lies", () => {
  const tiles = { "GET /tiles/layers/{}/style.json": { sources: {}, layers: [] } };
  it("is drawn on a map that looks there", async () => {
    serve({
      ...tiles,
      "GET /collections/projects/schema": schema,
      "GET /collections/projects/items/P1": { ...feature("P1"), geometry: shape },
    });
    open(about());
    expect(await screen.findByRole("region", { name: "Where it lies" })).toBeTruthy();
    await waitFor(() => expect(maps.at(-1)?.getSource("overlay")?.data?.features).toHaveLength(1));
    const drawn = maps.at(-1)?.getSource("overlay")?.data as FeatureCollection;
    expect(drawn.features[0]?.geometry).toEqual(shape);
    expect(maps.at(-1)?.bounds).toEqual([
      [118.1, 24.5],
      [118.2, 24.7],
    ]);
    expect(screen.queryByText(/Not drawn yet/)).toBeNull();
  });
  it("is asked for where nobody has drawn it", async () => {
    serve(kept().answers);
    open(about(), planner);
    const draw = await screen.findByRole("link", { name: "Draw it" });
    expect(draw.getAttribute("href")).toBe("/console/digitise?collection=projects&object=P1");
    expect(screen.getByRole("link", { name: "Check compliance" }).getAttribute("href")).toBe(
      "/console/compliance?project=P1",
    );
  });
});
