/** A bureau whose clocks change twice a year, seen by a browser of another zone. */

import { describe, expect, it, vi } from "vitest";

vi.hoisted(() => {
  document.documentElement.dataset.zone = "Europe/Berlin";
});

import { keyBody } from "../screens/results/keys";
import { timeLabel } from "./chart";
import { day, instant, moment, today } from "./format";
import { lang } from "./words";

describe("clocks of the bureau", () => {
  it.each([
    ["2026-01-15T12:00", "2026-01-15T11:00:00.000Z"],
    ["2026-07-15T12:00", "2026-07-15T10:00:00.000Z"],
    // They go on from 02:00 to 03:00 on 29 March, at 01:00 UTC.
    ["2026-03-29T01:59:59", "2026-03-29T00:59:59.000Z"],
    ["2026-03-29T03:00", "2026-03-29T01:00:00.000Z"],
    ["2026-10-25T03:30", "2026-10-25T02:30:00.000Z"],
  ])("show %s at %s", (shown, at) => expect(instant(shown)).toBe(at));

  it.each(["2026-03-28T23:30", "2026-03-29T06:00", "2026-10-24T23:59", "2026-12-31T23:59"])(
    "show %s again when they are asked",
    (shown) => expect(moment(instant(shown))).toBe(shown.replace("T", " ")),
  );

  it("begin a day before the browser's do", () => {
    lang.value = "en";
    expect(today(new Date("2026-06-30T22:00:00Z"))).toBe("2026-07-01");
    expect(day("2026-06-30T22:00:00Z")).toBe("1 Jul 2026");
  });

  it("leave a day without a time as it is", () => {
    lang.value = "en";
    expect(day("2026-07-01")).toBe("1 Jul 2026");
  });

  it("label the axes of charts", () =>
    expect(timeLabel(Date.parse("2026-07-15T10:00:00Z") / 1000, 3600)).toBe("12:00"));

  it("end a key with its day, in summer as in winter", () => {
    const ends = (expires_at: string) => keyBody({ name: "k", expires_at }).expires_at;
    expect(ends("2026-07-01")).toBe("2026-07-01T21:59:59.000Z");
    expect(ends("2026-12-01")).toBe("2026-12-01T22:59:59.000Z");
  });
});
