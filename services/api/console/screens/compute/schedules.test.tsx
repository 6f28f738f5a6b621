import { describe, expect, it } from "vitest";
import type { Schema } from "../../kit/api";
import {
  type Answer,
  cleanup,
  open,
  refused,
  type Sent,
  screen,
  serve,
  waitFor,
  withHeaders,
  within,
} from "../../kit/testing";
import { Notices } from "../../kit/ui";
import { contentsOf, timingOf, timingSent, USUAL } from "./schedule_form";
import { Schedules } from "./schedules";

type Schedule = Schema<"Schedule">;
const ANALYST = { scopes: ["read", "jobs"] as const };
const NIGHTLY: Schedule = {
  code: "nightly",
  name_zh: "每夜评估",
  name_en: "Nightly",
  process: "echo",
  inputs: { message: "hello" },
  cron: "30 2 * * *",
  every_s: null,
  starts_at: "2024-05-01T00:00:00Z",
  timezone: "Asia/Shanghai",
  priority: "normal",
  enabled: true,
  owner: "key:test",
  next_at: "2024-05-07T18:30:00Z",
  links: [],
};
const ECHO = {
  id: "echo",
  title: "Echo",
  description: "",
  inputs: {
    message: {
      title: "Message",
      description: "",
      schema: { type: "string", maxLength: 80 },
      minOccurs: 1,
    },
    pause: { title: "Pause", description: "", schema: { type: "number" }, minOccurs: 0 },
  },
  outputs: {},
};
const ASSESS = {
  ...ECHO,
  id: "assess-ecoservices",
  inputs: { cell_m: { ...ECHO.inputs.pause, title: "Cell, m" } },
};

const answers = (more: Record<string, Answer> = {}): Record<string, Answer> => ({
  "GET /processes": {
    processes: [
      { id: "echo", title: "Echo" },
      { id: "assess-ecoservices", title: "Assess" },
    ],
  },
  "GET /processes/echo": ECHO,
  "GET /processes/assess-ecoservices": ASSESS,
  "GET /schedules": { schedules: [NIGHTLY], links: [] },
  "GET /schedules/nightly": () => withHeaders(NIGHTLY, { ETag: '"7"' }),
  ...more,
});

async function opened(more: Record<string, Answer> = {}, lang: "zh" | "en" = "en") {
  const sent = serve(answers(more));
  const hands = open(
    <>
      <Schedules />
      <Notices />
    </>,
    { ...ANALYST, lang },
  );
  await screen.findByRole("button", { name: lang === "en" ? "New schedule" : "新建定时计算" });
  return { sent, hands };
}

const write = (sent: Awaited<ReturnType<typeof opened>>["sent"]) =>
  sent.filter(({ method }) => method !== "GET").at(-1);

describe("when a schedule is due", () => {
  it.each([
    ["each day", { rhythm: "day", at: "02:05" }, "5 2 * * *"],
    ["each week", { rhythm: "week", at: "23:00", weekday: "SUN" }, "0 23 * * SUN"],
    ["each month", { rhythm: "month", at: "00:30", day: 15 }, "30 0 15 * *"],
    [
      "by an expression",
      { rhythm: "cron", cron: " */10 8-18 * * MON-FRI " },
      "*/10 8-18 * * MON-FRI",
    ],
  ] as const)("%s is sent as an expression", (_, timing, cron) => {
    expect(timingSent({ ...USUAL, ...timing })).toEqual({ cron, every_s: null });
  });

  it("every so many hours is sent in whole seconds", () => {
    expect(timingSent({ ...USUAL, rhythm: "every", hours: 1.5 })).toEqual({
      cron: null,
      every_s: 5400,
    });
  });

  it.each([
    "5 2 * * *",
    "0 23 * * SUN",
    "30 0 15 * *",
    "*/10 8-18 * * MON-FRI",
    "0 2 1 * MON",
    "0 2 * * MON-FRI",
  ])("%s is shown and sent back as it was", (cron) => {
    expect(timingSent(timingOf({ cron, every_s: null }))).toEqual({ cron, every_s: null });
  });

  it("plain days, weeks and months are told in words, all else as it is written", () => {
    expect(timingOf({ cron: "5 2 * * *", every_s: null })).toMatchObject({
      rhythm: "day",
      at: "02:05",
    });
    expect(timingOf({ cron: "0 9 * * WED", every_s: null })).toMatchObject({
      rhythm: "week",
      weekday: "WED",
    });
    expect(timingOf({ cron: "0 9 3 * *", every_s: null })).toMatchObject({
      rhythm: "month",
      day: 3,
    });
    expect(timingOf({ cron: "0 9 3 * MON", every_s: null }).rhythm).toBe("cron");
    expect(timingOf({ cron: null, every_s: 7200 })).toMatchObject({ rhythm: "every", hours: 2 });
  });
});

