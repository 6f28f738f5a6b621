/** The verdict with its reasons, what lies where, the rules with their basis; and what follows. */

import { useSignal } from "@preact/signals";
import { faultOf, read, send } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { Making } from "../../kit/editing";
import { address, type Feature, type PropertySchema, type Values } from "../../kit/features";
import { fixed, today } from "../../kit/format";
import { pointWithin } from "../../kit/map/shapes";
import { API } from "../../kit/page";
import { liesIn, region, regionName } from "../../kit/place";
import { account, holds } from "../../kit/session";
import { attempt, Badge, Button, Dialog, Empty, Found, Panel, tell } from "../../kit/ui";
import { called, lang, t } from "../../kit/words";
import { DOCUMENT, isAbout, mayExcept, mayRequest, REQUESTS, useWaitingFor } from "./requests";
import {
  type Asked,
  type Check,
  type Gap,
  type LineHit,
  type RuleHit,
  type Sized,
  TONES,
  type ZoneHit,
} from "./verdict";
import "./compliance.css";

/** An overlap that is looked at on the map. */
export type Overlap = LineHit["areas"][number] | ZoneHit;

export function Opinion({
  check,
  asked,
  looked,
  onLook,
  onChanged,
}: {
  check: Check;
  asked: Asked;
  looked: Overlap | null;
  onLook: (overlap: Overlap | null) => void;
  onChanged: () => void;
}) {
  const except = useSignal<{ rule: string } | { gap: string } | null>(null);
  const approver = mayExcept();
  const planner = !approver && mayRequest();
  const { asked: waiting, again } = useWaitingFor(check);
  const place = useAsked(
    (signal) => regionsOf(asked, signal),
    [asked, approver || planner ? check : null],
  );
  /** What can be done about a rule or gap, unless somebody decides about it already. */
  const about = (what: { rule: string } | { gap: string }): About => ({
    requested: waiting.value.data?.some((one) => isAbout(one, what, asked)) ?? false,
    except: approver || planner ? () => (except.value = what) : null,
    approver,
  });
  return (
    <section class="opinion" aria-label={t("审查意见", "Opinion")} aria-live="polite">
      <h2>
        {t("结论", "Verdict")} <Badge tone={TONES[check.verdict]}>{called(check, "verdict")}</Badge>
      </h2>
      <p>
        <Size item={check.geometry} />
      </p>
      <ul class="reasons">
        {check.reasons.map((reason) => (
          <li key={reason.zh}>{reason[lang.value]}</li>
        ))}
      </ul>
      <Files asked={asked} />
      <Overlaps check={check} looked={looked} onLook={onLook} />
      {check.hits.length > 0 && (
        <Panel title={t("适用规则", "Rules")}>
          <ul class="plain">
            {check.hits.map((hit) => (
              <Rule
                key={hit.rule + hit.place.name_zh + hit.activity_zh}
                hit={hit}
                about={about({ rule: hit.rule })}
              />
            ))}
          </ul>
          {account.value && !approver && !planner && (
            <p class="hint">
              {t(
                "例外由该区域的审批人批准，可将意见书交其审定。",
                "An approver of the region gives exceptions: hand them the opinion.",
              )}
            </p>
          )}
        </Panel>
      )}
      {check.gaps.length > 0 && (
        <Panel title={t("尚不清楚", "Not known")}>
          <ul class="plain">
            {check.gaps.map((gap) => (
              <Unknown key={gap.code} gap={gap} about={about({ gap: gap.code })} />
            ))}
          </ul>
        </Panel>
      )}
      {except.value && (
        <ExceptionForm
          about={except.value}
          check={check}
          asked={asked}
          place={place}
          requested={!approver}
          onClose={(sent) => {
            except.value = null;
            if (!sent) return;
            if (approver) onChanged();
            else again();
          }}
        />
      )}
    </section>
  );
}

/** Areas in hectares, square kilometres and mu; lines in metres. */
function Size({ item }: { item: Sized }) {
  if (item.area_m2 === undefined) {
    return <>{item.length_m === undefined ? "" : `${fixed(item.length_m, 1)} m`}</>;
  }
  return (
    <>
      {fixed(item.area_ha, 4)} {t("公顷", "ha")} · {fixed(item.area_km2, 6)} {t("平方公里", "km²")}{" "}
      · {fixed(item.area_mu, 3)} {t("亩", "mu")}
    </>
  );
}

interface Looking {
  looked: Overlap | null;
  onLook: (overlap: Overlap | null) => void;
}

