import type { PodTemplateSpec } from './api/types-core-v1.ts';
import type { LabelSelector } from './api/types-meta-v1.ts';
import { translateTimestamp } from './duration.ts';
import type { KubeObject } from './kind.ts';
import type { TableCell, TableColumn } from './kind-definition.ts';
import { selectorFrom } from './selector.ts';

/** Parts of the tables of many kinds. */

export const NAME_COLUMN: TableColumn = {
  name: 'Name',
  type: 'string',
  format: 'name',
  priority: 0,
};

export const AGE_COLUMN: TableColumn = column('Age');

/** Containers and Images, with `-o wide`. */
export const CONTAINER_COLUMNS: readonly TableColumn[] = [
  column('Containers', 1),
  column('Images', 1),
];

/** Containers, Images and Selector, with `-o wide`. */
export const WORKLOAD_COLUMNS: readonly TableColumn[] = [
  ...CONTAINER_COLUMNS,
  column('Selector', 1),
];

export function column(name: string, priority = 0, type = 'string'): TableColumn {
  return { name, type, format: '', priority };
}

export function ageCell(object: KubeObject, now: number): string {
  return translateTimestamp(object.metadata.creationTimestamp, now);
}

/** The cells of `CONTAINER_COLUMNS`. */
export function containerCells(template: PodTemplateSpec | undefined): TableCell[] {
  const containers = template?.spec?.containers ?? [];
  return [
    containers.map(({ name }) => name).join(','),
    containers.map(({ image }) => image ?? '').join(','),
  ];
}

/** The cells of `WORKLOAD_COLUMNS`. */
export function workloadCells(
  template: PodTemplateSpec | undefined,
  selector: LabelSelector | undefined,
): TableCell[] {
  return [...containerCells(template), selectorText(selector) || '<none>'];
}

/**
 * A selector as in a query; empty for one that selects nothing or everything. Some selectors are
 * kept unchecked (a CronJob's): `<error>` for what is none.
 */
export function selectorText(selector: LabelSelector | undefined): string {
  try {
    return selectorFrom(selector).toString();
  } catch {
    return '<error>';
  }
}

/** A map as `a=1,b=2`, ordered by key. */
export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  const keys = Object.keys(labels ?? {}).sort();
  if (keys.length === 0) return '<none>';
  return keys.map(key => `${key}=${labels?.[key]}`).join(',');
}
