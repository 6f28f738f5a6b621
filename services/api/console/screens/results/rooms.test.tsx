import { describe, expect, it } from "vitest";
import { type Answer, open, refused, type Sent, screen, serve, waitFor } from "../../kit/testing";
import { jobOf } from "../../kit/testing_jobs";
import { Reports } from "./reports";
import Results from "./results";

const collection = { type: "FeatureCollection", features: [], links: [] };
const answers: Record<string, Answer> = {
  "GET /tiles/layers": { layers: [] },
  "GET /processes/compose-map-sheet": { id: "compose-map-sheet", inputs: {} },
  "GET /collections/{}/items": collection,
  "GET /jobs": { jobs: [], links: [] },
  "GET /bulletins": { bulletins: [], links: [] },
  "GET /health": { status: "ok", version: "1", suite: "international", checks: {} },
  "GET /bulletin-templates": { templates: [], links: [] },
  "GET /accounts": { accounts: [], links: [] },
};
const tabs = () => screen.getAllByRole("tab").map(({ textContent }) => textContent);
type Who = Parameters<typeof open>[1];
const everybody = ["Map sheets", "Bulletins"];
const signedIn = ["Map sheets", "Reports", "Bulletins", "Templates"];

describe("what is open to whom", () => {
  it.each<[string, Who, string[]]>([
    ["the public", {}, everybody],
    [
      "a viewer",
      { scopes: ["read"], roles: [{ role: "viewer", region: "xiamen" }] },
      [...signedIn, "System"],
    ],
    [
      "an analyst",
      { scopes: ["read", "jobs"], roles: [{ role: "analyst", region: "xiamen" }] },
      [...signedIn, "Queue", "System"],
    ],
    [
      "a planner, who makes webhooks but no subscriptions",
      { scopes: ["read", "write"], roles: [{ role: "planner", region: "xiamen" }] },
      [...signedIn, "Webhooks", "System"],
    ],
    [
      "an approver, who makes no webhooks",
      { scopes: ["read", "write"], roles: [{ role: "approver", region: "xiamen" }] },
      [...signedIn, "System"],
    ],
    [
      "an auditor of everywhere",
      { scopes: ["read"], roles: [{ role: "auditor", region: null }] },
      [...signedIn, "Audit", "System"],
    ],
    [
      "an auditor of a region, whose log has none",
      { scopes: ["read"], roles: [{ role: "auditor", region: "xiamen" }] },
      [...signedIn, "System"],
    ],
    [
      "an administrator",
      { scopes: ["admin"], roles: [{ role: "admin", region: null }] },
      [...signedIn, "Accounts", "Keys", "Webhooks", "Subscriptions", "Audit", "Queue", "System"],
    ],
  ])("%s", (_, who, shown) => {
    serve(answers);
    open(<Results />, { ...who, query: "tab=bulletins" });
    expect(tabs()).toEqual(shown);
  });

  it("a tab of an address that is not one's own asks for nothing", () => {
    const sent = serve(answers);
    open(<Results />, { scopes: ["read"], query: "tab=accounts" });
    expect(screen.getByText("Sign in with a role that sees this.")).toBeTruthy();
    expect(sent).toEqual([]);
  });
});

describe("the rooms", () => {
  it("are reached by arrows, and stand in the address", async () => {
    serve(answers);
    const hands = open(<Results />, { scopes: ["admin"], query: "tab=templates" });
    screen.getByRole("tab", { name: "Templates" }).focus();
    await hands.keyboard("{ArrowRight}");
    await waitFor(() => expect(location.search).toBe("?tab=accounts"));
    expect(screen.getByRole("tab", { name: "Accounts" }).getAttribute("aria-selected")).toBe(
      "true",
    );
    expect(await screen.findByRole("button", { name: "Invite somebody" })).toBeTruthy();
  });

  it("begin with the sheets", async () => {
    serve(answers);
    open(<Results />, { lang: "zh" });
    expect(screen.getByRole("tab", { name: "图件" }).getAttribute("aria-selected")).toBe("true");
    expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("成果与管理");
  });
});

describe("reports", () => {
  const assess = jobOf("j1", "assess", {
    status: "successful",
    finished: "2026-03-01T00:00:00Z",
  });
  const process = (id: string, title: string, outputs: string[]): Record<string, Answer> => ({
    [`GET /processes/${id}`]: {
      id,
      title,
      outputs: Object.fromEntries(outputs.map((name) => [name, {}])),
    },
  });
  const told = {
    "GET /processes": {
      processes: [
        { id: "assess", title: "Assess services" },
        { id: "account", title: "Account GEP" },
        { id: "echo", title: "Echo" },
      ],
    },
    ...process("assess", "Assess services", ["map", "report", "report_pdf", "report_docx"]),
    ...process("account", "Account GEP", ["report"]),
    ...process("echo", "Echo", ["echo"]),
    "GET /jobs": { jobs: [assess], links: [] },
  };
  const show = (more: Record<string, Answer> = {}) => {
    const sent = serve({ ...told, ...more });
    const hands = open(<Reports />, { scopes: ["read"] });
    return { hands, jobs: () => sent.filter(({ path }) => path === "/jobs") };
  };

  it("lead to the documents that the process leaves, in the language of the reader", async () => {
    show();
    const row = (await screen.findByText("2026-03-01 08:00")).closest("tr");
    const links = [...(row?.querySelectorAll("a") ?? [])].slice(1);
    expect(links.map((link) => [link.textContent, link.getAttribute("href")])).toEqual(
      (
        [
          ["HTML", "report"],
          ["PDF", "report_pdf"],
          ["DOCX", "report_docx"],
        ] as const
      ).map(([form, name]) => [form, `${location.origin}/jobs/j1/results/${name}?lang=en`]),
    );
  });

  it("are asked of the processes that leave some, or of one", async () => {
    const { hands, jobs } = show();
    await screen.findByText("2026-03-01 08:00");
    expect(jobs()[0]?.query.getAll("processID")).toEqual(["assess", "account"]);
    expect(jobs()[0]?.query.getAll("status")).toEqual(["successful"]);
    const choice = screen.getByLabelText<HTMLSelectElement>("Process");
    expect([...choice.options].map(({ text }) => text)).not.toContain("Echo");
    await hands.selectOptions(choice, "account");
    await waitFor(() => expect(jobs().at(-1)?.query.getAll("processID")).toEqual(["account"]));
  });

  it("say that there are none yet", async () => {
    show({ "GET /jobs": { jobs: [], links: [] } });
    expect(await screen.findByText("No job has left a report yet.")).toBeTruthy();
  });

  it("are of no job where no process leaves any", async () => {
    const { jobs } = show({ "GET /processes": { processes: [{ id: "echo", title: "Echo" }] } });
    expect(await screen.findByText("No job has left a report yet.")).toBeTruthy();
    expect(jobs()).toEqual([]);
  });

  it("say where the processes cannot be read, and are asked for again", async () => {
    let down = true;
    const { hands } = show({
      "GET /processes/echo": (_: Sent) =>
        down ? refused(503, "it is starting") : { id: "echo", outputs: {} },
    });
    await screen.findByText("it is starting");
    down = false;
    await hands.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByText("2026-03-01 08:00")).toBeTruthy();
  });
});
