/** What a project has effected: rasters, indicators and photos before and after. */

import { api, ask, type Schema } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { day, number } from "../../kit/format";
import { API } from "../../kit/page";
import { Table } from "../../kit/table";
import { unitName } from "../../kit/terms";
import { Empty, Found, Panel } from "../../kit/ui";
import { called, lang, t } from "../../kit/words";
import { nameOfMeasure } from "./measures";

export function Effect({
  code,
  measures,
}: {
  code: string;
  measures: readonly Schema<"Measure">[];
}) {
  const { asked, again } = useAsked(
    () => ask(api.GET("/projects/{project}/effect", { params: { path: { project: code } } })),
    [code],
  );
  return (
    <Found asked={asked} again={again}>
      {(effect) => (
        <>
          {effect.pictures && (
            <img
              class="pictures"
              src={effect.pictures}
              alt={t("实施前后对比", "Before and after")}
            />
          )}
          {effect.signs.length > 0 && (
            <Panel title={t("供核查的线索", "Signs to look at")}>
              <ul class="plain">
                {effect.signs.map((sign) => (
                  <li key={sign.code}>{called(sign, "text")}</li>
                ))}
              </ul>
            </Panel>
          )}
          {effect.indicators.length > 0 && <Changes changes={effect.indicators} />}
          {effect.photos.length > 0 && (
            <Panel title={t("前后照片", "Photos before and after")}>
              {effect.photos.map(({ measure, before, after }) => (
                <section key={measure ?? ""} class="inline">
                  {measure !== null && <h3>{nameOfMeasure(measures, measure)}</h3>}
                  {[before, after].map((photo) => (
                    <figure key={photo.code}>
                      <img class="pictures" src={photo.href} alt={photo.title} loading="lazy" />
                      <figcaption>
                        {photo.title} <small>{day(photo.on)}</small>
                      </figcaption>
                    </figure>
                  ))}
                </section>
              ))}
            </Panel>
          )}
          {effect.photos.length === 0 && !effect.pictures && effect.indicators.length === 0 && (
            <Empty>{t("还没有成效数据。", "Nothing is known of its effect yet.")}</Empty>
          )}
          <p>
            <a
              href={`${API}/projects/${encodeURIComponent(code)}/effect?f=html&lang=${lang.value}`}
            >
              {t("成效页面", "The page of its effect")}
            </a>
          </p>
        </>
      )}
    </Found>
  );
}

function Changes({ changes }: { changes: readonly Schema<"IndicatorChange">[] }) {
  return (
    <Table
      label={t("指标与监测", "Indicators and monitoring")}
      rows={changes}
      keyOf={({ of, code }) => `${of} ${code}`}
      columns={[
        { id: "name", title: t("指标", "Indicator"), cell: (one) => called(one) },
        {
          id: "before",
          title: t("之前", "Before"),
          numeric: true,
          cell: ({ before, before_on }) => `${number(before)} (${before_on})`,
        },
        {
          id: "after",
          title: t("之后", "After"),
          numeric: true,
          cell: ({ after, after_on }) => `${number(after)} (${after_on})`,
        },
        {
          id: "change",
          title: t("变化", "Change"),
          numeric: true,
          cell: ({ change }) => number(change),
        },
        { id: "unit", title: t("单位", "Unit"), cell: ({ unit }) => unitName(unit ?? "") },
      ]}
    />
  );
}