/** Show an overlap alone on the map, or all of them again. */
function Look({ overlap, looked, onLook }: Looking & { overlap: Overlap }) {
  if (!overlap.geometry) return null;
  const now = looked === overlap;
  return (
    <Button
      aria-pressed={now}
      aria-label={t(`在图上看：${called(overlap)}`, `Show on the map: ${called(overlap)}`)}
      onClick={() => onLook(now ? null : overlap)}
    >
      {t("在图上看", "Show on the map")}
    </Button>
  );
}

function Overlaps({ check, ...looking }: { check: Check } & Looking) {
  return (
    <Panel title={t("与管控线和分区的重叠", "Overlaps with lines and zones")}>
      {!check.lines.length && !check.zones.length && (
        <Empty>
          {t("不与已绘制的管控线和分区重叠。", "It overlaps no line and no zone that is drawn.")}
        </Empty>
      )}
      <ul class="plain">
        {check.lines.map((line) => (
          <li key={line.kind}>
            <strong>{called(line)}</strong> <Share item={line} />
            <br />
            <small>
              <Size item={line} />
            </small>
            <ul>
              {line.areas.map((area) => (
                <li key={area.code}>
                  <a
                    href={`${API}/collections/control_areas/items/${encodeURIComponent(area.code)}?f=html`}
                  >
                    {called(area)}
                  </a>{" "}
                  {called(area, "level")} <small>{area.legal_basis}</small>
                  <Look overlap={area} {...looking} />
                </li>
              ))}
            </ul>
          </li>
        ))}
        {check.zones.map((zone) => (
          <li key={zone.scheme + zone.class}>
            <span class="swatch" style={{ background: zone.color }} />{" "}
            <strong>{called(zone)}</strong> <Share item={zone} />
            <br />
            <small>
              <Size item={zone} />
            </small>
            <p>{called(zone, "requirement")}</p>
            <Look overlap={zone} {...looking} />
          </li>
        ))}
      </ul>
    </Panel>
  );
}

const Share = ({ item }: { item: Sized }) =>
  item.share_percent === undefined || item.share_percent === null ? null : (
    <Badge>{fixed(item.share_percent, 2)}%</Badge>
  );

interface About {
  /** A request for it waits. */
  requested: boolean;
  except: (() => void) | null;
  approver: boolean;
}

/** Where a request waits it says so; an approver may decide there without it. */
function Excepting({ about, words }: { about: About; words: string }) {
  return (
    <>
      {about.requested && (
        <Badge tone="info">{t("已申请，待批准", "Requested, waiting for a decision")}</Badge>
      )}{" "}
      {about.except && !(about.requested && !about.approver) && (
        <Button onClick={about.except}>
          {about.approver ? words : t("申请例外", "Request an exception")}
        </Button>
      )}
    </>
  );
}

function Rule({ hit, about }: { hit: RuleHit; about: About }) {
  const tone = { high: "bad", medium: "warn", low: "info", info: "plain" } as const;
  return (
    <li>
      <Badge tone={hit.excepted ? "plain" : tone[hit.severity]}>{called(hit, "decision")}</Badge>{" "}
      <strong>{called(hit.place)}</strong> · {called(hit, "activity")}
      {hit.presumed && <small> {t("（推定）", "(presumed)")}</small>}
      {hit.conditions.length > 0 && (
        <ul>
          {hit.conditions.map((condition) => (
            <li key={condition.code}>
              {called(condition)}
              {!condition.judged && (
                <small> {t("（须人工判断）", "(for somebody to judge)")}</small>
              )}
            </li>
          ))}
        </ul>
      )}
      <p>
        <small>
          {hit.legal_basis} {called(hit, "text")}
          {hit.confirm && t("（待确认）", " (to be confirmed)")}
        </small>
      </p>
      {hit.excepted ? (
        <small>
          {t("已有例外", "Excepted by")} <code>{hit.exceptions.join(", ")}</code>
        </small>
      ) : (
        <Excepting about={about} words={t("批准例外", "Give an exception")} />
      )}
    </li>
  );
}

function Unknown({ gap, about }: { gap: Gap; about: About }) {
  return (
    <li>
      <Badge tone={gap.decided ? "plain" : "warn"}>{called(gap, "reason")}</Badge>{" "}
      {called(gap, "text")}{" "}
      {!gap.decided && <Excepting about={about} words={t("作出决定", "Decide")} />}
    </li>
  );
}

const FORMATS = [
  { f: "pdf", accept: "application/pdf", name: "PDF" },
  {
    f: "docx",
    accept: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    name: "DOCX",
  },
];

