/** A version on its way: whether it covers its region, and submit, approve and publish. */

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { api, ask, type Fault } from "../../kit/api";
import { told, useAsked } from "../../kit/asked";
import { changeFeature, readFeature, type Values } from "../../kit/features";
import { km2, percent } from "../../kit/format";
import { isStale } from "../../kit/held";
import type { MapPane } from "../../kit/map/engine";
import { may } from "../../kit/session";
import { Badge, Button, FaultBox, Field, Found, Panel, tell } from "../../kit/ui";
import { t } from "../../kit/words";
import { type Scheme, type Step, stateOf, stepsFrom } from "./schemes";

export function Lifecycle({
  scheme,
  pane,
  onChanged,
}: {
  scheme: Scheme;
  pane: MapPane | null;
  onChanged: () => void;
}) {
  const { code, version, status } = scheme.properties;
  // What is decided on is what was looked at: the zones are read anew after the tag, not before it.
  const looked = useRef<Promise<string | null>>(undefined);
  const { again } = useAsked(() => {
    const read = readFeature("zone_schemes", code, undefined, { version });
    looked.current = read.then(({ etag }) => {
      onChanged();
      return etag;
    });
    return looked.current;
  }, [code, version]);
  const busy = useSignal(false);
  const fault = useSignal<Fault | null>(null);
  const from = useSignal("");
  const reason = useSignal(scheme.properties.gap_reason ?? "");
  const steps = may("write") ? stepsFrom(scheme) : [];
  const publishing = steps.some(({ to }) => to === "published");
  const take = async ({ to }: Step) => {
    busy.value = true;
    fault.value = null;
    try {
      const properties: Values = { status: to };
      if (to === "published" && from.value) properties.valid_from = from.value;
      if (to === "published" && reason.value) properties.gap_reason = reason.value;
      const etag = (await looked.current) ?? null;
      await changeFeature("zone_schemes", code, { properties }, etag, { version });
      tell(t(`第 ${version} 版：${stateOf(to).word}`, `Version ${version}: ${stateOf(to).word}`));
      again();
    } catch (error) {
      fault.value = told(error);
      if (isStale(error)) again();
    }
    busy.value = false;
  };
  const { word, tone } = stateOf(status);
  return (
    <>
      <Panel title={t("状态", "State")} actions={<Badge tone={tone}>{word}</Badge>}>
        {publishing && (
          <>
            <Field
              label={t("生效日期", "Valid from")}
              hint={t("不填为今天", "today where it is left empty")}
            >
              <input
                type="date"
                value={from.value}
                onInput={({ currentTarget }) => {
                  from.value = currentTarget.value;
                }}
              />
            </Field>
            <Field
              label={t("空缺说明", "Reason for gaps")}
              hint={t(
                "未覆盖区域超过 0.5% 时必填",
                "needed where more than 0.5 % of the region is uncovered",
              )}
            >
              <textarea
                rows={2}
                value={reason.value}
                onInput={({ currentTarget }) => {
                  reason.value = currentTarget.value;
                }}
              />
            </Field>
          </>
        )}
        <div class="actions">
          {steps.map((step) => (
            <Button key={step.to} kind={step.kind} busy={busy.value} onClick={() => take(step)}>
              {step.label}
            </Button>
          ))}
        </div>
        {!steps.length && (
          <p class="hint">{t("没有您可以办理的步骤。", "There is no step for you to take.")}</p>
        )}
        <FaultBox fault={fault.value} />
      </Panel>
      <Coverage scheme={scheme} pane={pane} />
    </>
  );
}

function Coverage({ scheme, pane }: { scheme: Scheme; pane: MapPane | null }) {
  const { code, version } = scheme.properties;
  const { asked, again } = useAsked(
    () =>
      ask(
        api.GET("/zone-schemes/{code}/topology", {
          params: { path: { code }, query: { version } },
        }),
      ),
    [code, version],
  );
  return (
    <Panel
      title={t("覆盖检查", "Coverage")}
      actions={<Button onClick={again}>{t("重新检查", "Check again")}</Button>}
    >
      <Found asked={asked} again={again}>
        {(found) => (
          <>
            <p>
              {found.valid ? (
                <Badge tone="good">{t("无空缺、无重叠", "no gap, no overlap")}</Badge>
              ) : (
                <Badge tone="warn">{t("有空缺或重叠", "gaps or overlaps")}</Badge>
              )}
            </p>
            <dl class="facts">
              <dt>{t("分区数", "Zones")}</dt>
              <dd>{found.zones}</dd>
              <dt>{t("分区面积", "Area of the zones")}</dt>
              <dd>{km2(found.zones_area_km2)}</dd>
              <dt>{t("重叠", "Overlaps")}</dt>
              <dd>{km2(found.overlap_area_km2, 4)}</dd>
              <dt>{t("空缺", "Gaps")}</dt>
              <dd>
                {km2(found.gap_area_km2, 4)}
                {found.gap_percent !== null && ` · ${percent(found.gap_percent / 100, 2)}`}
              </dd>
            </dl>
            <ul class="plain">
              {found.gaps.slice(0, 8).map(({ area_km2, point }) => (
                <li key={point.join()}>
                  <button
                    type="button"
                    class="link"
                    onClick={() => {
                      const [lon = 0, lat = 0] = point;
                      pane?.fit([lon, lat, lon, lat]);
                    }}
                  >
                    {t("空缺", "Gap")} {km2(area_km2, 4)}
                  </button>
                </li>
              ))}
            </ul>
          </>
        )}
      </Found>
    </Panel>
  );
}
