/** The region and plan that one works on, kept in the address so that a link shows the same. */

import { computed, effect, signal } from "@preact/signals";
import { allFeatures, type Values } from "./features";
import { keep, recall } from "./kept";
import { called, t } from "./words";

export interface Place {
  code: string;
  properties: Values;
  /** Whether it is a region that is not drawn: no place can be told to lie in it. */
  undrawn?: true;
}

/** Regions that there is something to plan in, those with the most plans first. */
export const regions = signal<Place[]>([]);
export const plans = signal<Place[]>([]);

const given = new URLSearchParams(location.search);
/** Code of the region; empty until regions are known. */
export const region = signal(given.get("region") ?? recall<string>("region") ?? "");
/** Code of the plan; empty where the region has none. */
export const plan = signal(given.get("plan") ?? recall<string>("plan") ?? "");

/** Plans that are made for the region. */
export const plansHere = computed(() =>
  plans.value.filter(({ properties }) => properties.region === region.value),
);

/** What plans are called that are not in force. */
const NOT_IN_FORCE: Record<string, [zh: string, en: string]> = {
  draft: ["草案", "draft"],
  submitted: ["已上报", "submitted"],
  superseded: ["已被取代", "superseded"],
  withdrawn: ["已撤回", "withdrawn"],
};
const notInForce = ({ properties }: Place) => NOT_IN_FORCE[String(properties.status)];

/** What a plan is called; its editions have one name, and are told apart by number and state. */
export function planTitle(one: Place): string {
  const edition = Number(one.properties.edition ?? 1);
  const state = notInForce(one);
  const more = [
    ...(edition > 1 ? [t(`第 ${edition} 版`, `edition ${edition}`)] : []),
    ...(state ? [t(...state)] : []),
  ].join(t("，", ", "));
  return called(one.properties) + (more && t(`（${more}）`, ` (${more})`));
}

/** The plans of the region as choices. */
export const planChoices = () =>
  plansHere.value.map((one) => ({ value: one.code, label: planTitle(one) }));

/** What a region is called. */
export function regionName(code: string): string {
  const found = regions.value.find((one) => one.code === code);
  return found ? called(found.properties) : code;
}

/** The region that one works on and those below it, by their names. */
export const regionChoices = () =>
  regions.value
    .filter(({ code }) => code === region.value || code.startsWith(`${region.value}.`))
    .map(({ code, properties }) => ({ value: code, label: called(properties) || code }));

/** The region that one works on as a question must name it: only where it is not drawn. */
export const undrawnRegion = computed(() =>
  regions.value.find((one) => one.code === region.value)?.undrawn ? region.value : undefined,
);

/** Whether a region is another one, or lies below it. */
export function liesIn(code: unknown, above: string): boolean {
  for (let at = code; typeof at === "string"; at = parentOf(at)) if (at === above) return true;
  return false;
}

/** The region above another; of one that the console does not list, by its code. */
function parentOf(code: string): unknown {
  const found = regions.value.find((one) => one.code === code);
  return found ? found.properties.parent : /^(.+)\./.exec(code)?.[1];
}

/** CQL2 of what belongs to a region or to one below it; codes of those begin with its own. */
export function within(code: string): string {
  const quoted = code.replaceAll("'", "''");
  return `region = '${quoted}' OR region LIKE '${quoted}.%'`;
}

/** Go on with another region, and the newest of its special plans: those of restoration are such,
 * and have the indicators and projects. Where there is none, with the newest of all; of each with
 * one in force before drafts and former editions. */
export function chooseRegion(code: string): void {
  region.value = code;
  const special = plansHere.value.filter(({ properties }) => properties.kind === "special_plan");
  const newest = (some: readonly Place[]) =>
    some.findLast((one) => !notInForce(one)) ?? some.at(-1);
  plan.value = (newest(special) ?? newest(plansHere.value))?.code ?? "";
}

/** Ask the service which regions and plans there are. */
export async function openPlaces(): Promise<void> {
  const [found, planned] = await Promise.all([
    allFeatures("regions", { properties: "name_zh,name_en,level,parent" }),
    allFeatures("plans", { properties: "name_zh,name_en,region,kind,status,edition,valid_from" }),
  ]);
  const here = new Map<unknown, number>();
  for (const { properties } of planned)
    here.set(properties.region, (here.get(properties.region) ?? 0) + 1);
  const begins = ({ properties }: (typeof planned)[number]) => String(properties.valid_from ?? "");
  planned.sort((a, b) => begins(a).localeCompare(begins(b)));
  plans.value = planned.map(({ id, properties }) => ({ code: id, properties }));
  regions.value = found
    .filter(({ id, geometry }) => geometry || here.has(id))
    .map(({ id, geometry, properties }) => ({
      code: id,
      properties,
      ...(geometry ? {} : { undrawn: true as const }),
    }))
    .sort((a, b) => (here.get(b.code) ?? 0) - (here.get(a.code) ?? 0));
  const known = regions.value.some(({ code }) => code === region.value);
  if (!known) region.value = regions.value.find(({ code }) => here.has(code))?.code ?? "";
  if (!plansHere.value.some(({ code }) => code === plan.value)) chooseRegion(region.value);
}

effect(() => {
  if (!region.value) return;
  keep("region", region.value);
  keep("plan", plan.value);
});
