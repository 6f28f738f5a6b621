import type { Polygon } from "geojson";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Schema } from "../../kit/api";
import { keep } from "../../kit/kept";
import { maps } from "../../kit/map/testing";
import type { Scope } from "../../kit/session";
import {
  type Answer,
  cleanup,
  fireEvent,
  open,
  refused,
  screen,
  waitFor,
  within,
} from "../../kit/testing";
import { Notices } from "../../kit/ui";
import Compliance from "./compliance";
import {
  checkButton,
  checked,
  EXECUTION,
  gap,
  hit,
  REQUESTS,
  refusedCheck,
  request,
  requestsOf,
  SITE,
  serveChecks,
} from "./testing";
import type { Check } from "./verdict";

interface As {
  lang?: "zh" | "en";
  scopes?: readonly Scope[];
  roles?: readonly Schema<"RoleHeld">[];
  answers?: Record<string, Answer>;
}
const APPROVER: As = { scopes: ["read", "write"], roles: [{ role: "approver", region: "xiamen" }] };
const PLANNER: As = { scopes: ["read", "write"], roles: [{ role: "planner", region: "xiamen" }] };

/** A verdict on the screen. */
async function judged(result: Check, { answers = {}, ...who }: As = {}) {
  keep("draft.compliance", SITE);
  const sent = serveChecks({ [EXECUTION]: { result }, ...answers });
  const hands = open(
    <>
      <Compliance />
      <Notices />
    </>,
    who,
  );
  await hands.click(checkButton());
  const opinion = await screen.findByRole("region", { name: /^(Opinion|审查意见)$/ });
  return { hands, sent, opinion: within(opinion), text: () => opinion.textContent ?? "" };
}

describe("the verdict", () => {
  it("is told with its reasons and the size in the three units", async () => {
    const { opinion } = await judged(refusedCheck());
    expect(opinion.getByRole("heading", { name: "Verdict Refused" })).toBeTruthy();
    expect(opinion.getByText("Building is forbidden within the red line")).toBeTruthy();
    expect(opinion.getByText("1.5000 ha · 0.015000 km² · 22.500 mu")).toBeTruthy();
  });
  it("is told in Chinese without a code", async () => {
    const { opinion, text } = await judged(refusedCheck(), { lang: "zh" });
    expect(opinion.getByText("红线内禁止开发建设")).toBeTruthy();
    expect(opinion.getByText("1.5000 公顷 · 0.015000 平方公里 · 22.500 亩")).toBeTruthy();
    expect(text()).not.toMatch(/[a-z]+_[a-z]+/);
  });
  it("is read out where it comes", async () => {
    await judged(checked());
    expect(screen.getByRole("region", { name: "Opinion" }).getAttribute("aria-live")).toBe(
      "polite",
    );
  });
  it.each([
    ["pass", "good"],
    ["conditional", "warn"],
    ["undetermined", "warn"],
    ["refused", "bad"],
  ] as const)("%s has a colour of its meaning", async (verdict, tone) => {
    const { opinion } = await judged(checked({ verdict, verdict_en: "The verdict" }));
    expect(opinion.getByText("The verdict").classList.contains(tone)).toBe(true);
  });
  it("of a line has its length", async () => {
    const { opinion } = await judged(
      checked({ geometry: { length_m: 1234.56, vertices: 2, sha256: "0" } }),
    );
    expect(opinion.getByText("1,234.6 m")).toBeTruthy();
  });
});