/** The opinion as a document, made by the service from a check of its own. */
function Files({ asked }: { asked: Asked }) {
  const busy = useSignal("");
  const fetchFile = (f: string, accept: string) =>
    attempt(async () => {
      busy.value = f;
      try {
        const answer = await send(`/compliance/opinion?f=${f}&lang=${lang.value}`, {
          method: "POST",
          headers: { "Content-Type": "application/json", Accept: accept },
          body: JSON.stringify({ inputs: asked }),
        });
        if (!answer.ok) throw await faultOf(answer);
        save(await answer.blob(), `${t("合规审查意见", "compliance-opinion")}-${today()}.${f}`);
      } finally {
        busy.value = "";
      }
    });
  return (
    <div class="actions">
      {FORMATS.map(({ f, accept, name }) => (
        <Button key={f} busy={busy.value === f} onClick={() => fetchFile(f, accept)}>
          {t(`意见书 ${name}`, `Opinion as ${name}`)}
        </Button>
      ))}
    </div>
  );
}

/** Hand a file to whoever asked for it. */
function save(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** The regions that a place without a project lies in, the smallest first. */
async function regionsOf({ geometry, region: said }: Asked, signal: AbortSignal) {
  const at = geometry && pointWithin(geometry);
  if (!at) return [];
  const [lon, lat] = at.map((degrees) => degrees.toFixed(7));
  const { features } = await read<{ features: Feature[] }>(
    address("/identify", { lon, lat, tolerance_m: 0, collections: "regions" }),
    signal,
  );
  const codes = [...new Set([...features.map(({ id }) => id), ...(said ? [said] : [])])];
  const above = (code: string) => codes.filter((other) => liesIn(code, other)).length;
  return codes.toSorted((a, b) => above(b) - above(a));
}

function ExceptionForm({
  about,
  check,
  asked,
  place: { asked: found, again },
  requested,
  onClose,
}: {
  about: { rule: string } | { gap: string };
  check: Check;
  asked: Asked;
  /** The regions that the site lies in. */
  place: ReturnType<typeof useAsked<string[]>>;
  /** It is asked for only: an approver is to decide. */
  requested: boolean;
  onClose: (sent: boolean) => void;
}) {
  const role = requested ? "planner" : "approver";
  const gap = "gap" in about && check.gaps.find(({ code }) => code === about.gap);
  /** Who answers, unless somebody says otherwise: the region that one works on, if the site is there. */
  const presumed = (codes: readonly string[]) =>
    [gap ? gap.region : null, asked.region, region.value].find(
      (one) => one && codes.includes(one),
    ) ?? codes[0];
  const title = requested
    ? t("申请例外", "Request an exception")
    : t("批准例外", "Give an exception");
  const done = requested
    ? t("已提交申请，等待审批人决定", "The request is sent: an approver decides")
    : t("已批准例外", "The exception is given");
  const { document: decision, ...days } = EXCEPTION_MEMBERS();
  return (
    <Dialog title={title} onClose={() => onClose(false)}>
      <Found asked={found} again={again}>
        {(within) => {
          const codes = within.filter((code) => holds([role], code));
          if (!asked.project && !codes.length) return <NotTheirs regions={within} />;
          const answers: PropertySchema = {
            title: t("负责区域", "Region that answers"),
            type: "string",
            enum: codes,
            "x-enum-titles": Object.fromEntries(codes.map((code) => [code, regionName(code)])),
          };
          const subject = asked.project ? { project: asked.project } : { geometry: asked.geometry };
          return (
            <Making
              path={requested ? REQUESTS : "/compliance/exceptions"}
              draft={`exception.${check.geometry.sha256}.${Object.values(about)[0]}`}
              first={{
                valid_from: today(),
                ...(asked.project ? {} : { region: presumed(codes) }),
              }}
              kind={{
                members: {
                  reason: { title: t("理由", "Reason"), type: "string", maxLength: 2000 },
                  ...(asked.project ? {} : { region: answers }),
                  ...(requested ? {} : { document: decision }),
                  ...days,
                },
                required: ["reason", "region"],
                formOf: (read: Values) => read,
                bodyOf: (form) => ({ ...about, ...subject, ...form }),
                method: "PUT",
              }}
              save={requested ? t("提交申请", "Send the request") : t("批准", "Give")}
              onDone={() => {
                tell(done);
                onClose(true);
              }}
            />
          );
        }}
      </Found>
    </Dialog>
  );
}

/** What stands in place of the form for those whose roles are elsewhere. */
function NotTheirs({ regions }: { regions: readonly string[] }) {
  const names = regions.map(regionName);
  return (
    <Empty>
      {t(
        `您的角色不在该处所在区域（${names.join("、")}）。`,
        `Your roles are not in the region of this place (${names.join(", ")}).`,
      )}
    </Empty>
  );
}

const EXCEPTION_MEMBERS = () => ({
  document: DOCUMENT(),
  valid_from: { title: t("起始日", "First day"), type: "string", format: "date" },
  valid_to: { title: t("终止日次日", "Day after the last"), type: "string", format: "date" },
});
