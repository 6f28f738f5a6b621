import { describe, expect, it } from "vitest";
import type { Feature } from "../../kit/features";
import { plan } from "../../kit/place";
import {
  type Answer,
  act,
  cellsOf,
  fireEvent,
  open,
  refused,
  screen,
  serve,
  waitFor,
  withHeaders,
  within,
} from "../../kit/testing";
import { lang } from "../../kit/words";
import Projects from "./projects";
import { type Project, wantedOf } from "./register";
import { dossier, feature, IMPLEMENTED, page, schema } from "./testing";

const three = [
  feature("A1"),
  feature("B2", { ...IMPLEMENTED, plan: null, cost: null }),
  feature("A3", { plan: "xiamen-1", cost: "500000.00", region: "xiamen.xiangan" }),
];
const answers: Record<string, Answer> = {
  "GET /collections/projects/items": page(three),
  "GET /collections/projects/schema": schema,
};
const names = async () => (await cellsOf("Projects")).map(([name]) => name);

describe("the projects that are wanted", () => {
  const codes = (wanted: Partial<Parameters<typeof wantedOf>[1]>) =>
    wantedOf(three, { text: "", state: "", plan: "", ...wanted }).map(({ id }) => id);

  it("are all where nothing is asked", () => expect(codes({})).toEqual(["A1", "B2", "A3"]));
  it("are found by words in names and codes, in any case", () => {
    expect(codes({ text: "a" })).toEqual(["A1", "A3"]);
    expect(codes({ text: " project b2 " })).toEqual(["B2"]);
    expect(codes({ text: "B2项目" })).toEqual(["B2"]);
  });
  it("are narrowed by state and plan together", () => {
    expect(codes({ state: "proposed", plan: "xiamen-1" })).toEqual(["A1", "A3"]);
    expect(codes({ state: "implementation", plan: "xiamen-1" })).toEqual([]);
  });
});

describe("the register", () => {
  it("is of the region and those below it, with what the table shows and no more", async () => {
    const sent = serve(answers);
    open(<Projects />);
    await cellsOf("Projects");
    const asked = sent[0]?.query;
    expect(asked?.get("filter")).toBe("region = 'xiamen' OR region LIKE 'xiamen.%'");
    expect(asked?.get("properties")).not.toContain("geometry");
    expect(asked?.get("properties")?.split(",")).toContain("cost");
  });
  it("tells of each project what planners compare", async () => {
    serve(answers);
    open(<Projects />);
    const [first, second] = await cellsOf("Projects");
    expect(first).toEqual(["Project A1", "Proposed", "2024–2026", "1,200 ×10⁴ CNY", "3.5", "A1"]);
    // What nobody has estimated costs neither nothing nor NaN.
    expect(second?.[3]).toBe("–");
    expect(screen.getByText("3 projects")).toBeTruthy();
  });
  it("is in Chinese for those who read it", async () => {
    serve(answers);
    open(<Projects />, { lang: "zh" });
    const [first] = await cellsOf("项目");
    expect(first?.slice(0, 4)).toEqual(["A1项目", "已申报", "2024–2026", "1,200 万元"]);
    expect(screen.getByText("3 个")).toBeTruthy();
  });
  it("goes on to the next page until there is none", async () => {
    serve({
      "GET /collections/projects/items": ({ query }) =>
        query.has("cursor")
          ? page([feature("C9")])
          : page(three, "/collections/projects/items?cursor=3"),
    });
    open(<Projects />);
    expect(await names()).toEqual(["Project A1", "Project B2", "Project A3", "Project C9"]);
  });
  it("draws of ten thousand projects only those in sight, and tells how many there are", async () => {
    const many = Array.from({ length: 10_000 }, (_, n) => feature(`P${n}`));
    serve({ "GET /collections/projects/items": page(many) });
    open(<Projects />);
    const table = within(await screen.findByRole("region", { name: "Projects" }));
    expect(table.getByRole("table").getAttribute("aria-rowcount")).toBe("10001");
    expect(table.getAllByRole("row").length).toBeLessThan(100);
    expect(screen.getByText("10,000 projects")).toBeTruthy();
    fireEvent.scroll(screen.getByRole("region", { name: "Projects" }), {
      target: { scrollTop: 36 * 5000 },
    });
    expect(await table.findByRole("button", { name: "Project P5000" })).toBeTruthy();
    expect(table.queryByRole("button", { name: "Project P0" })).toBeNull();
  });
  it("says that the region has none", async () => {
    serve({ "GET /collections/projects/items": page([]) });
    open(<Projects />);
    expect(await screen.findByText("The region has no projects yet.")).toBeTruthy();
  });
  it("tells why it cannot be had, and asks again", async () => {
    let down = true;
    serve({
      "GET /collections/projects/items": () =>
        down ? refused(503, "the database is away") : page(three),
    });
    const hands = open(<Projects />);
    expect((await screen.findByRole("alert")).textContent).toContain("the database is away");
    down = false;
    await hands.click(screen.getByRole("button", { name: "Try again" }));
    expect(await names()).toHaveLength(3);
    expect(screen.queryByRole("alert")).toBeNull();
  });
  it("asks again in the other language", async () => {
    const sent = serve(answers);
    open(<Projects />);
    await names();
    await act(async () => {
      lang.value = "zh";
    });
    await screen.findByRole("region", { name: "项目" });
    expect(sent.at(-1)?.headers.get("Accept-Language")).toBe("zh");
  });
});