describe("what lies where", () => {
  const line: Check["lines"][number] = {
    kind: "ecological_redline",
    name_zh: "生态保护红线",
    name_en: "Ecological red line",
    area_m2: 5000,
    area_ha: 0.5,
    area_km2: 0.005,
    area_mu: 7.5,
    share_percent: 33.3333,
    areas: [
      {
        code: "xm/red 1",
        name_zh: "坂头",
        name_en: "Bantou",
        level_zh: "国家级",
        level_en: "national",
        legal_basis: "国函〔2021〕1号",
      },
    ],
  };
  const zone: Check["zones"][number] = {
    scheme: "xm",
    class: "a",
    name_zh: "保育区",
    name_en: "Conservation",
    color: "#228844",
    requirement_zh: "以自然恢复为主",
    requirement_en: "Left to nature",
    zones: ["z1"],
    area_m2: 15_000,
    area_ha: 1.5,
    area_km2: 0.015,
    area_mu: 22.5,
    share_percent: 100,
  };
  it("is listed with share, size and a way to each area", async () => {
    const { opinion } = await judged(checked({ lines: [line], zones: [zone] }));
    expect(opinion.getByText("33.33%")).toBeTruthy();
    expect(opinion.getByText("0.5000 ha · 0.005000 km² · 7.500 mu")).toBeTruthy();
    const area = opinion.getByRole("link", { name: "Bantou" });
    expect(new URL(area.getAttribute("href") ?? "").pathname).toBe(
      "/collections/control_areas/items/xm%2Fred%201",
    );
    expect(area.closest("li")?.textContent).toBe("Bantou national 国函〔2021〕1号");
    expect(opinion.getByText("Left to nature")).toBeTruthy();
    expect(opinion.getByText("100.00%")).toBeTruthy();
  });
  it("is drawn on the map: what lies in lines, or one overlap alone", async () => {
    const square = (west: number): Polygon => ({
      type: "Polygon",
      coordinates: [
        [
          [west, 24],
          [west + 0.1, 24],
          [west + 0.1, 24.1],
          [west, 24],
        ],
      ],
    });
    const [inLine, inZone] = [square(118.2), square(118.3)];
    const { hands } = await judged(
      checked({
        lines: [{ ...line, areas: line.areas.map((area) => ({ ...area, geometry: inLine })) }],
        zones: [{ ...zone, geometry: inZone }],
      }),
    );
    const drawn = () =>
      maps[0]?.getSource("overlay")?.data?.features.map(({ geometry }) => geometry);
    await waitFor(() => expect(drawn()).toEqual([inLine]));
    const look = screen.getByRole("button", { name: "Show on the map: Conservation" });
    await hands.click(look);
    await waitFor(() => expect(drawn()).toEqual([inZone]));
    expect(look.getAttribute("aria-pressed")).toBe("true");
    await hands.click(look);
    await waitFor(() => expect(drawn()).toEqual([inLine]));
    // Of another site nothing is known yet.
    await hands.click(screen.getByRole("tab", { name: "File" }));
    await waitFor(() => expect(drawn()).not.toContainEqual(inLine));
  });
  it("has no share where the two do not compare", async () => {
    const { text } = await judged(checked({ lines: [{ ...line, share_percent: null }] }));
    expect(text()).not.toContain("%");
  });
  it("may be nothing that is drawn", async () => {
    const { opinion } = await judged(checked(), { lang: "zh" });
    expect(opinion.getByText("不与已绘制的管控线和分区重叠。")).toBeTruthy();
    expect(opinion.queryByRole("heading", { name: "适用规则" })).toBeNull();
    expect(opinion.queryByRole("heading", { name: "尚不清楚" })).toBeNull();
  });
});

describe("the rules", () => {
  const only = async (change: Parameters<typeof hit>[0], who: As = {}) =>
    judged(refusedCheck(hit(change)), who);
  it("have their basis and their text", async () => {
    const { opinion } = await only({});
    expect(opinion.getByText("自然资发〔2022〕142号 No development within the line")).toBeTruthy();
    expect(opinion.getByText("Forbidden").classList.contains("bad")).toBe(true);
  });
  it("say what is presumed, and what the bureau has not confirmed", async () => {
    const { text } = await only({ presumed: true, confirm: true });
    expect(text()).toContain("Development and building (presumed)");
    expect(text()).toContain("(to be confirmed)");
  });
  it("name their conditions, and which of them somebody must judge", async () => {
    const { opinion } = await only({
      conditions: [
        { code: "a", name_zh: "已论证", name_en: "Argued for", judged: false },
        { code: "b", name_zh: "占补平衡", name_en: "Balanced", judged: true },
      ],
    });
    expect(opinion.getByText("Argued for").textContent).toContain("(for somebody to judge)");
    expect(opinion.getByText("Balanced").textContent).toBe("Balanced");
  });
  it("that only encourage weigh nothing", async () => {
    const { opinion } = await only({ severity: "info", decision_en: "Encouraged" });
    expect(opinion.getByText("Encouraged").classList.contains("plain")).toBe(true);
  });
  it("are told for each activity that they are about", async () => {
    const { opinion } = await judged(
      refusedCheck(hit(), hit({ activity_zh: "采矿", activity_en: "Mining" })),
    );
    expect(opinion.getByText(/· Mining/)).toBeTruthy();
    expect(opinion.getByText(/· Development and building/)).toBeTruthy();
  });
  it("that are lifted name the exception, and offer no other", async () => {
    const { opinion } = await only({ excepted: true, exceptions: ["exception-1f"] }, APPROVER);
    expect(opinion.getByText("exception-1f")).toBeTruthy();
    expect(opinion.queryByRole("button", { name: "Give an exception" })).toBeNull();
    expect(opinion.getByText("Forbidden").classList.contains("plain")).toBe(true);
  });
});

