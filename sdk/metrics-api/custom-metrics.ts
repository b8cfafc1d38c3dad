import type { ObjectReference } from '../api/types-core-v1.ts';
import type { LabelSelector } from '../api/types-meta-v1.ts';

export const CUSTOM_METRICS_GROUP = 'custom.metrics.k8s.io';
/** Best first. */
export const CUSTOM_METRICS_VERSIONS = ['v1beta2', 'v1beta1'] as const;

export interface MetricValueList {
  kind: 'MetricValueList';
  apiVersion: string;
  metadata: object;
  items: MetricValue[];
}

/** A metric of one object. */
export interface MetricValue {
  describedObject: ObjectReference;
  /** In v1beta2. */
  metric?: { name: string; selector: LabelSelector | null };
  /** In v1beta1. */
  metricName?: string;
  selector?: LabelSelector | null;
  timestamp: string;
  /** Absent or 0: the value is one of that moment. */
  windowSeconds?: number;
  /** A quantity. */
  value: string;
}

export const EXTERNAL_METRICS_GROUP = 'external.metrics.k8s.io';
export const EXTERNAL_METRICS_VERSION = 'v1beta1';

export interface ExternalMetricValueList {
  kind: 'ExternalMetricValueList';
  apiVersion: string;
  metadata: object;
  items: ExternalMetricValue[];
}

/** One series of a metric that is no object's. */
export interface ExternalMetricValue {
  metricName: string;
  metricLabels: Record<string, string>;
  timestamp: string;
  window?: number;
  value: string;
}
