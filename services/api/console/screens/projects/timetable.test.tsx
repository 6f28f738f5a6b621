import { describe, expect, it } from "vitest";
import type { Schema } from "../../kit/api";
import { open, refused, screen, serve, within } from "../../kit/testing";
import Projects from "./projects";
import { dossier } from "./testing";
import { barOf, Timetable } from "./timetable";

const scheduled = (
  project: string,
  start_year: number,
  end_year: number,
): Schema<"ScheduledProject"> => ({
  project,
  name: project,
  name_zh: `${project}项目`,
  name_en: `Project ${project}`,
  programme: null,
  programme_name: null,
  region: "xiamen",
  state: "implementation",
  state_name: "Implementation",
  start_year,
  end_year,
  href: `http://localhost:3000/projects/${project}`,
});
const timetable = (...projects: Schema<"ScheduledProject">[]): Schema<"PlanTimetable"> => ({
  plan: "xiamen-1",
  plan_name: "Plan",
  plan_name_zh: "规划",
  plan_name_en: "Plan",
  first_year: projects.length ? Math.min(...projects.map((one) => one.start_year)) : null,
  last_year: projects.length ? Math.max(...projects.map((one) => one.end_year)) : null,
  projects,
  links: [],
});

describe("the bar of a project", () => {
  it("counts each year whole", () =>
    // 2021 to 2030 of 2021 to 2035: ten years of fifteen.
    expect(barOf({ start_year: 2021, end_year: 2030 }, 2021, 2035)).toEqual({
      left: 0,
      width: (100 * 10) / 15,
    }));
  it("is a year wide for a year alone", () =>
    expect(barOf({ start_year: 2022, end_year: 2022 }, 2021, 2024)).toEqual({
      left: 25,
      width: 25,
    }));
  it("is cut to the years that are shown", () => {
    expect(barOf({ start_year: 2015, end_year: 2021 }, 2021, 2024)).toEqual({ left: 0, width: 25 });
    expect(barOf({ start_year: 2015, end_year: 2016 }, 2021, 2024).width).toBe(0);
    expect(barOf({ start_year: 2023, end_year: 2040 }, 2021, 2024)).toEqual({
      left: 50,
      width: 50,
    });
  });
  it("has no width after the years that are shown", () =>
    expect(barOf({ start_year: 2030, end_year: 2031 }, 2021, 2024).width).toBe(0));
});

describe("the timetable of a plan", () => {
  it("has a column for each year and a bar for each project", async () => {
    serve({
      "GET /plans/xiamen-1/timetable": timetable(
        scheduled("A", 2021, 2022),
        scheduled("B", 2022, 2024),
      ),
    });
    open(<Timetable plan="xiamen-1" />);
    const [, first, second] = await screen.findAllByRole("row");
    expect(first?.textContent).toBe("Project AImplementation2021–2022");
    const bar = within(second as HTMLElement).getByText("2022–2024");
    expect([bar.style.marginLeft, bar.style.width]).toEqual(["25%", "75%"]);
    const head = screen.getAllByRole("columnheader").at(-1);
    expect(head?.textContent).toBe("21222324");
  });
  it("leads to the card of a project", async () => {
    serve({
      "GET /plans/xiamen-1/timetable": timetable(scheduled("P1", 2021, 2022)),
      "GET /projects/P1": dossier(),
    });
    const hands = open(<Projects />, { query: "tab=timetable", lang: "zh" });
    await hands.click(await screen.findByRole("link", { name: "P1项目" }));
    expect(await screen.findByRole("heading", { name: "下潭尾红树林" })).toBeTruthy();
  });
  it("says that a plan has no projects", async () => {
    serve({ "GET /plans/xiamen-1/timetable": timetable() });
    open(<Timetable plan="xiamen-1" />);
    expect(await screen.findByText("The plan has no projects yet.")).toBeTruthy();
    expect(screen.queryByRole("table")).toBeNull();
  });
  it("tells why it cannot be had", async () => {
    serve({ "GET /plans/xiamen-1/timetable": refused(404, "there is no plan 'xiamen-1'") });
    open(<Timetable plan="xiamen-1" />);
    expect((await screen.findByRole("alert")).textContent).toContain("there is no plan");
  });
});
