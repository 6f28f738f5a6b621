/** The screens and their addresses, in the order people work in. */

import { CONSOLE } from "./page";
import { t } from "./words";

export interface Screen {
  /** Last part of the address; empty for home. */
  id: string;
  title: () => string;
  /** What one does there, in one line. */
  job: () => string;
  /** Path of the picture beside the title, 24 units square. */
  icon: string;
}

export const SCREENS: readonly Screen[] = [
  {
    id: "",
    title: () => t("工作台", "Home"),
    job: () => t("今天要办的事", "What waits for you"),
    icon: "M4 11 12 4l8 7v9h-5v-6H9v6H4z",
  },
  {
    id: "map",
    title: () => t("一张图", "One map"),
    job: () => t("所有图层、查询与比较", "Every layer, what is where, and before and after"),
    icon: "M3 6l6-2 6 2 6-2v14l-6 2-6-2-6 2zM9 4v14M15 6v14",
  },
  {
    id: "zones",
    title: () => t("分区与格局", "Zones and patterns"),
    job: () => t("分区版本、调整与报批", "Versions of a zoning, their editing and approval"),
    icon: "M4 4h7v7H4zM13 4h7v4h-7zM13 10h7v10h-7zM4 13h7v7H4z",
  },
  {
    id: "digitise",
    title: () => t("廊道与要素", "Digitise"),
    job: () => t("补绘廊道、管控线与项目", "Draw corridors, lines, projects and problems"),
    icon: "M4 20l4-1L19 8l-3-3L5 16zM14 7l3 3",
  },
  {
    id: "compliance",
    title: () => t("合规审查", "Compliance"),
    job: () => t("画出或上传范围，得到结论", "Draw or drop a site, get the verdict"),
    icon: "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM9 12l2 2 4-4",
  },
  {
    id: "compute",
    title: () => t("计算中心", "Compute"),
    job: () => t("评估、分区、网络等计算", "Assessments, zoning, networks"),
    icon: "M6 4h12v16H6zM9 8h6M9 12h2M13 12h2M9 16h2M13 16h2",
  },
  {
    id: "scenarios",
    title: () => t("情景与选址", "Scenarios and sites"),
    job: () => t("比较情景，在预算内选址", "Compare scenarios, choose sites within a budget"),
    icon: "M4 18c4 0 4-12 8-12s4 12 8 12M4 20h16",
  },
  {
    id: "projects",
    title: () => t("项目与指标", "Projects and indicators"),
    job: () => t("项目库、指标与台账", "The register, the indicators, the ledgers"),
    icon: "M4 20V10h4v10M10 20V4h4v16M16 20v-8h4v8",
  },
  {
    id: "monitoring",
    title: () => t("监测预警", "Monitoring"),
    job: () => t("站点、预警与线索", "Stations, alerts and cases"),
    icon: "M3 12h4l3-7 4 14 3-7h4",
  },
  {
    id: "data",
    title: () => t("数据", "Data"),
    job: () => t("导入、检查与导出", "Import, check and export"),
    icon: "M4 7c0-2 16-2 16 0v10c0 2-16 2-16 0zM4 7c0 2 16 2 16 0M4 12c0 2 16 2 16 0",
  },
  {
    id: "results",
    title: () => t("成果与管理", "Results and administration"),
    job: () => t("图件、公报、账户与系统", "Sheets, bulletins, accounts and the system"),
    icon: "M6 3h9l4 4v14H6zM14 3v5h5M9 13h7M9 17h7",
  },
];

/** Address of a screen, with what it is to show. */
export function screenPath(id: string, query: Record<string, string | null | undefined> = {}) {
  const path = id ? `${CONSOLE}/${id}` : CONSOLE;
  const given = Object.entries(query).filter(([, value]) => value);
  const text = new URLSearchParams(given as [string, string][]).toString();
  return text ? `${path}?${text}` : path;
}
