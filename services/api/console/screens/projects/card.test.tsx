import { describe, expect, it } from "vitest";
import { cellsOf, naming, open, refused, screen, serve, waitFor, within } from "../../kit/testing";
import { ProjectCard } from "./card";
import Projects from "./projects";
import { dossier, effect, feature, ledger, page } from "./testing";

const tabs = () => screen.getAllByRole("tab").map(({ textContent }) => textContent);

describe("a project's card", () => {
  it("says what it is called, where it stands, and by which code it is known", async () => {
    serve({ "GET /projects/P1": dossier() });
    open(<ProjectCard code="P1" />);
    expect(await screen.findByRole("heading", { name: "Mangroves of Xiatanwei" })).toBeTruthy();
    const track = screen.getByRole("list", { name: "Where the project stands" });
    expect(
      within(track)
        .getAllByRole("listitem")
        .map((one) => one.textContent),
    ).toEqual(["Draft", "Proposed", "Approved"]);
    expect(within(track).getByText("Proposed").getAttribute("aria-current")).toBe("step");
    expect(within(track).getByText("Draft").getAttribute("aria-current")).toBeNull();
    expect(screen.getByText("P1").tagName).toBe("CODE");
  });
  it("is called by its Chinese name in Chinese", async () => {
    serve({ "GET /projects/P1": dossier({ state_name: "已申报" }) });
    open(<ProjectCard code="P1" />, { lang: "zh" });
    expect(await screen.findByRole("heading", { name: "下潭尾红树林" })).toBeTruthy();
    expect(tabs()).toEqual(["步骤", "基本信息", "措施", "文件", "成效", "经过"]);
  });
  it("has a ledger only for those whom the service shows the money", async () => {
    const { project, links, ...funds } = ledger();
    let shown = false;
    serve({ "GET /projects/P1": () => dossier(shown ? { funds } : {}) });
    open(<ProjectCard code="P1" />);
    await screen.findAllByRole("tab");
    expect(tabs()).not.toContain("Funds");
    shown = true;
    open(<ProjectCard code="P1" />, { scopes: ["read"] });
    await waitFor(() => expect(tabs()).toContain("Funds"));
  });
  it("asks for a code as it is, whatever signs it has", async () => {
    const sent = serve({ "GET /projects/{}": dossier({ project: "A b/7" }) });
    open(<ProjectCard code="A b?7" />);
    await screen.findByRole("heading", { name: "Mangroves of Xiatanwei" });
    expect(sent[0]?.path).toBe("/projects/A b?7");
  });
  it("tells that there is no such project, with a way back", async () => {
    serve({ "GET /projects/P9": refused(404, "there is no project 'P9'") });
    open(<ProjectCard code="P9" />);
    expect((await screen.findByRole("alert")).textContent).toContain("there is no project 'P9'");
    expect(screen.getByRole("link", { name: "← Register" }).getAttribute("href")).toBe(
      "/console/projects",
    );
    expect(screen.queryByRole("tab")).toBeNull();
  });
  it("moves between its parts by arrows, around the ends", async () => {
    serve({ "GET /projects/P1": dossier(), "GET /projects/P1/effect": effect() });
    const hands = open(<ProjectCard code="P1" />);
    (await screen.findByRole("tab", { name: "Steps" })).focus();
    await hands.keyboard("{ArrowLeft}");
    const history = screen.getByRole("tab", { name: "History" });
    expect(document.activeElement).toBe(history);
    expect(history.getAttribute("aria-selected")).toBe("true");
    await hands.keyboard("{ArrowLeft}");
    expect(screen.getByRole("tab", { name: "Effect" }).getAttribute("aria-selected")).toBe("true");
    expect(await screen.findByText("Nothing is known of its effect yet.")).toBeTruthy();
  });
  it("leads back to the register", async () => {
    serve({
      "GET /projects/P1": dossier(),
      "GET /collections/projects/items": page([feature("P1")]),
    });
    const hands = open(<Projects />, { query: "project=P1" });
    await hands.click(await screen.findByRole("link", { name: "← Register" }));
    expect(await cellsOf("Projects")).toHaveLength(1);
  });
});

describe("the history of a project", () => {
  const events = [
    {
      seq: 1,
      from: "draft",
      from_name: "Draft",
      to: "proposed",
      to_name: "Proposed",
      at: "2024-05-06T02:00:00Z",
      actor: "account:7",
      note: "drawings attached",
      documents: [],
    },
    {
      seq: 2,
      from: "proposed",
      from_name: "Proposed",
      to: "approved",
      to_name: "Approved",
      at: "2024-06-30T16:30:00Z",
      actor: null,
      note: null,
      documents: [],
    },
  ];
  it("tells each step by the bureau's clock, with who took it and why", async () => {
    serve({
      "GET /projects/P1": dossier({ events }),
      "GET /actors": naming({ "account:7": "Li Wei" }),
    });
    const hands = open(<ProjectCard code="P1" />, { scopes: ["read"] });
    await hands.click(await screen.findByRole("tab", { name: "History" }));
    expect((await screen.findByText("Li Wei")).title).toBe("account:7");
    expect(await cellsOf("History")).toEqual([
      ["2024-05-06 10:00", "Draft → Proposed", "drawings attached", "Li Wei"],
      // The night in London is the next day in Xiamen.
      ["2024-07-01 00:30", "Proposed → Approved", "", ""],
    ]);
  });
  it("of a project that has taken none is empty", async () => {
    serve({ "GET /projects/P1": dossier() });
    const hands = open(<ProjectCard code="P1" />, { lang: "zh" });
    await hands.click(await screen.findByRole("tab", { name: "经过" }));
    expect(screen.getByText("没有记录")).toBeTruthy();
  });
});
