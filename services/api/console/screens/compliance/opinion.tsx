/** The verdict with its reasons, what lies where, the rules with their basis; and what follows. */

import { useSignal } from "@preact/signals";
import { type Fault, faultOf, send, write } from "../../kit/api";
import { told } from "../../kit/asked";
import type { Values } from "../../kit/features";
import { Fields } from "../../kit/form";
import { fixed, today } from "../../kit/format";
import { API } from "../../kit/page";
import { region } from "../../kit/place";
import { account, holds, may } from "../../kit/session";
import { attempt, Badge, Button, Dialog, Empty, FaultBox, Panel, tell } from "../../kit/ui";
import { called, lang, t } from "../../kit/words";
import { type Asked, type Check, type Gap, type RuleHit, type Sized, TONES } from "./verdict";
import "./compliance.css";

/** Whether who is signed in may give exceptions: approvers alone, and a project may be of any of
 * their regions. */
function mayExcept(): boolean {
  const own = account.value?.roles.map((held) => held.region) ?? [];
  return (may("write") || may("projects")) && [null, ...own].some((of) => holds(["approver"], of));
}

export function Opinion({
  check,
  asked,
  onChanged,
}: {
  check: Check;
  asked: Asked;
  onChanged: () => void;
}) {
  const except = useSignal<{ rule: string } | { gap: string } | null>(null);
  const approver = mayExcept();
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
      <Overlaps check={check} />
      {check.hits.length > 0 && (
        <Panel title={t("适用规则", "Rules")}>
          <ul class="plain">
            {check.hits.map((hit) => (
              <Rule
                key={hit.rule + hit.place.name_zh + hit.activity_zh}
                hit={hit}
                onExcept={approver ? () => (except.value = { rule: hit.rule }) : null}
              />
            ))}
          </ul>
          {account.value && !approver && (
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
              <Unknown
                key={gap.code}
                gap={gap}
                onDecide={
                  approver && !gap.decided ? () => (except.value = { gap: gap.code }) : null
                }
              />
            ))}
          </ul>
        </Panel>
      )}
      {except.value && (
        <ExceptionForm
          about={except.value}
          asked={asked}
          onClose={(given) => {
            except.value = null;
            if (given) onChanged();
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

function Overlaps({ check }: { check: Check }) {
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

function Rule({ hit, onExcept }: { hit: RuleHit; onExcept: (() => void) | null }) {
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
        onExcept && <Button onClick={onExcept}>{t("批准例外", "Give an exception")}</Button>
      )}
    </li>
  );
}

function Unknown({ gap, onDecide }: { gap: Gap; onDecide: (() => void) | null }) {
  return (
    <li>
      <Badge tone={gap.decided ? "plain" : "warn"}>{called(gap, "reason")}</Badge>{" "}
      {called(gap, "text")}{" "}
      {onDecide && <Button onClick={onDecide}>{t("作出决定", "Decide")}</Button>}
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

function ExceptionForm({
  about,
  asked,
  onClose,
}: {
  about: { rule: string } | { gap: string };
  asked: Asked;
  onClose: (given: boolean) => void;
}) {
  const values = useSignal<Values>({ valid_from: today() });
  const place = asked.project
    ? { project: asked.project }
    : { geometry: asked.geometry, region: region.value };
  const key = useSignal(crypto.randomUUID());
  const busy = useSignal(false);
  const fault = useSignal<Fault | null>(null);
  const give = async () => {
    const sent = { ...about, ...place, ...values.value };
    busy.value = true;
    fault.value = null;
    try {
      await write("POST", "/compliance/exceptions", sent, { "Idempotency-Key": key.value });
      tell(t("已批准例外", "The exception is given"));
      onClose(true);
    } catch (error) {
      const refused = told(error);
      fault.value = refused;
      // What was refused is another request when it is sent again; what had no answer is the same.
      if (refused.status) key.value = crypto.randomUUID();
    }
    busy.value = false;
  };
  return (
    <Dialog title={t("批准例外", "Give an exception")} onClose={() => onClose(false)}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          give();
        }}
      >
        <Fields
          values={values}
          required={["reason"]}
          wrong={fault.value?.at ?? []}
          members={{
            reason: { title: t("理由", "Reason"), type: "string", maxLength: 2000 },
            document: {
              title: t("批准文件", "Document of the decision"),
              type: "string",
              maxLength: 300,
            },
            valid_from: { title: t("起始日", "First day"), type: "string", format: "date" },
            valid_to: {
              title: t("终止日次日", "Day after the last"),
              type: "string",
              format: "date",
            },
          }}
        />
        <FaultBox fault={fault.value} />
        <Button kind="main" submits busy={busy.value}>
          {t("批准", "Give")}
        </Button>
      </form>
    </Dialog>
  );
}