it("what is sent back of a schedule is what may be changed", () => {
  expect(Object.keys(contentsOf(NIGHTLY)).sort()).toEqual([
    "cron",
    "enabled",
    "every_s",
    "inputs",
    "name_en",
    "name_zh",
    "priority",
    "process",
    "starts_at",
    "timezone",
  ]);
});

describe("schedules there are", () => {
  it("are listed by name, with their process, state and next time", async () => {
    await opened();
    const table = await screen.findByRole("region", { name: "Schedules" });
    await waitFor(() => expect(within(table).getByText("Echo")).toBeTruthy());
    expect(within(table).getByText("Nightly")).toBeTruthy();
    expect(within(table).getByText("on")).toBeTruthy();
    expect(within(table).getByText(/2024-05-08 02:30/)).toBeTruthy();
  });

  it("are paused in the state in which they were seen", async () => {
    const { sent, hands } = await opened({ "PUT /schedules/nightly": NIGHTLY });
    await hands.click(await screen.findByRole("button", { name: "Pause" }));
    await waitFor(() => expect(write(sent)?.method).toBe("PUT"));
    expect(write(sent)?.headers.get("If-Match")).toBe('"7"');
    expect(write(sent)?.body).toEqual({ ...contentsOf(NIGHTLY), enabled: false });
  });

  it("are paused with what somebody else has changed since they were listed", async () => {
    const theirs = { ...NIGHTLY, cron: "0 4 * * *" };
    const { sent, hands } = await opened({
      "GET /schedules/nightly": () => withHeaders(theirs, { ETag: '"8"' }),
      "PUT /schedules/nightly": theirs,
    });
    await hands.click(await screen.findByRole("button", { name: "Pause" }));
    await waitFor(() => expect(write(sent)?.method).toBe("PUT"));
    expect(write(sent)?.headers.get("If-Match")).toBe('"8"');
    expect(write(sent)?.body).toEqual({ ...contentsOf(theirs), enabled: false });
  });

  it("are ended", async () => {
    const { sent, hands } = await opened({ "DELETE /schedules/nightly": null });
    await hands.click(await screen.findByRole("button", { name: "End" }));
    // What is clicked on in the dialog is not meant for the row that it stands in.
    await hands.click(await screen.findByText(/computes nothing more/));
    await hands.click(await screen.findByRole("button", { name: "Confirm" }));
    expect(await screen.findByText("Ended")).toBeTruthy();
    expect(write(sent)).toMatchObject({ method: "DELETE", path: "/schedules/nightly" });
    expect(sent.filter(({ path }) => path.endsWith("/runs"))).toEqual([]);
  });

  it("that somebody else changed are not overwritten", async () => {
    const { hands } = await opened({
      "PUT /schedules/nightly": refused(412, "it has changed since it was read"),
    });
    await hands.click(await screen.findByRole("button", { name: "Pause" }));
    expect(await screen.findByText("it has changed since it was read")).toBeTruthy();
  });

  it("tell the times they were due, with the job or why there is none", async () => {
    const { hands } = await opened({
      "GET /schedules/nightly/runs": {
        runs: [
          {
            due_at: "2024-05-05T18:30:00Z",
            at: "2024-05-05T18:30:01Z",
            missed: 0,
            job: "j9",
            status: "successful",
          },
          {
            due_at: "2024-05-04T18:30:00Z",
            at: "2024-05-04T18:30:01Z",
            missed: 0,
            exception: {
              title: "Too many jobs",
              detail: "wait until one has ended",
              class: "limit",
            },
          },
        ],
        links: [],
      },
    });
    await hands.click(await screen.findByRole("button", { name: "Nightly" }));
    const link = await screen.findByRole("link", { name: "Job" });
    expect(link.getAttribute("href")).toBe("/console/compute?job=j9");
    expect(screen.getByText(/wait until one has ended/)).toBeTruthy();
  });

  it("are none at first, in Chinese", async () => {
    await opened({ "GET /schedules": { schedules: [], links: [] } }, "zh");
    expect(await screen.findByText("还没有定时计算。")).toBeTruthy();
  });
});