describe("finding a project", () => {
  it("narrows as one types, and says where nothing is left", async () => {
    serve(answers);
    const hands = open(<Projects />);
    await names();
    const box = screen.getByRole("searchbox", { name: "Filter projects" });
    await hands.type(box, "a");
    expect(location.search).toBe("?search=a");
    expect(await names()).toEqual(["Project A1", "Project A3"]);
    await hands.type(box, "nowhere");
    expect(screen.getByText("No project matches.")).toBeTruthy();
    expect(screen.getByText("0 projects")).toBeTruthy();
  });
  it("counts projects in each state, and keeps the chosen one in the address", async () => {
    serve(answers);
    const hands = open(<Projects />);
    await names();
    const states = screen.getByRole("combobox", { name: "State" });
    expect(
      within(states)
        .getAllByRole("option")
        .map((one) => one.textContent),
    ).toEqual(["all states", "Proposed 2", "Implementation 1"]);
    await hands.selectOptions(states, "Implementation 1");
    expect(await names()).toEqual(["Project B2"]);
    expect(location.search).toBe("?state=implementation");
    await hands.selectOptions(states, "all states");
    expect(await names()).toHaveLength(3);
    expect(location.search).toBe("");
  });
  it("begins with the state that a link names", async () => {
    serve(answers);
    open(<Projects />, { query: "state=implementation" });
    expect(await names()).toEqual(["Project B2"]);
  });
  it("begins with the words that a link names, and keeps them where a state is chosen", async () => {
    serve(answers);
    const hands = open(<Projects />, { query: "search=a" });
    expect(await names()).toEqual(["Project A1", "Project A3"]);
    await hands.selectOptions(screen.getByRole("combobox", { name: "State" }), "Proposed 2");
    expect(location.search).toBe("?state=proposed&search=a");
    await hands.clear(screen.getByRole("searchbox", { name: "Filter projects" }));
    expect(location.search).toBe("?state=proposed");
  });
  it("is found again by the link back from a project, and begun anew by that of the screen", async () => {
    serve({ ...answers, "GET /projects/{}": refused(404, "gone") });
    const hands = open(<Projects />, { query: "state=proposed&search=a" });
    const row = await screen.findByText("Project A1");
    await hands.click(row);
    expect(location.search).toBe("?project=A1&state=proposed&search=a");
    const back = screen.getByRole("link", { name: "← Register" });
    expect(new URL((back as HTMLAnchorElement).href).search).toBe("?state=proposed&search=a");
    act(() => history.back());
    await names();
    act(() => history.pushState(null, "", location.pathname));
    act(() => void dispatchEvent(new PopStateEvent("popstate")));
    expect(await names()).toHaveLength(3);
    const box = screen.getByRole("searchbox", { name: "Filter projects" });
    expect((box as HTMLInputElement).value).toBe("");
  });
  it("can leave out other plans, where the region has one", async () => {
    serve(answers);
    const hands = open(<Projects />);
    await names();
    await hands.click(screen.getByRole("checkbox", { name: "this plan only" }));
    expect(await names()).toEqual(["Project A1", "Project A3"]);
    await act(async () => {
      plan.value = "";
    });
    expect(screen.queryByRole("checkbox")).toBeNull();
    expect(await names()).toHaveLength(3);
  });
  it("puts them in order by cost, those without one last either way", async () => {
    serve(answers);
    const hands = open(<Projects />);
    await names();
    const head = screen.getByRole("button", { name: /^Cost/ });
    await hands.click(head);
    expect(await names()).toEqual(["Project A3", "Project A1", "Project B2"]);
    await hands.click(head);
    expect(await names()).toEqual(["Project A1", "Project A3", "Project B2"]);
    expect(head.closest("th")?.getAttribute("aria-sort")).toBe("descending");
  });
  it("opens a card by keyboard alone", async () => {
    serve({ ...answers, "GET /projects/A1": dossier({ project: "A1" }) });
    const hands = open(<Projects />);
    await names();
    const link = screen.getByRole("button", { name: "Project A1" });
    for (let n = 0; n < 30 && document.activeElement !== link; n++) await hands.tab();
    expect(document.activeElement).toBe(link);
    await hands.keyboard("{Enter}");
    expect(await screen.findByRole("heading", { name: "Mangroves of Xiatanwei" })).toBeTruthy();
    expect(location.search).toBe("?project=A1");
  });
});