describe("an exception", () => {
  const offered = () => screen.queryByRole("button", { name: "Give an exception" });
  const GIVEN: Record<string, Answer> = {
    "POST /compliance/exceptions": Response.json({ code: "exception-1f" }, { status: 201 }),
  };
  async function form(who: As = {}, result: Check = refusedCheck()) {
    const opened = await judged(result, { ...APPROVER, ...who });
    await opened.hands.click(screen.getByRole("button", { name: /Give an exception|Decide/ }));
    const dialog = within(await screen.findByRole("dialog"));
    const given = () => opened.sent.filter(({ path }) => path === "/compliance/exceptions");
    return { ...opened, dialog, given };
  }

  it.each<[string, As, boolean]>([
    ["the public", {}, false],
    ["a viewer", { scopes: ["read"], roles: [{ role: "viewer", region: "xiamen" }] }, false],
    ["a planner", PLANNER, false],
    ["an approver", APPROVER, true],
    [
      "an approver of projects",
      { scopes: ["read", "projects"], roles: [{ role: "approver", region: "xiamen" }] },
      true,
    ],
    [
      "an approver who only reads",
      { scopes: ["read"], roles: [{ role: "approver", region: "xiamen" }] },
      false,
    ],
    ["an administrator", { scopes: ["admin"], roles: [{ role: "admin", region: null }] }, true],
  ])("is offered to %s as the service allows it", async (_, who, yes) => {
    await judged(checked({ hits: [hit()], gaps: [gap()] }), who);
    expect(Boolean(offered())).toBe(yes);
    expect(Boolean(screen.queryByRole("button", { name: "Decide" }))).toBe(yes);
  });
  it("is told to others to be the approver's", async () => {
    const viewer: As = { scopes: ["read"], roles: [{ role: "viewer", region: "xiamen" }] };
    const { opinion, sent } = await judged(refusedCheck(), viewer);
    expect(opinion.getByText(/An approver of the region gives exceptions/)).toBeTruthy();
    expect(opinion.queryByRole("button", { name: "Request an exception" })).toBeNull();
    expect(sent.filter(({ path }) => path.includes("exception"))).toEqual([]);
  });
  it("is given for the site with its reason, and the verdict asked for again", async () => {
    let excepted = false;
    const { hands, sent, dialog, given } = await form({
      answers: {
        [EXECUTION]: () => ({
          result: excepted
            ? checked({ hits: [hit({ excepted: true, exceptions: ["exception-1f"] })] })
            : refusedCheck(),
        }),
        "POST /compliance/exceptions": () => {
          excepted = true;
          return Response.json({ code: "exception-1f" }, { status: 201 });
        },
      },
    });
    await hands.type(dialog.getByLabelText(/Reason/), "A dam of national weight");
    fireEvent.input(dialog.getByLabelText("First day"), { target: { value: "2026-04-01" } });
    await hands.click(dialog.getByRole("button", { name: "Give" }));
    expect(await screen.findByText("exception-1f")).toBeTruthy();
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(given()[0]?.body).toEqual({
      rule: "national.redline.development",
      geometry: SITE,
      region: "xiamen",
      reason: "A dam of national weight",
      valid_from: "2026-04-01",
    });
    expect(given()[0]?.headers.get("Idempotency-Key")).toMatch(/^[0-9a-f-]{36}$/);
    expect(given()[0]?.headers.get("X-CSRF-Token")).toBe("proof");
    expect(sent.filter(({ path }) => path.endsWith("/execution"))).toHaveLength(2);
    expect(screen.getByText("The exception is given")).toBeTruthy();
  });
  describe("is of the region that answers for the site", () => {
    const lying = (...codes: string[]): Record<string, Answer> => ({
      ...GIVEN,
      "GET /identify": { features: codes.map((id) => ({ id })) },
    });
    const everywhere: As = {
      scopes: ["read", "write"],
      roles: [{ role: "approver", region: null }],
    };
    const chosen = (dialog: Awaited<ReturnType<typeof form>>["dialog"]) =>
      dialog.getByLabelText<HTMLSelectElement>(/Region that answers/);

    it.each<[string, string[], Check, string]>([
      ["the one it lies in, whatever one works on", ["banan"], refusedCheck(), "banan"],
      [
        "the one that one works on, if it lies there",
        ["xiamen.a", "xiamen"],
        refusedCheck(),
        "xiamen",
      ],
      ["the smallest elsewhere", ["cq", "cq.banan.a", "cq.banan"], refusedCheck(), "cq.banan.a"],
      [
        "the one whose line is not drawn",
        ["xiamen", "xiamen.a"],
        checked({ gaps: [gap({ region: "xiamen.a" })] }),
        "xiamen.a",
      ],
    ])("at first %s", async (_, codes, result, region) => {
      const { hands, dialog, given, sent } = await form(
        { ...everywhere, answers: lying(...codes) },
        result,
      );
      expect(chosen(dialog).value).toBe(region);
      const asked = sent.find(({ path }) => path === "/identify")?.query;
      expect([asked?.get("lon"), asked?.get("lat"), asked?.get("tolerance_m")]).toEqual([
        "118.0750000",
        "24.0500000",
        "0",
      ]);
      await hands.type(dialog.getByLabelText(/Reason/), "A dam");
      await hands.click(dialog.getByRole("button", { name: "Give" }));
      await waitFor(() => expect(given()[0]?.body).toMatchObject({ region, geometry: SITE }));
    });
    it("or another one it lies in, where one's role is", async () => {
      const { hands, dialog, given } = await form({
        ...everywhere,
        roles: [{ role: "approver", region: "xiamen" }],
        answers: lying("banan", "xiamen", "xiamen.a"),
      });
      const offered = [...chosen(dialog).options].map(({ value }) => value).filter(Boolean);
      expect(offered).toEqual(["xiamen.a", "xiamen"]);
      await hands.selectOptions(chosen(dialog), "xiamen.a");
      await hands.type(dialog.getByLabelText(/Reason/), "A dam");
      await hands.click(dialog.getByRole("button", { name: "Give" }));
      await waitFor(() => expect(given()[0]?.body).toMatchObject({ region: "xiamen.a" }));
    });
    it("and says so to those whose roles are elsewhere", async () => {
      const { dialog } = await form({ answers: lying("banan") });
      expect(
        dialog.getByText("Your roles are not in the region of this place (banan)."),
      ).toBeTruthy();
      expect(dialog.queryByRole("button", { name: "Give" })).toBeNull();
    });
    it("which is asked for again where that is refused", async () => {
      let down = true;
      const { hands, dialog } = await form({
        answers: {
          ...GIVEN,
          "GET /identify": () =>
            down ? refused(503, "not now") : { features: [{ id: "xiamen" }] },
        },
      });
      expect(dialog.getByText("not now")).toBeTruthy();
      down = false;
      await hands.click(dialog.getByRole("button", { name: "Try again" }));
      expect(
        ((await dialog.findByLabelText(/Region that answers/)) as HTMLSelectElement).value,
      ).toBe("xiamen");
    });
  });
  it("decides about what is not known, by its code", async () => {
    const { hands, dialog, given } = await form({ answers: GIVEN }, checked({ gaps: [gap()] }));
    await hands.type(dialog.getByLabelText(/Reason/), "Far from the coast");
    await hands.click(dialog.getByRole("button", { name: "Give" }));
    await waitFor(() => expect(given()).toHaveLength(1));
    expect(given()[0]?.body).toMatchObject({
      gap: "not_drawn:coastal_protection_line:xiamen",
      reason: "Far from the coast",
    });
    expect(given()[0]?.body).not.toHaveProperty("rule");
  });
  it("is not asked for again of what was decided", async () => {
    await judged(checked({ gaps: [gap({ decided: true })] }), APPROVER);
    expect(screen.getByText("Not drawn").classList.contains("plain")).toBe(true);
    expect(screen.queryByRole("button", { name: "Decide" })).toBeNull();
  });
  it("is not sent without a reason", async () => {
    const { hands, dialog, given } = await form();
    await hands.click(dialog.getByRole("button", { name: "Give" }));
    expect(given()).toEqual([]);
    expect(screen.getByRole("dialog")).toBeTruthy();
  });
  it("that is refused says so at its field, keeps the words, and is another request then", async () => {
    const { hands, dialog, given } = await form({
      answers: {
        "POST /compliance/exceptions": refused(400, "valid_to must be after valid_from", [
          { pointer: "/valid_to", detail: "it must be after the first day" },
        ]),
      },
    });
    await hands.type(dialog.getByLabelText(/Reason/), "Because");
    fireEvent.input(dialog.getByLabelText("Day after the last"), {
      target: { value: "2020-01-01" },
    });
    await hands.click(dialog.getByRole("button", { name: "Give" }));
    const last = dialog.getByLabelText("Day after the last");
    await waitFor(() => expect(last.getAttribute("aria-invalid")).toBe("true"));
    expect(dialog.getByLabelText<HTMLTextAreaElement>(/Reason/).value).toBe("Because");
    await hands.click(dialog.getByRole("button", { name: "Give" }));
    await waitFor(() => expect(given()).toHaveLength(2));
    const [one, other] = given().map(({ headers }) => headers.get("Idempotency-Key"));
    expect(one).not.toBe(other);
  });
  it("is given once, though its answer was lost on the way", async () => {
    let lost = true;
    const { hands, dialog, given } = await form({ answers: GIVEN });
    const before = globalThis.fetch;
    globalThis.fetch = async (...asked) => {
      const answer = await before(...asked);
      const { url } = asked[0] as Request;
      if (lost && url.endsWith("/compliance/exceptions")) throw new TypeError("network");
      return answer;
    };
    await hands.type(dialog.getByLabelText(/Reason/), "Because");
    await hands.click(dialog.getByRole("button", { name: "Give" }));
    expect(await dialog.findByText(/does not answer/)).toBeTruthy();
    lost = false;
    await hands.click(dialog.getByRole("button", { name: "Give" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    const [one, other] = given().map(({ headers }) => headers.get("Idempotency-Key"));
    expect(one).toBe(other);
  });
  it("is let be by closing the form", async () => {
    const { hands, dialog, given } = await form();
    await hands.click(dialog.getByRole("button", { name: "Close" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(given()).toEqual([]);
  });
});

describe("a request for an exception", () => {
  const SENT = "POST /compliance/exception-requests";
  const button = (words = "Request an exception") => screen.findByRole("button", { name: words });

  it.each([
    ["a rule", checked({ hits: [hit()] }), { rule: "national.redline.development" }],
    ["a gap", checked({ gaps: [gap()] }), { gap: "not_drawn:coastal_protection_line:xiamen" }],
  ])("is sent by a planner for %s, and waits there", async (_, result, about) => {
    let waits = false;
    const { hands, sent, opinion } = await judged(result, {
      ...PLANNER,
      answers: {
        [REQUESTS]: () =>
          requestsOf(...(waits ? [request({ rule: null, gap: null, ...about })] : [])),
        [SENT]: () => {
          waits = true;
          return Response.json(request(), { status: 201 });
        },
      },
    });
    expect(screen.queryByRole("button", { name: /Give an exception|Decide/ })).toBeNull();
    await hands.click(await button());
    const dialog = within(await screen.findByRole("dialog"));
    expect(dialog.queryByLabelText("Document of the decision")).toBeNull();
    await hands.type(dialog.getByLabelText(/Reason/), "A dam");
    await hands.click(dialog.getByRole("button", { name: "Send the request" }));
    expect(await opinion.findByText("Requested, waiting for a decision")).toBeTruthy();
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(screen.queryByRole("button", { name: "Request an exception" })).toBeNull();
    const [one] = sent.filter(({ method, path }) => `${method} ${path}` === SENT);
    expect(one?.body).toMatchObject({
      ...about,
      geometry: SITE,
      region: "xiamen",
      reason: "A dam",
    });
    expect(one?.headers.get("Idempotency-Key")).toMatch(/^[0-9a-f-]{36}$/);
    const asked = sent.find(({ method, path }) => `${method} ${path}` === REQUESTS);
    expect(Object.fromEntries(asked?.query ?? [])).toEqual({
      state: "requested",
      geometry_sha256: "0a1b",
    });
    // The verdict is what it was: a request lifts nothing.
    expect(sent.filter(({ path }) => path.endsWith("/execution"))).toHaveLength(1);
  });
  it("is said in Chinese without a code", async () => {
    const { text } = await judged(refusedCheck(), {
      ...PLANNER,
      lang: "zh",
      answers: { [REQUESTS]: requestsOf(request()) },
    });
    expect(await screen.findByText("已申请，待批准")).toBeTruthy();
    expect(text()).not.toMatch(/[a-z]+_[a-z]+/);
  });
  it("leaves the decision to the approver, who sees it there", async () => {
    const { opinion } = await judged(refusedCheck(), {
      ...APPROVER,
      answers: { [REQUESTS]: requestsOf(request()) },
    });
    expect(await opinion.findByText("Requested, waiting for a decision")).toBeTruthy();
    expect(await button("Give an exception")).toBeTruthy();
  });
  it.each([
    ["another rule", { rule: "another" }],
    ["a project that has the same shape", { project: "p-1", project_name: "A project" }],
  ])("that is about %s changes nothing here", async (_, change) => {
    const { opinion } = await judged(refusedCheck(), {
      ...PLANNER,
      answers: { [REQUESTS]: requestsOf(request(change)) },
    });
    expect(await button()).toBeTruthy();
    expect(opinion.queryByText("Requested, waiting for a decision")).toBeNull();
  });
  it("that was not sent is there again after a reload", async () => {
    const { hands } = await judged(refusedCheck(), PLANNER);
    await hands.click(await button());
    await hands.type(within(await screen.findByRole("dialog")).getByLabelText(/Reason/), "A dam");
    cleanup();
    const again = await judged(refusedCheck(), PLANNER);
    await again.hands.click(await button());
    const dialog = within(await screen.findByRole("dialog"));
    expect(dialog.getByLabelText<HTMLTextAreaElement>(/Reason/).value).toBe("A dam");
    expect(dialog.getByText("What you had not saved is here again.")).toBeTruthy();
  });
});

describe("the opinion as a document", () => {
  let saved: { name: string; blob: Blob }[] = [];
  function saving() {
    saved = [];
    let last: Blob | null = null;
    vi.spyOn(URL, "createObjectURL").mockImplementation((blob) => {
      last = blob as Blob;
      return "blob:opinion";
    });
    vi.spyOn(HTMLElement.prototype, "click").mockImplementation(function (this: HTMLElement) {
      if (last) saved.push({ name: (this as HTMLAnchorElement).download, blob: last });
    });
  }
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it.each([
    ["PDF", "en", "application/pdf", /^compliance-opinion-\d{4}-\d\d-\d\d\.pdf$/],
    [
      "DOCX",
      "zh",
      "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
      /^合规审查意见-\d{4}-\d\d-\d\d\.docx$/,
    ],
  ] as const)("is saved as %s of the same question", async (name, lang, kind, called) => {
    saving();
    const { hands, sent } = await judged(checked(), {
      lang,
      answers: { "POST /compliance/opinion": new Response("bytes of it") },
    });
    await hands.click(await screen.findByRole("checkbox", { name: /^(Mining|采矿)$/ }));
    await hands.click(checkButton());
    await hands.click(await screen.findByRole("button", { name: new RegExp(name) }));
    await waitFor(() => expect(saved).toHaveLength(1));
    expect(saved[0]?.name).toMatch(called);
    expect(await saved[0]?.blob.text()).toBe("bytes of it");
    const asked = sent.find(({ path }) => path === "/compliance/opinion");
    expect(asked?.body).toEqual({ inputs: { geometry: SITE, activities: ["mining"] } });
    expect(asked?.headers.get("Accept")).toBe(kind);
    expect(asked?.query.get("lang")).toBe(lang);
  });
  it("that cannot be written says so, and can be tried again", async () => {
    saving();
    const { hands } = await judged(checked(), {
      answers: { "POST /compliance/opinion": refused(503, "PDF cannot be written here") },
    });
    const pdf = screen.getByRole("button", { name: "Opinion as PDF" });
    await hands.click(pdf);
    expect(await screen.findByText("PDF cannot be written here")).toBeTruthy();
    expect(saved).toEqual([]);
    expect(pdf.hasAttribute("disabled")).toBe(false);
  });
});