describe("the form of a schedule", () => {
  /** Fill in what a new one needs. */
  async function filled(more: Record<string, Answer> = {}) {
    const made = await opened(more);
    await made.hands.click(screen.getByRole("button", { name: "New schedule" }));
    await made.hands.type(await screen.findByRole("textbox", { name: /^Code/ }), "weekly");
    await made.hands.type(screen.getByRole("textbox", { name: /^Name in Chinese/ }), "每周");
    await made.hands.selectOptions(screen.getByLabelText("How often"), "week");
    await made.hands.selectOptions(screen.getByLabelText("Day of the week"), "Friday");
    await waitFor(() => expect(screen.getByRole("option", { name: "Echo" })).toBeTruthy());
    await made.hands.selectOptions(screen.getByLabelText("Process"), "echo");
    await made.hands.type(await screen.findByRole("textbox", { name: /^Message/ }), "hi");
    return made;
  }

  it("makes a new one of the inputs of its process", async () => {
    const { sent, hands } = await filled({ "POST /schedules": NIGHTLY });
    await hands.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Saved")).toBeTruthy();
    expect(write(sent)).toMatchObject({ method: "POST", path: "/schedules" });
    expect(write(sent)?.body).toEqual({
      code: "weekly",
      name_zh: "每周",
      process: "echo",
      inputs: { message: "hi" },
      cron: "30 2 * * FRI",
      every_s: null,
    });
    expect(write(sent)?.headers.get("Idempotency-Key")).toBeTruthy();
    expect(await screen.findByRole("region", { name: "Schedules" })).toBeTruthy();
  });

  it("begins with the place that one works on", async () => {
    const inputs = { region: { ...ECHO.inputs.message, title: "Region" } };
    const { sent, hands } = await opened({
      "POST /schedules": NIGHTLY,
      "GET /processes/assess-ecoservices": { ...ASSESS, inputs },
    });
    await hands.click(screen.getByRole("button", { name: "New schedule" }));
    await hands.type(await screen.findByRole("textbox", { name: /^Code/ }), "daily");
    await hands.type(screen.getByRole("textbox", { name: /^Name in Chinese/ }), "每日");
    const here = (await screen.findByLabelText(/^Region/)) as HTMLSelectElement;
    expect(here.value).toBe("xiamen");
    await hands.click(screen.getByRole("button", { name: "Save" }));
    await screen.findByRole("region", { name: "Schedules" });
    expect(write(sent)?.body).toMatchObject({ inputs: { region: "xiamen" }, cron: "30 2 * * *" });
  });

  it("tells what was refused at its field, and sends what was mended as another request", async () => {
    const { sent, hands } = await filled({
      "POST /schedules": refused(
        400,
        "/code: is in use; /cron: comes too often; /inputs/message: is too long",
        [
          { pointer: "/code", detail: "is in use" },
          { pointer: "/cron", detail: "comes too often" },
          { pointer: "/inputs/message", detail: "is too long" },
        ],
      ),
    });
    const save = screen.getByRole("button", { name: "Save" });
    await hands.click(save);
    expect(await screen.findByText("is in use")).toBeTruthy();
    expect(screen.getByText("comes too often")).toBeTruthy();
    expect(screen.getByText("is too long")).toBeTruthy();
    const whole = "Code: is in use; How often: comes too often; Message: is too long";
    expect(screen.getByText(whole)).toBeTruthy();
    expect(screen.getByRole("textbox", { name: /^Code/ }).getAttribute("aria-invalid")).toBe(
      "true",
    );
    await hands.click(save);
    const keys = () => sent.flatMap(({ headers }) => headers.get("Idempotency-Key") ?? []);
    await waitFor(() => expect(keys()).toHaveLength(2));
    expect(keys()[0]).not.toBe(keys()[1]);
  });

  it("is kept until it is sent or thrown away", async () => {
    const { hands } = await filled();
    open(<Schedules />, ANALYST);
    const [, again] = await screen.findAllByRole("button", { name: /New schedule|Save/ });
    await hands.click(again as HTMLElement);
    expect(await screen.findByText("What you had not saved is here again.")).toBeTruthy();
    expect(screen.getAllByDisplayValue("weekly").length).toBeGreaterThan(1);
  });

  it("changes one there is, in the state in which it was seen", async () => {
    const { sent, hands } = await opened({ "PUT /schedules/nightly": NIGHTLY });
    await hands.click(await screen.findByRole("button", { name: "Change" }));
    const time = (await screen.findByLabelText("At (Beijing time)")) as HTMLInputElement;
    expect(time.value).toBe("02:30");
    expect(screen.queryByRole("textbox", { name: /^Code/ })).toBeNull();
    const message = await screen.findByRole("textbox", { name: /^Message/ });
    expect((message as HTMLInputElement).value).toBe("hello");
    await hands.clear(message);
    await hands.type(message, "good night");
    await hands.selectOptions(screen.getByLabelText("How often"), "every");
    await hands.clear(screen.getByLabelText("Hours"));
    await hands.type(screen.getByLabelText("Hours"), "1.05");
    await hands.click(screen.getByRole("button", { name: "Save" }));
    await screen.findByRole("region", { name: "Schedules" });
    expect(write(sent)?.headers.get("If-Match")).toBe('"7"');
    expect(write(sent)?.body).toEqual({
      ...contentsOf(NIGHTLY),
      inputs: { message: "good night" },
      cron: null,
      every_s: 3780,
    });
  });

  it("loses nothing to somebody else's change", async () => {
    const { hands } = await opened({
      "PUT /schedules/nightly": refused(412, "it has changed since it was read"),
    });
    await hands.click(await screen.findByRole("button", { name: "Change" }));
    const name = await screen.findByRole("textbox", { name: /^Name in English/ });
    await hands.clear(name);
    await hands.type(name, "At night");
    await hands.click(screen.getByRole("button", { name: "Save" }));
    const form = name.closest("form") as HTMLFormElement;
    expect(await within(form).findByText("it has changed since it was read")).toBeTruthy();
    expect(screen.getByDisplayValue("At night")).toBeTruthy();
  });

  it("that was kept is saved over another's change only once that was seen", async () => {
    let now = { ...NIGHTLY };
    let tag = '"7"';
    const { sent, hands } = await opened({
      "GET /schedules/nightly": () => withHeaders(now, { ETag: tag }),
      "PUT /schedules/nightly": ({ headers }: Sent) =>
        headers.get("If-Match") === tag ? now : refused(412, "it has changed"),
    });
    await hands.click(await screen.findByRole("button", { name: "Change" }));
    const name = await screen.findByRole("textbox", { name: /^Name in English/ });
    await hands.type(name, " run");
    cleanup();
    now = { ...NIGHTLY, name_en: "Every night", cron: "0 4 * * *" };
    tag = '"8"';
    open(<Schedules />, ANALYST);
    await hands.click(await screen.findByRole("button", { name: "Change" }));
    await screen.findByText("What you had not saved is here again.");
    await hands.click(screen.getByRole("button", { name: "Save" }));
    const theirs = await screen.findByRole("radio", { name: "Name in English: theirs" });
    expect(theirs.parentElement?.textContent).toBe("Every night");
    await hands.click(screen.getByRole("button", { name: "Send again as chosen" }));
    await screen.findByRole("region", { name: "Schedules" });
    const puts = sent.filter(({ method }) => method === "PUT");
    expect(puts.map(({ headers }) => headers.get("If-Match"))).toEqual(['"7"', '"8"']);
    expect(puts[1]?.body).toEqual({ ...contentsOf(now), name_en: "Nightly run" });
  });

  it("is left without saving", async () => {
    const { sent, hands } = await opened();
    await hands.click(await screen.findByRole("button", { name: "Change" }));
    await hands.click(await screen.findByRole("button", { name: "Do not save" }));
    expect(await screen.findByRole("region", { name: "Schedules" })).toBeTruthy();
    expect(write(sent)).toBeUndefined();
  });
});