describe("a new project", () => {
  const planner = { scopes: ["read", "projects"] } as const;
  const made: Feature<Project> = feature("X-7");
  const creating = (answer: Answer): Record<string, Answer> => ({
    ...answers,
    "POST /collections/projects/items": answer,
    "GET /projects/X-7": dossier({ project: "X-7", name_en: "Dunes" }),
  });
  const begin = async (hands: ReturnType<typeof open>) => {
    await names();
    await hands.click(screen.getByRole("button", { name: "New project" }));
    return within(await screen.findByRole("dialog", { name: "New project" }));
  };
  const fill = async (
    hands: ReturnType<typeof open>,
    dialog: Awaited<ReturnType<typeof begin>>,
  ) => {
    await hands.type(await dialog.findByRole("textbox", { name: /^Code/ }), "X-7");
    await hands.type(dialog.getByRole("textbox", { name: /^Chinese name/ }), "沙丘修复");
    await hands.click(dialog.getByRole("button", { name: "Make" }));
  };

  it.each([
    ["the public", null],
    ["a viewer", ["read"] as const],
    ["who may write other things", ["read", "write"] as const],
  ])("is not offered to %s", async (_, scopes) => {
    serve(answers);
    open(<Projects />, { scopes });
    await names();
    expect(screen.queryByRole("button", { name: "New project" })).toBeNull();
  });
  it("is sent with region, plan and year filled in, and opened when it is made", async () => {
    const sent = serve(creating(withHeaders(made, {}, 201)));
    const hands = open(<Projects />, planner);
    await fill(hands, await begin(hands));
    expect(await screen.findByRole("heading", { name: "Dunes" })).toBeTruthy();
    const post = sent.find(({ method }) => method === "POST");
    expect(post?.body).toEqual({
      type: "Feature",
      geometry: null,
      properties: {
        code: "X-7",
        name_zh: "沙丘修复",
        region: "xiamen",
        plan: "xiamen-1",
        start_year: expect.any(Number),
      },
    });
    expect(post?.headers.get("X-CSRF-Token")).toBe("proof");
    expect(post?.headers.get("Idempotency-Key")).toMatch(/^[\da-f-]{36}$/);
    expect(localStorage.getItem("shanhai.draft.projects.new")).toBeNull();
  });
  it("offers plans by their names", async () => {
    serve(answers);
    const hands = open(<Projects />, planner);
    const dialog = await begin(hands);
    const plans = await dialog.findByRole("combobox", { name: "Plan" });
    expect(within(plans).getAllByRole("option")[0]?.textContent).toBe("(of no plan)");
  });
  it("asks for no state: projects begin where all do", async () => {
    serve(answers);
    const hands = open(<Projects />, planner);
    const dialog = await begin(hands);
    await dialog.findByRole("textbox", { name: /^Code/ });
    expect(dialog.queryByLabelText(/State/)).toBeNull();
    expect(dialog.queryByLabelText(/Annotations/)).toBeNull();
  });
  it("is not sent before what is needed is there", async () => {
    const sent = serve(creating(null));
    const hands = open(<Projects />, planner);
    const dialog = await begin(hands);
    await dialog.findByRole("textbox", { name: /^Code/ });
    await hands.click(dialog.getByRole("button", { name: "Make" }));
    expect(sent.some(({ method }) => method === "POST")).toBe(false);
  });
  it("shows at its field what was refused, and is the same one when it is sent again", async () => {
    let wrong = true;
    const sent = serve(
      creating(() =>
        wrong
          ? refused(400, "the project is not valid", [
              { pointer: "/properties/code", detail: "there is a project with this code" },
            ])
          : withHeaders(made, {}, 201),
      ),
    );
    const hands = open(<Projects />, planner);
    const dialog = await begin(hands);
    await fill(hands, dialog);
    await waitFor(() => expect(dialog.getByText("the project is not valid")).toBeTruthy());
    const code = dialog.getByRole("textbox", { name: /^Code/ });
    expect(code.getAttribute("aria-invalid")).toBe("true");
    const described = code.getAttribute("aria-describedby")?.split(" ").at(-1) ?? "";
    expect(document.getElementById(described)?.textContent).toBe(
      "there is a project with this code",
    );
    expect((code as HTMLInputElement).value).toBe("X-7");
    wrong = false;
    await hands.click(dialog.getByRole("button", { name: "Make" }));
    await screen.findByRole("heading", { name: "Dunes" });
    const keys = sent
      .filter(({ method }) => method === "POST")
      .map(({ headers }) => headers.get("Idempotency-Key"));
    expect(keys).toHaveLength(2);
    expect(keys[0]).toBe(keys[1]);
  });
  it("is still there when its dialog is opened again, and can be thrown away", async () => {
    serve(answers);
    const hands = open(<Projects />, planner);
    const dialog = await begin(hands);
    await hands.type(await dialog.findByRole("textbox", { name: /^Chinese name/ }), "沙丘");
    await hands.click(dialog.getByRole("button", { name: "Close" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    const second = await begin(hands);
    const name = () => second.findByRole<HTMLInputElement>("textbox", { name: /^Chinese name/ });
    expect((await name()).value).toBe("沙丘");
    await hands.click(second.getByRole("button", { name: "Throw away" }));
    expect((await name()).value).toBe("");
    expect(second.queryByText(/What you had not saved/)).toBeNull();
  });
  it("tells why there is no form, and asks for it again", async () => {
    let down = true;
    serve({
      ...answers,
      "GET /collections/projects/schema": (asked) =>
        down ? refused(503, "try later") : (schema as (one: typeof asked) => object)(asked),
    });
    const hands = open(<Projects />, { ...planner, lang: "zh" });
    await cellsOf("项目");
    await hands.click(screen.getByRole("button", { name: "新建项目" }));
    const dialog = within(await screen.findByRole("dialog", { name: "新建项目" }));
    expect(await dialog.findByText("try later")).toBeTruthy();
    down = false;
    await hands.click(dialog.getByRole("button", { name: "重试" }));
    expect(await dialog.findByRole("textbox", { name: /^中文名称/ })).toBeTruthy();
  });
});
