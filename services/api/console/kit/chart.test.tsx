import { render } from "preact";
import { act } from "preact/test-utils";
import { beforeEach, describe, expect, it } from "vitest";
import { aligned, Chart, timeLabel } from "./chart";
import { lang } from "./words";

const at = (hour: number) => new Date(Date.UTC(2026, 0, 1, hour)).toISOString();
const HOUR = 3600;

beforeEach(() => {
  document.body.innerHTML = "";
  lang.value = "en";
});

describe("lines on one axis of time", () => {
  it("have nothing where another line alone has a value", () => {
    const one = { title: "a", points: [{ time: at(0), value: 1 }] };
    const other = { title: "b", points: [{ time: at(1), value: 2 }] };
    const [times, first, second] = aligned([one, other], []);
    expect(times).toHaveLength(2);
    expect(first).toEqual([1, null]);
    expect(second).toEqual([null, 2]);
  });

  it("are broken where nothing came for too long", () => {
    const points = [0, 1, 5].map((hour) => ({ time: at(hour), value: hour }));
    const [times, values] = aligned([{ title: "a", points }], [], 1.5 * HOUR);
    expect(values).toEqual([0, 1, null, 5]);
    expect(times?.[2]).toBe(Date.parse(at(1)) / 1000 + 0.75 * HOUR);
  });

  it("are whole where no gap is known", () => {
    const points = [0, 9].map((hour) => ({ time: at(hour), value: hour }));
    expect(aligned([{ title: "a", points }], [])[1]).toEqual([0, 9]);
  });

  it("stand beside limits that hold all the time", () => {
    const points = [0, 1].map((hour) => ({ time: at(hour), value: hour }));
    const limit = { title: "red", value: 7, color: "#c81e1e" };
    expect(aligned([{ title: "a", points }], [limit])[2]).toEqual([7, 7]);
  });
});

describe("labels of time", () => {
  const noon = Date.parse("2026-03-05T04:00:00Z") / 1000;
  it("are clocks of the bureau where they stand close", () =>
    expect(timeLabel(noon, HOUR)).toBe("12:00"));
  it("are days further apart", () => expect(timeLabel(noon, 86_400)).toBe("03-05"));
  it("are months at last", () => expect(timeLabel(noon, 31 * 86_400)).toBe("2026-03"));
  it("say which day begins at midnight", () =>
    expect(timeLabel(noon - 12 * HOUR, HOUR)).toBe("03-05"));
});

it("the same is told by a table", () => {
  const box = document.createElement("div");
  document.body.append(box);
  const lines = [{ title: "Oxygen", points: [{ time: at(4), value: 7.25 }] }];
  act(() => render(<Chart label="Oxygen" unit="mg/L" lines={lines} />, box));
  expect(box.querySelector("[role=img]")?.getAttribute("aria-label")).toBe("Oxygen");
  expect(box.querySelector("tbody")?.textContent).toBe("2026-01-01 12:00Oxygen7.25");
  act(() => render(null, box));
});
